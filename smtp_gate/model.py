"""The values that pass between the rows: envelope, consent, findings; ``decision`` has what is made of them.

All are frozen, all are bytes or plain values; nothing here knows a socket, a file or a clock. Offsets are half
open: ``data[start:end]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# --- envelope -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT command.

    Attributes:
        address: the path between ``<`` and ``>``, byte for byte as the client sent it and as it is sent on.
        parameters: ESMTP parameters to pass on, such as ``b"NOTIFY=NEVER"``, in the client's order.
    """

    address: bytes
    parameters: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Sender:
    """The MAIL command.

    Attributes:
        address: the path, byte for byte; ``b""`` is the null sender ``<>`` of bounces.
        parameters: ESMTP parameters to pass on (``BODY``, ``SMTPUTF8``, ``RET``, ``ENVID``); ``SIZE`` and
            ``AUTH`` are not among them: the size changes, and the next hop's trust is its own matter.
        smtputf8: whether the client asked for SMTPUTF8 (RFC 6531).
        body: ``b"7BIT"``, ``b"8BITMIME"`` or ``b""`` when the client did not say.
    """

    address: bytes
    parameters: tuple[bytes, ...] = ()
    smtputf8: bool = False
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Client:
    """Who talks to us.

    Attributes:
        peer: IP address of the connection, as text.
        helo: what the client called itself, printable ASCII.
        protocol: ``"ESMTP"``, ``"ESMTPS"``, ``"LMTP"`` or ``"SMTP"``, as RFC 3848 writes it into Received.
        xforward: XFORWARD attributes by upper-case name; ``IDENT`` is the client's queue id.
    """

    peer: str
    helo: str = ""
    protocol: str = "ESMTP"
    xforward: Mapping[str, str] = field(default_factory=dict)


# --- consent --------------------------------------------------------------------------------------------------
class Purpose(IntFlag):
    """What a person can agree to; the four pixel purposes of the CNIL recommendation, and clicks apart.

    The names in lower case are the words of configuration, command line and API.
    """

    PERFORMANCE = 1
    PROFILING = 2
    FRAUD = 4
    DELIVERABILITY = 8
    CLICKS = 16


NOTHING = Purpose(0)
EVERYTHING = Purpose(31)
PIXEL_PURPOSES = Purpose(15)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person agreed to, for one controller, as far as the store can tell now.

    Attributes:
        granted: purposes that hold now. Unknown, refused, withdrawn, expired and doubt are all "not in here".
        reason: why it is what it is, a code for log and explain: ``granted``, ``unknown``, ``refused``,
            ``withdrawn``, ``expired``, ``doubt``, ``unavailable``.
    """

    granted: Purpose
    reason: str


UNKNOWN = Consent(NOTHING, "unknown")


# --- what scanning finds --------------------------------------------------------------------------------------
class Span(NamedTuple):
    """Half-open range of offsets."""

    start: int
    end: int


PAGES = frozenset({"text/html", "text/x-amp-html"})
"""Media types that are HTML."""
CALENDARS = frozenset({"text/calendar", "text/x-vcalendar", "text/vcard", "text/x-vcard", "text/directory"})
"""Media types of folded content lines: iCalendar, vCalendar, vCard."""


class Kind(StrEnum):
    """What an address in a mail is."""

    PIXEL = "pixel"
    """A remote load that tells on one recipient."""
    LINK = "link"
    """A redirect through a tracker."""
    PERSONAL = "personal"
    """A plain link whose query names the recipient (``mc_eid`` ...)."""
    FUNCTIONAL = "functional"
    """A personal link that must work: unsubscribe, reset, sign-in, signature, calendar."""
    PICTURE = "picture"
    """A picture to look at that tells on one recipient, or that only a tracking host serves."""
    SUSPECT = "suspect"
    """What looks like a pixel, but not enough to act on; told and counted, never touched."""
    OWN = "own"
    """Already an address of this gate."""
    QUESTION = "question"
    """The gate's plain address at which consent is asked for: each recipient gets their own instead."""
    PLAIN = "plain"
    """Nothing of the above; found only when all addresses were asked for (``explain``)."""


OPENINGS = frozenset([Kind.PIXEL, Kind.PICTURE])
"""What tells of an opening, as against a click."""


class Carrier(StrEnum):
    """Where an address stands, which decides how it can be edited."""

    IMAGE = "image"
    """``<img src>`` and its like: the element can go."""
    ANCHOR = "anchor"
    """``<a href>`` with its end tag: the words can stay without the link."""
    ATTRIBUTE = "attribute"
    """Any other attribute that holds one address (``background``, ``poster``, VML ``src`` ...): only its value."""
    CSS = "css"
    """``url(...)`` in a style attribute or style block."""
    TEXT = "text"
    """An address in running text."""


class Look(NamedTuple):
    """How an image presents itself, as far as markup tells.

    Attributes:
        width: CSS pixels by attribute or inline style (the smaller one); None when neither gives a number.
        height: the same for the height.
        hidden: codes of inline style or attribute that hide it: ``display``, ``visibility``, ``opacity``,
            ``zero_size``, ``off_screen``, ``hidden_attribute``; empty when it shows.
        alt: its alternative text; None when it has none.
        responsive: whether it has a class or id, so that a media query may show what its style hides.
    """

    width: float | None
    height: float | None
    hidden: tuple[str, ...]
    alt: str | None
    responsive: bool


