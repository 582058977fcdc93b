"""The few errors of the gate, each with its data.

An error exists here only if somebody catches it. Errors of libraries are turned into these at the one place
that talks to the library. They are not frozen: Python itself writes ``__traceback__`` and ``__cause__``.
"""

from __future__ import annotations

from dataclasses import dataclass


class GateError(Exception):
    """Root of all errors below; a command prints it as one line and exits with :attr:`exit_code`."""

    exit_code = 70
    """EX_SOFTWARE of sysexits."""


@dataclass(eq=False)
class ConfigError(GateError):
    """A configuration, catalogue or key file that cannot be used.

    Attributes:
        place: ``file:line:column`` or the file's name; what an editor can jump to.
        key: dotted key such as ``policy.rules[2].class``; empty when the file as a whole is meant.
        problem: a sentence with the value and the cure, and the choices where there are some.
    """

    place: str
    key: str
    problem: str

    exit_code = 78
    """EX_CONFIG of sysexits."""

    def __str__(self) -> str:
        """One line: place, key, problem."""
        return ": ".join(piece for piece in (self.place, self.key, self.problem) if piece)


class ConfigFileError(GateError):
    """All the errors of one file, so that it can be mended in one go.

    Attributes:
        errors: at least one :class:`ConfigError`.
    """

    exit_code = 78

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


@dataclass(eq=False)
class StoreUnavailable(GateError):  # noqa: N818 - a state of the store, not a mistake
    """The consent store gave no usable answer.

    Attributes:
        reason: a short code for log and metrics: ``timeout``, ``refused``, ``breaker_open``, ``bad_reply`` ...;
            never an address or a key.
    """

    reason: str

    exit_code = 69
    """EX_UNAVAILABLE of sysexits."""

    def __str__(self) -> str:
        """A sentence for a person at the command line."""
        return f"consent store unavailable: {self.reason}"


@dataclass(eq=False)
class SourceUnavailable(GateError):  # noqa: N818 - a state of the source, not a mistake
    """A source of an import that gives no rows (any more); what was taken before stays.

    Attributes:
        source: what it is called, without secrets.
        problem: a sentence with the cure, without anything of a row.
    """

    source: str
    problem: str

    exit_code = 66
    """EX_NOINPUT of sysexits."""

    def __str__(self) -> str:
        """One line."""
        return f"{self.source}: {self.problem}"


@dataclass(eq=False)
class BadToken(GateError):  # noqa: N818 - said of a token, as cryptography says InvalidTag
    """A token that is not ours, not for this purpose, or damaged; which of them is not told."""


@dataclass(eq=False)
class SpliceError(GateError):
    """An edit that could not be written into a part without touching what is not edited.

    Attributes:
        part: index of the part; -1 for the message.
        reason: a short code: ``charset``, ``encoding``, ``line_length``, ``verify``; ``sealed``, ``overlap``;
            ``target``, ``mint``, ``footer`` for something that the edit needs and that there is not.
    """

    part: int
    reason: str
