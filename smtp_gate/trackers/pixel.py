"""What speaks for a pixel that nobody catalogued: its size, what hides it, its path, its token, its place.

A picture that is the same for everybody tells on nobody, so a token decides wherever looks alone would hit
spacers, thin lines and the logos that a media query swaps. Nothing here is asked when a catalogue pattern has
already answered. Codes are collected here; what they weigh stands in :mod:`smtp_gate.trackers.evidence`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from smtp_gate.model import Look

TINY = 3
"""CSS pixels: pixels up to 3x3 are known."""
SLIVER = 10
"""CSS pixels: the longer side of a pixel that is one pixel thin (10x1 is known)."""

_SPACERS = frozenset(
    (
        "spacer",
        "spacing",
        "space",
        "transparent",
        "transp",
        "transparant",
        "trans",
        "blank",
        "clear",
        "cleardot",
        "empty",
        "dot",
        "shim",
        "pixel",
        "1px",
        "1x1",
        "divider",
    )
)
_PERSONAL = (("token",), ("query",))
_SPACER_STEMS = _SPACERS | {"s", "px", "p", "t", "x", "c", "line", "hr"}
"""File names that are nothing but one of these."""
_PICTURE = re.compile(r"[^/]*\.(?:png|jpe?g|gif|webp|svg|bmp|avif)", re.IGNORECASE)
_PHOTO = re.compile(r"[^/]*\.(?:jpe?g|webp)", re.IGNORECASE)
"""Opening counters answer with GIF or PNG."""
_FILE = re.compile(
    r"[^/]*\.(?:png|jpe?g|gif|webp|svg|bmp|avif|css|woff2?|ttf|otf|eot|js|mp4|webm|mp3)", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[._-]+")
_WORD = re.compile(r"[a-z]{3,}", re.IGNORECASE)
_WORDS = re.compile(r"\w\w")
_TRACKING = re.compile(
    r"(?<![a-z0-9])(?:e?mail[_-]?)?(?:open(?:ed|s|ing|ings|mail|email)?|track(?:ing|er)?|trk|trace|pixel|beacon|"
    r"mark[_-]?read|read[_-]?tracker|impression|count[_-]?open(?:ed)?|oimg|opn|seen|view[_-]?track(?:er)?|"
    r"(?:imp|wf|oo|eo|(?<![0-9][_-])px)(?![0-9]))(?![a-z])",
    re.IGNORECASE,
)
_COUNTER = re.compile(
    r"/(?:opens?|opened|track(?:ing|er)?|trk|pixels?|px|beacons?|seen|imp|impressions?)/[^/]{1,200}\.(?:gif|png)\Z",
    re.IGNORECASE,
)
"""A file in a folder that is all for counting; photographs are none."""
_SHORT = re.compile(r"/(?:o|q|op|e/o|t/o|e|t|i|p)/")
"""One-letter segments that open counters use; too common to count without a token behind."""
_RUN = re.compile(r"[A-Za-z0-9_-]{16,}")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[0-9]{9,}(?![A-Za-z])")
_MIXED = re.compile(r"[A-Za-z_-]*[0-9][0-9_-]*[A-Za-z]|[0-9_-]*[A-Za-z][A-Za-z_-]*[0-9]")
"""Letters and digits in one run: hex, UUID, base64, base32."""
SHORTEST_TOKEN = 16
"""Characters of a path below which none of the above finds anything personal in it."""
LETTERS_ONLY = 24
"""Characters from which mixed case alone counts: base64 seldom does without a digit that long."""
_SAME_FOR_ALL = re.compile(
    r"[?&](?:v|ver|version|w|h|width|height|dpr|q|quality|format|fm|fit|crop|resize|auto|t|ts|_)=[^&]{0,20}(?=&|\Z)",
    re.IGNORECASE,
)
"""Parameters by which everybody's picture is versioned and resized, with values too short for more."""
_WORDED = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8})(?:[_-]{1,3}(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8}))*[_-]?")
"""Words and small numbers with dashes between: a slug that people wrote, however long."""
_TRACKING_HOST = re.compile(
    r"clicks?|links?|track(?:ing|er)?|trk|opens?|pixel|px|beacon|stats?|ablink|url\d{3,6}|go|em\d{0,6}|e?mail|[eort]",
    re.ASCII,
)
"""First labels of hosts that count openings and clicks."""
_SCRIPT = re.compile(r"[^/]*\.(?:php\d?|aspx?|ashx|jsp|cfm|cgi|pl|dll|do|html?)", re.IGNORECASE)
_ART = re.compile(
    r"[/._-](?:images?|imgs?|pictures?|photos?|pics?|thumb(?:nail)?s?|avatars?|logos?|banners?|icons?|"
    r"bar-?codes?|qr(?:-?codes?)?|charts?|maps?|media|assets?|cards?|signatures?)(?=[/._-]|\Z|\?)"
    r"|[?&](?:w|width|h|height|size|resize)=[1-9][0-9]",
    re.IGNORECASE,
)
"""Words of an address that leads to something to look at, and sizes that it asks for."""
_ASSET_HOST = re.compile(
    r"https?://(?:[a-z0-9-]{1,60}\.){0,4}(?:(?:cdn|img|imgs|image|images|static|assets?|media|res|pics?|photos?|files?|content|thumb(?:nail)?s?)\d*\."
    r"|(?:googleusercontent|cloudfront|amazonaws|cloudinary|imgix|ctfassets|gstatic|akamaized|fbcdn|licdn|twimg)\.(?:com|net)(?=[:/]|\Z))",
    re.IGNORECASE,
)
"""Hosts that serve files, the same to everybody, under names that look random."""


