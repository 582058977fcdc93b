"""What a page shows of an address: enough for its owner to know it, too little for anybody else to write to it.

A page behind a link is seen by whoever the mail was forwarded to. Shown is the first letter, an ellipsis and the
domain. The ellipsis stands there even when nothing follows: the length of a name is part of it, and a rule of its
own for short names would tell which names are short.
"""

from __future__ import annotations

MAX_SHOWN_DOMAIN = 48
"""Characters of a domain that are shown, its last ones: a page and a token stay short, and domains are told
apart by their end."""

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def masked(address: bytes) -> str:
    """The address as pages show it, such as ``a\N{HORIZONTAL ELLIPSIS}@example.com``; empty for an empty one.

    Args:
        address: ``local@domain`` as in the envelope. Case is folded as in
            :func:`smtp_gate.tokens.subject_of`, so that one person gets one text. A name that begins with a
            quotation mark or another sign shows no letter.
    """
    local, at, domain = address.lower().decode(errors="replace").rpartition("@")
    if not at:
        return ""
    first = local[:1] if local[:1].isalnum() else ""
    end = domain if len(domain) <= MAX_SHOWN_DOMAIN else _ELLIPSIS + domain[-MAX_SHOWN_DOMAIN:]
    return f"{first}{_ELLIPSIS}@{end}"
