"""What was learnt from many copies, and what an address then is.

That an address differs from reader to reader is half of a tracker only: orders, tickets, parcels and pages of one's
own account differ too, and break when they are touched. So this module alone decides the other half, by form:
something that is loaded and shows nothing is a pixel; a link is a redirect when nothing in it speaks of a matter of
its own and its host or path is a redirect's, or when its host serves a learnt pixel as well. All else is only seen.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import LEARN_COPIES, LEARN_SHARE
from smtp_gate.model import PIXEL_PURPOSES, Judgement, Kind, Purpose
from smtp_gate.trackers.address import is_usual_host, proper, split
from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.pixel import SLIVER, is_file, is_tiny
from smtp_gate.trackers.skeleton import CLICK_WORDS, CODE, HOLE, TARGET, Skeleton, is_tracking_host, skeleton
from smtp_gate.trackers.vendor import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.model import Address


class Form(StrEnum):
    """How an address stands in a mail, as far as it matters for what was learnt of it."""

    PIXEL = "pixel"
    """It is loaded and may show nothing."""
    PICTURE = "picture"
    """It is loaded and seen: a product, a code to be scanned, a portrait."""
    LINK = "link"
    """It is clicked."""


class Tally(NamedTuple):
    """How one skeleton was seen in the mail of one sender domain.

    Attributes:
        copies: different readers it was sent to; a copy for several readers counts once.
        pairs: different values together with their readers.
        values: different values.
    """

    copies: int
    pairs: int
    values: int

    @property
    def differs(self) -> bool:
        """Whether hardly any value was sent to two readers, over enough of them; the next copy is the 20th.

        A reader may get many values, one for each link or mail, and may get the same one again and again.
        """
        return self.copies >= LEARN_COPIES - 1 and self.values >= LEARN_SHARE * self.pairs


class Lesson(NamedTuple):
    """A skeleton that differs from reader to reader.

    Attributes:
        domain: lower-case domain of the senders whose mail it stood in.
        form: how it stood there.
        shape: as :class:`smtp_gate.trackers.skeleton.Skeleton` has it.
        tally: how it was seen.
    """

    domain: str
    form: Form
    shape: str
    tally: Tally

    @property
    def host(self) -> str:
        """Its host; a label with ``{}`` differs too."""
        return self.shape.partition("/")[0]


_SEEN = re.compile(
    r"(?<![a-z0-9])(?:qr-?(?:code)?|barcode|ticket|badge|avatar|photo|portrait|captcha|chart|map|signature)s?(?![a-z0-9])",
    re.IGNORECASE,
)
"""Pictures that are one reader's and meant to be looked at, though nothing says how large they are."""
_PHOTO = re.compile(r"\.(?:jpe?g|png|webp|avif|svg|bmp)$", re.IGNORECASE)
"""What shows something although no size says so; opening counters that hide nothing are GIF, or have no ending."""
_WORD = re.compile(r"[A-Za-z]{3,}")
_REDIRECTING = frozenset(
    ("click", "clicks", "clicked", "clk", "ctt", "lnk", "rdr", "redir", "redirect", "redirects", "trk")
)
"""Words that make a redirect of a path; shorter ones are cards, topics and users too, and orders are tracked."""
_SILENT = frozenset(("index", "php", "html", "htm", "aspx", "asp", "ashx", "jsp", "gif", "png", "prod", "api"))
"""Words that say nothing of what is behind them."""
_MATTERS = """
    account accounts app apps auth billing book booking cal calendar checkout docs download drive esign event events
    file files form forms help id invoice invoices login meet my order orders parcel pay payment payments portal
    secure share shop sign signin sso status support survey ticket tickets wallet
"""
MATTERS = frozenset(_MATTERS.split())
"""First labels of hosts where people do something; no link there is a mere redirect."""
_RIGHTS = """
    access_token auth code contract document file hmac id_token invite invoice key offer order otp parcel password
    pin quote secret session sig sign signature ticket token
"""
RIGHTS = frozenset(_RIGHTS.split())
"""Names of query parameters that carry a right or name a thing: without them the link does not work."""
RANDOM = 10
"""Characters in one piece that count as a link's value although they look like a word, where such were learnt."""
_PIECES = re.compile(r"[^A-Za-z0-9]+")
_TARGETS = tuple(
    compile_decoder(Decoder(f"query:{name}", ("urldecode",), ()))
    for name in ("u", "url", "to", "target", "redirect", "r", "link", "l", "dest", "destination", "goto", "href")
)


