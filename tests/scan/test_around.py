"""What stands round a picture: hidden parents, boxes of no size, style rules, its place in the body."""

from __future__ import annotations

import pytest

from smtp_gate.model import Kind
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue

NOBODY = Catalogue(())
TOKEN = "4f9d2b7c1a8e6035"
WORDS = "<p>Words that everybody reads.</p>"
BIG = f'<img src="https://acme.example/a/{TOKEN}" width="300" height="200">'
PLAIN = f'<img src="https://acme.example/a/{TOKEN}">'
NAMED = f'<img class="tr x" src="https://acme.example/a/{TOKEN}">'
"""Alone neither of them would be acted on."""


def judged(body: str, head: str = "") -> tuple[Kind, tuple[str, ...]] | None:
    """Kind and evidence of the only picture of a page; None for one that nothing is said about."""
    page = f"<!DOCTYPE html><html><head>{head}</head><body>{WORDS}{body}{WORDS}</body></html>"
    findings = scan(b"Content-Type: text/html\r\n\r\n" + page.encode(), NOBODY).findings
    assert len(findings) <= 1
    return (findings[0].kind, findings[0].evidence) if findings else None


def test_without_anything_round_it_the_picture_is_left_alone() -> None:
    assert judged(BIG) is None
    assert judged(PLAIN) == judged(NAMED) == (Kind.SUSPECT, ("unsized", "token"))


HIDING = [
    f'<div style="display:none">{BIG}</div>',
    f'<div style="DISPLAY: NONE !important">{BIG}</div>',
    f'<p style="display:none;">{PLAIN}</p>',  # Postal
    f'<span style="visibility:hidden">{BIG}</span>',
    f"<div hidden>{BIG}</div>",
    f'<div class="a" hidden="hidden">{BIG}</div>',
    f'<div style="opacity:0">{BIG}</div>',
    f'<div style="opacity: 0.01;">{BIG}</div>',
    f'<div style="max-height:0;overflow:hidden">{BIG}</div>',
    f'<div style="height:1px;width:1px;overflow:hidden;">{BIG}</div>',
    f'<div style="font-size:0;line-height:0;max-height:0px; overflow:hidden;mso-hide:all">{BIG}</div>',
    f'<div style="position:absolute;left:-9999px">{BIG}</div>',
    f'<div style="position:absolute; top:-2000px;">{BIG}</div>',
    f'<div style="margin-left:-5000px">{BIG}</div>',
    f'<div style="position:absolute;clip:rect(0 0 0 0)">{BIG}</div>',
    f'<div style="position:absolute;clip: rect(1px, 1px, 1px, 1px)">{BIG}</div>',
    f'<div style="clip-path:inset(50%)">{BIG}</div>',
    f'<div style="transform:scale(0)">{BIG}</div>',
    f'<table style="display:none"><tr><td>a</td></tr><tr><td>{BIG}</td></tr></table>',
    f'<table><tr style="display:none"><td>a</td><td>{BIG}</td></tr></table>',
    f'<table><tr><td style="display:none">a<table><tr><td></td></tr></table>{BIG}</td></tr></table>',
    f'<div style="display:none"><div><div></div><p>a<br></div><table><tr><td></div></td></tr></table>{BIG}</div>',
    f'<div style="display:none">a <!-- </div> --> {BIG}</div>',
    f'<div style="display:none"><!--[if mso]></div><![endif]-->{BIG}</div>',
    f"<div style='color:red; display : none; display:none'>{BIG}</div>",
    f'<DIV STYLE="display:none">{BIG}</DIV>',
    f'<div style="display:&#110;one">{BIG}</div>',
    f'<center style="display:none"><font>{BIG}</font></center>',
    f'<a href="https://acme.example/" style="display:none">{BIG}</a>',
    f'<!--[if mso]><div style="display:none">{BIG}</div><![endif]-->',
    f'<div style="display:none">{BIG}',
]


@pytest.mark.parametrize("body", HIDING)
def test_a_hidden_parent_hides_what_stands_in_it(body: str) -> None:
    found = judged(body)
    assert found is not None
    assert found == (Kind.PIXEL, ("hidden", "inherited", "token"))


BOXES = [
    f'<table><tr><td width="1" height="1">{PLAIN}</td></tr></table>',
    f'<table><tr><td width="0" height="0" style="font-size:0;line-height:0">{PLAIN}</td></tr></table>',
    f'<table><tr><td style="height:0;font-size:0;line-height:0">{PLAIN}</td></tr></table>',  # Notifuse
    f'<table width="1" height="1"><tr><td>{PLAIN}</td></tr></table>',
    f'<td height="1" style="overflow:hidden">{PLAIN}</td>',
]