class Surroundings(Protocol):
    """What the page round a picture says of it; costly, so asked only where the answer can matter."""

    def hidden(self, *, boxes: bool) -> bool:
        """Whether something it stands in is hidden; ``boxes`` of no size too, which hide what has none itself."""
        ...

    def styled(self) -> Look:
        """Its look with what the page's style rules add."""
        ...

    def shown(self) -> bool:
        """Whether a style rule may show what its own style hides."""
        ...

    def holder(self) -> Look | None:
        """For a load that is no picture: the look of the element whose tag holds its address; None for none."""
        ...

    def edge(self) -> bool:
        """Whether nothing that can be seen stands before it, or nothing behind it, and it is no link."""
        ...


def is_tiny(look: Look) -> bool:
    """Whether both sides are so small that nobody sees the picture."""
    return look.width is not None and look.height is not None and max(look.width, look.height) <= TINY


def is_unseen(look: Look) -> bool:
    """Whether its own tag keeps a picture from being seen."""
    return bool(look.hidden) or is_tiny(look)


def shows(look: Look) -> bool:
    """Whether a size is known that a pixel does not have."""
    width, height = look.width, look.height
    if width is None or height is None:
        side = height if width is None else width
        return side is not None and side > TINY
    return (width > TINY and height > TINY) or width > SLIVER or height > SLIVER


def is_picture(rest: str, look: Look) -> bool:
    """Whether an address has a real file name and shows itself, or may be shown by a media query.

    What such a query shows has a class or id, or a size that a pixel does not need.
    """
    if not look.hidden and not is_tiny(look):
        return _is_named(_file(rest), _PICTURE)
    sized = min(look.width or 0, look.height or 0) > SLIVER
    if not (look.responsive or sized) or _asked(rest.partition("?")[2]):
        return False
    file = _file(rest)
    return _is_named(file, _PICTURE) or (_PHOTO.fullmatch(file) is not None and not has_token(file))


def is_file(rest: str) -> bool:
    """Whether an address has the real file name of a picture, style sheet, font or film."""
    return _is_named(_file(rest), _FILE)


def load_evidence(rest: str, around: Surroundings | None = None) -> tuple[str, ...]:
    """Codes of what speaks for a load that is no ``<img>``: a path and a token, or an element that nobody sees.

    Args:
        rest: path and query of what is loaded.
        around: what the page says of it; None when there is no page.
    """
    if _TRACKING.search(rest.partition("?")[0]) is not None and has_token(rest):
        return ("load", "path", "token")
    if around is None or _said(rest)[:1] not in _PERSONAL:
        return ()
    look = around.holder()
    if look is None:
        return ()
    if is_unseen(look):
        return ("load", *_unseen("hidden" if look.hidden else "tiny", rest, look, around))
    if around.hidden(boxes=not shows(look)):
        return ("load", "hidden", "inherited", *_unseen("hidden", rest, look, around)[1:])
    return ()


def evidence(url: str, rest: str, look: Look, around: Surroundings | None = None) -> tuple[str, ...]:
    """Codes of what speaks for and against a pixel; the first one says what it looks like.

    Args:
        url: of the picture.
        rest: its path and query.
        look: how it presents itself.
        around: what the page says of it; None when there is no page.

    Returns:
        Empty for a picture that shows.
    """
    if is_unseen(look):
        return _unseen("hidden" if look.hidden else "tiny", rest, look, around)
    if (around is None and shows(look)) or is_innocent(url, rest, look):
        return ()
    said = _said(rest)
    if around is not None:
        if look.responsive and not shows(look):
            look = around.styled()
        small = is_tiny(look)
        if look.hidden or small or around.hidden(boxes=not shows(look)):
            how = "tiny" if small and not look.hidden else "hidden"
            return (how, "inherited", *_unseen(how, rest, look, around)[1:])
    return () if shows(look) else _perhaps_seen(url, rest, said, look, around)


