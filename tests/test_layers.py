"""Imports go down only, and the pure rows do no I/O, read no clock, log nothing and throw no dice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "smtp_gate"

ROWS = {
    "replies": 1,
    "errors": 2,
    "limits": 2,
    "decision": 2,
    "model": 2,
    "transfer": 2,
    "policy": 3,
    "scan": 3,
    "render": 3,
    "trackers": 3,
    "tokens": 3,
    "config": 4,
    "consent": 4,
    "delivery": 4,
    "observe": 4,
    "witnesses": 4,
    "gate": 5,
    "hooks": 5,
    "listener": 6,
    "web": 6,
    "cli": 7,
    "__main__": 8,
}
SIDEWAYS = {("scan", "trackers"), ("render", "tokens")}
"""The few imports inside one row: a scan asks the catalogue, rendering asks for tokens."""

PURE = {name for name, row in ROWS.items() if row <= 3}
IMPURE_MODULES = frozenset(
    [
        "aiosmtpd",
        "aiosmtplib",
        "asyncio",
        "datetime",
        "dns",
        "glob",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "redis",
        "secrets",
        "shutil",
        "signal",
        "socket",
        "sqlalchemy",
        "sqlite3",
        "ssl",
        "starlette",
        "structlog",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
        "uuid",
        "yaml",
    ]
)
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def modules() -> list[tuple[str, Path]]:
    """Dotted name below the package and path of each module."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        pieces = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if pieces[-1] == "__init__":
            pieces.pop()
        if pieces:
            found.append((".".join(pieces), path))
    return found


def imports(tree: ast.AST) -> list[str]:
    """Full names of all modules a tree imports, wherever the import stands."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that the row shows in the line"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def faults(name: str, source: str) -> list[str]:
    """Every sentence that is wrong about a module of this name and source."""
    here = name.split(".", maxsplit=1)[0]
    if here not in ROWS:
        return [f"{name}: has no row; put it into ROWS first"]
    wrong = [f"{name}: a name that says nothing" for piece in name.split(".") if piece in EMPTY_NAMES]
    tree = ast.parse(source)
    for target in imports(tree):
        pieces = target.split(".")
        if pieces[0] == "smtp_gate" and len(pieces) > 1 and pieces[1] in ROWS:
            there = pieces[1]
            up = ROWS[there] > ROWS[here]
            across = ROWS[there] == ROWS[here] and there != here and ROWS[here] in (3, 6)
            if up or (across and (here, there) not in SIDEWAYS):
                wrong.append(f"{name}: imports {target}, which is not below it")
        if here in PURE and (pieces[0] in IMPURE_MODULES or ".".join(pieces[:2]) in IMPURE_MODULES):
            wrong.append(f"{name}: is pure, yet imports {target}")
    if here in PURE:
        wrong += [
            f"{name}: is pure, yet calls {node.func.id}()"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS
        ]
    return wrong


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])
def test_module_keeps_its_row(name: str, path: Path) -> None:
    assert faults(name, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("scan.html", "import time", "is pure"),
        ("scan.html", "open('x')", "calls open()"),
        ("scan.html", "from smtp_gate.policy import decide", "not below it"),
        ("policy.decide", "from smtp_gate.consent import store", "not below it"),
        ("web.app", "from smtp_gate.listener import smtp", "not below it"),
        ("gate", "from smtp_gate import cli", "not below it"),
        ("scan.utils", "", "says nothing"),
        ("somewhere", "", "has no row"),
    ],
)
def test_a_module_in_the_wrong_place_is_seen(name: str, source: str, said: str) -> None:
    assert any(said in fault for fault in faults(name, source))
