"""Rows of a web source that answers in JSON, page by page.

The token goes to the host of the configuration and to no other: a next page elsewhere, or in the clear, is refused,
and so is a redirect. An answer is bounded in octets and in time, and so are the pages.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from smtp_gate.consent.raw_rows import RawRow, inside
from smtp_gate.errors import SourceUnavailable
from smtp_gate.limits import IMPORT_ATTEMPTS, IMPORT_TIMEOUT, IMPORT_WAIT, MAX_IMPORT_PAGE, MAX_IMPORT_PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from smtp_gate.config.source import Pages

_LATER = (429, 502, 503, 504)
"""Answers that say: come again."""
_OK = 200


class HttpRows:
    """The rows of all pages of a web source.

    Args:
        url: of the first page; https, or http on this machine.
        items: dotted path to the list of rows in an answer; empty: the answer is the list.
        pages: how the next page is found; None: there is one.
        headers: sent with each request; may hold secrets, so they are in no message.
        sleep: waits, in seconds.
    """

    columns = None

    def __init__(
        self,
        url: str,
        items: str,
        pages: Pages | None,
        headers: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = httpx.URL(url)
        self._items = items
        self._pages = pages
        self._client = httpx.Client(
            headers={"accept": "application/json", **headers}, timeout=IMPORT_TIMEOUT, follow_redirects=False
        )
        self._sleep = sleep
        self._number = 0
        self.name = f"{self._url.scheme}://{self._url.netloc.decode().rpartition('@')[2]}{self._url.path}"

    def __iter__(self) -> Iterator[RawRow]:
        url: httpx.URL | None = self._first()
        for page in range(1, MAX_IMPORT_PAGES + 1):
            if url is None:
                return
            answer, link = self._page(url, page)
            rows = inside(answer, self._items)
            if not isinstance(rows, list):
                where = f"no list at {self._items!r}" if self._items else "no list as its answer"
                raise self._trouble(page, f"has {where}; items names where the rows are")
            for row in rows:
                self._number += 1
                good = isinstance(row, dict)
                yield RawRow(self._number, row if good else {}, "" if good else "the row is no JSON object")
            url = self._next(url, answer, link, page, len(rows))
        raise self._trouble(MAX_IMPORT_PAGES, "is the last that is asked for; the source has more")

    def done(self) -> int:
        """Rows."""
        return self._number

    def size(self) -> int | None:
        """Nobody knows."""
        return None

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _first(self) -> httpx.URL:
        if self._pages is not None and self._pages.number:
            return self._url.copy_merge_params({self._pages.number: self._pages.first})
        return self._url

    def _next(self, url: httpx.URL, answer: Any, link: str, page: int, rows: int) -> httpx.URL | None:
        pages = self._pages
        if pages is None:
            return None
        if pages.number:
            return url.copy_merge_params({pages.number: pages.first + page * pages.step}) if rows else None
        if pages.cursor:
            cursor = inside(answer, pages.cursor)
            if cursor in (None, "", False):
                return None
            following = url.copy_merge_params({pages.parameter: str(cursor)})
        else:
            found = link if pages.link == "Link" else inside(answer, pages.link)
            if not found:
                return None
            following = self._joined(url, found, page)
        if following == url:
            raise self._trouble(page, "names itself as the next page")
        return following

    def _joined(self, url: httpx.URL, found: object, page: int) -> httpx.URL:
        try:
            following = url.join(str(found))
        except (httpx.InvalidURL, ValueError):
            raise self._trouble(page, "names a next page that is no address") from None
        if (following.scheme, following.netloc) != (self._url.scheme, self._url.netloc):
            raise self._trouble(page, "names a next page on another host, which is not given the token")
        return following

    def _page(self, url: httpx.URL, page: int) -> tuple[Any, str]:
        """The answer, and the next page of its ``Link`` header."""
        problem = ""
        for attempt in range(1, IMPORT_ATTEMPTS + 1):
            wait = min(2.0**attempt, IMPORT_WAIT)
            try:
                with self._client.stream("GET", url) as response:
                    if response.status_code == _OK:
                        octets = self._body(response, page)
                        return json.loads(octets), str(response.links.get("next", {}).get("url", ""))
                    problem = f"answers {response.status_code}"
                    if response.status_code not in _LATER:
                        raise self._trouble(page, f"{problem}{_cure(response.status_code)}")
                    wait = _asked(response.headers.get("retry-after", ""), wait)
            except httpx.HTTPError as error:
                problem = f"cannot be read ({type(error).__name__})"
            except (ValueError, RecursionError):
                raise self._trouble(page, "is no JSON") from None
            if attempt < IMPORT_ATTEMPTS:
                self._sleep(wait)
        raise self._trouble(page, f"{problem}, {IMPORT_ATTEMPTS} times")

    def _body(self, response: httpx.Response, page: int) -> bytes:
        octets = bytearray()
        end = time.monotonic() + IMPORT_TIMEOUT * 2
        for piece in response.iter_bytes():
            octets += piece
            if len(octets) > MAX_IMPORT_PAGE:
                raise self._trouble(page, f"is larger than {MAX_IMPORT_PAGE} octets; ask for smaller pages")
            if time.monotonic() > end:
                raise self._trouble(page, "takes too long; ask for smaller pages")
        return bytes(octets)

    def _trouble(self, page: int, problem: str) -> SourceUnavailable:
        return SourceUnavailable(self.name, f"page {page} {problem}")


def _asked(text: str, wait: float) -> float:
    """What Retry-After asks for, in seconds; a date is not waited for."""
    return min(float(text), IMPORT_WAIT) if text.isascii() and text.isdigit() else wait


def _cure(status: int) -> str:
    if status in (401, 403):
        return "; is the token right, and may it read?"
    return "; a redirect is not followed, write where it leads" if 300 <= status < 400 else ""  # noqa: PLR2004
