"""ESMTP parameters of MAIL and RCPT: which there are, how they are written, which travel on.

A parameter is taken only if its extension was offered in this session, and only in the form its RFC gives it:
what the next hop gets to read was read here first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from smtp_gate.model import Recipient, Sender
from smtp_gate.replies import BAD_ARGUMENT, BAD_PARAMETER, TOO_BIG, UTF8_NEEDED, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PARAMETER: Final = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\xff]+))?")
"""RFC 5321 section 4.1.2, esmtp-param; a value beyond ASCII is judged by its own rule."""
_XTEXT = rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_DIGITS: Final = re.compile(rb"[0-9]{1,20}")
_AUTH: Final = re.compile(rb"<>|%b+" % _XTEXT)
_ENVID: Final = re.compile(rb"%b{1,100}" % _XTEXT)
_NOTIFY: Final = frozenset([b"SUCCESS", b"FAILURE", b"DELAY"])
_ORCPT: Final = re.compile(rb"[A-Za-z0-9-]{1,64};%b{1,500}" % _XTEXT)
_ORCPT_UTF8: Final = re.compile(rb"[Uu][Tt][Ff]-8;[!-*,-<>-~\x80-\xff]{1,500}")
"""RFC 6533 section 3: the form that needs SMTPUTF8 and holds the characters themselves."""


class Offered(NamedTuple):
    """What this session was told it may use.

    Attributes:
        size: octets of the largest message.
        eightbit: 8BITMIME.
        smtputf8: SMTPUTF8.
        dsn: DSN.
        extended: whether the client said EHLO or LHLO at all.
    """

    size: int
    eightbit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    extended: bool = False


class Mail(NamedTuple):
    """A MAIL command.

    Attributes:
        sender: what goes on.
        size: octets that the client says the message has; 0 when it does not say.
    """

    sender: Sender
    size: int


class _Rule(NamedTuple):
    """One parameter of MAIL."""

    offered: Callable[[Offered], bool]
    good: Callable[[bytes], bool]
    valued: bool = True
    passed: bool = True


_MAIL_RULES: Final = {
    b"SIZE": _Rule(lambda offered: offered.extended, lambda value: bool(_DIGITS.fullmatch(value)), passed=False),
    # A server that knows AUTH must take this one (RFC 4954 section 5); the next hop's trust is its own matter.
    b"AUTH": _Rule(lambda offered: offered.extended, lambda value: bool(_AUTH.fullmatch(value)), passed=False),
    b"BODY": _Rule(lambda offered: offered.eightbit, lambda value: value.upper() in (b"7BIT", b"8BITMIME")),
    b"SMTPUTF8": _Rule(lambda offered: offered.smtputf8, lambda _: True, valued=False),
    b"RET": _Rule(lambda offered: offered.dsn, lambda value: value.upper() in (b"FULL", b"HDRS")),
    b"ENVID": _Rule(lambda offered: offered.dsn, lambda value: bool(_ENVID.fullmatch(value))),
}


def read_mail(address: bytes, words: Sequence[bytes], offered: Offered) -> Mail | Reply:
    """Judge the parameters of MAIL (RFC 1870, 6152, 6531, 3461, 4954); the first fault is the reply."""
    given = _split(words, offered)
    if isinstance(given, Reply):
        return given
    passed = []
    values = {}
    for name, value, word in given:
        rule = _MAIL_RULES.get(name)
        if rule is None or not rule.offered(offered):
            return BAD_PARAMETER
        if (value is not None) != rule.valued or not rule.good(value or b""):
            return BAD_ARGUMENT
        values[name] = value or b""
        if rule.passed:
            passed.append(word)
    smtputf8 = b"SMTPUTF8" in values
    if not (smtputf8 or address.isascii()):
        return UTF8_NEEDED
    size = int(values.get(b"SIZE", b"0"))
    if size > offered.size:
        return TOO_BIG
    return Mail(Sender(address, tuple(passed), smtputf8, values.get(b"BODY", b"").upper()), size)


def read_recipient(address: bytes, words: Sequence[bytes], offered: Offered, *, utf8: bool) -> Recipient | Reply:
    """Judge the parameters of RCPT (RFC 3461); the first fault is the reply."""
    if not (utf8 or address.isascii()):
        return UTF8_NEEDED
    if not words:
        return Recipient(address)
    given = _split(words, offered)
    if isinstance(given, Reply):
        return given
    for name, value, _ in given:
        if not offered.dsn or name not in (b"NOTIFY", b"ORCPT"):
            return BAD_PARAMETER
        good = _is_notify(value or b"") if name == b"NOTIFY" else _is_original(value or b"", utf8=utf8)
        if not good:
            return BAD_ARGUMENT
    return Recipient(address, tuple(words))


def _split(words: Sequence[bytes], offered: Offered) -> list[tuple[bytes, bytes | None, bytes]] | Reply:
    """Upper-case name, value and the whole word of each parameter."""
    if words and not offered.extended:
        return BAD_PARAMETER
    given = []
    seen = set()
    for word in words:
        found = _PARAMETER.fullmatch(word)
        if found is None:
            return BAD_ARGUMENT
        name = found[1].upper()
        if name in seen:
            return BAD_ARGUMENT
        seen.add(name)
        given.append((name, found[2], word))
    return given


def _is_notify(value: bytes) -> bool:
    wishes = value.upper().split(b",")
    return wishes == [b"NEVER"] or (len(set(wishes)) == len(wishes) and _NOTIFY.issuperset(wishes))


def _is_original(value: bytes, *, utf8: bool) -> bool:
    if _ORCPT.fullmatch(value):
        return True
    if not utf8 or not _ORCPT_UTF8.fullmatch(value):
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
