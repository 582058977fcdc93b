r"""Addresses of MAIL and RCPT: what stands between ``<`` and ``>``, byte for byte, or nothing at all.

The address whose consent is looked up must be the address that the mail goes to. So nothing is mended here: no
comment, source route, encoded word or missing bracket is taken away. What is not a mailbox of RFC 5321 section
4.1.2 (RFC 6531 section 3.3 with SMTPUTF8) is refused. Two things are laxer than the grammar, since both are seen
in real mail and can hide nothing: a local part may be longer than 64 octets (bounce addresses of mailing tools),
and a domain label may have an underscore. One is stricter: no ``<`` or ``>`` inside a quoted local part.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

MAX_ADDRESS: Final = 320
"""Octets of a mailbox: a local part of 64, the at sign, a domain of 255."""
MAX_DOMAIN: Final = 255
"""Octets of a domain: RFC 5321 section 4.5.3.1.2."""

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_LABEL = rb"[A-Za-z0-9_\x80-\xff]+(?:-+[A-Za-z0-9_\x80-\xff]+)*"
_QUOTED = rb'"(?:[ !#-;=?-\[\]-~\x80-\xff]|\\[ -;=?-~])*"'
_MAILBOX: Final = re.compile(
    rb"(?:%b(?:\.%b)*|%b)@(?:(%b(?:\.%b)*)|\[(?:([0-9.]{7,15})|[Ii][Pp][Vv]6:([0-9A-Fa-f:.]{2,45}))\])"
    % (_ATOM, _ATOM, _QUOTED, _LABEL, _LABEL)
)
_BRACKETS: Final = re.compile(rb" ?<([^>]*)>((?: .*)?)", re.DOTALL)
_UNPRINTABLE: Final = re.compile("[\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Controls and line ends beyond ASCII (RFC 5198): in a mailbox they serve only to deceive."""


class Path(NamedTuple):
    """One path and what followed it.

    Attributes:
        address: as it was sent; ``b""`` for the null path.
        parameters: the words behind it, in order.
    """

    address: bytes
    parameters: tuple[bytes, ...]


def read_path(argument: bytes, keyword: bytes) -> Path | None:
    """Read ``FROM:<address> parameters`` or ``TO:<address> parameters``.

    The null path is a sender only, a bare ``postmaster`` is a recipient only. Whether an address beyond ASCII
    may be used is not asked here.

    Args:
        argument: what followed ``MAIL`` or ``RCPT`` and one space, without the line end.
        keyword: ``b"FROM:"`` or ``b"TO:"``.

    Returns:
        The path; None when this is not one.
    """
    if argument[: len(keyword)].upper() != keyword:
        return None
    # No ">" can stand inside an address that is taken, so the first one ends it.
    found = _BRACKETS.fullmatch(argument, len(keyword))
    if found is None:
        return None
    address, tail = found.groups()
    special = b"" if keyword == b"FROM:" else b"postmaster"
    if address.lower() != special and not is_mailbox(address):
        return None
    return Path(address, tuple(word for word in tail.split(b" ") if word))


def is_mailbox(address: bytes) -> bool:
    """Whether these octets are one mailbox, nothing less and nothing more."""
    if len(address) > MAX_ADDRESS:
        return False
    found = _MAILBOX.fullmatch(address)
    if found is None:
        return False
    domain, four, six = found.groups(b"")
    return len(domain) <= MAX_DOMAIN and (address.isascii() or _is_text(address)) and _is_literal(four, six)


def _is_text(address: bytes) -> bool:
    try:
        return not _UNPRINTABLE.search(address.decode())
    except UnicodeDecodeError:
        return False


def _is_literal(four: bytes, six: bytes) -> bool:
    """Whether what stood in ``[...]`` is an IP address; nothing stood there mostly."""
    try:
        if four:
            IPv4Address(four.decode())
        if six:
            IPv6Address(six.decode())
    except ValueError:
        return False
    return True