class Address(NamedTuple):
    """One URL as it stands in a part, not judged yet; the fields are those of :class:`Finding`.

    Attributes:
        look: for images; None for all others.
        load: whether showing the mail fetches it (image, background, CSS ...), as against a click.
    """

    carrier: Carrier
    element: Span
    value: Span
    closing: Span | None
    words: Span | None
    quote: bytes
    url: str
    look: Look | None
    load: bool

    def moved(self, span: Callable[[int, int], Span], quote: bytes) -> Address:
        """The same address of a page that stands inside something else.

        Args:
            span: the way from the page's offsets to a span of the view.
            quote: what is round the page.
        """
        return self._replace(
            element=span(*self.element),
            value=span(*self.value),
            closing=None if self.closing is None else span(*self.closing),
            words=None if self.words is None or self.words.start == self.words.end else span(*self.words),
            quote=quote + (self.quote or b" "),
        )


class Unjudged(NamedTuple):
    """An address that neither catalogue nor look spoke about; a further witness may (``scan/witness.py``).

    Attributes:
        part: index of the part it stands in.
        address: the address, with its spans in that part's view.
    """

    part: int
    address: Address


class Judgement(NamedTuple):
    """What the trackers row says of one address; the fields are those of :class:`Finding`."""

    kind: Kind
    vendor: str
    target: str | None
    purposes: Purpose
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME part, as spans of the message it stands in.

    Attributes:
        index: its place in :attr:`Scan.parts`.
        parent: index of the part around it; -1 for the message itself.
        header: its header block, with the empty line that ends it.
        body: its body, without the line break that belongs to the next boundary.
        media_type: ``"text/html"`` ..., lower case; ``"text/plain"`` where none is declared.
        charset: as declared, lower case; empty when it is not, or when that is no name of a charset.
        encoding: ``"7bit"``, ``"8bit"``, ``"binary"``, ``"quoted-printable"``, ``"base64"``; anything else,
            and base64 that is broken, is ``"unknown"``: such a part is read as clients may show it, never edited.
        attachment: whether its disposition says attachment: never edited.
        sealed: whether it stands in a signature or encryption that an edit would break.
        transcoded: whether :attr:`view` is UTF-8 made from a charset that cannot be searched as bytes.
        view: the decoded text in which offsets are counted, for text parts that are read; None for all others.
        forwarded: whether it stands in a message inside the message.
    """

    index: int
    parent: int
    header: Span
    body: Span
    media_type: str
    charset: str
    encoding: str
    attachment: bool
    sealed: bool
    transcoded: bool
    view: bytes | None
    forwarded: bool = False


class Finding(NamedTuple):
    r"""One address in a mail that is a tracker, or nearly one.

    Attributes:
        part: index of the part it stands in.
        kind: what it is.
        carrier: where it stands.
        element: for IMAGE and ANCHOR the start tag with ``<`` and ``>``; for CSS the whole ``url(...)``; for
            ATTRIBUTE the attribute with its name; for TEXT the same as ``value``. Offsets in the part's view.
        value: the address itself as written, without quotes.
        closing: for ANCHOR the end tag ``</a>``, None where it has none.
        words: for ANCHOR what is between the tags; for TEXT of a page what stands before it; None otherwise.
        quote: the quote character round the value: ``b'"'``, ``b"'"`` or ``b""``. In HTML that is itself the
            value of an attribute (``srcdoc``) the outer quotes come first, and a blank stands for none. ``b"&"`` is
            for the text of a page, ``b"\"`` comes first in a text of iCalendar or vCard, where backslashes escape.
        url: the address as a browser would read it: references resolved, blanks trimmed.
        vendor: catalogue id; empty for a tracker that nobody catalogued.
        target: where the address leads in the end, decoded offline and already free of personal parameters;
            None when it cannot be known without asking the vendor.
        purposes: what the person must have agreed to, all of them, for this one to stay.
        evidence: codes of what speaks against it: ``catalogue``, ``own_domain``, ``tiny``, ``hidden``, ``path`` ...
    """

    part: int
    kind: Kind
    carrier: Carrier
    element: Span
    value: Span
    closing: Span | None
    words: Span | None
    quote: bytes
    url: str
    vendor: str
    target: str | None
    purposes: Purpose
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a footer can be put into a part.

    Attributes:
        part: index of the part.
        offset: in the part's view; for HTML before the last ``</body>`` outside comments, for text before the
            signature; else the end.
        html: whether the part is HTML (else plain text).
    """

    part: int
    offset: int
    html: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What one message holds; made once, used for every recipient.

    Attributes:
        raw: the message, CRLF line ends, not dot-stuffed.
        headers: top header fields, lower-case name -> values, unfolded, in order, as text (latin-1 where
            not ASCII); only for matching, never written back.
        parts: all parts in the order they stand.
        findings: trackers and their like, in the order they stand.
        anchors: one for each part that must carry a footer (every text/html and text/plain body alternative);
            empty when no footer can be added.
        obstacles: codes of what could not be searched: ``depth``, ``parts``, ``size``, ``charset``,
            ``encoding``, ``markup``, ``type``, ``findings``; empty for nearly every mail.
        sealed: ``"signed"``, ``"encrypted"`` or ``""``; a seal inside a forwarded message is its parts' own matter.
        footered: whether a withdrawal link of this gate stands in it already, whosever it is.
        asks: whether it asks for consent: the plain address of the question, or somebody's, stands in it.
        tools: catalogue ids of the mailing tools that show in headers or findings.
        language: two-letter language the mail declares (Content-Language, ``<html lang>``); empty when none.
        unjudged: all other addresses, in the order they stand.
        receipts: fields of the top header, with their line ends, that ask for a reading receipt.
    """

    raw: bytes
    headers: Mapping[str, tuple[str, ...]]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]
    anchors: tuple[Anchor, ...]
    obstacles: tuple[str, ...]
    sealed: str
    footered: bool
    tools: frozenset[str]
    language: str
    unjudged: tuple[Unjudged, ...] = ()
    receipts: tuple[Span, ...] = ()
    asks: bool = False
