"""Bad configurations are folders: the file, and what must be said about it; and what a good file means."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtp_gate.config.load import check_vendors, load_settings, read_settings
from smtp_gate.errors import ConfigFileError
from smtp_gate.model import MailClass
from smtp_gate.policy.rules import OnOpaqueLink

CASES = sorted((Path(__file__).parent.parent / "bad_configs").iterdir())
GOOD = """
listen: {smtp: "127.0.0.1:10025"}
deliver: {next_hops: ["smtp://127.0.0.1:25"]}
"""


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bad_file_is_refused_for_its_reason(case: Path) -> None:
    wanted = (case / "expected").read_text(encoding="utf-8").strip()
    with pytest.raises(ConfigFileError) as refused:
        load_settings(case / "config.yaml")
    said = str(refused.value)
    (case / "expected.got").write_text(said + "\n", encoding="utf-8")
    assert wanted in said
    assert said.startswith(str(case / "config.yaml"))


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


def test_a_rule_cannot_wait_for_a_tool_nobody_knows() -> None:
    settings = read_settings(GOOD + "policy: {rules: [{name: a, when: {tool: hubspott}}]}\n", "c.yaml")
    with pytest.raises(ConfigFileError, match=r"policy.rules\[0\].when.tool: 'hubspott' .*: brevo, hubspot"):
        check_vendors(settings, ["hubspot", "brevo"], "c.yaml")
