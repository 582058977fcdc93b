"""The document of the API (OpenAPI 3.1), made from the models that check each call, so that it cannot lie."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from smtp_gate import __version__
from smtp_gate.limits import MAX_API_CALLS
from smtp_gate.web.api_models import Decision, Decisions, Standing, Taken, TakenAll, Whose
from smtp_gate.web.problem import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

_REF = "#/components/schemas/{model}"
_COMMON = {
    "400": "The body is not JSON, or the Idempotency-Key is none.",
    "401": "No key, or none of ours.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is not called JSON.",
    "422": "Fields do not hold what they should; `errors` names each.",
    "429": f"More than {MAX_API_CALLS} calls a minute, or too many with a wrong key.",
    "503": "The ledger does not answer; nothing was recorded.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body is the same call, however often; with another body 409. "
    "Left out, the same decision is the same event.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


@cache
def document() -> str:
    """The document as JSON."""
    return json.dumps(_document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _document() -> dict[str, Any]:
    inward = (Decision, Decisions, Whose)
    outward = (Problem, Standing, Taken, TakenAll)
    _, schemas = models_json_schema(
        [*((each, "validation") for each in inward), *((each, "serialization") for each in outward)],
        ref_template=_REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smtp_gate",
            "version": __version__,
            "description": "Decisions of people about tracking in e-mails: recorded with their origin, looked up "
            "by address. A key speaks for one controller and never stands in a web page.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/consents": {
                "post": _call(
                    "recordConsent",
                    "Record one decision.",
                    Decision,
                    {"201": ("It is in the ledger.", Taken), "200": ("It was there before.", Taken)},
                    keyed=True,
                )
            },
            "/consents/batch": {
                "post": _call(
                    "recordConsents",
                    "Record several decisions, all or none.",
                    Decisions,
                    {"201": ("They are in the ledger.", TakenAll), "200": ("They were there before.", TakenAll)},
                    keyed=True,
                )
            },
            "/consents/search": {
                "post": _call(
                    "findConsent",
                    "Where a person stands, and how that came about.",
                    Whose,
                    {"200": ("As the gate sees it now.", Standing)},
                    keyed=False,
                )
            },
            "/openapi.json": {
                "get": {
                    "operationId": "document",
                    "summary": "This document.",
                    "security": [],
                    "responses": {
                        "200": {
                            "description": "The document.",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        }
                    },
                }
            },
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {code: _problem(words) for code, words in _all().items()},
        },
    }


def _all() -> dict[str, str]:
    return {**_COMMON, "409": "The Idempotency-Key came with another body before."}


def _problem(words: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}


def _call(
    name: str, summary: str, body: type[BaseModel], good: dict[str, tuple[str, type[BaseModel]]], *, keyed: bool
) -> dict[str, Any]:
    codes = _all() if keyed else _COMMON
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_KEY] if keyed else [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        "responses": {
            code: {"description": words, "content": {"application/json": {"schema": _ref(model)}}}
            for code, (words, model) in good.items()
        }
        | {code: {"$ref": f"#/components/responses/{code}"} for code in codes},
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
