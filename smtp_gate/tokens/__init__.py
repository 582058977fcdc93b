"""Sealed addresses of the gate: who a link belongs to and what stands behind it. Pure.

``keyring`` holds the keys, ``subject`` names a person, ``seal`` makes and opens tokens, ``mask`` says what a page
shows of an address, ``mint`` makes the addresses that go into a mail.
"""

from smtp_gate.tokens.keyring import Keyring, Use
from smtp_gate.tokens.kinds import (
    AskToken,
    ConfirmToken,
    ConsentToken,
    FormToken,
    LinkToken,
    OpeningToken,
    PixelToken,
    WithdrawToken,
)
from smtp_gate.tokens.mask import masked
from smtp_gate.tokens.mint import Mint
from smtp_gate.tokens.seal import (
    open_ask,
    open_confirm,
    open_consent,
    open_form,
    open_link,
    open_opening,
    open_pixel,
    open_withdraw,
    seal,
)
from smtp_gate.tokens.subject import SUBJECT_SIZE, plainer_of, reached_by, subject_of

__all__ = [
    "SUBJECT_SIZE",
    "AskToken",
    "ConfirmToken",
    "ConsentToken",
    "FormToken",
    "Keyring",
    "LinkToken",
    "Mint",
    "OpeningToken",
    "PixelToken",
    "Use",
    "WithdrawToken",
    "masked",
    "open_ask",
    "open_confirm",
    "open_consent",
    "open_form",
    "open_link",
    "open_opening",
    "open_pixel",
    "open_withdraw",
    "plainer_of",
    "reached_by",
    "seal",
    "subject_of",
]
