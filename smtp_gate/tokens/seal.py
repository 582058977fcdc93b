"""Tokens: a few values sealed into one word for an address bar, and opened again.

A token is base64url of *key id octet + AES-SIV box*; its use is the associated data. AES-SIV (RFC 5297) needs no
nonce, so the same values always give the same token: a mail sent twice is the same mail twice. Whatever is wrong
with a token that comes in, the answer is :class:`BadToken` and nothing more.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from struct import Struct
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from smtp_gate.errors import BadToken
from smtp_gate.limits import MAX_TOKEN
from smtp_gate.model import Purpose
from smtp_gate.tokens.keyring import Use
from smtp_gate.tokens.kinds import (
    AskToken,
    ConfirmToken,
    ConsentToken,
    FormToken,
    LinkToken,
    OpeningToken,
    PixelToken,
    Token,
    WithdrawToken,
)
from smtp_gate.tokens.subject import SUBJECT_SIZE

if TYPE_CHECKING:
    from smtp_gate.tokens.keyring import Keyring

SIV_SIZE = 16
"""Octets of the synthetic IV, which is also the tag (RFC 5297 section 2.6)."""
MAX_NAME = 255
"""Octets of a controller's or vendor's id: its length is one octet."""

_MORE = b"\xff"
"""Marks a withdrawal's payload that holds more than the controller: no id begins with it, as it is not UTF-8."""
_CHOICE = Struct(f">BQQ{SUBJECT_SIZE}s")
"""Purposes, seq, until, subject."""
_USES = {
    PixelToken: Use.PIXEL,
    LinkToken: Use.LINK,
    AskToken: Use.ASK,
    WithdrawToken: Use.WITHDRAW,
    OpeningToken: Use.OPENING,
    ConsentToken: Use.CONSENT,
    FormToken: Use.FORM,
    ConfirmToken: Use.CONFIRM,
}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# An address in a mail is any text, even half of a surrogate pair; it must come back as it was.
_LENIENT = "surrogatepass"


def seal(keyring: Keyring, token: Token) -> str:
    """The token as text of ``A-Z a-z 0-9 - _``; the same values give the same text.

    Raises:
        ValueError: when an id is longer than 255 octets or the subject is not 16.
    """
    use, payload = _pack(token)
    return _Press(keyring, use).seal(payload)


class Series:
    """Tokens that differ in their address only, as those of one mail's links to one vendor do.

    Args:
        keyring: its newest key seals.
        token: all but the address, which must be empty.

    Raises:
        ValueError: as :func:`seal`.
    """

    __slots__ = ("_head", "_press")

    def __init__(self, keyring: Keyring, token: PixelToken | LinkToken) -> None:
        use, self._head = _pack(token)
        self._press = _Press(keyring, use)

    def seal(self, url: str) -> str:
        """The token for one address, the same as :func:`seal` gives for it."""
        return self._press.seal(self._head + url.encode("utf-8", _LENIENT))


