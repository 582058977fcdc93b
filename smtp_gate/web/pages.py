"""Every page that people see, as finished answers: template, language, status and the page's own headers.

Pages load nothing from elsewhere, run nothing and set no cookie. Their one style block is allowed by its hash, so
that the content security policy can forbid everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, DictLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from starlette.responses import HTMLResponse

from smtp_gate.config.translations import direction, translations
from smtp_gate.consent.event import names_of
from smtp_gate.model import NOTHING, Purpose
from smtp_gate.web.language import choose
from smtp_gate.web.location import location
from smtp_gate.web.notice import NOBODY, ControllerNotice
from smtp_gate.web.shown import Wording, wording_of
from smtp_gate.web.style import policy_of, style_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from gettext import NullTranslations

    from jinja2 import Template
    from starlette.responses import Response

    from smtp_gate.web.brand import Brand

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
PAGES = (
    "withdraw",
    "withdrawn",
    "preferences",
    "consent",
    "confirm",
    "saved",
    "not_stored",
    "ask",
    "missing",
    "trouble",
    "busy",
)
"""Their names, which are those of their templates."""
RETRY_AFTER = {429: "60", 503: "30"}
"""Seconds after which a page may be asked for again, by status (RFC 6585 section 4, RFC 9110 section 15.6.4)."""
ADDRESS = "{address}"
"""Stands for the masked address in a wording that is kept: one wording is one text, whoever read it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows beside its words; each page uses some of it.

    Attributes:
        masked: the address, masked; empty when it is not known.
        granted: what is granted now.
        asked: what is asked for.
        known: whether the ledger said what is granted.
        token: the person's withdrawal token, for the links between pages.
        seal: goes into a form whose answer may switch something on.
        again: whether an answer did not count and is asked for once more.
        mail: what became of a message to confirm: empty for none, ``sent``, ``often``, ``failed``, ``unable``.
        vendor: name of a tracker; empty for one nobody catalogued, which is called by its host.
        host: of the address that a button leads to.
        action: where a button posts to, relative to the page; empty for the page itself.
        agree: withdrawal token of the person who may agree to counted links; empty where nobody can be named.
    """

    masked: str = ""
    granted: Purpose = NOTHING
    asked: Purpose = NOTHING
    known: bool = True
    token: str = ""
    seal: str = ""
    again: bool = False
    mail: str = ""
    vendor: str = ""
    host: str = ""
    action: str = ""
    agree: str = ""

    def to_anybody(self) -> Shown:
        """Without what differs from person to person, or from one showing to the next."""
        masked = ADDRESS if self.masked else ""
        return replace(self, masked=masked, token="", seal="", again=False)


PLAIN = Shown()


class Pages:
    """Makes pages.

    Args:
        notices: the controllers; the first one's language is that of pages that belong to none.
        languages: translations by language; those of the gate when left out.
    """

    def __init__(
        self, notices: Iterable[ControllerNotice], languages: Mapping[str, NullTranslations] | None = None
    ) -> None:
        notices = list(notices)
        self._templates = {brand: _templates(brand) for brand in {None, *(notice.brand for notice in notices)}}
        self.languages = translations() if languages is None else languages
        self._language = next((notice.language for notice in notices), "")
        self._wordings: dict[tuple[str, str, ControllerNotice, Shown], Wording] = {}

    def language(self, accept: str, notice: ControllerNotice) -> str:
        """The language that a page speaks to a browser."""
        return choose(accept, self.languages, notice.language if notice.name else self._language)

    def withdraw(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """The page with the one button, and one for each purpose."""
        return self._answer("withdraw", accept, notice, shown)

    def withdrawn(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """It is done."""
        return self._answer("withdrawn", accept, notice, shown)

    def preferences(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """All purposes, and three equal buttons."""
        return self._answer("preferences", accept, notice, shown)

    def consent(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """The question, with three equal buttons."""
        return self._answer("consent", accept, notice, shown)

    def confirm(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """The one button behind the link of a message to confirm."""
        return self._answer("confirm", accept, notice, shown)

    def saved(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """What holds now, and what became of a message to confirm; 503 when that could not be sent."""
        return self._answer("saved", accept, notice, shown, 503 if shown.mail == "failed" else 200)

    def not_stored(self, accept: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Response:
        """It is not done; with the button of the withdrawal again, or back to a choice; 503."""
        return self._answer("not_stored", accept, notice, shown, 503)

    def ask(self, accept: str, notice: ControllerNotice, shown: Shown) -> Response:
        """Who would count the click, and a button to go on."""
        return self._answer("ask", accept, notice, shown)

    def missing(self, accept: str, status: int = 404) -> Response:
        """The same for every token that cannot be used and for every path that is none."""
        return self._answer("missing", accept, NOBODY, PLAIN, status)

    def busy(self, accept: str) -> Response:
        """The same was asked too often; 429."""
        return self._answer("busy", accept, NOBODY, PLAIN, 429)

    def trouble(self, accept: str) -> Response:
        """Something of ours failed; 503."""
        return self._answer("trouble", accept, NOBODY, PLAIN, 503)

    def wording(self, page: str, language: str, notice: ControllerNotice, shown: Shown = PLAIN) -> Wording:
        """What a page says to anybody: all words of its main part, which the ledger keeps with an answer.

        Args:
            page: its name.
            language: as :meth:`language` chose it; one that there is not, as in a token of older days, is taken
                for the last resort.
            notice: the controller's.
            shown: what the page shows.
        """
        language = language if language in self.languages else self.language("", NOBODY)
        key = (page, language, notice, shown.to_anybody())
        found = self._wordings.get(key)
        if found is None:
            found = self._wordings[key] = wording_of(page, language, self.markup(page, language, notice, key[3]))
        return found

    def _say(self, language: str, notice: ControllerNotice, shown: Shown) -> Any:
        gettext = self.languages[language].gettext
        values = {
            "controller": Markup("<bdi>{}</bdi>").format(notice.name),
            "vendor": Markup("<bdi>{}</bdi>").format(shown.vendor or shown.host),
            "host": Markup("<bdi>{}</bdi>").format(shown.host),
            "address": Markup('<bdi class="address" dir="ltr">{}</bdi>').format(shown.masked),
        }

        def say(sentence: str) -> Markup:
            """A sentence in the page's language, with its places filled."""
            return Markup(gettext(sentence)) % values  # noqa: S704 - our own words; what fills them is escaped

        return say

    def markup(self, page: str, language: str, notice: ControllerNotice, shown: Shown) -> str:
        """A whole page in a language that there is."""
        brand = notice.brand
        templates = self._templates.get(brand) or self._templates[None]
        return templates[page].render(
            _=self._say(language, notice, shown),
            language=language,
            direction=direction(language),
            sender=notice.name,
            logo=f"../b/{brand.logo.name}" if brand and brand.logo else "",
            privacy_url=location(notice.privacy_url),
            contact=_contact(notice.contact),
            style=Markup(style_of(brand)),  # noqa: S704 - our own file, and its hash is in the policy
            masked=shown.masked,
            granted=names_of(shown.granted),
            asked=names_of(shown.asked),
            known=shown.known,
            token=shown.token,
            seal=shown.seal,
            again=shown.again,
            mail=shown.mail,
            action=shown.action,
            agree=shown.agree,
        )

    def _answer(
        self, page: str, accept: str, notice: ControllerNotice, shown: Shown, status: int = 200
    ) -> Response:
        language = self.language(accept, notice)
        headers = {
            "Content-Language": language,
            # Chromium holds every redirect after a form's POST against form-action, and where a vendor's redirect
            # leads is what nobody knows: the page before it must allow all of the web.
            "Content-Security-Policy": policy_of(
                notice.brand, "'self' http: https:" if page == "ask" else "'self'"
            ),
            "Vary": "Accept-Language",
        }
        if status in RETRY_AFTER:
            headers["Retry-After"] = RETRY_AFTER[status]
        return HTMLResponse(self.markup(page, language, notice, shown), status, headers)


@lru_cache(maxsize=16)
def _templates(brand: Brand | None) -> dict[str, Template]:
    """Every page's template: ours, and a controller's own in front of them, in a sandbox."""
    ours = PackageLoader("smtp_gate.web")
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([DictLoader(dict(brand.templates)), ours]) if brand else ours,
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    return {name: environment.get_template(f"{name}.html") for name in PAGES}


def _contact(contact: str) -> str | None:
    return f"mailto:{contact}" if _MAIL.fullmatch(contact) else location(contact)
