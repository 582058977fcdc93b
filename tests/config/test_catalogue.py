"""A vendor file is taken when it is right, and told off where it is wrong: place, key, value, choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtp_gate.config.catalogue import load_catalogue, our_files, read_vendor
from smtp_gate.config.yaml_file import read_yaml
from smtp_gate.errors import ConfigFileError
from smtp_gate.model import Kind, Purpose

DOCUMENT = Path(__file__).parents[2] / "docs/catalogue.md"
GOOD = """\
id: postbird
name: Postbird
country: FR
own_purposes: true
pixels:
  - name: opening
    hosts: [postbird.example]
    path: '/o/[0-9a-f]{32}'
    anywhere: true
    marks: [o]
    purposes: [performance, fraud]
    fact: {confidence: real_mail, source: mail of our own, checked: 2026-11-24}
    examples:
      - https://postbird.example/o/00112233445566778899aabbccddeeff
      - https://news.acme.example/o/00112233445566778899aabbccddeeff
links:
  - name: click
    hosts: [=go.postbird.example]
    path: '/c\\?u='
    fact: {confidence: vendor, source: its documentation, checked: 2026-11-24}
    examples: ['https://go.postbird.example/c?u=x', 'https://go.postbird.example/c?u=y']
    targets:
      - from: query:u
        steps: [base64]
        examples: [{url: 'https://go.postbird.example/c?u=aHR0cHM6Ly9zaG9wLmV4YW1wbGUv', target: 'https://shop.example/'}]
headers:
  - {name: X-Postbird, fact: {confidence: list, source: a list, checked: 2026-11-24}}
