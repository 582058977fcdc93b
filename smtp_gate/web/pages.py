"""Every page that people see, as finished answers: template, words, language, status and the page's own headers.

Pages load nothing, run nothing and set no cookie. Their one style block is allowed by its hash, so that the
content security policy can forbid everything else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from smtp_gate.web.language import choose, load_words
from smtp_gate.web.location import location
from smtp_gate.web.notice import NOBODY, ControllerNotice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
RETRY_AFTER = "30"
"""Seconds after which a page that failed may be asked for again."""


class Pages:
    """Makes pages.

    Args:
        notices: the controllers; the first one's language is that of pages that belong to none.
    """

    def __init__(self, notices: Iterable[ControllerNotice]) -> None:
        environment = Environment(
            loader=PackageLoader("smtp_gate.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=False,
            auto_reload=False,
        )
        self._template = environment.get_template("page.html")
        style = environment.loader.get_source(environment, "style.css")[0] if environment.loader else ""
        self._style = " ".join(style.split())
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{b64encode(sha256(self._style.encode()).digest()).decode()}'; "
            "base-uri 'none'; frame-ancestors 'none'; form-action "
        )
        self._words = load_words()
        self._language = next((notice.language for notice in notices), "")

    def withdraw(self, accept: str, notice: ControllerNotice) -> Response:
        """The page with the one button."""
        return self._answer("withdraw", accept, notice)

    def withdrawn(self, accept: str, notice: ControllerNotice) -> Response:
        """It is done."""
        return self._answer("withdrawn", accept, notice)

    def not_stored(self, accept: str, notice: ControllerNotice) -> Response:
        """It is not done, with the button again; 503."""
        return self._answer("not_stored", accept, notice, status=503)

    def ask(self, accept: str, notice: ControllerNotice, vendor: str, host: str, action: str = "") -> Response:
        """Who would count the click, and a button to go on.

        Args:
            accept: value of Accept-Language.
            notice: of the controller that sends.
            vendor: its name as people write it; empty for a tracker nobody catalogued.
            host: of the address that the button leads to.
            action: where the button posts to, relative to the page; empty for the page itself.
        """
        return self._answer("ask", accept, notice, vendor=vendor, host=host, action=action)

    def missing(self, accept: str, status: int = 404) -> Response:
        """The same for every token that cannot be used and for every path that is none."""
        return self._answer("missing", accept, NOBODY, status=status)

    def trouble(self, accept: str) -> Response:
        """Something of ours failed; 503."""
        return self._answer("trouble", accept, NOBODY, status=503)

    def _answer(
        self,
        page: str,
        accept: str,
        notice: ControllerNotice,
        *,
        status: int = 200,
        vendor: str = "",
        host: str = "",
        action: str = "",
    ) -> Response:
        language = choose(accept, self._words, notice.language if notice.name else self._language)
        words = self._words[language][page]
        common = self._words[language]["common"]
        values = {
            "controller": notice.name or common["sender"],
            "vendor": vendor or common["somebody"].format(host=host),
            "host": host,
        }

        def fill(text: str) -> str:
            return text.format_map(values)

        body = self._template.render(
            page=page,
            language=language,
            words=words,
            common=common,
            fill=fill,
            lead=words["lead"] if notice.name or "lead_unknown" not in words else words["lead_unknown"],
            sender=notice.name,
            action=action,
            privacy_url=location(notice.privacy_url),
            contact=_contact(notice.contact),
            style=Markup(self._style),  # noqa: S704 - our own file, and its hash is in the policy
        )
        headers = {
            "Content-Language": language,
            # Chromium holds every redirect after a form's POST against form-action, and where a vendor's redirect
            # leads is what nobody knows: the page before it must allow all of the web.
            "Content-Security-Policy": self._policy + ("'self' http: https:" if page == "ask" else "'self'"),
            "Vary": "Accept-Language",
        }
        if status == 503:  # noqa: PLR2004 - RFC 9110 section 15.6.4
            headers["Retry-After"] = RETRY_AFTER
        return HTMLResponse(body, status, headers)


def _contact(contact: str) -> str | None:
    return f"mailto:{contact}" if _MAIL.fullmatch(contact) else location(contact)
