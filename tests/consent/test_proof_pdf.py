"""A proof on pages: nothing of it is missing, it can be searched, and the same proof is the same file."""

from __future__ import annotations

import hashlib
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from smtp_gate.consent.notices import key_of
from smtp_gate.consent.proof import Proof
from smtp_gate.consent.proof_pdf import ATTACHED, pdf_of
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from smtp_gate.consent import Ledger
    from tests.consent.conftest import Decisions, Hands

ANNA = b"a" * 16


@pytest.fixture
def proof(ledger: Ledger, clock: Hands, decisions: Decisions) -> Proof:
    ledger.add_notice("acme", "v3", "fr", "Nous mesurons l'ouverture.\n\n\tSi vous l'acceptez : office.\n")
    given = {"notice": "v3", "language": "fr", "reference": "r" * 1000}
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS, **given), b"anna@example.com")
    ledger.append(decisions.withdraw(ANNA, Purpose.CLICKS, source="Ελένη, Кирилл, שלום"))
    return proof_of(ledger, clock)


def proof_of(ledger: Ledger, clock: Hands) -> Proof:
    events = ledger.chained(ANNA)
    return Proof(
        address="anna@example.com",
        subject=ANNA,
        kept="anna@example.com",
        made=clock(),
        by="op",
        command="smtp-gate ledger proof anna@example.com (smtp-gate 1)",
        controllers={"acme": "Acme SAS"},
        now=[("acme", (), "withdrawn")],
        events=events,
        notices=ledger.notices(key_of(each.recorded.event) for each in events),
        erasures={},
        verdict=ledger.verify(),
        heads=[],
    )


def read(proof: Proof) -> tuple[PdfReader, str]:
    """The file, and its text without blanks, since a line break is one more."""
    reader = PdfReader(io.BytesIO(pdf_of(proof).octets))
    return reader, squeezed("".join(page.extract_text() for page in reader.pages))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_all_that_the_text_says_stands_on_the_pages(proof: Proof) -> None:
    _, text = read(proof)
    for part in proof.parts():
        for _, value in part.fields:
            for word in value.split():
                if word != "שלום":  # the order of its letters on the page is the reader's business
                    assert squeezed(word) in text
        assert squeezed(part.note) in text
        assert squeezed(part.shown or "") in text
    assert {"r" * 1000, "AcmeSAS[acme]", proof.events[1].hash.hex()} <= set(
        re.findall("r{1000}|AcmeSAS.acme.|" + proof.events[1].hash.hex(), text)
    )
    assert "U+" not in text


def test_each_page_has_the_person_and_its_number(ledger: Ledger, clock: Hands, decisions: Decisions) -> None:
    for _ in range(7):
        ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    reader, text = read(proof_of(ledger, clock))
    pages = len(reader.pages)
    assert pages >= 2
    for number, page in enumerate(reader.pages, 1):
        assert f"page {number} of {pages}" in page.extract_text()
        assert "Proof of consent of anna@example.com" in page.extract_text()
    assert all(text.count(each.hash.hex()) >= 1 for each in ledger.chained(ANNA))


def test_a_long_wording_goes_on_over_the_pages(ledger: Ledger, clock: Hands, decisions: Decisions) -> None:
    lines = [f"Ligne numéro {number}." for number in range(150)]
    ledger.add_notice("acme", "v3", "", "\n".join(lines))
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS, notice="v3"))
    reader, text = read(proof_of(ledger, clock))
    assert len(reader.pages) >= 4
    places = [text.index(squeezed(line)) for line in lines]
    assert places == sorted(places)


def test_the_json_is_inside_and_its_hash_on_the_page(proof: Proof) -> None:
    reader, text = read(proof)
    (octets,) = reader.attachments[ATTACHED]
    assert json.loads(octets) == json.loads(json.dumps(proof.plain()))
    assert hashlib.sha256(octets).hexdigest() in text


def test_the_same_proof_is_the_same_file(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    once = pdf_of(proof)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert pdf_of(proof) == once
    assert pdf_of(proof._replace(by="somebody else")) != once


def test_the_file_says_what_it_is(proof: Proof) -> None:
    reader, _ = read(proof._replace(by="Anna <&> Bert"))
    about = reader.xmp_metadata
    assert about is not None
    assert about.dc_title == {"x-default": "Proof of consent of anna@example.com"}
    assert about.dc_creator == ["Anna <&> Bert"]
    assert about.xmp_create_date is not None
    assert about.xmp_create_date.replace(tzinfo=proof.made.tzinfo) == proof.made


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("你", "[U+4F60]"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb", "a[U+200B]b"),
        ("\ue000", "[U+E000]"),
        ("\U0001fae8", "[U+1FAE8]"),
    ],
    ids=["chinese", "override", "no_width", "private", "emoji"],
)
def test_what_cannot_be_shown_stands_as_its_number(
    ledger: Ledger, clock: Hands, decisions: Decisions, given: str, shown: str
) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS, reference=given))
    _, text = read(proof_of(ledger, clock))
    assert f"reference{shown}" in text
    assert "standsasitsnumberinUnicode" in text


def test_letters_from_right_to_left_begin_at_the_right(proof: Proof) -> None:
    (notice,) = proof.notices.values()
    key = ("acme", "v3", "fr")
    places = []

    def visit(text: str, _matrix: object, place: list[float], _font: object, _size: object) -> None:
        if any("\u0590" <= each <= "\u05ff" for each in text):
            places.append(place[4])

    for words in ("שלום עולם", "a שלום עולם"):
        shown = proof._replace(events=[], notices={key: notice._replace(text=words)})
        for page in PdfReader(io.BytesIO(pdf_of(shown).octets)).pages:
            page.extract_text(visitor_text=visit)
    right, left = places[0], places[-1]
    assert right > left
