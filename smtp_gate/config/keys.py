"""The key file: made, rotated and read here alone; what is in it is never shown.

The file is YAML of one shape: ``subject`` (the secret behind the subject ids, made once and for all) and ``keys``
(an id 1 to 255 for each master key; the highest seals, all open). Errors name the place and the cure, and never
quote the line, as the YAML library's own would.
"""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, NamedTuple

import yaml

from smtp_gate.errors import ConfigError
from smtp_gate.tokens import Keyring
from smtp_gate.tokens.keyring import MASTER_KEY_SIZE, MAX_KEY_ID

if TYPE_CHECKING:
    from pathlib import Path

MAX_KEY_FILE = 65_536
"""Octets of a key file: 255 keys take half of it."""
_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_COMMENT = """\
# Keys of smtp_gate. Whoever has this file can forge its links; whoever loses it cannot honour withdrawals of
# mails already sent. Keep a copy in a safe place. Never remove a key: old mails are opened with it.
"""


class _Keys(NamedTuple):
    subject: bytes
    keys: dict[int, bytes]


def load_keys(path: Path) -> Keyring:
    """The ring of a key file.

    Raises:
        ConfigError: when the file cannot be read, others may read it, or its content is no key file.
    """
    keys = _read(path)
    return Keyring(keys.keys, max(keys.keys), keys.subject)


def new_keys(path: Path) -> Keyring:
    """Make a key file with one key and mode 0600.

    Raises:
        ConfigError: when something is there already, or it cannot be written.
    """
    keys = _Keys(secrets.token_bytes(MASTER_KEY_SIZE), {1: secrets.token_bytes(MASTER_KEY_SIZE)})
    try:
        _write(path, keys)
    except FileExistsError:
        raise ConfigError(
            str(path), "", "is there already and is not overwritten; use `smtp-gate keys rotate` for a new key"
        ) from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be written: {error.strerror}") from None
    return load_keys(path)


def rotate_keys(path: Path) -> Keyring:
    """Add a key that seals from the next start on; the others stay for reading. Owner and mode stay.

    Raises:
        ConfigError: when the file is unusable, cannot be replaced, or holds 255 keys already.
    """
    keys = _read(path)
    number = max(keys.keys) + 1
    if number > MAX_KEY_ID:
        raise ConfigError(str(path), "keys", f"has key {MAX_KEY_ID} already, and a key id has no more than 8 bits")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        before = path.stat()
        _write(beside, _Keys(keys.subject, {**keys.keys, number: secrets.token_bytes(MASTER_KEY_SIZE)}))
        try:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(beside, before.st_uid, before.st_gid)
            beside.chmod(stat.S_IMODE(before.st_mode))
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be replaced: {error.strerror}") from None
    return load_keys(path)


def _read(path: Path) -> _Keys:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(str(path), "", "is not a regular file")
            if found.st_mode & _OTHERS:
                mode = f"{stat.S_IMODE(found.st_mode):04o}"
                raise ConfigError(str(path), "", f"can be read or changed by others (mode {mode}); chmod 0600 it")
            content = file.read(MAX_KEY_FILE + 1)
    except FileNotFoundError:
        cure = f"make it with `smtp-gate keys new --keys {path}`"
        raise ConfigError(str(path), "", f"there is no such key file; {cure}") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_KEY_FILE:
        raise ConfigError(str(path), "", f"is larger than {MAX_KEY_FILE} octets, so it is no key file")
    try:
        return _parse(path, yaml.compose(content, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(place, "", "is not YAML; restore the file from its copy") from None
    except (yaml.YAMLError, RecursionError):
        raise ConfigError(str(path), "", "is not YAML; restore the file from its copy") from None


def _parse(path: Path, root: yaml.Node | None) -> _Keys:
    fields = _mapping(path, "", root)
    for name, (key, _) in fields.items():
        if name not in ("subject", "keys"):
            raise ConfigError(_place(path, key), "", 'holds something else than "subject" and "keys"')
    for name in ("subject", "keys"):
        if name not in fields:
            raise ConfigError(_place(path, root), name, "is missing; restore the file from its copy")
    subject = _secret(path, "subject", fields["subject"][1])
    keys = {}
    for name, (key, value) in _mapping(path, "keys", fields["keys"][1]).items():
        if not (name.isascii() and name.isdigit() and 1 <= int(name) <= MAX_KEY_ID and str(int(name)) == name):
            raise ConfigError(_place(path, key), "keys", f"has an id that is not a number from 1 to {MAX_KEY_ID}")
        keys[int(name)] = _secret(path, f"keys.{name}", value)
    if not keys:
        raise ConfigError(_place(path, fields["keys"][1]), "keys", "holds no key; restore the file from its copy")
    return _Keys(subject, keys)


def _mapping(path: Path, name: str, node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        shape = "{1: base64, 2: base64 ...}" if name else "{subject: base64, keys: {1: base64 ...}}"
        raise ConfigError(_place(path, node), name, f"must be a mapping: {shape}")
    fields: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        word = key.value if isinstance(key, yaml.ScalarNode) else ""
        if word in fields:
            raise ConfigError(_place(path, key), name, "has the same name twice; remove the one that is not used")
        fields[word] = (key, value)
    return fields


def _secret(path: Path, name: str, node: yaml.Node) -> bytes:
    try:
        octets = b64decode(node.value, validate=True) if isinstance(node, yaml.ScalarNode) else b""
    except ValueError:
        raise ConfigError(_place(path, node), name, "is not base64; restore the file from its copy") from None
    if len(octets) != MASTER_KEY_SIZE:
        problem = f"is {len(octets)} octets of base64 and must be {MASTER_KEY_SIZE}; restore the file from its copy"
        raise ConfigError(_place(path, node), name, problem)
    return octets


def _place(path: Path, node: yaml.Node | None) -> str:
    return f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}" if node else str(path)


def _write(path: Path, keys: _Keys) -> None:
    lines = [f"subject: {b64encode(keys.subject).decode()}", "keys:"]
    lines += [f"  {number}: {b64encode(key).decode()}" for number, key in sorted(keys.keys.items())]
    # O_EXCL: neither an existing file nor a link that somebody put there is written to.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_COMMENT + "\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make a name in a folder outlive a power cut: mails sealed with a key that is lost cannot be read again."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
