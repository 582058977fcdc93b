"""Reading a controller's own footer templates, and showing before any mail leaves that they do what they must.

Each template is rendered for all that a footer can have to say: every language, what is measured, what for.
"""

from __future__ import annotations

from traceback import extract_tb
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError

from smtp_gate.config.footer_look import look_at_html, look_at_text, measure
from smtp_gate.config.translations import wordings
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.limits import MAX_FOOTER
from smtp_gate.model import NOTHING, Kind, Purpose
from smtp_gate.render.footer import Said
from smtp_gate.render.own_footer import OwnFooter
from smtp_gate.scan.html import read_html
from smtp_gate.scan.plaintext import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smtp_gate.config.settings import ControllerSettings, Settings
    from smtp_gate.trackers import Catalogue


def load_footers(settings: Settings, catalogue: Catalogue) -> dict[str, OwnFooter]:
    """The templates of each controller that has its own, by controller id.

    Args:
        settings: whose paths are absolute.
        catalogue: what a tracker is; a footer holds none, since it is put in when all trackers are out.

    Raises:
        ConfigFileError: for files that cannot be read, templates that cannot be rendered, and footers that
            somebody could not leave by.
    """
    footers = {}
    errors: list[ConfigError] = []
    for name, controller in settings.controllers.items():
        if controller.footer is not None:
            try:
                footers[name] = _footer(name, controller, catalogue)
            except ConfigFileError as error:
                errors += error.errors
    if errors:
        raise ConfigFileError(tuple(errors))
    return footers


def _footer(name: str, controller: ControllerSettings, catalogue: Catalogue) -> OwnFooter:
    wanted = controller.footer
    assert wanted is not None  # noqa: S101 - the caller looked
    own = {}
    errors = []
    for form, path in (("html", wanted.html), ("text", wanted.text)):
        if path is None:
            continue
        try:
            own[form] = source = _source(path)
            _check(form, source, controller, catalogue)
        except _Fault as fault:
            place = f"{path}:{fault.line}" if fault.line else str(path)
            errors.append(ConfigError(place, f"controllers.{name}.footer.{form}", fault.problem))
    if errors:
        raise ConfigFileError(tuple(errors))
    return OwnFooter(own.get("html"), own.get("text"))


class _Fault(Exception):  # noqa: N818 - it becomes a ConfigError as soon as the file is known
    """What is wrong with a template, and the line; 0 for the file as a whole."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def _source(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FOOTER + 1)
    except OSError as error:
        raise _Fault(f"cannot be read: {error.strerror}") from None
    if len(octets) > MAX_FOOTER:
        raise _Fault(f"is larger than {MAX_FOOTER} octets")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _Fault("is not UTF-8 text") from None


def _check(form: str, source: str, controller: ControllerSettings, catalogue: Catalogue) -> None:
    """Render a template for all that a footer can say, and look at what comes.

    Raises:
        _Fault: for the first thing that is wrong.
    """
    try:
        own = OwnFooter(source if form == "html" else None, source if form == "text" else None)
    except TemplateSyntaxError as error:
        raise _Fault(f"is no Jinja template: {error.message}", error.lineno) from None
    render, look = (own.html, look_at_html) if form == "html" else (own.text, look_at_text)
    seen = set()
    for said in _all(controller):
        lines = _rendered(render, said)
        whole = "\n".join(lines)
        if whole in seen:
            continue
        seen.add(whole)
        for problem, sign in (*measure(lines), *look(whole), *_trackers(form, whole, catalogue)):
            measured = (
                "openings and clicks" if said.pixels and said.clicks else "openings" if said.pixels else "clicks"
            )
            raise _Fault(f"{problem} (seen in {said.wording.language}, for {measured})", _line(source, sign))


def _all(controller: ControllerSettings) -> Iterator[Said]:
    """Everything a footer of this controller may have to say."""
    pixel_purposes = [Purpose(number) for number in range(1, 16)]
    for wording in wordings().values():
        for pixels, clicks in ((True, True), (True, False), (False, True)):
            for purposes in pixel_purposes if pixels else [NOTHING, *pixel_purposes]:
                yield Said(controller.name, wording, controller.privacy_url, pixels, clicks, purposes)


def _rendered(render: Callable[[Said], list[str] | None], said: Said) -> list[str]:
    try:
        return render(said) or []
    except Exception as error:  # noqa: BLE001 - a template can fail in as many ways as code can
        # Jinja puts the template's own lines into the traceback.
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == "<template>"]
        told = str(error) or type(error).__name__
        raise _Fault(
            f"cannot be rendered: {told}; docs/policy.md lists what a template is told", (lines or [0])[-1] or 0
        ) from None


def _trackers(form: str, whole: str, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    view = whole.encode()
    for address in read_html(view).addresses if form == "html" else read_text(view):
        judged = catalogue.link(address.url, str, frozenset())
        if judged is not None and judged.kind in (Kind.LINK, Kind.PERSONAL, Kind.PIXEL):
            yield f"leads through a tracker: {address.url!r}; write where it ends", address.url[:40]


def _line(source: str, sign: str) -> int:
    """The first line of a template in which a sign stands, any case; 0 when none does."""
    at = source.lower().find(sign.lower()) if sign else -1
    return source.count("\n", 0, at) + 1 if at >= 0 else 0
