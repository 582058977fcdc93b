"""Bad configurations are folders: the file, and what must be said about it; and what a good file means."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.contradictions import MAX_OWN_ADDRESS, overlap
from smtp_gate.config.load import check_vendors, load_settings, read_settings
from smtp_gate.decision import MailClass
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.errors import ConfigFileError
from smtp_gate.limits import MAX_LINE_OUT, MAX_WRAPPED_URL
from smtp_gate.model import Purpose
from smtp_gate.policy.match import owns
from smtp_gate.policy.rules import Controller, OnOpaqueLink
from smtp_gate.tokens.keyring import Keyring
from smtp_gate.tokens.kinds import PixelToken
from smtp_gate.tokens.seal import seal

CASES = sorted((Path(__file__).parent.parent / "bad_configs").iterdir())
GOOD = """
listen: {smtp: "127.0.0.1:10025"}
deliver: {next_hops: ["smtp://127.0.0.1:25"]}
"""


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_file_is_refused_for_its_reason(case: Path) -> None:
    wanted = (case / "expected").read_text(encoding="utf-8").strip()
    with pytest.raises(ConfigFileError) as refused:
        load_settings(case / "config.yaml", {})
    said = str(refused.value).replace(str(case / "config.yaml"), "config.yaml")
    (case / "expected.got").write_text(said + "\n", encoding="utf-8")
    assert said == wanted


def test_all_errors_of_a_file_are_told_at_once() -> None:
    with pytest.raises(ConfigFileError) as refused:
        read_settings("listen: {smtp: x}\ndeliver: {next_hops: [y]}\nworkers: z\nfoo: 1\n", "c.yaml")
    assert {error.key.split("[")[0].split(".")[0] for error in refused.value.errors} == {
        "listen",
        "deliver",
        "workers",
        "foo",
    }


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"a: " + b"x" * 1_048_576], ids=["not-utf-8", "too-large"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "c.yaml").write_bytes(octets)
    with pytest.raises(ConfigFileError, match=r"c.yaml: is (not UTF-8 text|larger than)"):
        load_settings(tmp_path / "c.yaml")


def test_a_small_file_is_enough_and_keeps_nothing() -> None:
    policy = read_settings(GOOD, "c.yaml").rules()
    assert policy.rules == ()
    assert not policy.can_keep
    assert policy.on_opaque_link is OnOpaqueLink.TEXT


def test_with_a_web_part_opaque_links_ask_by_default() -> None:
    text = GOOD + "web: {public_url: https://preferences.acme.example/}\nkeys: keys.yaml\n"
    settings = read_settings(text, "c.yaml")
    assert settings.rules().on_opaque_link is OnOpaqueLink.ASK
    assert settings.rules().can_keep
    assert settings.web is not None
    assert settings.web.public_url == "https://preferences.acme.example"


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(GOOD + "keys: keys.yaml\ntrackers: {extra: more}\n", encoding="utf-8")
    settings = load_settings(tmp_path / "c.yaml")
    assert settings.keys == tmp_path / "keys.yaml"
    assert settings.trackers.extra == tmp_path / "more"


def test_one_value_may_stand_where_several_may() -> None:
    text = (
        GOOD
        + 'policy: {rules: [{name: a, class: newsletter, when: {sender: "A@B.example", header: {List-Id: x}}}]}\n'
    )
    [rule] = read_settings(text, "c.yaml").rules().rules
    assert rule.mail_class is MailClass.NEWSLETTER
    assert rule.when.sender == ("a@b.example",)
    assert rule.when.headers == (("list-id", "x"),)


def test_a_ledger_on_a_server_is_no_path_and_takes_its_password_from_the_environment(tmp_path: Path) -> None:
    url = "postgresql://gate:${LEDGER_PASSWORD}@db.example,db2.example/consent?sslmode=verify-full"
    (tmp_path / "c.yaml").write_text(f"{GOOD}consent: {{ledger: '{url}'}}\n", encoding="utf-8")
    settings = load_settings(tmp_path / "c.yaml", {"LEDGER_PASSWORD": "a/b@c"})
    assert settings.consent.ledger == url.replace("${LEDGER_PASSWORD}", "a%2Fb%40c")


@pytest.mark.parametrize(
    "url", ["postgresql://db/consent?password=hush", "postgres://gate:hush@db/consent", "postgresql://"]
)
def test_an_address_that_is_no_ledger_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    (tmp_path / "c.yaml").write_text(f"{GOOD}consent: {{ledger: '{url}'}}\n", encoding="utf-8")
    with pytest.raises(ConfigFileError, match="postgresql://user") as caught:
        load_settings(tmp_path / "c.yaml")
    assert "hush" not in str(caught.value)


def test_paths_inside_addresses_start_there_too(tmp_path: Path) -> None:
    text = GOOD.replace("smtp://127.0.0.1:25", "smtp://relay.example:25?tls=required&ca=tls/ca.pem")
    (tmp_path / "c.yaml").write_text(text + "consent: {ledger: 'sqlite:///consent.db'}\n", encoding="utf-8")
    settings = load_settings(tmp_path / "c.yaml")
    assert settings.consent.ledger == f"sqlite:///{tmp_path}/consent.db"
    assert settings.deliver is not None
    assert NextHop.parse(settings.deliver.next_hops[0]).ca == tmp_path / "tls/ca.pem"
    absolute = text.replace("tls/ca.pem", "/etc/ca.pem") + "consent: {ledger: 'sqlite:////var/consent.db'}\n"
    (tmp_path / "c.yaml").write_text(absolute, encoding="utf-8")
    settings = load_settings(tmp_path / "c.yaml")
    assert settings.consent.ledger == "sqlite:////var/consent.db"
    assert settings.deliver is not None
    assert settings.deliver.next_hops == ["smtp://relay.example:25?tls=required&ca=/etc/ca.pem"]


@pytest.mark.parametrize(
    ("written", "environment", "meant"),
    [
        ("redis://:${PW}@cache.example:6379/0", {"PW": "a@b/c:d"}, "redis://:a%40b%2Fc%3Ad@cache.example:6379/0"),
        ("${URL}", {"URL": "redis://:x@cache.example"}, "redis://:x@cache.example"),
        ("redis://cache.example", {}, "redis://cache.example"),
    ],
)
def test_a_secret_can_come_from_the_environment(written: str, environment: dict[str, str], meant: str) -> None:
    settings = read_settings(GOOD + f'consent: {{cache: "{written}"}}\n', "c.yaml", environment)
    assert settings.consent.cache == meant


def test_a_secret_can_stand_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a@b\n", encoding="utf-8")
    text = GOOD + 'consent: {cache: "redis+sentinel://:${PW}@one,two/main"}\n'
    settings = read_settings(text, "c.yaml", {"PW_FILE": f"{tmp_path}/secret"})
    assert settings.consent.cache == "redis+sentinel://:a%40b@one,two/main"
    assert read_settings(text, "c.yaml", {"PW_FILE": "/x", "PW": "y"}).consent.cache == (
        "redis+sentinel://:y@one,two/main"
    )
    with pytest.raises(ConfigFileError, match="the file of PW_FILE cannot be read: No such file"):
        read_settings(text, "c.yaml", {"PW_FILE": f"{tmp_path}/none"})
    (tmp_path / "secret").write_bytes(b"\xff\xfesecret")
    with pytest.raises(ConfigFileError, match="no text"):
        read_settings(text, "c.yaml", {"PW_FILE": f"{tmp_path}/secret"})


def test_a_secret_from_the_environment_is_never_shown() -> None:
    text = GOOD + 'consent: {cache: "${URL}"}\n'
    with pytest.raises(ConfigFileError) as refused:
        read_settings(text, "c.yaml", {"URL": "http://:secret@cache.example"})
    assert "secret" not in str(refused.value)


def test_elsewhere_a_variable_is_text() -> None:
    text = GOOD + "policy: {rules: [{name: '${HOME}', when: {header: {X-Campaign: '${HOME}'}}}]}\n"
    [rule] = read_settings(text, "c.yaml", {"HOME": "/root"}).rules().rules
    assert rule.name == "${HOME}"
    assert rule.when.headers == (("x-campaign", "${HOME}"),)


@pytest.mark.parametrize(
    ("one", "other", "does"),
    [
        ("@a.example", "@a.example", True),
        ("x@a.example", "@a.example", True),
        ("x@a.example", "y@a.example", False),
        ("x@b.a.example", "@*.a.example", True),
        ("@a.example", "@*.a.example", False),
        ("@nota.example", "@*.a.example", False),
        ("@*.b.a.example", "@*.a.example", True),
        ("@*.a.example", "@*.b.example", False),
        ("*@*", "x@a.example", True),
        ("@a.example", "@b.example", False),
    ],
)
def test_two_patterns_overlap_where_one_address_fits_both(one: str, other: str, does: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is does


@given(*[st.from_regex(r"(x|y|)@(\*\.)?(a|b)(\.a|\.b)?", fullmatch=True)] * 2)
def test_overlap_agrees_with_ownership(one: str, other: str) -> None:
    one, other = one.replace("x@*", "@*").replace("y@*", "@*"), other.replace("x@*", "@*").replace("y@*", "@*")
    domains = [".".join(labels) for size in (1, 2, 3) for labels in product("ab", repeat=size)]
    addresses = [f"{local}@{domain}" for local in "xyz" for domain in domains]
    both = any(
        owns(Controller("1", "", (one,)), address) and owns(Controller("2", "", (other,)), address)
        for address in addresses
    )
    assert overlap(one, other) is both


def test_the_longest_own_address_fits_a_line_of_mail() -> None:
    ring = Keyring({0: bytes(64)}, 0, bytes(64))
    name, url = "c" * 32, "https://" + "p" * (MAX_OWN_ADDRESS - 32 * 4 // 3 - 8)
    token = PixelToken(name, bytes(16), Purpose.PERFORMANCE, "v" * 32, "u" * MAX_WRAPPED_URL)
    assert len(f' href="{url}/p/{seal(ring, token)}">') <= MAX_LINE_OUT


def test_an_own_address_at_the_limit_is_taken() -> None:
    head, tail = "https://", ".example"
    for over in (0, 1):
        url = head + "p" * (MAX_OWN_ADDRESS - 5 - len(head + tail) + over) + tail
        text = (
            GOOD
            + f"web: {{public_url: '{url}'}}\nkeys: k\n"
            + "controllers: {acme: {name: A, senders: '@acme.example'}}\n"
        )
        if not over:
            read_settings(text, "c.yaml")
            continue
        with pytest.raises(ConfigFileError, match="is 1 characters too long with the controller id 'acme'"):
            read_settings(text, "c.yaml")


def test_lmtp_alone_is_enough() -> None:
    assert read_settings(GOOD.replace("smtp:", "lmtp:", 1), "c.yaml").listen.lmtp == ["127.0.0.1:10025"]


def test_a_rule_cannot_wait_for_a_tool_nobody_knows() -> None:
    settings = read_settings(GOOD + "policy: {rules: [{name: a, when: {tool: hubspott}}]}\n", "c.yaml")
    with pytest.raises(
        ConfigFileError, match=r"c.yaml:4:35: policy.rules\[0\].when.tool: 'hubspott' .*: brevo, hubspot"
    ):
        check_vendors(settings, ["hubspot", "brevo"], "c.yaml")


def test_an_own_host_of_no_vendor_is_placed() -> None:
    settings = read_settings(GOOD + "trackers: {domains: {hubspott: go.acme.example}}\n", "c.yaml")
    with pytest.raises(ConfigFileError, match=r"c.yaml:4:22: trackers.domains.hubspott: .* did you mean 'hubspot'"):
        load_catalogue(None, settings.trackers.domains, "", settings.place)


WEB_ALONE = "web: {public_url: 'https://p.acme.example'}\nkeys: keys.yaml\n"


def test_a_file_for_the_web_part_alone_needs_no_way_for_mail() -> None:
    settings = read_settings(WEB_ALONE, "c.yaml")
    assert (settings.deliver, settings.listen.smtp) == (None, [])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (WEB_ALONE + "listen: {smtp: '127.0.0.1:10025'}\n", "deliver"),
        (WEB_ALONE + "deliver: {next_hops: ['smtp://127.0.0.1:25']}\n", "listen"),
        ("workers: 1\n", "listen, deliver"),
    ],
)
def test_half_a_way_for_mail_is_none(text: str, key: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read_settings(text, "c.yaml")
    assert ", ".join(error.key for error in caught.value.errors) == key
