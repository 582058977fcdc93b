"""What a person chooses on a page holds, is proved by the words they saw, and is never chosen by anybody else."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent.event import Choice
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CONFIRM_TIME, FORM_TIME, MAX_CONFIRM_MAILS, MAX_CONFIRM_PEOPLE, MAX_FORM_BODY
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.tokens import FormToken, open_confirm, seal
from smtp_gate.web.confirm_mail import Allowance
from tests.web.site import ALICE, RING, People, Site, confirm, consent, link, preferences, withdrawal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

ENGLISH = {"Accept-Language": "en", "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
PERFORMANCE, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
MASKED = "a…@example.com"


def nobody() -> Site:
    """A site where Alice never decided anything, and whose ledger does not know her address."""
    return Site(People(NOTHING, "unknown"))


def known(granted: Purpose = NOTHING, reason: str = "withdrawn") -> Site:
    """A site whose ledger knows Alice's address."""
    return Site(People(granted, reason if not granted else "granted", addresses={ALICE: b"alice@example.com"}))


class Visitor:
    """A person with a browser that fills the form it was shown."""

    def __init__(self, site: Site, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client
        self.page = ""

    async def opens(self, path: str) -> str:
        """Look at a page."""
        answer = await self.client.get(path, headers=ENGLISH)
        assert answer.status_code == 200
        self.page = answer.text
        return answer.text

    async def presses(self, path: str, choice: str, purposes: Sequence[str] = (), **headers: str) -> httpx.Response:
        """Press a button of the form that the last page has."""
        seals = re.findall(r'name="form" value="([\w-]*)"', self.page)
        form = {"choice": choice, "purpose": list(purposes), "form": seals[0] if seals else ""}
        return await self.client.post(path, data=form, headers=ENGLISH | headers)


def ticked(page: str) -> set[str]:
    """The boxes that are ticked."""
    return set(re.findall(r'value="(\w+)" checked', page))


def words(page: str) -> str:
    """A page's main part as plain text."""
    main = re.sub(r"(?s).*<main>|</main>.*", "", page)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def plain(text: str) -> str:
    """Letters and sentence marks alone: how a wording is laid out does not count here."""
    return re.sub(r"[\s\[\]-]+", "", text)


def events(site: Site) -> list[tuple[Choice, Purpose]]:
    """What was decided."""
    return [(event.decision, event.purposes) for event in site.people.decided]


# --- the question ---------------------------------------------------------------------------------------------
async def test_the_question_shows_whose_it_is_and_every_purpose_with_nothing_ticked() -> None:
    site = nobody()
    async with site.client() as client:
        page = await Visitor(site, client).opens(consent())
    assert MASKED in page
    assert "alice@example.com" not in page
    assert "Acme SAS" in page
    assert page.count('type="checkbox"') == 5
    assert ticked(page) == set()
    buttons = re.findall(r'<button type="submit"( class="[^"]*")? name="choice" value="(\w+)">', page)
    assert buttons == [("", "refuse"), ("", "accept"), ("", "save")], "the same shape, each one press"
    assert site.people.decided == []


@pytest.mark.parametrize(
    ("choice", "purposes", "granted"),
    [
        ("accept", [], EVERYTHING),
        ("refuse", ["performance"], NOTHING),
        ("save", ["performance", "clicks"], PERFORMANCE | CLICKS),
        ("save", ["profiling"], Purpose.PROFILING),
        ("save", [], NOTHING),
    ],
)
async def test_an_answer_is_recorded_with_the_words_that_were_shown(
    choice: str, purposes: list[str], granted: Purpose
) -> None:
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        shown = await alice.opens(consent())
        answer = await alice.presses(consent(), choice, purposes)
    assert answer.status_code == 200
    rest = EVERYTHING & ~granted
    wanted = [(Choice.REFUSE, rest), (Choice.GRANT, granted)]
    assert events(site) == [one for one in wanted if one[1]]
    assert site.people.addresses == {ALICE: b"alice@example.com"}
    for event in site.people.decided:
        assert (event.method, event.source, event.language, event.actor) == ("page", "consent page", "en", "person")
        text = site.people.wordings["acme", event.notice, "en"]
        assert "alice" not in text
        assert plain(text) == plain(words(shown).replace(MASKED, "{address}"))


async def test_what_was_shown_in_another_language_is_what_is_kept() -> None:
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        alice.page = (await client.get(consent(), headers={"Accept-Language": "de"})).text
        await alice.presses(consent(), "accept")
    [event] = site.people.decided
    assert event.language == "de"
    assert "Klick" in site.people.wordings["acme", event.notice, "de"]


async def test_a_question_that_was_answered_switches_nothing_on_by_itself_any_more() -> None:
    """Whoever else holds the link, or sends the form again, cannot agree in the person's place."""
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        await alice.opens(consent())
        await alice.presses(consent(), "refuse")
        stale = await alice.presses(consent(), "accept")
        assert "choose once more" in stale.text
        assert site.mailbox.got == []
        page = await alice.opens(consent())
        assert 'action="../s/' in page
        answer = await alice.presses(consent(), "accept")
    assert events(site) == [(Choice.REFUSE, EVERYTHING)]
    assert "Please confirm in your mailbox" in answer.text
    assert len(site.mailbox.got) == 1


@pytest.mark.parametrize("form", ["", "AAAA", "foreign", "other", "late", "wording"])
async def test_a_form_that_was_not_shown_to_this_person_just_now_switches_nothing_on(form: str) -> None:
    site = nobody()
    until = int(site.now.timestamp()) + FORM_TIME
    tokens = {
        "foreign": FormToken("acme", b"x" * 16, EVERYTHING, 0, until, "consent-1", "en"),
        "other": FormToken("other", ALICE, EVERYTHING, 0, until, "consent-1", "en"),
        "late": FormToken("acme", ALICE, EVERYTHING, 0, until - FORM_TIME, "consent-1", "en"),
        "wording": FormToken("acme", ALICE, EVERYTHING, 0, until, "consent-1", "en"),
    }
    form = seal(RING, tokens[form]) if form in tokens else form
    async with site.client() as client:
        for path in (consent(), preferences()):
            data = {"choice": "accept", "form": form}
            answer = await client.post(path, data=data, headers=ENGLISH)
            if path == consent() or form != seal(RING, tokens["wording"]):
                assert "choose once more" in answer.text
            assert events(site) == []
        await client.post(consent(), data={"choice": "refuse", "form": form}, headers=ENGLISH)
    assert events(site) == [(Choice.REFUSE, EVERYTHING)], "saying no never needs a form that is fresh"
    assert site.mailbox.got == []


async def test_a_page_counts_until_its_time_is_over() -> None:
    for late, decided in ((FORM_TIME - 1, 1), (FORM_TIME, 0)):
        site = nobody()
        async with site.client() as client:
            alice = Visitor(site, client)
            await alice.opens(consent())
            site.now += timedelta(seconds=late)
            await alice.presses(consent(), "accept")
        assert len(site.people.decided) == decided


async def test_another_sites_page_cannot_answer_for_the_reader() -> None:
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        await alice.opens(consent())
        for site_header in ("cross-site", "same-site"):
            await alice.presses(consent(), "accept", **{"Sec-Fetch-Site": site_header})
        await client.post(confirm(), headers=ENGLISH | {"Sec-Fetch-Site": "cross-site"})
    assert events(site) == []


# --- preferences ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("granted", [NOTHING, PERFORMANCE, EVERYTHING & ~CLICKS, EVERYTHING])
async def test_only_what_is_granted_now_is_ticked(granted: Purpose) -> None:
    site = known(granted)
    async with site.client() as client:
        page = await Visitor(site, client).opens(preferences())
    assert ticked(page) == {name.lower() for name, one in Purpose.__members__.items() if one & granted}


NAMES = [name.lower() for name in Purpose.__members__]
SETS = [set(some) for number in range(6) for some in combinations(NAMES, number)]


@pytest.mark.parametrize("granted", [NOTHING, PERFORMANCE | CLICKS, EVERYTHING], ids=["none", "two", "all"])
async def test_whatever_is_chosen_switching_off_holds_at_once_and_switching_on_waits_for_the_mailbox(
    granted: Purpose,
) -> None:
    site = known(granted)
    async with site.client() as client:
        alice = Visitor(site, client)
        for number, wanted in enumerate(SETS):
            chosen = Purpose(sum(Purpose[name.upper()] for name in wanted))
            path = preferences(masked=str(number))
            site.people.granted, site.people.reason = granted, "granted" if granted else "withdrawn"
            site.people.decided.clear()
            site.mailbox.got.clear()
            site.now += timedelta(days=1)
            await alice.opens(path)
            answer = await alice.presses(path, "save", sorted(wanted))
            assert answer.status_code == 200
            assert site.people.granted == granted & chosen
            assert all(decision is not Choice.GRANT for decision, _ in events(site))
            assert len(site.mailbox.got) == bool(chosen & ~granted)
            if site.mailbox.got:
                await client.post(site.mailbox.link(), headers=ENGLISH)
            assert site.people.granted == chosen


async def test_pressing_save_without_a_change_records_nothing() -> None:
    site = known(PERFORMANCE)
    async with site.client() as client:
        alice = Visitor(site, client)
        await alice.opens(preferences())
        answer = await alice.presses(preferences(), "save", ["performance"])
    assert "Your choice is saved" in answer.text
    assert (events(site), site.mailbox.got) == ([], [])


async def test_who_never_agreed_and_refuses_has_refused() -> None:
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        for _ in range(2):
            await alice.presses(preferences(), "refuse")
        answer = await alice.presses(preferences(), "refuse")
    assert events(site) == [(Choice.REFUSE, EVERYTHING)]
    assert "tracking is stopped" in answer.text


async def test_the_withdrawal_page_stops_one_purpose_by_one_press_and_names_what_is_granted() -> None:
    site = known(PERFORMANCE | CLICKS)
    async with site.client() as client:
        alice = Visitor(site, client)
        page = await alice.opens(withdrawal(masked=MASKED))
        assert MASKED in page
        assert re.findall(r'value="stop-(\w+)"', page) == ["performance", "clicks"]
        answer = await alice.presses(preferences(masked=MASKED), "stop-clicks")
    assert site.people.granted == PERFORMANCE
    [event] = site.people.decided
    assert event.decision is Choice.WITHDRAW
    assert event.notice.startswith("withdraw-")
    assert "Measure and improve" in answer.text
    assert 'href="../w/' in answer.text
    assert 'href="../s/' in answer.text, "the way back"


@pytest.mark.parametrize(
    "body", ["choice=grant", "choice=stop-everything", "purpose=clicks", "x" * MAX_FORM_BODY, "é"]
)
async def test_an_answer_that_no_page_gives_changes_nothing(body: str) -> None:
    site = known(PERFORMANCE)
    async with site.client() as client:
        for path in (preferences(), consent()):
            headers = ENGLISH | {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await client.post(path, content=body.encode(), headers=headers)
            assert (answer.status_code, "choose once more" in answer.text) == (200, True)
    assert (events(site), site.mailbox.got) == ([], [])


async def test_a_form_of_the_largest_size_is_read_and_a_larger_one_changes_nothing() -> None:
    body = "choice=refuse&x="
    for more, status, granted in ((0, 200, NOTHING), (1, 413, PERFORMANCE)):
        site = known(PERFORMANCE)
        async with site.client() as client:
            answer = await client.post(preferences(), content=body + "y" * (MAX_FORM_BODY - len(body) + more))
        assert (answer.status_code, site.people.granted) == (status, granted)


# --- the message to confirm -----------------------------------------------------------------------------------
async def asked(site: Site, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    """Somebody with a footer's link accepts everything."""
    alice = Visitor(site, client)
    await alice.opens(preferences())
    return await alice.presses(preferences(), "accept", **headers)


async def test_the_message_goes_to_the_persons_own_address_and_holds_nothing_personal_but_the_link() -> None:
    site = known()
    async with site.client() as client:
        answer = await asked(site, client)
    assert MASKED in answer.text
    [(sender, recipient, content)] = site.mailbox.got
    assert (sender.address, recipient.address) == (b"dpo@acme.example", b"alice@example.com")
    message = message_from_bytes(content, policy=default)
    assert message["To"] == "alice@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.defects == []
    assert max(map(len, content.split(b"\r\n"))) < 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    assert sorted(parts) == ["text/html", "text/plain"]
    for text in parts.values():
        assert text.count("https://") == 1
        assert site.mailbox.link() in text
        assert "alice" not in text
        assert "<img" not in text
    assert "<bdi>Acme SAS</bdi>" in parts["text/html"]
    assert "Acme SAS" in parts["text/plain"]
    assert "<" not in parts["text/plain"]


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it", "nl", "pl", "pt"])
async def test_the_message_speaks_the_language_of_the_page(language: str) -> None:
    site = known()
    async with site.client() as client:
        alice = Visitor(site, client)
        alice.page = (await client.get(preferences(), headers={"Accept-Language": language})).text
        await alice.presses(preferences(), "accept")
    message = message_from_bytes(site.mailbox.got[0][2], policy=default)
    assert message["Content-Language"] == language
    assert (message["Subject"] == "Please confirm your choice") is (language == "en")


async def test_an_address_beyond_ascii_is_written_to_as_such() -> None:
    site = known()
    site.people.addresses[ALICE] = "élodie@exämple.fr".encode()
    async with site.client() as client:
        await asked(site, client)
    [(sender, _, content)] = site.mailbox.got
    assert (sender.smtputf8, sender.parameters) == (True, (b"BODY=8BITMIME",))
    assert message_from_bytes(content, policy=default)["To"] == "élodie@exämple.fr"


async def test_looking_at_the_link_switches_nothing_on_and_its_button_does_with_the_words_shown() -> None:
    site = known()
    async with site.client() as client:
        await asked(site, client)
        path = site.mailbox.link()
        alice = Visitor(site, client)
        for method in ("GET", "HEAD", "OPTIONS"):
            await client.request(method, path)
        page = await alice.opens(path)
        assert MASKED in page
        assert page.count("<button") == 1
        assert events(site) == []
        done = await client.post(path, headers=ENGLISH)
        assert "Your choice is saved" in done.text
    [event] = site.people.decided
    assert (event.decision, event.purposes, event.method) == (Choice.GRANT, EVERYTHING, "page")
    assert event.source == "confirmation page"
    assert event.reference.startswith("chosen at preferences-")
    assert "[Yes, I agree]" in site.people.wordings["acme", event.notice, "en"]


async def test_a_link_to_confirm_works_once_and_not_after_a_later_decision() -> None:
    site = known()
    async with site.client() as client:
        await asked(site, client)
        path = site.mailbox.link()
        await client.post(path, headers=ENGLISH)
        await client.post(withdrawal(), headers=ENGLISH)
        for _ in range(2):
            answer = await client.post(path, headers=ENGLISH)
            assert "At the moment nothing is tracked" in answer.text
    assert events(site) == [(Choice.GRANT, EVERYTHING), (Choice.WITHDRAW, EVERYTHING)]


async def test_a_link_to_confirm_ends_after_three_days_like_one_that_never_was() -> None:
    site = known()
    async with site.client() as client:
        await asked(site, client)
        path = site.mailbox.link()
        assert open_confirm(RING, path[3:]).until == site.now.timestamp() + CONFIRM_TIME
        nothing = await client.get("/g/x", headers=ENGLISH)
        site.now += timedelta(seconds=CONFIRM_TIME - 1)
        assert (await client.get(path, headers=ENGLISH)).status_code == 200
        site.now += timedelta(seconds=1)
        for answer in (await client.get(path, headers=ENGLISH), await client.post(path, headers=ENGLISH)):
            assert (answer.status_code, answer.content, answer.headers) == (404, nothing.content, nothing.headers)
    assert events(site) == []


async def test_nobody_fills_a_mailbox_and_tomorrow_is_another_day() -> None:
    site = known()
    async with site.client() as client:
        for number in range(MAX_CONFIRM_MAILS + 2):
            answer = await asked(site, client)
            assert ("look into your mailbox" in answer.text) is (number >= MAX_CONFIRM_MAILS)
        assert len(site.mailbox.got) == MAX_CONFIRM_MAILS
        site.now += timedelta(days=1)
        await asked(site, client)
    assert len(site.mailbox.got) == MAX_CONFIRM_MAILS + 1


def test_only_so_many_people_are_counted() -> None:
    site = Site()
    allowance = Allowance()
    for number in range(MAX_CONFIRM_PEOPLE + 5):
        assert allowance.take("acme", number.to_bytes(16), site.now)
    assert len(allowance._sent) == MAX_CONFIRM_PEOPLE


async def test_where_no_message_can_be_sent_the_page_says_how_else() -> None:
    unreachable = nobody()
    silent = known()
    silent.controllers["acme"] = silent.controllers["acme"].__class__("Acme SAS")
    odd = known()
    odd.people.addresses[ALICE] = b'"\xff'
    for site in (unreachable, silent, odd):
        async with site.client() as client:
            answer = await asked(site, client)
        assert "write to <bdi>Acme SAS</bdi> from your own mailbox" in answer.text
        assert (site.mailbox.got, events(site)) == ([], [])
    down = known()
    down.mailbox.open = False
    async with down.client() as client:
        answer = await asked(down, client)
    assert (answer.status_code, "could not be sent" in answer.text) == (503, True)


async def test_a_link_after_a_withdrawal_offers_to_agree_and_confirms_it_by_the_mailbox_too() -> None:
    site = known()
    async with site.client() as client:
        alice = Visitor(site, client)
        page = await alice.opens(link("https://t.example/opaque"))
        [onward, agree] = re.findall(r'action="\.\.(/[as]/[\w-]+)"', page)
        assert onward.startswith("/a/")
        answer = await alice.presses(agree, "add", ["clicks"])
        assert "Please confirm in your mailbox" in answer.text
        await client.post(site.mailbox.link(), headers=ENGLISH)
        assert (await client.get(link("https://t.example/opaque"))).status_code == 302
    assert events(site) == [(Choice.GRANT, CLICKS)]


# --- failures -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "failure", [StoreUnavailable("ledger"), OSError("alice@example.com")], ids=["known", "new"]
)
async def test_a_choice_that_was_not_stored_is_not_said_to_be(failure: Exception) -> None:
    site = nobody()
    async with site.client() as client:
        alice = Visitor(site, client)
        await alice.opens(consent())
        site.people.failure = failure
        answers = [await alice.presses(path, "accept") for path in (consent(), preferences())]
        answers.append(await client.post(confirm(), headers=ENGLISH))
    for answer in answers:
        assert (answer.status_code, "could not be saved" in answer.text) == (503, True)
        assert '<a href="">Try again</a>' in answer.text
        assert "alice" not in answer.text
    assert "alice" not in str(site.heard)


async def test_pages_are_shown_while_the_ledger_is_down() -> None:
    site = Site(People(failure=StoreUnavailable("ledger")))
    async with site.client() as client:
        for path in (withdrawal(), preferences(), consent()):
            answer = await client.get(path, headers=ENGLISH)
            assert answer.status_code == 200
            assert ticked(answer.text) == set()
            assert "nothing is tracked" not in answer.text