parameters: [PB_Contact]
"""

EXAMPLE = "/o/00112233445566778899aabbccddeeff\nlinks"


def told(text: str) -> str:
    with pytest.raises(ConfigFileError) as caught:
        read_vendor(read_yaml(text, "v.yaml"))
    return str(caught.value)


OURS = our_files()


@pytest.mark.parametrize("name", OURS, ids=[Path(name).stem for name in OURS])
def test_our_own_files_hold_what_a_start_does_not_check(name: str) -> None:
    vendor = read_vendor(read_yaml(OURS[name], name))
    assert vendor.id == Path(name).stem


def test_a_right_file_becomes_a_vendor() -> None:
    vendor = read_vendor(read_yaml(GOOD, "v.yaml"))
    assert (vendor.id, vendor.country, vendor.own_purposes) == ("postbird", "FR", True)
    assert vendor.pixels[0].purposes == Purpose.PERFORMANCE | Purpose.FRAUD
    assert vendor.links[0].purposes == Purpose.CLICKS
    assert vendor.links[0].targets[0].steps == ("base64",)
    assert vendor.headers[0].name == "x-postbird"
    assert vendor.parameters == ("pb_contact",)


def test_a_guess_is_taken_as_a_weak_pattern() -> None:
    text = GOOD.replace("    path: '/c", "    weak: true\n    path: '/c").replace(
        "confidence: vendor", "confidence: guess"
    )
    vendor = read_vendor(read_yaml(text, "v.yaml"))
    assert vendor.links[0].weak
    assert not vendor.pixels[0].weak


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "country: FR",
            "contry: FR",
            "v.yaml:3:1: contry: is no key here; did you mean 'country'? choose one of: id",
        ),
        ("    marks: [o]", "    mark: [o]", "v.yaml:10:5: pixels[0].mark: is no key here; did you mean 'marks'?"),
        ("from: query:u", "form: query:u", "links[0].targets[0].form: is no key here; did you mean 'from'?"),
        ("id: postbird\n", "", "v.yaml:1:1: id: is missing"),
        ("country: FR", "country: France", "v.yaml:3:10: country: 'France' is no country; write two capitals"),
        (
            "own_purposes: true",
            "own_purposes: maybe",
            "v.yaml:4:15: own_purposes: 'maybe' should be true or false",
        ),
        (
            "confidence: real_mail",
            "confidence: hearsay",
            "'hearsay' is no choice; choose one of: real_mail, vendor",
        ),
        ("[performance, fraud]", "[performance, art]", "v.yaml:11:29: pixels[0].purposes[1]: 'art' is no choice;"),
        ("checked: 2026-11-24}\n    ex", "checked: today}\n    ex", "pixels[0].fact.checked: 'today' is no day;"),
        ("[0-9a-f]{32}'", "[0-9a-f{32}'", "v.yaml:8:11: pixels[0].path: '/o/[0-9a-f{32}' is no regular expression"),
        ("[0-9a-f]{32}'", "(?:[0-9a-f]+)+'", "holds a repeat inside a repeat"),
        ("[postbird.example]", "['https://postbird.example']", "'https://postbird.example' is no host; write"),
        (
            EXAMPLE,
            "/o/xyz\nlinks",
            "v.yaml:15:9: pixels[0].examples[1]: 'https://news.acme.example/o/xyz' is not matched",
        ),
        (f"      - https://news.acme.example{EXAMPLE}", "links", "v.yaml:14:7: pixels[0].examples: "),
        ("marks: [o]", "marks: [open]", "has none of the marks as a path segment: open"),
        ("    anywhere: true\n", "", "v.yaml:9:12: pixels[0].marks: is for patterns with `anywhere: true` only"),
        ("    marks: [o]\n", "", "v.yaml:6:5: pixels[0]: holds anywhere, so it needs a path and marks"),
        (
            "    hosts: [=go.postbird.example]\n",
            "",
            "v.yaml:17:5: links[0]: names no host; give hosts, host_pattern,",
        ),
        (
            "u=x', 'https://go.",
            "u=x', 'https://no.",
            "is on a host that the pattern does not name: no.postbird.example",
        ),
        (
            "['https://go.",
            "['ftp://go.",
            "links[0].examples[0]: 'ftp://go.postbird.example/c?u=x' is no http(s) address",
        ),
        (
            "from: query:u",
            "from: body:u",
            "links[0].targets[0]: 'body:u' is no place to begin; choose one of: query",
        ),
        ("[base64]", "[rot13]", "links[0].targets[0]: 'rot13' is no step; choose one of: urldecode, base64"),
        (
            "example/'}",
            "example/a'}",
            "'https://shop.example/a' is expected, but 'https://shop.example/' comes out",
        ),
        (
            "confidence: vendor",
            "confidence: guess",
            "v.yaml:20:24: links[0].fact.confidence: is a guess, so the pattern needs `weak: true`",
        ),
        ("name: X-Postbird", "name: 'X Postbird'", "headers[0].name: 'X Postbird' is no name of a header field"),
        ("name: Postbird\n", "name: ''\n", "v.yaml:2:7: name: is empty"),
        ("parameters: [PB_Contact]", "parameters: PB_Contact", "parameters: 'PB_Contact' should be a list"),
    ],
)
def test_a_wrong_file_is_told_where_and_why(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in told(GOOD.replace(old, new, 1))


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = GOOD.replace("country: FR", "country: France").replace("[performance, fraud]", "[art]")
    assert len(told(text).splitlines()) == 2


def test_a_file_that_is_no_mapping_is_told_so() -> None:
    assert "v.yaml:1:1" in told("- id: postbird\n")


def test_a_folder_of_further_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "postbird.yaml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("no vendor")
    catalogue = load_catalogue(tmp_path, {"postbird": ["t.acme.example"]}, "")
    judged = catalogue.link("https://t.acme.example/abc", str, frozenset())
    assert judged is not None
    assert (judged.kind, judged.vendor) == (Kind.LINK, "postbird")
    assert (
        catalogue.target("https://go.postbird.example/c?u=aHR0cHM6Ly9zaG9wLmV4YW1wbGUv") == "https://shop.example/"
    )
    judged = catalogue.link("https://shop.example/?pb_contact=1", str, frozenset())
    assert judged is not None
    assert judged.target == "https://shop.example/"


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    (tmp_path / "c.yaml").write_text(GOOD.replace("id: postbird", "id: hubspot"))
    with pytest.raises(ConfigFileError) as caught:
        load_catalogue(tmp_path, {}, "")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert f"{tmp_path / 'b.yaml'}:1:5: id: 'postbird' is taken already, by {tmp_path / 'a.yaml'}" in lines
    assert any(line.startswith(f"{tmp_path / 'c.yaml'}:1:5: id: 'hubspot' is taken already, by ") for line in lines)


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: [")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "c.yaml").write_text(GOOD.replace("country", "land"))
    with pytest.raises(ConfigFileError) as caught:
        load_catalogue(tmp_path, {}, "")
    places = {error.place.partition(":")[0] for error in caught.value.errors}
    assert places == {str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.yaml")}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="cannot be listed"):
        load_catalogue(tmp_path / "nowhere", {}, "")


def test_an_own_host_of_no_vendor_is_told_with_the_choices() -> None:
    with pytest.raises(
        ConfigFileError, match=r"trackers\.domains\.lemlust: 'lemlust' is no vendor; .*choose .*lemlist"
    ):
        load_catalogue(None, {"lemlust": ["go.acme.example"]}, "")


def test_the_documented_file_is_right() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    vendor = read_vendor(read_yaml(example, "docs/catalogue.md"))
    assert (len(vendor.pixels), len(vendor.links), len(vendor.functional), len(vendor.content)) == (1, 1, 1, 1)
