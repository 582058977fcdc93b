"""Addresses of the gate for one mail and one person: what takes a tracker's place, and the person's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.tokens.kinds import AskToken, ConsentToken, LinkToken, OpeningToken, PixelToken, WithdrawToken
from smtp_gate.tokens.mask import masked
from smtp_gate.tokens.seal import Series, seal
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from smtp_gate.model import Finding, Purpose
    from smtp_gate.tokens.keyring import Keyring


class Mint:
    """Makes the addresses; the same finding for the same person gives the same address.

    Args:
        keyring: its newest key seals.
        public_url: where people reach the web part, such as ``https://preferences.acme.example``.
        controller: id of the controller whose consent counts; empty when the sender belongs to none.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`; None for a mail that several people share,
            which can hold nothing but ask pages.
        address: path of the only recipient; empty where nothing needs it.
    """

    __slots__ = ("_address", "_controller", "_keyring", "_public_url", "_series", "_subject")

    def __init__(
        self, keyring: Keyring, public_url: str, controller: str, subject: bytes | None, address: bytes = b""
    ) -> None:
        self._keyring = keyring
        self._public_url = public_url.rstrip("/")
        self._controller = controller
        self._subject = subject
        self._address = address
        # A newsletter's links are dozens, of one vendor mostly.
        self._series: dict[tuple[type[LinkToken | PixelToken], Purpose, str], Series] = {}

    def pixel(self, finding: Finding) -> str:
        """The address that takes the place of a pixel.

        Raises:
            ValueError: when the mail is nobody's.
        """
        return f"{self._public_url}/p/{self._tracked(PixelToken, finding)}"

    def opening(self) -> str:
        """The address of the gate's own pixel; the same in all mails to a person.

        Raises:
            ValueError: when the mail is nobody's.
        """
        return f"{self._public_url}/o/{seal(self._keyring, OpeningToken(self._controller, self._person()))}"

    def link(self, finding: Finding) -> str:
        """The address that takes the place of a tracked link.

        Raises:
            ValueError: when the mail is nobody's.
        """
        return f"{self._public_url}/l/{self._tracked(LinkToken, finding)}"

    def ask(self, finding: Finding) -> str:
        """The address of the page that asks before an opaque link is followed."""
        token = AskToken(self._controller, finding.vendor, finding.url)
        return f"{self._public_url}/a/{seal(self._keyring, token)}"

    def withdraw(self, address: bytes = b"") -> str:
        """The address of the withdrawal page.

        Args:
            address: the person's, of which the page shows a little; empty: it shows none.

        Raises:
            ValueError: when the mail is nobody's.
        """
        token = WithdrawToken(self._controller, self._person(), masked(address))
        return f"{self._public_url}/w/{seal(self._keyring, token)}"

    def consent(self, address: bytes) -> str:
        """The address of the page that asks one person for consent, whoever else the mail goes to.

        Args:
            address: the person's, ``local@domain``.
        """
        token = ConsentToken(self._controller, subject_of(self._keyring, address), address)
        return f"{self._public_url}/c/{seal(self._keyring, token)}"

    def invite(self) -> str:
        """The address of the page that asks the mail's only recipient for consent.

        Raises:
            ValueError: when the mail is nobody's.
        """
        if not self._address:
            raise ValueError("a mail that several people share holds nobody's question")
        return self.consent(self._address)

    def _tracked(self, kind: type[LinkToken | PixelToken], finding: Finding) -> str:
        name = (kind, finding.purposes, finding.vendor)
        series = self._series.get(name)
        if series is None:
            token = kind(self._controller, self._person(), finding.purposes, finding.vendor, "")
            series = self._series[name] = Series(self._keyring, token)
        return series.seal(finding.url)

    def _person(self) -> bytes:
        if self._subject is None:
            raise ValueError("a mail that several people share holds nobody's token")
        return self._subject
