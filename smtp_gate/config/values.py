"""How a single value is written: what listens, where mail goes, who sends; with the cure for what is not.

Each check says what is wrong without the value, which the message has already.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.policy.match import DEFAULT_RULE

MAX_PORT = 65_535
MAX_WORKERS = 64

SQLITE = "sqlite:///"
"""What comes before the path of a ledger."""
_BIND = re.compile(r"(?:[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")
_HOST = re.compile(r"[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?")
_FIELD = re.compile(r"[!-9;-~]+")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,32}")
_PLACE = r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
_HOSTS = rf"(?:[^@/]*@)?(?P<hosts>{_PLACE}(?:,{_PLACE})*)"
_SENTINELS = re.compile(_HOSTS + r"/[^/?#]+(?:/[0-9]*)?(?:\?[^#]*)?")
_NODES = re.compile(_HOSTS + r"/?(?:\?[^#]*)?")
_CACHES = {
    "": "redis://localhost:6379/0",
    "sentinel": "redis+sentinel://host:26379,host:26379/master/0",
    "cluster": "redis+cluster://host:6379,host:6379",
}
_PRINTABLE = re.compile(r"[!-~]+")


def _listed(value: Any) -> Any:
    """One value may stand where several may."""
    return value if isinstance(value, list) else [value]


def _bind(text: str) -> str:
    if not _BIND.fullmatch(text) or not 0 < int(text.rpartition(":")[2]) <= MAX_PORT:
        raise ValueError("is no address to listen on; write HOST:PORT such as 127.0.0.1:10025 or [::1]:10025")
    return text


def _dns_server(text: str) -> str:
    try:
        _bind(text)
        ip_address(text.rpartition(":")[0].strip("[]"))
    except ValueError:
        raise ValueError("is no DNS server; write ADDRESS:PORT such as 192.0.2.53:53 or [::1]:53") from None
    return text


def hostname(text: str) -> str:
    """A host name as it may stand in a greeting and a Received field; empty stays empty.

    Raises:
        ValueError: for any other text, with the cure.
    """
    if text and not _HOST.fullmatch(text):
        raise ValueError("is no host name; write gate.example.com")
    return text


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        cure = "clear the bits behind the prefix" if "host bits" in str(error) else "write 10.0.0.0/8 or 127.0.0.1"
        raise ValueError(f"is no network; {cure}") from None
    return text


def _hop(text: str) -> str:
    try:
        NextHop.parse(text)
    except ValueError as error:
        # It begins with the value, which every message of ours does anyway.
        raise ValueError(str(error).partition("': ")[2] or str(error)) from None
    return text


def _split(text: str, example: str) -> SplitResult:
    """An address in its pieces, its port looked at."""
    try:
        pieces = urlsplit(text)
        _ = pieces.port
    except ValueError:
        raise ValueError(f"is no address; write {example}") from None
    return pieces


def _web_url(text: str) -> str:
    example = "https://preferences.example.com"
    pieces = _split(text, example)
    if (
        pieces.scheme not in ("http", "https")
        or not pieces.hostname
        or pieces.query
        or pieces.fragment
        or not _PRINTABLE.fullmatch(text)
        or "@" in pieces.netloc
    ):
        raise ValueError(f"is no web address; write {example}")
    if pieces.scheme == "http" and pieces.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("is not encrypted; people's withdrawal links need https")
    return text.rstrip("/")


def _notice_url(text: str) -> str:
    example = "https://example.com/privacy"
    pieces = _split(text, example)
    if text and (pieces.scheme not in ("http", "https") or not pieces.hostname or not _PRINTABLE.fullmatch(text)):
        raise ValueError(f"is no web address; write {example}")
    return text


def _mail_address(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9.-]+", text):
        raise ValueError("is no mail address; write privacy@example.com")
    return text


def _hook_url(text: str) -> str:
    pieces = _split(text, "https://crm.example.com/consent")
    if pieces.scheme not in ("http", "https") or not pieces.hostname or "@" in pieces.netloc or pieces.fragment:
        raise ValueError("is no web address; write https://crm.example.com/consent")
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("holds a blank or a sign beyond ASCII; write it percent-encoded")
    if pieces.scheme == "http" and pieces.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("is not encrypted, and addresses of people go there; write https")
    return text


def _ledger(text: str) -> str:
    if not re.fullmatch(r"sqlite:///[^?#]+|postgresql://[^\s#]+", text):
        raise ValueError(
            "is no ledger; write sqlite:////var/lib/smtp-gate/consent.db (four slashes: absolute path)"
            " or postgresql://user@host/database"
        )
    if re.search(r"[?&]password=", text):
        raise ValueError("has its password in the wrong place; write postgresql://user:PASSWORD@host/database")
    return text


def _cache(text: str) -> str:
    scheme, _, rest = text.partition("://")
    kind = scheme.partition("+")[2]
    if not kind:
        if _split(text, "redis://localhost:6379/0").scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"is no Redis address; write {', '.join(_CACHES.values())}")
        return text
    pattern = {"sentinel": _SENTINELS, "cluster": _NODES}.get(kind)
    if scheme.partition("+")[0] not in ("redis", "rediss") or pattern is None:
        raise ValueError(f"is no Redis address; write {', '.join(_CACHES.values())}")
    hosts = pattern.fullmatch(rest)
    if not hosts:
        raise ValueError(f"is no Redis address; write {_CACHES[kind]}")
    for host in hosts["hosts"].split(","):
        _split(f"//{host}", _CACHES[kind])
    return text


def _sender(text: str) -> str:
    if not re.fullmatch(r"[^@\s*?]+@[\w.-]+|@(?:\*\.)?[\w.-]+|\*@\*", text):
        raise ValueError("is no sender; write login@example.com, @example.com or @*.example.com")
    return text.lower()


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or "." not in text:
        raise ValueError("is no host name; write go.example.com")
    return text.lower()


def _pixel_glob(text: str) -> str:
    if not re.fullmatch(r"https?://[a-zA-Z0-9.:*_-]+(?:/\S*)?", text):
        raise ValueError("is no address; write https://host/path/* (a star in the path does not reach the host)")
    return text


def _sender_glob(text: str) -> str:
    if "@" not in text and not text.startswith("*"):
        raise ValueError("is compared with whole addresses; write *@example.com, or use sender_domain")
    return text.lower()


def _domain_glob(text: str) -> str:
    if "@" in text or not text:
        raise ValueError("is compared with what is behind the @; write example.com or *.example.com")
    return text.lower()


def _role_name(text: str) -> str:
    if not text or "@" in text or " " in text or not text.strip("*?"):
        raise ValueError("is compared with what is before the @; write info or info-*")
    return text.lower()


def _field_name(text: str) -> str:
    if not _FIELD.fullmatch(text):
        raise ValueError("is no name of a header field; write List-Id")
    return text


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("is no id; use at most 32 letters, digits, - and _ (it goes into ledger and tokens)")
    return text


def _rule_name(text: str) -> str:
    if text == DEFAULT_RULE:
        raise ValueError("is what mail without a rule is said to fall under; choose another name")
    if not text.isprintable():
        raise ValueError("holds a line break or control character")
    return text


def _workers(value: Any) -> Any:
    if value == "auto" or (type(value) is int and 1 <= value <= MAX_WORKERS):
        return value
    raise ValueError(f"is no number of processes; write auto, or 1 to {MAX_WORKERS}")


Language = Literal["en", "de", "es", "fr", "it", "nl", "pl", "pt"]
"""English, and each language that has a file in ``smtp_gate/locale``."""
OneOrMore = BeforeValidator(_listed, json_schema_input_type=str | list[str])
Bind = Annotated[str, AfterValidator(_bind)]
DnsServer = Annotated[str, AfterValidator(_dns_server)]
Binds = Annotated[list[Bind], OneOrMore]
Hostname = Annotated[str, AfterValidator(hostname)]
Network = Annotated[str, AfterValidator(_network)]
Hop = Annotated[str, AfterValidator(_hop)]
Ledger = Annotated[str, AfterValidator(_ledger)]
Cache = Annotated[str, AfterValidator(_cache)]
HookUrl = Annotated[str, AfterValidator(_hook_url)]
PublicUrl = Annotated[str, AfterValidator(_web_url)]
NoticeUrl = Annotated[str, AfterValidator(_notice_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Identifier = Annotated[str, AfterValidator(_identifier)]
SenderPattern = Annotated[str, AfterValidator(_sender)]
TrackingHost = Annotated[str, AfterValidator(_host)]
SenderGlob = Annotated[str, AfterValidator(_sender_glob)]
DomainGlob = Annotated[str, AfterValidator(_domain_glob)]
RoleName = Annotated[str, AfterValidator(_role_name)]
FieldName = Annotated[str, AfterValidator(_field_name)]
RuleName = Annotated[str, Field(min_length=1), AfterValidator(_rule_name)]
PixelGlob = Annotated[str, AfterValidator(_pixel_glob)]
Workers = Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_WORKERS)], BeforeValidator(_workers)]
