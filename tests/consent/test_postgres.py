"""What a ledger on PostgreSQL needs beside what all ledgers do: a server that goes away, and others who write."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from smtp_gate.consent import Entry, Ledger, LedgerStore, RecentWithdrawals, Register
from smtp_gate.consent.append import append_in
from smtp_gate.consent.clock import micros
from smtp_gate.consent.database import Away
from smtp_gate.consent.notices import Wordings
from smtp_gate.consent.roles import RIGHTS, rights_sql
from smtp_gate.consent.schema import REVISION
from smtp_gate.consent.tables import VERSIONS, metadata
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, LEDGER_CONNECTIONS
from smtp_gate.model import EVERYTHING, NOTHING, UNKNOWN, Consent, Purpose
from tests.consent.hand import Hand
from tests.consent.tamper import Wire
from tests.postgres_server import PASSWORD, PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.consent.conftest import Decisions, Hands

ANNA, BERT = b"a" * 16, b"b" * 16
CLICKS = Purpose.CLICKS
GRANTED, WITHDRAWN = Consent(CLICKS, "granted"), Consent(NOTHING, "withdrawn")


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    for name, seconds in (("ANSWER", 1.0), ("LOCK", 0.3), ("PAUSE", 0.5), ("CONNECT", 2)):
        monkeypatch.setattr(f"smtp_gate.consent.postgres.LEDGER_{name}", seconds)


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """The server keeps its connections and answers nothing."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def gone(server: PostgresServer) -> Iterator[None]:
    """Nothing listens any more; the server was killed, and is started again at the end."""
    server.kill()
    try:
        yield
    finally:
        server.start()


