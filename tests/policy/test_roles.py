"""Addresses that several people read."""

from __future__ import annotations

import pytest

from smtp_gate.model import NOTHING, UNKNOWN
from smtp_gate.policy.roles import ROLE, ROLE_NAMES, spoken_for
from smtp_gate.policy.rules import Policy, RoleAddresses

OWN = Policy(role_names=("front-*", "kiosk"), mailing_lists=("*@lists.acme.example", "team@shop.example"))
AS_PERSONS = Policy(role_addresses=RoleAddresses.CONSENT, mailing_lists=("*@lists.acme.example",))


@pytest.mark.parametrize(
    "address",
    [
        b"info@shop.example",
        b"INFO@shop.example",
        b"contact@shop.example",
        b"kontakt@shop.example",
        b"ventes@shop.example",
        b"segreteria@shop.example",
        b"klantenservice@shop.example",
        b"sprzedaz@shop.example",
        b"imprensa@shop.example",
        b"postmaster@shop.example",
        b"info+acme@shop.example",
        b"front-north@shop.example",
        b"Kiosk@shop.example",
    ],
)
def test_nobody_agrees_for_a_role(address: bytes) -> None:
    assert spoken_for(OWN, address) is ROLE
    assert ROLE.granted == NOTHING


@pytest.mark.parametrize(
    "address",
    [
        b"anna@shop.example",
        b"j.post@shop.example",
        b"salesky@shop.example",
        b"inf\xf6@shop.example",
        b"",
        b"postmaster",
    ],
)
def test_a_person_keeps_their_own_choice(address: bytes) -> None:
    assert spoken_for(OWN, address) is None


def test_what_stands_behind_a_list_is_unknown() -> None:
    assert spoken_for(OWN, b"friends@Lists.Acme.example") is UNKNOWN
    assert spoken_for(OWN, b"team@shop.example") is ROLE, "a role by its name already"
    assert spoken_for(AS_PERSONS, b"friends@lists.acme.example") is UNKNOWN, "whatever counts for roles"


def test_roles_are_persons_where_policy_says_so() -> None:
    assert spoken_for(AS_PERSONS, b"info@shop.example") is None


def test_the_names_are_local_parts_as_they_are_compared() -> None:
    words = [word for names in ROLE_NAMES.values() for word in names.split()]
    assert all(word.isascii() and word == word.lower() and "@" not in word and "+" not in word for word in words)
    assert {"en", "de", "es", "fr", "it", "nl", "pl", "pt"} <= set(ROLE_NAMES), "each language of our pages"
