"""Databases are only read; web sources get the token on their own host alone, and come to an end."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate.config.source import Pages
from smtp_gate.consent import http_rows
from smtp_gate.consent.http_rows import HttpRows
from smtp_gate.consent.sql_rows import SqlRows
from smtp_gate.errors import SourceUnavailable
from smtp_gate.limits import IMPORT_ATTEMPTS, IMPORT_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = tuple[int, Any, dict[str, str]]


# --- SQL --------------------------------------------------------------------------------------------------------
def test_a_query_gives_its_rows_by_name_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript("CREATE TABLE c (mail TEXT, ok INT); INSERT INTO c VALUES ('a@b.example', 1)")
    with closing(SqlRows(f"sqlite:///{path}", "SELECT mail, ok AS yes FROM c")) as rows:
        assert rows.columns == ["mail", "yes"]
        assert [(row.place, row.values) for row in rows] == [(1, {"mail": "a@b.example", "yes": 1})]
    with pytest.raises(SourceUnavailable, match="readonly"):
        SqlRows(f"sqlite:///{path}", "WITH x AS (SELECT 1) DELETE FROM c")


def test_a_database_that_gives_nothing_is_told_without_its_password(tmp_path: Path) -> None:
    for url, said in (
        (f"sqlite:///{tmp_path}/none.db", "unable to open"),
        ("nosuch://user:secret@db.example/crm", "does not know"),
        ("mysql+pymysql://user:secret@db.example/crm", "pip install pymysql"),
        ("crm", "no SQLAlchemy URL"),
    ):
        with pytest.raises(SourceUnavailable, match=said) as told:
            SqlRows(url, "SELECT 1")
        assert "secret" not in str(told.value)
    assert not (tmp_path / "none.db").exists()


# --- HTTP -------------------------------------------------------------------------------------------------------
@contextmanager
def web(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """A server on loopback; ``answer`` gets path with query and headers of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = answer(self.path, dict(self.headers.items()))
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def numbers(url: str, pages: Pages | None, items: str = "data.rows", **headers: str) -> list[object]:
    with closing(HttpRows(url, items, pages, headers, sleep=lambda _: None)) as rows:
        return [row.values.get("n") for row in rows]


def rows_of(*found: int) -> list[dict[str, int]]:
    return [{"n": number} for number in found]


def test_pages_are_followed_by_link_cursor_number_and_header() -> None:
    def answer(path: str, _headers: dict[str, str]) -> Answer:
        last = "2" in path
        rows = {"rows": rows_of(3) if last else rows_of(1, 2)}
        if path.startswith("/link"):
            return 200, {"data": rows, "next": None if last else {"url": "/link?page=2"}}, {}
        if path.startswith("/header"):
            return 200, {"data": rows}, {} if last else {"link": '</header?page=2>; rel="next"'}
        if path.startswith("/cursor"):
            return 200, {"data": rows, "after": "" if last else 2}, {}
        number = path.rpartition("=")[2]
        return 200, {"data": {"rows": {"0": rows_of(1, 2), "2": rows_of(3)}.get(number, [])}}, {}

    with web(answer) as url:
        assert numbers(f"{url}/link", Pages(link="next.url")) == [1, 2, 3]
        assert numbers(f"{url}/header", Pages(link="Link")) == [1, 2, 3]
        assert numbers(f"{url}/cursor", Pages(cursor="after", parameter="from")) == [1, 2, 3]
        assert numbers(f"{url}/number?size=2", Pages(number="offset", first=0, step=2)) == [1, 2, 3]
        assert numbers(f"{url}/link", None) == [1, 2]


def test_the_token_goes_to_its_own_host_only() -> None:
    seen: list[str] = []

    def elsewhere(_path: str, headers: dict[str, str]) -> Answer:
        seen.append(headers.get("authorization", ""))
        return 200, [], {}

    with web(elsewhere) as other:

        def answer(path: str, _headers: dict[str, str]) -> Answer:
            if path == "/moved":
                return 302, {}, {"location": other}
            return 200, {"data": {"rows": rows_of(1)}, "next": other}, {}

        with web(answer) as url:
            with pytest.raises(SourceUnavailable, match="another host, which is not given the token"):
                numbers(url, Pages(link="next"), authorization="Bearer secret")
            with pytest.raises(SourceUnavailable, match="a redirect is not followed"):
                numbers(f"{url}/moved", None, authorization="Bearer secret")
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, {}), "page 1 answers 401; is the token right"),
        ((200, b"<html>", {}), "page 1 is no JSON"),
        ((200, {"rows": []}, {}), "no list at 'data.rows'"),
        ((200, {"data": {"rows": rows_of(1)}, "next": "/"}, {}), "names itself as the next page"),
        ((200, b"[" * 100_000, {}), "page 1 is no JSON"),
    ],
)
def test_what_is_wrong_with_a_page_is_told(answer: Answer, said: str) -> None:
    with web(lambda _path, _headers: answer) as url, pytest.raises(SourceUnavailable, match=said) as told:
        numbers(f"{url}/", Pages(link="next"), authorization="Bearer secret")
    assert "secret" not in str(told.value)


def test_a_server_that_says_later_is_asked_again_and_not_for_ever() -> None:
    answers = [(429, {}, {"retry-after": "7"}), (503, {}, {}), (200, rows_of(1), {})]
    waits: list[float] = []
    with web(lambda _path, _headers: answers.pop(0)) as url:
        with closing(HttpRows(url, "", None, {}, sleep=waits.append)) as rows:
            assert len(list(rows)) == 1
        assert waits == [7, 4]
        answers += [(429, {}, {"retry-after": "86400"})] * IMPORT_ATTEMPTS
        with closing(HttpRows(url, "", None, {}, sleep=waits.append)) as rows, pytest.raises(SourceUnavailable):
            list(rows)
    assert waits[2:] == [IMPORT_WAIT] * (IMPORT_ATTEMPTS - 1)
    with pytest.raises(SourceUnavailable, match="cannot be read"):  # nobody listens there any more
        numbers(url, None)


def test_a_page_has_a_size_and_pages_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_rows, "MAX_IMPORT_PAGE", 20)
    monkeypatch.setattr(http_rows, "MAX_IMPORT_PAGES", 3)
    with web(lambda _path, _headers: (200, b'[{"n": 1}]' + b" " * 10, {})) as url:
        assert numbers(url, None, "") == [1]
        with pytest.raises(SourceUnavailable, match="page 3 is the last that is asked for"):
            numbers(url, Pages(number="page"), "")
    with (
        web(lambda _path, _headers: (200, b'[{"n": 1}]' + b" " * 11, {})) as url,
        pytest.raises(SourceUnavailable, match="larger than 20 octets"),
    ):
        numbers(url, None, "")


def test_rows_that_are_no_objects_are_told() -> None:
    with (
        web(lambda _path, _headers: (200, [1, {"n": 2}], {})) as url,
        closing(HttpRows(url, "", None, {})) as rows,
    ):
        assert [(row.place, row.fault) for row in rows] == [(1, "the row is no JSON object"), (2, "")]
