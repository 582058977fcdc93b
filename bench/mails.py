"""The two mails of the benchmark: 8 KB sales mail (30 tracked links), 64 KB newsletter (40); a pixel each.

They are made, not taken from anybody: tables, inline styles, conditional comments, quoted-printable, as mailing
tools write them. Of each there are :data:`COPIES`, as a campaign sends them: each copy has its own token in every
link, its own token in the pixel, its own greeting and its own Message-ID. The same bytes at every run.
"""

from __future__ import annotations

import base64
import binascii
import random

COPIES = 40
"""How many copies of a mail are sent in turn."""


def newsletter(copy: int = 0) -> bytes:
    """About 64 KB, multipart/alternative, quoted-printable."""
    return _mail("newsletter", copy, paragraphs=4, rows=40)


def sales(copy: int = 0) -> bytes:
    """About 8 KB in short rows; the 30 links are what most of it is made of."""
    return _mail("sales", copy, paragraphs=0, rows=30)


def _token(name: str, copy: int, number: int) -> str:
    """What names one recipient in one address; twelve digits of what is a longer digest in life."""
    return random.Random(f"{name} {copy} {number}").randbytes(6).hex()


def _click(token: str, number: int) -> str:
    target = base64.b64encode(f"https%3A%2F%2Fwww.acme.example%2Foffer%2F{number}".encode()).decode().rstrip("=")
    return f"https://acme.lt.acemlnd.com/Prod/link-tracker?redirectUrl={target}&amp;sig={token}&amp;iat=17000"


def _pixel(token: str) -> str:
    return (
        "https://acme.lt.acemlnd.com/Prod/link-tracker"
        f"?nl=2&amp;c=5370&amp;m=6470&amp;s={token}&amp;l=open&amp;a=897"
    )


def _mail(name: str, copy: int, *, paragraphs: int, rows: int) -> bytes:
    dice = random.Random(name)
    words = ("offer", "season", "garden", "light", "tools", "paper", "morning", "river", "price", "letter")

    def sentence(count: int) -> str:
        return " ".join(dice.choice(words) for _ in range(count)).capitalize() + "."

    body = ["<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Acme</title></head><body>"]
    body.append(f"<p>Dear customer {copy},</p>")
    for number in range(rows):
        if paragraphs:
            body.append(
                '<!--[if mso]><table role="presentation" width="600"><tr><td><![endif]-->'
                f'<table role="presentation" width="100%" style="border-collapse:collapse;margin:0 auto"><tr>'
                f'<td class="cell c{number}" style="padding:12px 24px;font-family:Arial,sans-serif;font-size:15px">'
                f'<img src="https://cdn.acme.example/p/{number}.jpg" width="280" height="180" alt="{sentence(3)}">'
            )
            body += [
                f'<p style="margin:0 0 12px;color:#333333">{sentence(22)} é&nbsp;€</p>' for _ in range(paragraphs)
            ]
        body.append(
            f'<a href="{_click(_token(name, copy, number), number)}" style="color:#0a58ca">{sentence(2)}</a>'
        )
        if paragraphs:
            body.append("</td></tr></table><!--[if mso]></td></tr></table><![endif]-->")
    body.append(f'<img src="{_pixel(_token(name, copy, rows))}" width="1" height="1" alt=""></body></html>')
    html = "\r\n".join(body).encode()
    text = "\r\n".join(sentence(9) for _ in range(12)).encode()
    boundary = "=_bench_boundary"
    head = (
        f"From: Acme <news@acme.example>\r\nTo: <person{copy}@recipient.example>\r\n"
        f"Subject: {name}\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\nMessage-ID: <{name}.{copy}@acme.example>\r\n"
        "MIME-Version: 1.0\r\nList-Unsubscribe: <https://www.acme.example/unsubscribe/1>\r\n"
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    ).encode()
    parts = b""
    for kind, content in (("plain", text), ("html", html)):
        encoded = binascii.b2a_qp(content, istext=True)
        parts += (
            (
                f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            ).encode()
            + encoded
            + b"\r\n"
        )
    return head + parts + f"--{boundary}--\r\n".encode()


if __name__ == "__main__":
    for mail in (sales(), newsletter()):
        print(len(mail), "octets")
