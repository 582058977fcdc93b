"""The API for sign-up forms, consent platforms and CRMs: decisions with their origin come in, standings go out.

A call speaks for the one controller of its key. 201 means that the ledger has it on its disk. The same call twice
is one event: by its Idempotency-Key where it has one, by the decision itself where not. No answer repeats an
address.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount, Route

from smtp_gate.config.api_keys import digest_of
from smtp_gate.consent import Entry, Event, names_of, purposes_of, utc_now
from smtp_gate.consent.mapping import key_of
from smtp_gate.errors import StoreUnavailable
from smtp_gate.tokens import subject_of
from smtp_gate.web.api_models import Decision, Decisions, Past, Standing, Taken, TakenAll, Whose, moment_of
from smtp_gate.web.openapi import document
from smtp_gate.web.problem import FieldProblem, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from smtp_gate.config.api_keys import ApiKey
    from smtp_gate.consent import ConsentStore, Recorded
    from smtp_gate.tokens import Keyring
    from smtp_gate.web.rates import Rates

T = TypeVar("T", bound=BaseModel)
MAX_KEY = 255
"""Characters of an Idempotency-Key."""
_DETAILS = {
    404: "There is nothing here; see /api/v1/openapi.json.",
    405: "This method does nothing here; see /api/v1/openapi.json.",
    408: "The body did not arrive in time; send it again.",
    413: "The body is too large; send fewer decisions at a time.",
}
_BUSY = "Too many calls; wait a minute."
_WAIT = {"Retry-After": "60"}


class Decided(Protocol):
    """The part of the consent register that the API may use."""

    async def record_many(self, entries: Sequence[Entry]) -> dict[bytes, Recorded]:
        """Store decisions that may come twice, all or none."""
        ...

    async def keyed(self, keys: Sequence[bytes]) -> dict[bytes, Recorded]:
        """The events of some keys."""
        ...

    async def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """All that a person ever decided, oldest first."""
        ...


class Api(NamedTuple):
    """What calls are answered from.

    Attributes:
        keys: who may call.
        register: takes decisions in.
    """

    keys: tuple[ApiKey, ...]
    register: Decided


def api_routes(api: Api, keyring: Keyring, store: ConsentStore, rates: Rates) -> Mount:
    """Everything below ``/api/v1``.

    Args:
        api: who may call, and where decisions go.
        keyring: names people by subject ids.
        store: says where a person stands.
        rates: counts calls.
    """
    desk = _Desk(api, keyring, store, rates)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)  # noqa: S101 - it is registered for these alone
        return error.answer()

    async def no_call(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these alone
        if error.status_code == 404 and rates.stranger(request.scope):  # noqa: PLR2004 - RFC 9110 section 15.5.5
            return Refused(429, _BUSY, headers=_WAIT).answer()
        detail = _DETAILS.get(error.status_code, "This call cannot be understood; see /api/v1/openapi.json.")
        answer = Refused(error.status_code, detail).answer()
        if error.headers and "Allow" in error.headers:
            answer.headers["Allow"] = ", ".join(sorted(error.headers["Allow"].split(", ")))
        return answer

    async def down(_: Request, __: Exception) -> Response:
        detail = "The ledger does not answer, and nothing was recorded; send the same call again."
        return Refused(503, detail, headers={"Retry-After": "30"}).answer()

    async def broken(_: Request, __: Exception) -> Response:
        detail = "A fault on our side; whether anything was recorded is not known. Send the same call again."
        return Refused(503, detail, headers={"Retry-After": "30"}).answer()

    app = Starlette(
        routes=[
            Route("/consents", desk.record, methods=["POST"]),
            Route("/consents/batch", desk.record_many, methods=["POST"]),
            Route("/consents/search", desk.search, methods=["POST"]),
            Route("/openapi.json", _document, methods=["GET"]),
        ],
        exception_handlers={Refused: refused, HTTPException: no_call, StoreUnavailable: down, Exception: broken},
    )
    app.router.redirect_slashes = False
    return Mount("/api/v1", app=app)


async def _document(_: Request) -> Response:
    return Response(document(), media_type="application/json", headers={"Cache-Control": "public, max-age=3600"})


class _Desk:
    def __init__(self, api: Api, keyring: Keyring, store: ConsentStore, rates: Rates) -> None:
        self._keys = api.keys
        self._register = api.register
        self._keyring = keyring
        self._store = store
        self._rates = rates

    async def record(self, request: Request) -> Response:
        """One decision."""
        key = self._caller(request)
        decision = await _body(request, Decision)
        [taken] = await self._take(request, key, [decision], "")
        return _json(taken, 200 if taken.repeated else 201)

    async def record_many(self, request: Request) -> Response:
        """Several decisions, all or none."""
        key = self._caller(request)
        decisions = await _body(request, Decisions)
        taken = await self._take(request, key, decisions.consents, "/consents/{}")
        return _json(TakenAll(consents=taken), 200 if all(each.repeated for each in taken) else 201)

    async def search(self, request: Request) -> Response:
        """Where a person stands, and how that came about."""
        key = self._caller(request)
        whose = await _body(request, Whose)
        subject = subject_of(self._keyring, whose.address.encode())
        [consent] = await self._store.look_up(key.controller, [subject])
        history = await self._register.history(subject, key.controller)
        standing = Standing(
            granted=names_of(consent.granted),  # type: ignore[arg-type] # the names are those of the model
            reason=consent.reason,  # type: ignore[arg-type] # "unavailable" is raised, not answered
            history=[_past(each) for each in history],
        )
        return _json(standing, 200)

    def _caller(self, request: Request) -> ApiKey:
        """Whose key it is.

        Raises:
            Refused: 401 for none, 429 when it calls too often.
        """
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        digest = digest_of(secret.strip() if scheme.lower() == "bearer" else "")
        found: ApiKey | None = None
        for key in self._keys:  # all of them, so that the time tells nothing
            if hmac.compare_digest(key.digest, digest):
                found = key
        if found is None:
            if self._rates.stranger(request.scope):
                raise Refused(429, _BUSY, headers=_WAIT)
            detail = "No key, or none of ours; send it as Authorization: Bearer KEY."
            raise Refused(401, detail, headers={"WWW-Authenticate": "Bearer"})
        if self._rates.call(found.name):
            raise Refused(429, _BUSY, headers=_WAIT)
        return found

    async def _take(
        self, request: Request, key: ApiKey, decisions: Sequence[Decision], pointer: str
    ) -> list[Taken]:
        events = [self._event(each, key, pointer.format(at)) for at, each in enumerate(decisions)]
        word = request.headers.get("idempotency-key")
        entries = [
            Entry(event, each.address.encode(), key_of(event) if word is None else _key(key, word, at))
            for at, (event, each) in enumerate(zip(events, decisions, strict=True))
        ]
        known = await self._register.keyed([entry.key for entry in entries])
        if word is not None:
            longer = await self._register.keyed([_key(key, word, len(entries))])
            if known and (longer or len(known) != len(entries)):
                raise _other()
        _compare(entries, known)
        try:
            stands = await self._register.record_many(entries)
        except ValueError:
            now = utc_now()
            late = [pointer.format(at) for at, event in enumerate(events) if event.at > now]
            faults = tuple(FieldProblem(pointer=f"{each}/at", problem=_FUTURE) for each in late)
            raise Refused(422, "A decision is of the future; nothing was recorded.", faults) from None
        _compare(entries, stands)
        return [Taken(event=stands[entry.key].seq, repeated=entry.key in known) for entry in entries]

    def _event(self, decision: Decision, key: ApiKey, pointer: str) -> Event:
        try:
            return Event(
                controller=key.controller,
                subject=subject_of(self._keyring, decision.address.encode()),
                purposes=purposes_of(",".join(decision.purposes)),
                decision=decision.decision,
                at=moment_of(decision.at),
                method=decision.method,
                source=decision.source,
                reference=decision.reference,
                notice=decision.notice,
                language=decision.language,
                actor=f"api:{key.name}",
                expires=None if decision.expires is None else moment_of(decision.expires),
            )
        except ValueError as error:  # its text names the field and no value
            field = str(error).partition(" ")[0]
            fault = FieldProblem(pointer=f"{pointer}/{field}", problem=str(error))
            raise Refused(422, "A field does not hold what it should.", (fault,)) from None


_FUTURE = "at must not be in the future"


def _key(key: ApiKey, word: str, at: int) -> bytes:
    """16 octets for one decision of a call.

    Raises:
        Refused: when the word is none.
    """
    if not 0 < len(word) <= MAX_KEY or not word.isascii() or not word.isprintable():
        detail = f"Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters, such as a UUID."
        raise Refused(400, detail)
    return hashlib.sha256(f"api\0{key.controller}\0{word}\0{at}".encode()).digest()[:16]


def _compare(entries: Sequence[Entry], known: dict[bytes, Recorded]) -> None:
    for entry in entries:
        there = known.get(entry.key)
        if there is not None and key_of(there.event) != key_of(entry.event):
            raise _other()


def _other() -> Refused:
    return Refused(409, "This Idempotency-Key came with another body before; use a new key for a new decision.")


async def _body(request: Request, model: type[T]) -> T:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "The body must be JSON; send Content-Type: application/json.")
    try:
        return model.model_validate_json(await request.body(), strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=True, include_input=False)
    if faults[0]["type"] == "json_invalid":
        raise Refused(400, "The body is not JSON in UTF-8.")
    raise Refused(
        422, "Some fields do not hold what they should; nothing was recorded.", tuple(map(_fault, faults))
    )


def _fault(fault: Any) -> FieldProblem:
    """One complaint of pydantic, without anything that was sent."""
    loc, kind = fault["loc"], fault["type"]
    if kind == "extra_forbidden":  # the name of the field is what was sent
        return FieldProblem(pointer=_pointer(loc[:-1]), problem="has a field that is not known; see the document")
    if kind == "value_error":
        problem = str(fault["ctx"]["error"])
        first = problem.partition(" ")[0]
        if first in Decision.model_fields:
            loc = (*loc, first)
        return FieldProblem(pointer=_pointer(loc), problem=problem)
    return FieldProblem(pointer=_pointer(loc), problem=fault["msg"])


def _pointer(loc: tuple[Any, ...]) -> str:
    return "".join(f"/{piece}" for piece in loc)


def _past(recorded: Recorded) -> Past:
    event = recorded.event
    return Past(
        event=recorded.seq,
        decision=event.decision,
        purposes=list(names_of(event.purposes)),  # type: ignore[arg-type] # the names are those of the model
        at=event.at,
        recorded=recorded.recorded,
        method=event.method,
        source=event.source,
        reference=event.reference,
        notice=event.notice,
        language=event.language,
        actor=event.actor,
        expires=event.expires,
    )


def _json(body: BaseModel, status: int) -> Response:
    return Response(body.model_dump_json(), status, media_type="application/json")