def form_of(address: Address) -> Form:
    """How an address that nothing else spoke about stands in its mail."""
    if not address.load:
        return Form.LINK
    look = address.look
    if look is None:
        return Form.PICTURE if is_file(_path(address.url)) else Form.PIXEL
    if look.hidden or is_tiny(look):
        return Form.PIXEL
    if look.alt or max(look.width or 0, look.height or 0) > SLIVER:
        return Form.PICTURE
    path = _path(address.url)
    return Form.PICTURE if _PHOTO.search(path) or _SEEN.search(path) else Form.PIXEL


def _path(url: str) -> str:
    place = split(url)
    return place[1].partition("?")[0] if place else ""


class Lessons:
    """What was learnt of one sender domain's mail.

    Args:
        lessons: of this domain.
    """

    def __init__(self, lessons: Iterable[Lesson]) -> None:
        self.lessons = tuple(lessons)
        self._pixel_hosts = {lesson.host for lesson in self.lessons if lesson.form is Form.PIXEL}
        self._reasons = {
            (lesson.form, lesson.shape): reason for lesson in self.lessons if (reason := self.reason(lesson))
        }
        hosts = {shape.partition("/")[0] for _, shape in self._reasons}
        self._hosts = frozenset(host for host in hosts if HOLE not in host and CODE not in host)
        self._open = len(self._hosts) < len(hosts)

    def reason(self, lesson: Lesson) -> str:
        """Why what has this skeleton is a tracker; empty when it is observed only.

        Returns:
            ``load``: it is loaded and shows nothing. Of a link: ``pixel_host`` when its host serves a learnt pixel,
            ``host`` or ``path`` when that is a redirect's and the value is more than a code.
        """
        if lesson.form is Form.PIXEL:
            return "load"
        if lesson.form is Form.PICTURE or not _is_bare(lesson.shape):
            return ""
        host, _, rest = lesson.shape.partition("/")
        if host in self._pixel_hosts:
            return "pixel_host"
        path, _, query = rest.partition("?")
        if HOLE not in rest:
            return ""  # a code may be anything's
        if is_tracking_host(host):
            return "host"
        segments = path.lower().split("/")
        redirects = any(before in _REDIRECTING for before in segments[:-1]) or (
            segments[-1].partition(".")[0] in _REDIRECTING and HOLE in query
        )
        return "path" if redirects else ""

    def acts(self, form: Form, shape: str) -> str:
        """Why an address of this form and skeleton is a tracker; empty when it is none, or nothing was learnt."""
        return self._reasons.get((form, shape), "")

    def judge(self, address: Address) -> Judgement | None:
        """What an address that nothing else spoke about is; None when nothing that acts was learnt of it."""
        url = address.url
        if not self._open:
            host = url.partition("://")[2].partition("/")[0].lower()
            if host not in self._hosts and is_usual_host(host):
                return None
        form = form_of(address)
        reason = self._found(form, skeleton(url)) or self._found(form, skeleton(url, loose=True), RANDOM)
        if not reason:
            return None
        evidence = ("learnt", reason)
        if address.load:
            return Judgement(Kind.PIXEL, "", None, PIXEL_PURPOSES, evidence)
        return Judgement(Kind.LINK, "", _target(url), Purpose.CLICKS, evidence)

    def _found(self, form: Form, halves: Skeleton | None, least: int = 0) -> str:
        """As :meth:`acts`; of a link the last value must have so many characters in one piece."""
        if halves is None or (form is Form.LINK and len(_PIECES.split(halves.value)[-1]) < least):
            return ""
        return self.acts(form, halves.shape)


def _is_bare(shape: str) -> bool:
    """Whether nothing in a link's skeleton speaks of a matter of its own."""
    host, _, rest = shape.partition("/")
    if host.partition(".")[0] in MATTERS:
        return False
    path, _, query = rest.partition("?")
    words = (word.lower() for word in _WORD.findall(path.replace(HOLE, "").replace(CODE, "")))
    if any(word not in CLICK_WORDS and word not in _SILENT for word in words):  # three letters or more
        return False
    names = {name.partition("=")[0].lower() for name in query.split("&")}
    return names.isdisjoint(RIGHTS)


def _target(url: str) -> str | None:
    """Where a redirect leads that names its target in clear; None for all others."""
    place = split(url)
    if place is None or TARGET not in (skeleton(url) or ("", ""))[0]:
        return None
    for decode in _TARGETS:
        text = decode(place[1])
        found = proper(text) if text else None
        if found is not None:
            return found
    return None