# --- opening ------------------------------------------------------------------------------------------------------
LAYOUT = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'ledger_schema'
    ORDER BY table_name, column_name""",
    """SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'ledger_schema'
    ORDER BY indexdef""",
    """SELECT conname, contype, pg_get_constraintdef(oid) AS text FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'ledger_schema'::regclass ORDER BY conname""",
)
"""All columns, indexes and constraints, without the order of the columns and the version table."""


def test_the_steps_make_what_the_tables_say(ledger: Ledger, url: str, postgres_server: PostgresServer) -> None:
    assert ledger.head() == 0
    plain = postgres_server.new()
    engine = sa.create_engine(plain.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine)
    engine.dispose()
    Hand(plain).run(f"CREATE TABLE {VERSIONS} ()")
    assert [Hand(url).rows(query) for query in LAYOUT] == [Hand(plain).rows(query) for query in LAYOUT]
    postgres_server.drop(plain)


def test_a_ledger_of_a_newer_program_is_left_alone(hand: Hand) -> None:
    hand.run("UPDATE ledger_schema SET version_num = '9999'")
    with pytest.raises(ConfigError, match="made by a newer smtp-gate"):
        Ledger(hand.url)
    assert hand.rows("SELECT version_num FROM ledger_schema") == [{"version_num": "9999"}]


def test_a_driver_that_is_not_there_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smtp_gate.consent.postgres", None)
    with pytest.raises(ConfigError, match=r"pip install 'smtp-gate\[postgresql\]'"):
        Ledger("postgresql://gate@db.example/consent")


@pytest.mark.parametrize("wrong", ["password", "database", "port"])
def test_a_server_that_does_not_let_us_in_is_told_without_the_password(
    postgres_server: PostgresServer, wrong: str
) -> None:
    url = {
        "password": postgres_server.url_of("postgres", password="hush-hush"),
        "database": postgres_server.url_of("nowhere"),
        "port": f"postgresql://gate:{PASSWORD}@127.0.0.1:1/consent",
    }[wrong]
    with pytest.raises(
        Away, match=r"postgresql://127.0.0.1:\d+/\w+: consent.ledger: cannot be reached: "
    ) as caught:
        Ledger(url)
    assert "hush-hush" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.exit_code == 69


def test_the_password_may_come_from_where_libpq_looks(
    ledger: Ledger, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ledger.head() == 0
    path = tmp_path / "pgpass"
    path.write_text(f"*:*:*:*:{PASSWORD}\n")
    path.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(path))
    with closing(Ledger(url.replace(f":{PASSWORD}", ""))) as other:
        assert other.head() == 0


def test_a_database_of_another_encoding_is_refused(postgres_server: PostgresServer) -> None:
    postgres_server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(ConfigError, match="encoding UTF8"):
        Ledger(postgres_server.url_of("latin"))


def test_a_commit_is_on_the_disk_when_it_is_told_whatever_the_server_s_default(ledger: Ledger, hand: Hand) -> None:
    name = hand.url.rpartition("/")[2]
    hand.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    ledger.close()
    with ledger._database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    hand.run(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply")
    ledger.close()
    with ledger._database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_apply"


def test_only_what_goes_through_all_rows_may_take_long(ledger: Ledger) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

    def limits_of(connection: sa.Connection) -> list[str]:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]

    for _ in range(2):  # a connection that was used for the one is good for the other
        with ledger._database.read() as connection:
            assert limits_of(connection) == ["5s", "4s", "30s"]
        with ledger._database.walk() as connection:
            assert limits_of(connection) == ["1h", "1h", "1h"]
        with ledger._database.write(long=True) as connection:
            assert limits_of(connection) == ["1h", "1h", "1h"]


def test_readers_beyond_the_connections_of_a_process_wait_and_then_hear_so(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger._database._reading.pool, "_timeout", 0.1)
    with ExitStack() as rooms:
        for _ in range(LEDGER_CONNECTIONS):
            rooms.enter_context(ledger._database.read())
        with pytest.raises(StoreUnavailable, match="ledger"):
            ledger.head()
    assert ledger.head() == 0


# --- others who write ---------------------------------------------------------------------------------------------
def test_events_come_in_the_order_of_their_commits(ledger: Ledger, url: str, decisions: Decisions) -> None:
    """Whoever reads up to an event never misses one before it, since the second writer waits for the first."""
    first, second = decisions.grant(ANNA, CLICKS), decisions.grant(BERT, CLICKS)
    done: list[int] = []
    with closing(Ledger(url, lambda: second.at)) as other:
        with ledger._database.write() as connection:
            waiting = threading.Thread(target=lambda: done.append(other.append(second)))
            waiting.start()
            wait_for_lock(url)
            assert ledger.changes(0) == ([], 0)
            append_in(connection, [Entry(first)], micros(first.at), Wordings())
            assert (ledger.changes(0), done) == (([], 0), [])
        waiting.join(20)
    assert done == [2]
    assert [each.seq for each in ledger.history(ANNA)] == [1]


def wait_for_lock(url: str) -> None:
    """Until somebody waits for a row in this database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    end = time.monotonic() + 20
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < end:
            row = connection.execute(query).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.usefixtures("hasty")
def test_a_ledger_that_another_holds_is_waited_for_and_then_unavailable(
    ledger: Ledger, hand: Hand, decisions: Decisions
) -> None:
    with hand.session() as other:
        other.run("UPDATE ledger_head SET seq = seq")
        with pytest.raises(StoreUnavailable, match="ledger_locked"):
            ledger.append(decisions.grant(ANNA, CLICKS))
        assert ledger.history(ANNA) == []
    assert ledger.append(decisions.grant(ANNA, CLICKS)) == 1


@pytest.mark.usefixtures("hasty")
def test_a_writer_that_freezes_in_the_middle_holds_nobody_up_for_long(
    ledger: Ledger, url: str, clock: Hands, decisions: Decisions
) -> None:
    def freezes() -> None:
        with other._database.write() as connection:
            while not told:
                told.extend(try_to_append())
            connection.execute(sa.text("SELECT 1"))  # it goes on, and hears that its turn was taken away

    def try_to_append() -> list[int]:
        try:
            return [ledger.append(decisions.grant(ANNA, CLICKS))]
        except StoreUnavailable as problem:
            reasons.add(problem.reason)
        return []

    told: list[int] = []
    reasons: set[str] = set()
    with closing(Ledger(url, clock)) as other, pytest.raises(StoreUnavailable):
        freezes()
    assert (told, reasons) == ([1], {"ledger_locked"})
    assert ledger.verify()[::2] == (1, None)


# --- the gate's own role ------------------------------------------------------------------------------------------
def test_every_table_has_its_rights() -> None:
    assert set(RIGHTS) == {*metadata.tables, VERSIONS}


