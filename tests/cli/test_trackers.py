"""``smtp-gate trackers``: the catalogue as people and programs ask for it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from smtp_gate.cli.trackers import app

READABLE = "https://us1.mailchimp.com/mctx/clicks?url=https%3A%2F%2Fshop.example%2F&xid=1"


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "120"})
    assert result.exit_code == code, result.output
    return result.output


def test_list_names_every_vendor() -> None:
    text = run("list")
    vendors = json.loads(run("list", "--json"))["vendors"]
    assert len(vendors) >= 11
    assert all(vendor["id"] in text for vendor in vendors)


def test_show_tells_all_of_one_vendor() -> None:
    text = run("show", "mandrill")
    assert "query:p -> urldecode -> base64 -> json:p -> json:url" in text
    told = json.loads(run("show", "mandrill", "--json"))
    assert told["links"][0]["targets"] == ["query:p -> urldecode -> base64 -> json:p -> json:url"]
    assert told["pixels"][0]["purposes"] == ["performance"]
    assert told["headers"][0]["checked"]


def test_show_of_an_unknown_vendor_names_the_choices() -> None:
    assert "hubspot" in run("show", "hubspott", code=2)


def test_test_says_what_an_address_is() -> None:
    told = json.loads(run("test", READABLE, "--json"))
    assert told["link"] == {
        "kind": "link",
        "vendor": "mailchimp",
        "target": "https://shop.example/",
        "purposes": ["clicks"],
        "evidence": ["catalogue"],
    }
    assert told["target"] == "https://shop.example/"
    assert "as link:  link of mailchimp, for clicks (catalogue) -> https://shop.example/" in run("test", READABLE)
    assert "functional" in run("test", READABLE, "--words", "Unsubscribe")


def test_test_of_a_plain_address() -> None:
    assert run("test", "https://shop.example/").split() == [
        "as",
        "link:",
        "plain",
        "as",
        "image:",
        "plain",
        "as",
        "load:",
        "plain",
    ]


def test_own_hosts_can_be_given() -> None:
    told = json.loads(run("test", "https://go.acme.example/abc", "--domain", "lemlist=go.acme.example", "--json"))
    assert (told["link"]["vendor"], told["target"]) == ("lemlist", None)
    text = run("test", "https://go.acme.example/abc", "--domain", "lemlist=go.acme.example")
    assert "known to the vendor only" in text


@pytest.mark.parametrize(("pair", "code"), [("lemlist", 2), ("=x", 2), ("lemlust=go.acme.example", 78)])
def test_own_hosts_that_are_none(pair: str, code: int) -> None:
    assert "lemlist" in run("list", "--domain", pair, code=code) or code == 2
