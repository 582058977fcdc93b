"""The API: a decision counts with its origin, once, for its key's controller; no answer repeats an address."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from smtp_gate import limits
from smtp_gate.config.api_keys import ApiKey, digest_of
from smtp_gate.consent import Ledger, LedgerStore, Register
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING
from smtp_gate.tokens import subject_of
from smtp_gate.web.api import Api
from smtp_gate.web.app import web_app
from smtp_gate.web.openapi import document
from tests.web.site import ACME, RING, Heard, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parent.parent.parent
ALICE = "alice@person.example"
KEYS = (ApiKey("crm", "acme", digest_of("secret-crm")), ApiKey("shop", "other", digest_of("secret-shop")))
GRANT: dict[str, Any] = {
    "address": ALICE,
    "decision": "grant",
    "purposes": ["performance", "clicks"],
    "at": "2026-04-14T09:30:00+02:00",
    "method": "form",
    "source": "https://acme.example/newsletter",
    "reference": "submission 4711",
    "notice": "v3",
    "language": "fr",
}
WITHDRAW = {
    "address": ALICE,
    "decision": "withdraw",
    "at": "2026-05-01T10:00:00Z",
    "method": "crm",
    "source": "crm",
}


class Room(NamedTuple):
    """The API with a ledger of its own behind it."""

    client: httpx.AsyncClient
    ledger: Ledger
    heard: Heard

    async def post(self, path: str, body: object, *, key: str = "secret-crm", **fields: str) -> httpx.Response:
        """One call."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in fields.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(f"/api/v1{path}", content=content, headers=headers)

    def events(self, address: str = ALICE) -> int:
        """How many decisions of a person there are."""
        return len(self.ledger.history(subject_of(RING, address.encode())))


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Room]:
    """A room."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    store, register, heard = LedgerStore(ledger.reader()), Register(ledger), Heard()
    app = web_app(Site().catalogue, RING, store, register, {"acme": ACME}, log=heard, api=Api(KEYS, register))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate.example") as client:
        yield Room(client, ledger, heard)
    await store.close()
    ledger.close()


async def test_a_decision_is_in_the_ledger_with_all_its_origin_and_is_found_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        answer = await room.post("/consents", GRANT)
        assert (answer.status_code, answer.json()) == (201, {"event": 1, "repeated": False})
        [recorded] = room.ledger.history(subject_of(RING, ALICE.encode()))
        event = recorded.event
        assert (event.controller, event.actor, event.notice, event.language) == ("acme", "api:crm", "v3", "fr")
        assert (event.source, event.reference) == (GRANT["source"], GRANT["reference"])
        assert event.at == datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
        assert room.ledger.address(event.subject) == ALICE.encode()
        found = (await room.post("/consents/search", {"address": "Alice@PERSON.example"})).json()
        assert (found["granted"], found["reason"]) == (["performance", "clicks"], "granted")
        [past] = found["history"]
        assert (past["decision"], past["notice"], past["at"]) == ("grant", "v3", "2026-04-14T07:30:00Z")
        assert (await room.post("/consents", WITHDRAW)).status_code == 201
        found = (await room.post("/consents/search", {"address": ALICE})).json()
        assert (found["granted"], found["reason"], len(found["history"])) == ([], "withdrawn", 2)
        assert found["history"][1]["purposes"] == ["performance", "profiling", "fraud", "deliverability", "clicks"]
        nobody = await room.post("/consents/search", {"address": "bob@person.example"})
        assert nobody.json() == {"granted": [], "reason": "unknown", "history": []}


async def test_a_key_speaks_for_its_controller_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.post("/consents", GRANT)
        other = (await room.post("/consents/search", {"address": ALICE}, key="secret-shop")).json()
        assert (other["reason"], other["history"]) == ("unknown", [])
        assert (await room.post("/consents", GRANT | {"controller": "other"})).status_code == 422


@pytest.mark.parametrize(
    "fields", [{}, {"Authorization": "Bearer secret-crm2"}, {"Authorization": "Basic secret-crm"}]
)
async def test_without_a_key_nothing_is_said_or_done(tmp_path: Path, fields: dict[str, str]) -> None:
    async with opened(tmp_path) as room:
        for path in ("/consents", "/consents/batch", "/consents/search"):
            answer = await room.client.post(f"/api/v1{path}", json=GRANT, headers=fields)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
        assert room.events() == 0


async def test_the_same_call_twice_is_one_event(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        for fields in ({}, {"Idempotency_Key": "a"}):
            first = await room.post("/consents", GRANT | {"reference": str(fields)}, **fields)
            again = await room.post("/consents", GRANT | {"reference": str(fields)}, **fields)
            assert (first.status_code, again.status_code) == (201, 200)
            assert again.json() == {"event": first.json()["event"], "repeated": True}
        assert room.events() == 2
        other = await room.post("/consents", GRANT | {"purposes": ["clicks"]}, Idempotency_Key="a")
        assert other.status_code == 409
        fine = await room.post("/consents", GRANT | {"purposes": ["clicks"]}, Idempotency_Key="b")
        assert fine.status_code == 201
        mine = await room.post("/consents", GRANT, key="secret-shop", Idempotency_Key="a")
        assert mine.status_code == 201, "keys of another controller are other keys"


async def test_many_calls_at_once_with_one_key_are_one_event(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        answers = await asyncio.gather(*(room.post("/consents", GRANT, Idempotency_Key="a") for _ in range(8)))
        assert {answer.json()["event"] for answer in answers} == {1}
        assert room.events() == 1


async def test_a_batch_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    people = [GRANT | {"address": f"p{number}@person.example"} for number in range(limits.MAX_API_BATCH)]
    async with opened(tmp_path) as room:
        done = await room.post("/consents/batch", {"consents": people}, Idempotency_Key="k")
        assert done.status_code == 201
        assert [each["event"] for each in done.json()["consents"]] == list(range(1, limits.MAX_API_BATCH + 1))
        again = await room.post("/consents/batch", {"consents": people}, Idempotency_Key="k")
        assert (again.status_code, room.ledger.head()) == (200, limits.MAX_API_BATCH)
        for other in (people[:-1], [*people[1:], people[0]]):
            answer = await room.post("/consents/batch", {"consents": other}, Idempotency_Key="k")
            assert answer.status_code == 409
        too_many = await room.post("/consents/batch", {"consents": [*people, WITHDRAW]})
        assert (too_many.status_code, too_many.json()["errors"][0]["pointer"]) == (422, "/consents")
        bad = [WITHDRAW, GRANT | {"notice": ""}]
        answer = await room.post("/consents/batch", {"consents": bad})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/consents/1/notice")
        assert (room.events(), room.ledger.head()) == (0, limits.MAX_API_BATCH)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"address": f"Alice <{ALICE}>"}, "/address", "must be one plain address, local@domain"),
    ({"purposes": []}, "/purposes", "at least 1"),
    ({"purposes": ["clicks", "clicks"]}, "/purposes", "each purpose once"),
    ({"purposes": ["all"]}, "/purposes/0", "'performance'"),
    ({"decision": "yes"}, "/decision", "'grant', 'refuse' or 'withdraw'"),
    ({"at": "yesterday"}, "/at", "2026-04-14T09:30:00+02:00"),
    ({"at": "2026-04-14T09:30:00"}, "/at", "with its zone"),
    ({"at": "1969-04-14T09:30:00Z"}, "/at", "after 1970"),
    ({"at": 1776151800}, "/at", "string"),
    ({"method": ""}, "/method", "at least 1"),
    ({"source": "x" * 1001}, "/source", "at most 1000"),
    ({"source": "a\nb"}, "/source", "pattern"),
    ({"notice": ""}, "/notice", "must say which wording"),
    ({"language": ""}, "/language", "must say which wording"),
    ({"language": "french"}, "/language", "pattern"),
    ({"expires": "2026-01-01T00:00:00Z"}, "/expires", "after at"),
    ({"decision": "refuse", "expires": "2027-01-01T00:00:00Z"}, "/expires", "with a grant only"),
    ({ALICE: "x"}, "", "a field that is not known"),
]


@pytest.mark.parametrize(("change", "pointer", "words"), WRONG, ids=lambda value: str(value)[:40])
async def test_what_is_wrong_is_named_with_its_cure_and_without_the_address(
    tmp_path: Path, change: dict[str, Any], pointer: str, words: str
) -> None:
    async with opened(tmp_path) as room:
        answer = await room.post("/consents", GRANT | change)
        assert answer.status_code == 422
        [fault] = answer.json()["errors"]
        assert fault["pointer"] == pointer
        assert words in fault["problem"]
        assert "person.example" not in answer.text
        assert room.events() == 0


@pytest.mark.parametrize(
    "name", ["address", "decision", "at", "method", "source", "notice", "language", "purposes"]
)
async def test_a_grant_without_its_origin_is_none(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as room:
        answer = await room.post("/consents", {key: value for key, value in GRANT.items() if key != name})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")
        assert room.events() == 0


async def test_a_decision_of_the_future_is_not_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        answer = await room.post("/consents", GRANT | {"at": "2999-01-01T00:00:00Z"})
        assert (answer.status_code, room.events()) == (422, 0)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/at"]


async def test_what_is_no_call_is_a_problem_document_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        answers = {
            400: await room.post("/consents", b"{"),
            404: await room.client.get("/api/v1/nothing"),
            405: await room.client.get("/api/v1/consents"),
            413: await room.post("/consents", b" " * (limits.MAX_API_BODY + 1)),
            415: await room.post("/consents", GRANT, Content_Type="text/plain"),
        }
        long = await room.post("/consents", GRANT, Idempotency_Key="k" * 256)
        for status, answer in answers.items():
            assert answer.status_code == status
            problem = answer.json()
            assert (problem["status"], answer.headers["content-type"]) == (status, "application/problem+json")
            assert problem["detail"]
        assert answers[405].headers["allow"] == "POST"
        assert (long.status_code, room.events()) == (400, 0)
        assert (await room.post("/consents", GRANT, Idempotency_Key="k" * 255)).status_code == 201
        deep = await room.post("/consents", b"[" * 60_000)
        assert deep.status_code == 400


@pytest.mark.parametrize("failure", [StoreUnavailable("ledger_locked"), OSError(ALICE)])
async def test_nothing_is_confirmed_that_is_not_stored(
    tmp_path: Path, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure

    async with opened(tmp_path) as room:
        monkeypatch.setattr(Ledger, "append_many", fail)
        answer = await room.post("/consents", GRANT)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "person.example" not in answer.text + str(room.heard)
        monkeypatch.undo()
        assert (await room.post("/consents", GRANT)).status_code == 201


async def test_a_key_and_who_guesses_one_have_a_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.rates.MAX_API_CALLS", 3)
    async with opened(tmp_path) as room:
        codes = [(await room.post("/consents/search", {"address": ALICE})).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert (await room.post("/consents/search", {"address": ALICE}, key="secret-shop")).status_code == 200
        guesses = [
            (await room.post("/consents", GRANT, key=f"x{n}")) for n in range(limits.MAX_STRANGERS_PER_NETWORK + 1)
        ]
        assert [answer.status_code for answer in guesses] == [401] * limits.MAX_STRANGERS_PER_NETWORK + [429]
        assert guesses[-1].headers["retry-after"] == "60"
        assert (await room.post("/consents/search", {"address": ALICE}, key="secret-shop")).status_code == 200


async def test_a_withdrawal_by_the_api_holds_at_the_next_look_up_beside_a_later_grant(tmp_path: Path) -> None:
    """A batch with both: the grant is later, and counts."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    register = Register(ledger)
    subject = subject_of(RING, ALICE.encode())
    await register.grant("acme", subject, EVERYTHING, method="form", source="test")
    async with opened(tmp_path) as room:
        await room.post("/consents", WITHDRAW | {"at": datetime.now(UTC).isoformat(timespec="seconds")})
        assert (await room.post("/consents/search", {"address": ALICE})).json()["reason"] == "withdrawn"
    ledger.close()


def test_without_keys_there_is_no_api() -> None:
    async def ask() -> int:
        async with Site().client() as client:
            return (await client.post("/api/v1/consents", json=GRANT)).status_code

    assert asyncio.run(ask()) == 404


def test_the_document_in_the_repository_is_the_one_that_is_served() -> None:
    assert (ROOT / "docs/openapi.json").read_text(encoding="utf-8") == document()
