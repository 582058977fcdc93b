"""The one style sheet of a page with a controller's colours, and the policy that allows it and nothing else."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from smtp_gate.web.colour import DARK, SHEET, Scheme, ink_on

if TYPE_CHECKING:
    from smtp_gate.web.brand import Brand


@lru_cache(maxsize=64)
def style_of(brand: Brand | None) -> str:
    """What stands in the style block."""
    if brand is None or not any((*brand.light, *brand.dark)):
        return SHEET
    # The block for light pages comes after our dark one and would win against it: dark colours are said again.
    dark = Scheme(brand.dark.page or DARK["page"], brand.dark.accent or DARK["act"])
    return (
        f"{SHEET} :root {{ {_block(brand.light)} }}"
        f" @media (prefers-color-scheme: dark) {{ :root {{ {_block(dark)} }} }}"
    )


def _block(scheme: Scheme) -> str:
    said = f"--page: {scheme.page};" if scheme.page else ""
    if scheme.accent:
        said += f" --act: {scheme.accent}; --act-over: {scheme.accent}; --act-ink: {ink_on(scheme.accent)};"
        said += " --tint: var(--page);"
    return said.strip()


@lru_cache(maxsize=64)
def policy_of(brand: Brand | None, form_action: str) -> str:
    """Value of Content-Security-Policy for a page.

    Args:
        brand: whose colours and logo it has.
        form_action: where its forms may lead.
    """
    digest = b64encode(sha256(style_of(brand).encode()).digest()).decode()
    pictures = "img-src 'self'; " if brand is not None and brand.logo is not None else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; {pictures}base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {form_action}"
    )
