"""The file of API keys: made, added to and read here alone. It holds hashes; a key itself is shown once, when made.

A key is 32 random octets, so one round of SHA-256 hides it: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Annotated, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "smtpgate_"
"""What a key begins with, so that programs that look for leaked keys know it."""
MAX_API_KEYS = 100
"""Keys of a file: each request is compared with all of them."""
_SIZE = 32
_COMMENT = (
    "# API keys of smtp_gate, as SHA-256 hashes: smtp-gate keys api new | list | remove. A reload takes changes.\n"
)


class ApiKey(NamedTuple):
    """Who may call the API.

    Attributes:
        name: for people, and in the ledger as the actor ``api:NAME``.
        controller: id of the controller for which it may record and look up.
        digest: SHA-256 of the key.
    """

    name: str
    controller: str
    digest: bytes


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    controller: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,32}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_keys: dict[Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,32}$")], _Row]


def load_api_keys(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file.

    Raises:
        ConfigError: when it cannot be read, others may change it, or its content is no such file.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                raise ConfigError(str(path), "", "can be changed by everybody; chmod 0640 it")
            content = file.read(1_048_576)
    except FileNotFoundError:
        cure = f"make it with `smtp-gate keys api new NAME --controller ID --api-keys {path}`"
        raise ConfigError(str(path), "", f"there is no such file; {cure}") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None
    try:
        rows = _File.model_validate(yaml.safe_load(content)).api_keys
    except ValidationError as error:
        key = ".".join(str(piece) for piece in error.errors()[0]["loc"])
        problem = "is not as `smtp-gate keys api new` writes it: {NAME: {controller: ID, sha256: 64 hex digits}}"
        raise ConfigError(str(path), key, problem) from None
    except (yaml.YAMLError, RecursionError):
        raise ConfigError(str(path), "", "is not YAML; restore the file from its copy") from None
    if len(rows) > MAX_API_KEYS:
        raise ConfigError(str(path), "api_keys", f"has more than {MAX_API_KEYS} keys; remove some")
    return tuple(ApiKey(name, row.controller, bytes.fromhex(row.sha256)) for name, row in rows.items())


def add_api_key(path: Path, name: str, controller: str) -> str:
    """Make a key; returns it, and keeps its hash in the file, which is made when it is not there.

    Raises:
        ConfigError: when there is a key of this name, or the file is unusable or cannot be written.
    """
    keys = load_api_keys(path) if path.exists() else ()
    if name in (key.name for key in keys):
        raise ConfigError(str(path), name, "is the name of a key already; remove that one first or choose another")
    if len(keys) >= MAX_API_KEYS:
        raise ConfigError(str(path), "api_keys", f"has {MAX_API_KEYS} keys already; remove one first")
    secret = PREFIX + secrets.token_urlsafe(_SIZE)
    _write(path, (*keys, ApiKey(name, controller, digest_of(secret))))
    return secret


def remove_api_key(path: Path, name: str) -> None:
    """Take a key out; it holds no more after the next reload.

    Raises:
        ConfigError: when there is no key of this name, or the file is unusable or cannot be written.
    """
    keys = load_api_keys(path)
    if name not in (key.name for key in keys):
        raise ConfigError(str(path), name, "is no key of this file; `smtp-gate keys api list` names them")
    _write(path, tuple(key for key in keys if key.name != name))


def digest_of(secret: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    rows = {key.name: {"controller": key.controller, "sha256": key.digest.hex()} for key in keys}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        before = path.stat() if path.exists() else None
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(_COMMENT + yaml.safe_dump({"api_keys": rows}, sort_keys=True))
                file.flush()
                os.fsync(file.fileno())
            if before is not None:
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(beside, before.st_uid, before.st_gid)
                beside.chmod(stat.S_IMODE(before.st_mode))
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be written: {error.strerror}") from None
