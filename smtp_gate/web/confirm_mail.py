"""The message in which a person confirms from their own mailbox: no tracker, and nothing personal but the link.

This module alone decides its form, how it leaves, and how many of them one person gets. It goes to the next hop
that all mail goes to.
"""

from __future__ import annotations

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from smtp_gate.config.translations import direction
from smtp_gate.limits import CONFIRM_MAIL_DEADLINE, MAX_CONFIRM_MAILS, MAX_CONFIRM_PEOPLE
from smtp_gate.model import Recipient, Sender

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from gettext import NullTranslations

    from smtp_gate.delivery.pool import Pool
    from smtp_gate.web.notice import ControllerNotice

DAY = 86_400


class Post(Protocol):
    """Takes a message away."""

    async def send(self, sender: Sender, recipient: Recipient, content: bytes) -> bool:
        """Whether the next hop took it."""
        ...


class HopPost:
    """Sends through the next hops.

    Args:
        pool: connections to them.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def send(self, sender: Sender, recipient: Recipient, content: bytes) -> bool:
        """Whether the next hop took it; nothing is tried again, the person can."""
        transaction = self._pool.begin(sender, len(content))
        if not (await transaction.rcpt(recipient)).accepted:
            await transaction.abort()
            return False
        deadline = asyncio.get_running_loop().time() + CONFIRM_MAIL_DEADLINE
        return (await transaction.data(content, deadline)).accepted


class Allowance:
    """Who got how many of these messages today, in this process."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, bytes], tuple[int, int]] = {}

    def take(self, controller: str, subject: bytes, now: datetime) -> bool:
        """Whether one more may be sent; it counts as sent then."""
        day = int(now.timestamp()) // DAY
        was, number = self._sent.pop((controller, subject), (day, 0))
        number = number if was == day else 0
        allowed = number < MAX_CONFIRM_MAILS
        self._sent[controller, subject] = day, number + allowed
        while len(self._sent) > MAX_CONFIRM_PEOPLE:
            del self._sent[next(iter(self._sent))]
        return allowed


class ConfirmMail:
    """Writes the message.

    Args:
        languages: translations by language.
    """

    def __init__(self, languages: Mapping[str, NullTranslations]) -> None:
        self._languages = languages
        loader = PackageLoader("smtp_gate.web")
        self._html = Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(
            "confirm_mail.html"
        )
        plain = Environment(loader=loader, autoescape=False, undefined=StrictUndefined)  # noqa: S701 - plain text
        self._text = plain.get_template("confirm_mail.txt")

    def write(self, language: str, notice: ControllerNotice, address: bytes, link: str, now: datetime) -> Letter:
        """The message to one person.

        Args:
            language: it is in.
            notice: the controller's, with the address that it sends from.
            address: the person's.
            link: to the page that confirms.
            now: its date.

        Raises:
            UnwritableAddress: when the address cannot stand in a header field.
        """
        words = self._languages[language].gettext
        told = {"language": language, "direction": direction(language), "link": link}
        name = {"controller": notice.name}
        marked = {"controller": Markup("<bdi>{}</bdi>").format(notice.name)}
        wide = not (address.isascii() and notice.mail_from.isascii())
        message = EmailMessage(policy=SMTPUTF8 if wide else SMTP)
        try:
            message["From"] = Address(notice.name, addr_spec=notice.mail_from)
            message["To"] = _address(address.decode())
        except (ValueError, MessageError, IndexError):
            raise UnwritableAddress from None
        message["Subject"] = words("Please confirm your choice")
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=notice.mail_from.rpartition("@")[2])
        # RFC 3834 section 5: no holiday notice answers it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            self._text.render(told, _=lambda sentence: words(sentence) % name), cte="quoted-printable"
        )
        message.add_alternative(
            # Our own words; what fills them is escaped.
            self._html.render(told, _=lambda sentence: Markup(words(sentence)) % marked),  # noqa: S704
            subtype="html",
            cte="quoted-printable",
        )
        message["Content-Language"] = language
        parameters = (b"BODY=8BITMIME",) if wide else ()
        sender = Sender(notice.mail_from.encode(), parameters, smtputf8=wide)
        return sender, Recipient(address), message.as_bytes()


Letter = tuple[Sender, Recipient, bytes]


class UnwritableAddress(Exception):  # noqa: N818 - a verdict
    """An address of the ledger that no header field can hold."""


def _address(text: str) -> Address:
    # The library parses a whole address only where it is ASCII.
    if text.isascii():
        return Address(addr_spec=text)
    name, _, domain = text.rpartition("@")
    return Address(username=name, domain=domain)
