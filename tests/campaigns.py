"""Campaigns of tools whose mail nobody has published, on customers' own hosts, with paths that no catalogue knows.

Built on what is public: what a customer's tracking host is an alias of. The pixel has no size and no telling path,
the links lead to opaque addresses, all tokens are short: neither catalogue nor look speaks about any of them.
"""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

COPIES = 200


class Campaign(NamedTuple):
    """One tool's campaign.

    Attributes:
        vendor: its id in the catalogue.
        host: the customer's own tracking host.
        alias: what the host is an alias of.
        pixel: path of the pixel; ``{}`` stands for a token.
        click: path of a click.
    """

    vendor: str
    host: str
    alias: str
    pixel: str
    click: str

    def recipient(self, number: int) -> bytes:
        """Who gets a copy."""
        return b"reader%d@customer%d.example" % (number, number % 7)

    def copy(self, number: int) -> bytes:
        """One copy, as the tool hands it over: all tokens are this copy's own."""
        pixel, first, second = (self.url(form, number, place) for place, form in enumerate(self.forms))
        return (
            f"From: Ann <ann@acme.example>\r\nTo: reader{number}@customer{number % 7}.example\r\n"
            f"Subject: A question\r\nMessage-ID: <{number}.{self.vendor}@acme.example>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/html; charset=utf-8\r\n\r\n"
            '<!DOCTYPE html>\r\n<html lang="en"><body>\r\n<p>Good morning</p>\r\n'
            f'<p><a href="{first}">our offer</a> and <a href="{second}">a film about it</a>,\r\n'
            '<a href="https://www.acme.example/about">who we are</a></p>\r\n'
            '<img src="https://www.acme.example/logo.png" alt="Acme">\r\n'
            f'<img src="{pixel}" alt="">\r\n</body></html>\r\n'
        ).encode()

    @property
    def forms(self) -> tuple[str, str, str]:
        """Paths of the pixel and of both links."""
        return self.pixel, self.click, self.click

    def url(self, form: str, number: int, place: int) -> str:
        """An address of one copy."""
        return f"https://{self.host}{form.format(token(f'{self.vendor} {number} {place}'))}"


LEMLIST = Campaign("lemlist", "trail.acme.example", "custom.lemlist.com", "/v3/{}", "/x3/{}")
APOLLO = Campaign("apollo", "lnk.acme-mail.example", "quiet-river.aploconnects.com", "/prod/q/{}", "/prod/l/{}")
OUTREACH = Campaign("outreach", "hello.acme.example", "acme.outrch.com", "/{}", "/s/{}")
CAMPAIGNS = (LEMLIST, APOLLO, OUTREACH)


def token(seed: str) -> str:
    """Twelve letters and digits, of some letters only, the same for the same seed."""
    octets = hashlib.sha256(seed.encode()).digest()
    return base64.b32encode(octets).decode().lower()[:12]
