r"""Plays an SMTP dialogue that is written down in a file, byte for byte.

A line of a ``.dlg`` file is one of::

    # words              a comment
    set lmtp             before all else: the listener speaks LMTP
    set MAX_ERRORS 2     before all else: a limit of smtp_gate.limits
    S: EHLO x            sends the words and CRLF
    S| a\r\n\x00b        sends exactly these octets; \r \n \t \0 \\ and \xHH are escapes
    S1| QUIT\r\n         the same, each octet in a segment of its own
    R: 250-gate...       a reply line must come and be this; ``...`` stands for anything
    close                the server must close
    end                  we close our side for writing and still read
    silence              for 0.15 seconds nothing may come
    pause 0.2            we wait
    messages 1           so many contents must have reached the gate by now
    content a\r\n        the last content must be these octets
    sender|rcpt a@x N=1  the last transaction's sender or last recipient, with its parameters
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scripted_gate import Running

PATIENCE = 5.0
QUIET = 0.15
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_SHORT = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(text: str) -> bytes:
    """The octets a script line stands for; characters beyond ASCII are UTF-8."""

    def one(found: re.Match[str]) -> str:
        return (
            chr(0xDC00 + int(found[1], 16))
            if found[1] and int(found[1], 16) > 127
            else (chr(int(found[1], 16)) if found[1] else _SHORT[found[2]])
        )

    return _ESCAPE.sub(one, text).encode("utf-8", "surrogateescape")


def matches(pattern: str, line: str) -> bool:
    """Whether a reply line is what the script says."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))), line) is not None


class Dialog:
    """One script."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[tuple[int, str, str]] = []
        self.lmtp = False
        self.limits: dict[str, float] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            word, _, rest = line.partition(" ")
            if word != "set":
                self.steps.append((number, word, rest))
            elif rest == "lmtp":
                self.lmtp = True
            else:
                name, _, value = rest.partition(" ")
                self.limits[name] = float(value) if "." in value else int(value)

    async def play(self, running: Running) -> None:
        """Talk to the listener; raises AssertionError with file and line where it says something else."""
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        number = 0
        try:
            for number, word, rest in self.steps:  # noqa: B007 - it is told below
                await self._step(word, rest, reader, writer, running)
        except (AssertionError, TimeoutError, ConnectionError) as error:
            raise AssertionError(f"{self.path.name}:{number}: {error!r}") from error
        finally:
            writer.close()

    async def _step(  # noqa: C901, PLR0912 - one branch a word
        self, word: str, rest: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, running: Running
    ) -> None:
        async with asyncio.timeout(PATIENCE):
            if word == "S:":
                writer.write(rest.encode() + b"\r\n")
            elif word == "S|":
                writer.write(unescape(rest))
            elif word == "S1|":
                for octet in unescape(rest):
                    writer.write(bytes([octet]))
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
            elif word == "R:":
                line = await reader.readline()
                assert line.endswith(b"\r\n"), line
                assert matches(rest, line[:-2].decode("ascii")), line
            elif word == "close":
                assert await reader.read() == b""
            elif word == "end":
                writer.write_eof()
            elif word == "silence":
                try:
                    said = await asyncio.wait_for(reader.read(1), QUIET)
                except TimeoutError:
                    return
                raise AssertionError(f"nothing may come, but {said!r}")
            elif word == "pause":
                await asyncio.sleep(float(rest))
            elif word == "messages":
                assert len(running.gate.messages) == int(rest), running.gate.messages
            elif word == "content":
                assert running.gate.messages[-1] == unescape(rest), running.gate.messages[-1]
            elif word in ("sender", "rcpt"):
                letter = running.gate.letters[-1]
                what = letter.sender if word == "sender" else letter.taken[-1]
                assert b" ".join([what.address, *what.parameters]) == unescape(rest), what
            else:
                raise AssertionError(f"no such word: {word}")
