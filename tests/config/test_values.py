"""How single values are written: the edges of each check."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from smtp_gate.config import values


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (values.Bind, "127.0.0.1:1"),
        (values.Bind, "[::1]:65535"),
        (values.Bind, "gate.acme.example:25"),
        (values.DnsServer, "192.0.2.53:53"),
        (values.DnsServer, "[2001:db8::53]:5353"),
        (values.Hostname, ""),
        (values.Hostname, "gate"),
        (values.Hostname, "gate.acme.example"),
        (values.Network, "::1"),
        (values.Network, "10.0.0.0/8"),
        (values.Hop, "smtps://relay.acme.example"),
        (values.Ledger, "sqlite:///consent.db"),
        (values.Cache, "rediss://:x@cache.example:6380/1"),
        (values.Cache, "unix:///run/redis.sock"),
        (values.Cache, "redis+sentinel://s1.example:26379,[::1]:26380,10.0.0.3/mymaster/2"),
        (values.Cache, "rediss+sentinel://user:p%40w@s1.example/mymaster?sentinel_password=x"),
        (values.Cache, "redis+cluster://r1.example:6379,r2.example:6379"),
        (values.Cache, "rediss+cluster://:x@r1.example?ssl_ca_certs=/etc/ca.pem"),
        (values.PublicUrl, "https://acme.example/mail"),
        (values.PublicUrl, "http://127.0.0.1:8080"),
        (values.NoticeUrl, ""),
        (values.Identifier, "a" * 32),
        (values.SenderPattern, "login@acme.example"),
        (values.SenderPattern, "@*.acme.example"),
        (values.TrackingHost, "go.acme.example"),
        (values.SenderGlob, "*"),
        (values.SenderGlob, "news-*@acme.example"),
        (values.DomainGlob, "*.acme.example"),
        (values.FieldName, "X-Mailer"),
        (values.RuleName, "codes d\u2019acc\u00e8s"),
        (values.PixelGlob, "https://*.acme.example:8443/seen/*"),
        (values.Workers, "auto"),
        (values.Workers, 64),
    ],
)
def test_taken(kind: Any, good: Any) -> None:
    assert TypeAdapter(kind).validate_python(good) == good


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (values.Bind, "127.0.0.1:0"),
        (values.Bind, "127.0.0.1:65536"),
        (values.Bind, "127.0.0.1"),
        (values.Bind, ":25"),
        (values.Bind, "::1:25"),
        (values.Bind, "a:\u00b2"),
        (values.Bind, "a b:25"),
        (values.DnsServer, "192.0.2.53"),
        (values.DnsServer, "dns.acme.example:53"),
        (values.DnsServer, "192.0.2.53:0"),
        (values.Hostname, "gate\r\n"),
        (values.Hostname, "-gate"),
        (values.Hostname, "a" * 254),
        (values.Network, "10.0.0.1/8"),
        (values.Hop, "relay.acme.example"),
        (values.Ledger, "sqlite://"),
        (values.Ledger, "mysql://db/consent"),
        (values.Cache, "redis://cache.example:99999"),
        (values.Cache, "http://cache.example"),
        (values.Cache, "redis+sentinel://s1.example:26379"),
        (values.Cache, "redis+sentinel://s1.example:26379/"),
        (values.Cache, "redis+sentinel://s1.example:99999/mymaster"),
        (values.Cache, "redis+sentinel://,s1.example/mymaster"),
        (values.Cache, "redis+sentinel://s1.example/mymaster/one"),
        (values.Cache, "redis+cluster://r1.example/0"),
        (values.Cache, "redis+cluster://"),
        (values.Cache, "redis+other://r1.example"),
        (values.Cache, "unix+cluster://r1.example"),
        (values.PublicUrl, "https://user@acme.example"),
        (values.PublicUrl, "https://acme.example/a b"),
        (values.PublicUrl, "https://acme.example/?a"),
        (values.PublicUrl, "https://\u00e9.example"),
        (values.PublicUrl, "https://[::1"),
        (values.PublicUrl, "http://acme.example"),
        (values.PublicUrl, "acme.example"),
        (values.NoticeUrl, "javascript:alert(1)"),
        (values.NoticeUrl, "https://"),
        (values.NoticeUrl, "https://acme.example/a\nb"),
        (values.Identifier, ""),
        (values.Identifier, "a" * 33),
        (values.Identifier, "a/b"),
        (values.SenderPattern, "acme.example"),
        (values.SenderPattern, "@"),
        (values.SenderPattern, "news*@acme.example"),
        (values.SenderPattern, "a@b@acme.example"),
        (values.TrackingHost, "localhost"),
        (values.TrackingHost, "https://go.acme.example"),
        (values.SenderGlob, "acme.example"),
        (values.DomainGlob, "@acme.example"),
        (values.DomainGlob, ""),
        (values.FieldName, "List Id"),
        (values.FieldName, ""),
        (values.RuleName, ""),
        (values.RuleName, "a\nb"),
        (values.RuleName, "default"),
        (values.PixelGlob, "https://a@b.example/*"),
        (values.PixelGlob, "//acme.example/*"),
        (values.Workers, 0),
        (values.Workers, 65),
        (values.Workers, True),
        (values.Workers, "4"),
    ],
)
def test_refused(kind: Any, bad: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)
