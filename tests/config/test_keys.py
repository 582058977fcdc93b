"""A key file is made once, grows by rotation, is for its owner alone, and its errors show no key."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smtp_gate.cli.keys import app
from smtp_gate.config.keys import MAX_KEY_FILE, load_keys, new_keys, rotate_keys
from smtp_gate.errors import ConfigError
from smtp_gate.tokens import WithdrawToken, open_withdraw, seal, subject_of

KEY = b64encode(b"k" * 64).decode()
SHORT = b64encode(b"k" * 63).decode()
TOKEN = WithdrawToken("acme", b"0123456789abcdef")


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


def put(path: Path, content: str) -> Path:
    """A key file of this content, with the right mode."""
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_new_file_is_for_its_owner_alone_and_works(path: Path) -> None:
    before = os.umask(0)
    try:
        ring = new_keys(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_withdraw(load_keys(path), seal(ring, TOKEN)) == TOKEN


def test_two_new_files_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = new_keys(tmp_path / "one"), new_keys(tmp_path / "other")
    assert seal(one, TOKEN) != seal(other, TOKEN)
    assert subject_of(one, b"a@b.example") != subject_of(other, b"a@b.example")


def test_a_file_that_is_there_is_not_overwritten(path: Path) -> None:
    put(path, "precious")
    with pytest.raises(ConfigError, match="not overwritten"):
        new_keys(path)
    assert path.read_text() == "precious"


def test_rotation_seals_anew_opens_the_old_and_keeps_everybody_who_they_are(path: Path) -> None:
    first = new_keys(path)
    path.chmod(0o640)
    second = rotate_keys(path)
    third = rotate_keys(path)
    assert (third.ids, third.newest) == ((1, 2, 3), 3)
    for ring in (first, second, third):
        assert open_withdraw(third, seal(ring, TOKEN)) == TOKEN
        assert subject_of(ring, b"a@b.example") == subject_of(first, b"a@b.example")
    assert path.stat().st_mode & 0o777 == 0o640, "the mode its owner chose stays"
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing is left beside it"


def test_the_last_key_id_is_the_end(path: Path) -> None:
    put(path, f"subject: {KEY}\nkeys: {{255: {KEY}}}\n")
    with pytest.raises(ConfigError, match="key 255 already"):
        rotate_keys(path)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o620, 0o777])
def test_a_file_that_others_can_read_or_change_is_refused(path: Path, mode: int) -> None:
    new_keys(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod 0600"):
        load_keys(path)


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        ("", "", "must be a mapping"),
        ("just words", ":1:1", "must be a mapping"),
        (f"- {KEY}", ":1:1", "must be a mapping"),
        (f"subject: {KEY}", ":1:1: keys", "is missing"),
        (f"keys: {{1: {KEY}}}", ":1:1: subject", "is missing"),
        (f"subject: {KEY}\nkeys: {KEY}", ":2:7: keys", "must be a mapping"),
        (f"subject: {KEY}\nkeys: {{}}", ":2:7: keys", "holds no key"),
        (f"subject: {KEY}\nkeys:\n  1: {SHORT}", ":3:6: keys.1", "is 63 octets of base64 and must be 64"),
        (f"subject: {KEY}\nkeys:\n  1: {KEY[:-3]}!==", ":3:6: keys.1", "is not base64"),
        (f"subject: [{KEY}]\nkeys: {{1: {KEY}}}", ":1:10: subject", "must be 64"),
        (f"subject: {KEY}\nkeys:\n  0: {KEY}", ":3:3: keys", "from 1 to 255"),
        (f"subject: {KEY}\nkeys:\n  256: {KEY}", ":3:3: keys", "from 1 to 255"),
        (f"subject: {KEY}\nkeys:\n  one: {KEY}", ":3:3: keys", "from 1 to 255"),
        (f"subject: {KEY}\nkeys:\n  01: {KEY}", ":3:3: keys", "from 1 to 255"),
        (f"subject: {KEY}\nkeys:\n  1: {KEY}\n  1: {KEY}", ":4:3: keys", "twice"),
        (f"subject: {KEY}\nkeys: {{1: {KEY}}}\nmore: {KEY}", ":3:1", "something else"),
        (f'subject: "{KEY}\nkeys', ":", "is not YAML"),
        (f"{KEY}: [{KEY}", ":", "is not YAML"),
        ("\x00", "", "is not YAML"),
        ("[" * 20_000, "", "is not YAML"),
        ("#" * (MAX_KEY_FILE + 1), "", "no key file"),
    ],
)
def test_an_unusable_file_is_named_with_place_problem_and_cure_and_without_key(
    path: Path, content: str, place: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_keys(put(path, content))
    text = str(caught.value)
    assert text.startswith(f"{path}{place}")
    assert said in text
    assert not re.search(r"[A-Za-z0-9+]{24}", text.removeprefix(str(path))), "no key in the message"


def test_a_missing_file_says_how_to_make_it(path: Path) -> None:
    with pytest.raises(ConfigError, match="smtp-gate keys new"):
        load_keys(path)


def test_a_folder_or_a_place_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_keys(tmp_path)
    with pytest.raises(ConfigError, match="cannot be written"):
        new_keys(tmp_path / "missing" / "keys.yaml")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_keys(Path("/dev/null"))


def test_the_command_makes_rotates_and_lists_and_prints_no_key(path: Path) -> None:
    run = CliRunner().invoke
    made = run(app, ["new", "--keys", str(path)])
    again = run(app, ["new", "--keys", str(path)])
    rotated = run(app, ["rotate", "--keys", str(path), "--json"])
    listed = run(app, ["list", "--keys", str(path)])
    asked = run(app, ["list", "--keys", str(path), "--json"])
    assert [made.exit_code, again.exit_code, rotated.exit_code, listed.exit_code] == [0, 78, 0, 0]
    assert "not overwritten" in again.stderr
    assert json.loads(asked.stdout) == {"file": str(path), "keys": [1, 2], "newest": 2}
    assert json.loads(rotated.stdout) == json.loads(asked.stdout)
    assert listed.stdout == "1  opens\n2  seals and opens\n"
    secrets = re.findall(r": ([A-Za-z0-9+/=]{60,})", path.read_text())
    assert len(secrets) == 3
    for result in (made, again, rotated, listed, asked):
        assert not any(secret[:20] in result.output for secret in secrets)


@pytest.mark.parametrize("command", ["rotate", "list"])
def test_the_command_ends_with_the_exit_code_of_a_bad_configuration(path: Path, command: str) -> None:
    result = CliRunner().invoke(app, [command, "--keys", str(path)])
    assert result.exit_code == 78
    assert "no such key file" in result.stderr
