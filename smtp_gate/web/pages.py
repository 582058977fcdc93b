"""Every page that people see, as finished answers: template, language, status and the page's own headers.

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

from smtp_gate.config.translations import direction, translations
from smtp_gate.web.language import choose
from smtp_gate.web.location import location
from smtp_gate.web.notice import NOBODY, ControllerNotice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
PAGES = ("withdraw", "withdrawn", "not_stored", "ask", "missing", "trouble", "busy")
"""Their names, which are those of their templates."""
RETRY_AFTER = {429: "60", 503: "30"}
"""Seconds after which a page may be asked for again, by status (RFC 6585 section 4, RFC 9110 section 15.6.4)."""


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
        self._templates = {name: environment.get_template(f"{name}.html") for name in PAGES}
        style = environment.loader.get_source(environment, "style.css")[0] if environment.loader else ""
        self._style = " ".join(style.split())
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{b64encode(sha256(self._style.encode()).digest()).decode()}'; "
            "base-uri 'none'; frame-ancestors 'none'; form-action "
        )
        self._translations = translations()
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
            vendor: its name as people write it; empty for a tracker nobody catalogued, which is called by its host.
            host: of the address that the button leads to.
            action: where the button posts to, relative to the page; empty for the page itself.
        """
        return self._answer("ask", accept, notice, vendor=vendor, host=host, action=action)

    def missing(self, accept: str, status: int = 404) -> Response:
        """The same for every token that cannot be used and for every path that is none."""
        return self._answer("missing", accept, NOBODY, status=status)

    def busy(self, accept: str) -> Response:
        """The same was asked too often; 429."""
        return self._answer("busy", accept, NOBODY, status=429)

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
        language = choose(accept, self._translations, notice.language if notice.name else self._language)
        gettext = self._translations[language].gettext
        values = {
            "controller": Markup("<bdi>{}</bdi>").format(notice.name),
            "vendor": Markup("<bdi>{}</bdi>").format(vendor or host),
            "host": Markup("<bdi>{}</bdi>").format(host),
        }

        def say(sentence: str) -> Markup:
            """A sentence in the page's language, with its places filled."""
            return Markup(gettext(sentence)) % values  # noqa: S704 - our own words; what fills them is escaped

        body = self._templates[page].render(
            _=say,
            language=language,
            direction=direction(language),
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
        if status in RETRY_AFTER:
            headers["Retry-After"] = RETRY_AFTER[status]
        return HTMLResponse(body, status, headers)


def _contact(contact: str) -> str | None:
    return f"mailto:{contact}" if _MAIL.fullmatch(contact) else location(contact)
