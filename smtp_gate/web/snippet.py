"""A piece of HTML for sign-up forms: boxes for tracking, in the words of the gate's own page, nothing ticked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from smtp_gate.config.translations import direction, translations
from smtp_gate.consent import names_of
from smtp_gate.model import PIXEL_PURPOSES, Purpose
from smtp_gate.web.location import location
from smtp_gate.web.shown import Wording, wording_of

if TYPE_CHECKING:
    from smtp_gate.web.notice import ControllerNotice

CALL = (
    'POST {}/api/v1/consents {{"address": ..., "decision": "grant", "purposes": [what was ticked], "at": ..., '
    '"method": "form", "source": this page, "reference": ..., "notice": tracking_notice, '
    '"language": tracking_language}}'
)
"""What the form's server does then."""


class Snippet(NamedTuple):
    """The piece, and the wording that it shows."""

    markup: str
    wording: Wording


def snippet_of(notice: ControllerNotice, language: str, purposes: Purpose, public_url: str) -> Snippet:
    """The piece for one controller's forms.

    Args:
        notice: what is said of the controller.
        language: two letters, one of ours.
        purposes: each gets a box.
        public_url: where the API is.
    """
    environment = Environment(loader=PackageLoader("smtp_gate.web"), autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("snippet.html")
    gettext = translations()[language].gettext

    def say(sentence: str) -> Markup:
        return Markup(gettext(sentence)) % {"controller": notice.name}  # noqa: S704 - our own words; the name is escaped

    def written(version: str) -> str:
        return template.render(
            _=say,
            language=language,
            direction=direction(language),
            purposes=names_of(purposes),
            opening=bool(purposes & PIXEL_PURPOSES),
            clicks=bool(purposes & Purpose.CLICKS),
            privacy_url=location(notice.privacy_url),
            call=Markup(CALL).format(public_url),  # noqa: S704 - our own words; the address is escaped
            version=version,
        )

    wording = wording_of("form", language, f"<main>{written('')}</main>")
    return Snippet(written(wording.version), wording)