def is_innocent(url: str, rest: str, look: Look) -> bool:
    """Whether a picture is no pixel, whatever the page round it says.

    What holds nothing that can be personal is the same for everybody, seen or not; so is the file of a picture.
    """
    if is_unseen(look):
        return False
    if not shows(look):
        return not _said(rest)
    if (len(rest) <= SHORTEST_TOKEN and "?" not in rest) or is_picture(rest, look):
        return True
    return not _said(rest) or _ASSET_HOST.match(url) is not None


def _unseen(how: str, rest: str, look: Look, around: Surroundings | None) -> tuple[str, ...]:
    """Codes of a picture that nobody sees."""
    said = _said(rest)
    if said[:1] not in _PERSONAL and _is_spacer(_file(rest)):
        return (how, "spacer")
    if not said and how == "hidden" and "zero_size" not in look.hidden and _is_named(_file(rest), _PICTURE):
        return (how, "file")
    if is_picture(rest, look) or (how == "hidden" and shows(look) and _is_plain(rest)):
        return (how, *said, "picture")
    if said and look.responsive and around is not None and around.shown():
        return (how, *said, "revealed")
    return (how, *said)


def _perhaps_seen(
    url: str, rest: str, said: tuple[str, ...], look: Look, around: Surroundings | None
) -> tuple[str, ...]:
    """Codes of a picture whose size is not known, or that is a line or a pixel."""
    codes = ["unsized" if look.width is None and look.height is None else "thin", *said]
    file = _file(rest)
    speaks = "path" in said
    if _SHORT.search(rest):
        codes.append("short")
        speaks = True
    if _SCRIPT.fullmatch(file):
        codes.append("script")
        speaks = True
    if _TRACKING_HOST.fullmatch(url.partition("//")[2].partition(".")[0].lower()):
        codes.append("host")
        speaks = True
    if not speaks and codes[0] == "unsized" and _ASSET_HOST.match(url):
        codes.append("asset")
    if look.alt and _WORDS.search(look.alt):
        codes.append("alt")
    spacer = "token" in said and _is_spacer(file)
    if (_is_named(file, _PICTURE) and not spacer) or (not speaks and _ART.search(rest)):
        codes.append("file")
    elif around is not None and not _PICTURE.fullmatch(file) and around.edge():
        codes.append("edge")
    return tuple(codes)


def _said(rest: str) -> tuple[str, ...]:
    """Codes of what path and query say: ``token`` or ``query``, and ``path``."""
    path, _, query = rest.partition("?")
    folder, _, file = path.rpartition("/")
    asked = _asked(query) if query else ""
    # The name of a picture's own file is mostly a digest, the same for everybody, unless its folder speaks.
    name = file if _PICTURE.fullmatch(file) is None or _COUNTER.search(path) is not None else ""
    if has_token(folder) or has_token(name) or (asked and has_token(asked)):
        codes: tuple[str, ...] = ("token",)
    else:
        codes = ("query",) if asked else ()
    return (*codes, "path") if _TRACKING.search(path) else codes


def _asked(query: str) -> str:
    """What a query says beyond version, size and format of a picture."""
    return _SAME_FOR_ALL.sub("", "?" + query).strip("?&=")


def has_token(text: str) -> bool:
    """Whether a text holds something that can stand for one person: random characters or a long number."""
    return any(_is_random(run) for run in _RUN.findall(text)) or _NUMBER.search(text) is not None


def _is_random(run: str) -> bool:
    if _WORDED.fullmatch(run):
        return False
    return _MIXED.match(run) is not None or (len(run) >= LETTERS_ONLY and not run.islower() and not run.isupper())


def _is_named(file: str, ending: re.Pattern[str]) -> bool:
    return (
        ending.fullmatch(file) is not None
        and _TRACKING.search(file) is None
        and _WORD.search(file.rpartition(".")[0]) is not None
    )


def _is_plain(rest: str) -> bool:
    """Whether path and query are a picture's file without anything personal."""
    return _said(rest)[:1] not in _PERSONAL and _PICTURE.fullmatch(_file(rest)) is not None


def _is_spacer(file: str) -> bool:
    if not _PICTURE.fullmatch(file):
        return False
    stem = file.rpartition(".")[0].lower()
    return stem in _SPACER_STEMS or not _SPACERS.isdisjoint(_SEPARATORS.split(stem))


def _file(rest: str) -> str:
    return rest.partition("?")[0].rpartition("/")[2]