@pytest.mark.parametrize("body", BOXES)
def test_a_box_of_no_size_hides_what_has_none_either(body: str) -> None:
    assert judged(body) == (Kind.PIXEL, ("hidden", "inherited", "token"))
    assert judged(body.replace(PLAIN, BIG)) is None, "the box grows with what has a size"


OPEN = [
    f'<div style="display:none">Preheader</div>{BIG}',
    f'<div style="display:none">Preheader</div><div style="max-height:0;overflow:hidden">&zwnj;</div>{BIG}',
    f'<p style="display:none">Preheader<p>{BIG}</p>',
    f'<p style="display:none">Preheader<div>{BIG}</div>',
    f'<table><tr><td style="display:none">a<td>{BIG}</table>',
    f'<table><tr style="display:none"><td>a<tr><td>{BIG}</table>',
    f'<table><tr><td><div style="display:none">never closed</td></tr></table>{BIG}',
    f'<table><tr><td><div style="display:none">never closed</td><td>{BIG}</td></tr></table>',
    f'<!-- <div style="display:none"> -->{BIG}',
    f'<!--[if mso]><div style="display:none"><![endif]-->{BIG}',
    f'<div style="mso-hide:all">{BIG}</div>',
    f'<div style="display:block;visibility:visible;opacity:1">{BIG}</div>',
    f'<div style="line-height:0;font-size:0">{BIG}</div>',
    f'<div style="height:1px">{BIG}</div>',
    f'<div style="height:100px;overflow:hidden">{BIG}</div>',
    f'<div style="min-height:0;min-width:0;border-width:0;overflow:hidden">{BIG}</div>',
    f'<div style="margin-top:-12px;left:-10px">{BIG}</div>',
    f'<div style="clip:rect(0 300px 200px 0);transform:scale(0.5)">{BIG}</div>',
    f'<div style="overflow:hidden">{BIG}</div>',
    f'<img style="display:none" src="cid:a@acme.example">{BIG}',
    f'<span title="display:none">{BIG}</span>',
    f"<p>display:none hidden </p>{BIG}",
    f'<input type="checkbox" style="display:none">{BIG}',
]


@pytest.mark.parametrize("body", OPEN)
def test_what_is_not_hidden_stays(body: str) -> None:
    assert judged(body) is None


@pytest.mark.parametrize(
    ("rules", "evidence"),
    [
        (".tr{display:none}", ("hidden", "inherited", "token")),
        ("img.tr { visibility: hidden }", ("hidden", "inherited", "token")),
        ("IMG.tr.x{width:1px;height:1px}", ("tiny", "inherited", "token")),
        (".a,.tr{width:0!important;height:0}", ("hidden", "inherited", "token")),
        ("a{color:red}/* .tr{width:9px} */ .tr{opacity:0}.tr{color:red}", ("hidden", "inherited", "token")),
        ("@media print{.tr{display:none}} .x{position:absolute;left:-9999px}", ("hidden", "inherited", "token")),
        ("<!-- .tr{display:none} -->", ("hidden", "inherited", "token")),
        ("[class=tr]{display:none}", ("hidden", "inherited", "token")),
        ("*.tr{height:1px;max-width:1px}", ("tiny", "inherited", "token")),
        ("img{display:none}.tr{color:red}", ("hidden", "inherited", "token")),
        # a size that a pixel does not have makes it a picture
        (".tr{width:120px}", None),
        # not for sure, or not for it
        ("@media (max-width:600px){.tr{display:none}}", ("unsized", "token")),
        ("@media screen{@supports (x:y){.tr{display:none}}}", ("unsized", "token")),
        (".tr:hover{display:none}", ("unsized", "token")),
        (".a .tr{display:none}", ("unsized", "token")),
        (".tr .a{display:none}", ("unsized", "token")),
        (".tr.a{display:none}", ("unsized", "token")),
        ("td.tr{display:none}", ("unsized", "token")),
        (".trx{display:none}", ("unsized", "token")),
        ("#tr{display:none}", ("unsized", "token")),
        (".tr{max-width:100%;height:auto}", ("unsized", "token")),
        (".tr{display:none", ("hidden", "inherited", "token")),
        (".tr{{{}}}", ("unsized", "token")),
        ("{}.tr", ("unsized", "token")),
    ],
)
def test_simple_rules_of_the_same_part_count(rules: str, evidence: tuple[str, ...] | None) -> None:
    found = judged(NAMED, f"<style>{rules}</style>")
    assert (found and found[1]) == evidence


def test_rules_for_other_clients_and_other_elements_do_not_count() -> None:
    assert judged(NAMED, "<!--[if mso]><style>.tr{display:none}</style><![endif]-->") == judged(NAMED)
    assert judged(PLAIN, "<style>.tr{display:none}</style>") == judged(PLAIN)