class _Press:
    """The newest key's cipher for one use."""

    __slots__ = ("_data", "_encrypt", "_number")

    def __init__(self, keyring: Keyring, use: Use) -> None:
        cipher = keyring.cipher(keyring.newest, use)
        assert cipher is not None  # noqa: S101 - the ring was made with a cipher for each use of its newest key
        self._encrypt = cipher.encrypt
        self._data = [use.value.encode()]
        self._number = bytes((keyring.newest,))

    def seal(self, payload: bytes) -> str:
        box = self._number + self._encrypt(payload, self._data)
        return b2a_base64(box, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()


def open_pixel(keyring: Keyring, text: str) -> PixelToken:
    """The values of a pixel's token.

    Raises:
        BadToken: for anything that this ring did not seal as a pixel's token.
    """
    return PixelToken(*_unpack_tracked(_open(keyring, Use.PIXEL, text)))


def open_link(keyring: Keyring, text: str) -> LinkToken:
    """The values of a link's token.

    Raises:
        BadToken: for anything that this ring did not seal as a link's token.
    """
    return LinkToken(*_unpack_tracked(_open(keyring, Use.LINK, text)))


def open_ask(keyring: Keyring, text: str) -> AskToken:
    """The values of an ask page's token.

    Raises:
        BadToken: for anything that this ring did not seal as an ask page's token.
    """
    payload = _open(keyring, Use.ASK, text)
    controller, rest = _take_name(payload)
    vendor, rest = _take_name(rest)
    return AskToken(controller, vendor, _text(rest))


def open_withdraw(keyring: Keyring, text: str) -> WithdrawToken:
    """The values of a withdrawal's token.

    Raises:
        BadToken: for anything that this ring did not seal as a withdrawal's token.
    """
    payload = _open(keyring, Use.WITHDRAW, text)
    if len(payload) < SUBJECT_SIZE:
        raise BadToken
    subject, rest = payload[:SUBJECT_SIZE], payload[SUBJECT_SIZE:]
    if rest[:1] != _MORE:
        return WithdrawToken(_text(rest), subject)
    controller, rest = _take_name(rest[1:])
    return WithdrawToken(controller, subject, _text(rest))


def open_consent(keyring: Keyring, text: str) -> ConsentToken:
    """The values of a consent request's token.

    Raises:
        BadToken: for anything that this ring did not seal as a consent request's token.
    """
    payload = _open(keyring, Use.CONSENT, text)
    if len(payload) < SUBJECT_SIZE:
        raise BadToken
    controller, address = _take_name(payload[SUBJECT_SIZE:])
    return ConsentToken(controller, payload[:SUBJECT_SIZE], address)


def open_form(keyring: Keyring, text: str) -> FormToken:
    """The values of a form's token; whether it still counts is the caller's matter.

    Raises:
        BadToken: for anything that this ring did not seal as a form's token.
    """
    return FormToken(*_unpack_choice(_open(keyring, Use.FORM, text)))


def open_confirm(keyring: Keyring, text: str) -> ConfirmToken:
    """The values of a confirmation's token; whether it still counts is the caller's matter.

    Raises:
        BadToken: for anything that this ring did not seal as a confirmation's token.
    """
    return ConfirmToken(*_unpack_choice(_open(keyring, Use.CONFIRM, text)))


def open_opening(keyring: Keyring, text: str) -> OpeningToken:
    """The values of the token of the gate's own pixel.

    Raises:
        BadToken: for anything that this ring did not seal as such a token.
    """
    payload = _open(keyring, Use.OPENING, text)
    if len(payload) < SUBJECT_SIZE:
        raise BadToken
    return OpeningToken(_text(payload[SUBJECT_SIZE:]), payload[:SUBJECT_SIZE])


def _open(keyring: Keyring, use: Use, text: str) -> bytes:
    if len(text) > MAX_TOKEN or not text.isascii():
        raise BadToken
    try:
        box = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BadToken from None
    # Python's decoder skips foreign characters and unused bits: only the one spelling that we write is a token.
    if len(box) <= SIV_SIZE or urlsafe_b64encode(box).rstrip(b"=") != text.encode():
        raise BadToken
    cipher = keyring.cipher(box[0], use)
    if cipher is None:
        raise BadToken
    try:
        return cipher.decrypt(box[1:], [use.value.encode()])
    except InvalidTag:
        raise BadToken from None


def _pack(token: Token) -> tuple[Use, bytes]:
    match token:
        case PixelToken() | LinkToken():
            payload = _pack_tracked(token)
        case AskToken():
            payload = _name(token.controller) + _name(token.vendor) + token.url.encode("utf-8", _LENIENT)
        case WithdrawToken():
            payload = _subject(token.subject) + _pack_withdrawal(token)
        case OpeningToken():
            payload = _subject(token.subject) + token.controller.encode("utf-8", _LENIENT)
        case ConsentToken():
            payload = _subject(token.subject) + _name(token.controller) + token.address
        case _:
            payload = _pack_choice(token)
    return _USES[type(token)], payload


def _pack_withdrawal(token: WithdrawToken) -> bytes:
    if not token.masked:
        return token.controller.encode("utf-8", _LENIENT)
    return _MORE + _name(token.controller) + token.masked.encode("utf-8", _LENIENT)


def _pack_choice(token: FormToken | ConfirmToken) -> bytes:
    return b"".join(
        (
            _CHOICE.pack(token.purposes, token.seq, token.until, _subject(token.subject)),
            _name(token.controller),
            _name(token.notice),
            token.language.encode("utf-8", _LENIENT),
        )
    )


def _unpack_choice(payload: bytes) -> tuple[str, bytes, Purpose, int, int, str, str]:
    if len(payload) < _CHOICE.size:
        raise BadToken
    purposes, seq, until, subject = _CHOICE.unpack_from(payload)
    controller, rest = _take_name(payload[_CHOICE.size :])
    notice, rest = _take_name(rest)
    return controller, subject, Purpose(purposes), seq, until, notice, _text(rest)


def _pack_tracked(token: PixelToken | LinkToken) -> bytes:
    return b"".join(
        (
            bytes((token.purposes,)),
            _subject(token.subject),
            _name(token.controller),
            _name(token.vendor),
            token.url.encode("utf-8", _LENIENT),
        )
    )


def _unpack_tracked(payload: bytes) -> tuple[str, bytes, Purpose, str, str]:
    if len(payload) < 1 + SUBJECT_SIZE:
        raise BadToken
    controller, rest = _take_name(payload[1 + SUBJECT_SIZE :])
    vendor, rest = _take_name(rest)
    return controller, payload[1 : 1 + SUBJECT_SIZE], Purpose(payload[0]), vendor, _text(rest)


def _subject(subject: bytes) -> bytes:
    if len(subject) != SUBJECT_SIZE:
        raise ValueError(f"a subject is {SUBJECT_SIZE} octets")
    return subject


def _name(name: str) -> bytes:
    octets = name.encode("utf-8", _LENIENT)
    if len(octets) > MAX_NAME:
        raise ValueError(f"an id in a token has at most {MAX_NAME} octets")
    return bytes((len(octets),)) + octets


def _take_name(payload: bytes) -> tuple[str, bytes]:
    if not payload or len(payload) <= payload[0]:
        raise BadToken
    end = 1 + payload[0]
    return _text(payload[1:end]), payload[end:]


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8", _LENIENT)
    except UnicodeDecodeError:
        raise BadToken from None