def test_a_role_that_would_need_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="no name of a role"):
        rights_sql('gate"; DROP TABLE event; --')


def test_the_gate_s_role_does_all_that_a_ledger_does_and_no_more(
    ledger: Ledger, url: str, clock: Hands, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        for _ in range(2):  # it can be run again, after a change of layout
            owner.execute(rights_sql("gate_role").encode())
        owner.execute(f"ALTER ROLE gate_role PASSWORD '{PASSWORD}'".encode())
    mine = postgres_server.url_of(url.rpartition("/")[2], "gate_role")
    with closing(Ledger(mine, clock)) as gate:
        gate.add_notice("acme", "v3", "fr", "Nous mesurons.")
        gate.append(decisions.grant(ANNA, CLICKS, notice="v3", language="fr"), b"anna@reader.example")
        gate.append(decisions.withdraw(BERT, CLICKS), b"bert@reader.example")
        assert gate.erase(ANNA) == {3: 1}
        assert gate.rebuild() == 2
        assert gate.verify()[::2] == (3, None)
        assert gate.address(ANNA) is None
        with closing(gate.reader()) as reader:
            assert reader.read("acme", [BERT])[BERT][0] == "withdraw"
    Hand(url).disarm()  # what is refused now is refused by the rights alone
    for statement in (
        "DELETE FROM event",
        "UPDATE event SET decision = 'grant'",
        "TRUNCATE event",
        "DELETE FROM notice",
        "UPDATE notice SET text = ''",
        "UPDATE ledger_schema SET version_num = '1'",
        "UPDATE address SET address = 'x'",
        "DROP TABLE event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "CREATE TRIGGER mine BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            Hand(mine).run(statement)
    assert ledger.verify()[::2] == (3, None)


def test_a_role_without_the_rights_is_told_who_makes_the_tables(postgres_server: PostgresServer) -> None:
    url = postgres_server.new()
    postgres_server.run(f"CREATE ROLE newcomer LOGIN PASSWORD '{PASSWORD}'")
    with pytest.raises(
        ConfigError, match=r"permission denied for schema public; as the owner of .* ledger upgrade"
    ):
        Ledger(postgres_server.url_of(url.rpartition("/")[2], "newcomer"))
    with closing(Ledger(url)):
        assert Hand(url).rows("SELECT version_num FROM ledger_schema") == [{"version_num": REVISION}]
    with pytest.raises(ConfigError, match="permission denied for table ledger_schema; as the owner"):
        Ledger(postgres_server.url_of(url.rpartition("/")[2], "newcomer"))
    postgres_server.drop(url)


# --- a server that goes away --------------------------------------------------------------------------------------
def test_what_was_told_as_stored_outlives_a_server_that_is_killed(
    ledger: Ledger, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    told: list[int] = []
    events = [decisions.grant(ANNA, CLICKS) for _ in range(500)]

    def write() -> None:
        with suppress(StoreUnavailable):
            told.extend(ledger.append(event) for event in events)

    writer = threading.Thread(target=write)
    writer.start()
    while len(told) < 5 and writer.is_alive():
        time.sleep(0.01)
    with gone(postgres_server):
        writer.join(30)
        with pytest.raises(StoreUnavailable, match="ledger"):
            ledger.append(decisions.withdraw(ANNA, EVERYTHING))
    count, fault = ledger.verify()[::2]
    assert fault is None
    assert len(told) <= count <= len(told) + 1  # one may have been stored without its answer
    assert ledger.append(decisions.withdraw(ANNA, EVERYTHING)) == count + 1


@pytest.mark.usefixtures("hasty")
def test_a_server_that_freezes_is_unavailable_and_used_again_when_it_goes_on(
    ledger: Ledger, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    ledger.close()  # so that the next connection has the hasty limits
    assert ledger.append(decisions.grant(ANNA, CLICKS)) == 1
    with frozen(postgres_server):
        for ask in (lambda: ledger.append(decisions.grant(ANNA, CLICKS)), ledger.head, ledger.last):
            with pytest.raises(StoreUnavailable, match="ledger"):
                ask()
    assert ledger.append(decisions.grant(ANNA, CLICKS)) == 2
    assert ledger.verify()[::2] == (2, None)


@pytest.mark.usefixtures("hasty")
async def test_a_withdrawal_over_a_broken_network_is_not_told_as_stored(
    url: str, clock: Hands, postgres_server: PostgresServer
) -> None:
    async with Wire(postgres_server.port) as wire:
        port = wire.url.rpartition(":")[2].partition("/")[0]
        ledger = await asyncio.to_thread(Ledger, url.replace(f":{postgres_server.port}/", f":{port}/"), clock)
        register = Register(ledger, clock=clock)
        await register.grant("acme", ANNA, CLICKS, method="form", source="test")
        wire.deaf = True
        with pytest.raises(StoreUnavailable, match="ledger"):
            await register.withdraw("acme", ANNA)
        wire.deaf = False
        assert await register.withdraw("acme", ANNA) == 2
        assert len(await register.history(ANNA)) == 2
        await asyncio.to_thread(ledger.close)


async def test_look_ups_from_a_frozen_server_cost_the_time_limit_and_then_nothing(
    ledger: Ledger, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    now = [0.0]
    ledger.append(decisions.grant(ANNA, CLICKS))
    store = LedgerStore(ledger.reader(), monotonic=lambda: now[0])
    assert await looked_up(store) == GRANTED
    with frozen(postgres_server):
        for _ in range(BREAKER_FAILURES):
            with pytest.raises(StoreUnavailable, match=r"timeout|ledger"):
                await store.look_up("acme", [ANNA])
        with pytest.raises(StoreUnavailable, match="breaker_open"):
            await store.look_up("acme", [ANNA])
    ledger.append(decisions.withdraw(ANNA, CLICKS))
    now[0] += 60
    assert await looked_up(store, now) == WITHDRAWN
    await store.close()


async def test_a_restart_of_the_server_between_two_look_ups_is_not_noticed(
    ledger: Ledger, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    ledger.append(decisions.grant(ANNA, CLICKS))
    reader = ledger.reader()
    assert reader.read("acme", [ANNA, BERT]).keys() == {ANNA}
    with gone(postgres_server), pytest.raises(StoreUnavailable, match="ledger"):
        reader.read("acme", [ANNA])
    assert reader.read("acme", [ANNA])[ANNA][0] == "grant"
    with gone(postgres_server):
        pass
    assert reader.read("acme", [ANNA])[ANNA][0] == "grant"
    assert reader.read("ac\0me", [ANNA]) == {}
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader._link.execute("DELETE FROM standing")  # type: ignore[attr-defined]
    reader.close()


async def test_a_gate_that_starts_while_the_server_is_away_uses_it_when_it_comes_back(
    url: str, clock: Hands, decisions: Decisions, postgres_server: PostgresServer
) -> None:
    with gone(postgres_server):
        with pytest.raises(Away):
            Ledger(url, clock)
        ledger = Ledger(url, clock, patient=True)
        recent = RecentWithdrawals(ledger)
        with pytest.raises(StoreUnavailable, match="ledger"):
            await recent.poll()
        store = LedgerStore(ledger.reader())
        with pytest.raises(StoreUnavailable, match=r"ledger|timeout"):
            await store.look_up("acme", [ANNA])
    ledger.append(decisions.withdraw(ANNA, CLICKS))
    await recent.poll()
    assert recent.seq_of("acme", ANNA) == 1
    assert await looked_up(store) == WITHDRAWN
    await store.close()
    ledger.close()


def test_one_that_comes_back_as_another_one_is_unavailable(
    hand: Hand, clock: Hands, postgres_server: PostgresServer
) -> None:
    hand.run("UPDATE ledger_schema SET version_num = '9999'")
    with gone(postgres_server):
        late = Ledger(hand.url, clock, patient=True)
    with pytest.raises(StoreUnavailable, match="ledger"):
        late.head()
    late.close()


async def looked_up(store: LedgerStore, now: list[float] | None = None) -> Consent:
    """What holds for Anna; a busy machine is given some tries."""
    for _ in range(20):
        try:
            (found,) = await store.look_up("acme", [ANNA])
        except StoreUnavailable:
            if now is not None:
                now[0] += 60
            continue
        return found
    return UNKNOWN
