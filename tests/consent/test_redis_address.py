"""Where Redis is, as it is written; a password never shows."""

from __future__ import annotations

import pytest
from redis.asyncio.connection import Connection, SSLConnection

from smtp_gate.consent.redis_address import parse_address
from smtp_gate.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "kind", "hosts", "service"),
    [
        ("redis://h/3", "single", (), ""),
        ("unix:///run/redis.sock", "single", (), ""),
        ("redis+sentinel://one,two:1,[::1]:2/main/3", "sentinel", (("one", 26379), ("two", 1), ("::1", 2)), "main"),
        ("redis+cluster://one,two:1", "cluster", (("one", 6379), ("two", 1)), ""),
        ("redis+cluster://one/", "cluster", (("one", 6379),), ""),
    ],
)
def test_all_that_is_written_is_meant(
    url: str, kind: str, hosts: tuple[tuple[str, int], ...], service: str
) -> None:
    found = parse_address(url)
    assert (found.kind, found.hosts, found.service) == (kind, hosts, service)
    assert found.options.get("db", 0) == (3 if "3" in url else 0)


@pytest.mark.parametrize("kind", ["", "+sentinel", "+cluster"])
def test_user_password_and_tls_are_those_of_the_servers(kind: str) -> None:
    service = "/main" if kind == "+sentinel" else ""
    found = parse_address(f"rediss{kind}://user:p%40ss@one:1{service}?ssl_ca_certs=/ca.pem")
    assert found.make is SSLConnection
    wanted = {"username": "user", "password": "p@ss", "ssl_ca_certs": "/ca.pem"}
    assert {key: found.options.get(key) for key in wanted} == wanted
    assert parse_address(f"redis{kind}://one:1{service}").make is Connection


def test_sentinels_have_passwords_of_their_own() -> None:
    found = parse_address("rediss+sentinel://:one@s/main?sentinel_username=u&sentinel_password=two")
    assert found.options["password"] == "one"
    assert found.sentinel == {"username": "u", "password": "two", "ssl": True}


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:secret@one",
        "redis+sentinel://:secret@one/",
        "redis+sentinel://:secret@one/main/x",
        "redis+sentinel://:secret@one:x/main",
        "redis+sentinel://:secret@,two/main",
        "redis+cluster://:secret@one/0",
        "redis+cluster://:secret@",
        "redis+cluster://:secret@one?nonsense=1",
        "unix+cluster://:secret@one",
        "redis+others://:secret@one",
    ],
)
def test_what_is_none_is_refused_and_shown_to_nobody(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address of Redis") as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)
