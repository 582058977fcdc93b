"""The two mails of the benchmark: 8 KB sales mail (30 tracked links), 64 KB newsletter (40); a pixel each.

They are made, not taken from anybody: tables, inline styles, conditional comments, quoted-printable, as mailing
tools write them. The same bytes at every run.
"""

from __future__ import annotations

import base64
import binascii
import random


def newsletter() -> bytes:
    """About 64 KB, multipart/alternative, quoted-printable."""
    return _mail("newsletter", paragraphs=4, rows=40)


def sales() -> bytes:
    """About 8 KB in short rows; the 30 links are what most of it is made of."""
    return _mail("sales", paragraphs=0, rows=30)


def _click(number: int) -> str:
    target = base64.b64encode(f"https%3A%2F%2Fwww.acme.example%2Foffer%2F{number}".encode()).decode().rstrip("=")
    return (
        f"https://acme.lt.acemlnd.com/Prod/link-tracker?redirectUrl={target}&amp;sig=Aa{number:04d}&amp;iat=17000"
    )


def _pixel() -> str:
    return (
        "https://acme.lt.acemlnd.com/Prod/link-tracker?nl=2&amp;c=5370&amp;m=6470&amp;s=6d7b19&amp;l=open&amp;a=897"
    )


def _mail(name: str, *, paragraphs: int, rows: int) -> bytes:
    dice = random.Random(name)
    words = ("offer", "season", "garden", "light", "tools", "paper", "morning", "river", "price", "letter")

    def sentence(count: int) -> str:
        return " ".join(dice.choice(words) for _ in range(count)).capitalize() + "."

    body = ["<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Acme</title></head><body>"]
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
        body.append(f'<a href="{_click(number)}" style="color:#0a58ca">{sentence(2)}</a>')
        if paragraphs:
            body.append("</td></tr></table><!--[if mso]></td></tr></table><![endif]-->")
    body.append(f'<img src="{_pixel()}" width="1" height="1" alt=""></body></html>')
    html = "\r\n".join(body).encode()
    text = "\r\n".join(sentence(9) for _ in range(12)).encode()
    boundary = "=_bench_boundary"
    head = (
        "From: Acme <news@acme.example>\r\nTo: <person@recipient.example>\r\n"
        f"Subject: {name}\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\nMessage-ID: <{name}@acme.example>\r\n"
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