@pytest.mark.parametrize("attribute", ['class="pre x"', 'id="pre"', "class='pre'"])
def test_a_rule_hides_what_stands_in_an_element(attribute: str) -> None:
    head = "<style>.pre, #pre{display:none!important}</style>"
    assert judged(f"<div {attribute}>{BIG}</div>", head) == (Kind.PIXEL, ("hidden", "inherited", "token"))
    assert judged(f"<div {attribute}></div>{BIG}", head) is None


SHOWING = [
    "@media (max-width:600px){.m{display:block!important}}",
    "@media only screen and (max-width:600px){ *[class=m]{display:inline !important} }",
    "u + .body .m{display:block}",
    "@media (prefers-color-scheme:dark){#m{display:block!important;visibility:visible}}",
    "@media screen{.a,.m{max-height:none!important;width:auto}}",
]


@pytest.mark.parametrize("rule", SHOWING)
def test_what_a_rule_may_show_is_not_hidden(rule: str) -> None:
    hidden = f'<div class="m" id="m" style="display:none;max-height:0;overflow:hidden">{BIG}</div>'
    assert judged(hidden) == (Kind.PIXEL, ("hidden", "inherited", "token"))
    assert judged(hidden, f"<style>{rule}</style>") is None
    picture = f'<img class="m" id="m" style="display:none" src="https://acme.example/a/{TOKEN}" width="300">'
    assert judged(picture) == (Kind.PIXEL, ("hidden", "token"))
    assert judged(picture, f"<style>{rule}</style>") == (Kind.SUSPECT, ("hidden", "token", "revealed"))


def edge(page: str) -> bool:
    """Whether a page's only unsized picture counts as standing at its edge."""
    findings = scan(b"Content-Type: text/html\r\n\r\n" + page.encode(), NOBODY).findings
    return any("edge" in finding.evidence for finding in findings)


@pytest.mark.parametrize(
    "page",
    [
        f"<body>Words{PLAIN}</body></html>",
        f"<body>Words<table><tr><td>{PLAIN}</td></tr></table> &nbsp; <!-- end - of mail --> <br></body>",
        f"Words{PLAIN}",
        f"<html><head><title>t</title></head><body class='x'> <div>{PLAIN}</div>Words</body>",
        f"{PLAIN}Words",
    ],
)
def test_first_and_last_in_the_body_count(page: str) -> None:
    assert edge(page)


@pytest.mark.parametrize(
    "page",
    [
        f"<body>Words{PLAIN}Words</body>",
        f'<body>Words<a href="https://acme.example/">{PLAIN}</a></body>',
        f"<body>Words{PLAIN}<img src='cid:logo'></body>",
        f"<body>Words{PLAIN}<hr></body>",
        f"<body>Words{PLAIN.replace(TOKEN, TOKEN + '.png')}</body>",
        f"<body>Words{PLAIN}{'<br>' * 2000}</body>",
    ],
)
def test_what_has_a_neighbour_a_link_or_a_name_does_not(page: str) -> None:
    assert not edge(page)


@pytest.mark.parametrize(
    "page",
    [
        '<div style="display:none">' * 20_000 + BIG,
        '<div style="display:none"></div>' * 20_000 + BIG,
        "<p style='max-height:0;overflow:hidden'>" * 20_000 + BIG,
        "<table><tr><td width=1 height=1>" * 10_000 + PLAIN,
        '<div style="' + "display:none;" * 50_000 + '">' + BIG,
        "display:none " * 50_000 + BIG,
        "<!--" * 50_000 + ' display:none --><div style="opacity:0">' + BIG,
        "<style>" + ".tr{display:none}" * 10_000 + "</style>" + NAMED * 200,
        "<style>" + "{" * 50_000 + "</style>" + NAMED,
        "<style>" + ".tr" * 30_000 + "</style>" + NAMED,
        "".join(f'<style>.c{n}{{display:none}}</style><div class="c{n}">' for n in range(2000)) + BIG,
        "<br>" * 700 + PLAIN * 2000,
        "<style>"
        + ",".join(f".c{n}" for n in range(20_000))
        + "{display:none}</style>"
        + "".join(f'<img class="c{n}" src="https://acme.example/{TOKEN}">' for n in range(2000)),
        "<style>" + ",".join(f".c{n}" for n in range(9000)) + "{" + "display:none;" * 5000 + "}</style>" + NAMED,
        "<style>.a{display:none}</style>" + '<b class="a"></b>' * 50_000 + NAMED,
    ],
)
def test_hostile_pages_are_read_in_linear_time(page: str) -> None:
    """A page of a megabyte must not take minutes; the limit of the test run is the judge."""
    raw = b"Content-Type: text/html\r\n\r\n" + page.encode()
    assert scan(raw, NOBODY).parts
