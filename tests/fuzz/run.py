"""Looks for bytes that break one of the fuzz targets, led by coverage; ``make fuzz`` runs it.

One target alone: ``python -m tests.fuzz.run markup --seconds 1200``.
libFuzzer keeps what reached new code in ``build/fuzz/TARGET`` and goes on from there the next time. A crash, a hang
(10 s for one input) or a broken statement leaves its input in ``build/fuzz/`` and ends with a code that is not 0:
put it into ``tests/fuzz/found/TARGET-WHAT.bin`` together with the cure.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["smtp_gate.scan", "smtp_gate.trackers", "smtp_gate.render", "smtp_gate.transfer"]
):
    from tests.fuzz.targets import TARGETS, seeds

ROOT = Path(__file__).parent.parent.parent
WORK = ROOT / "build" / "fuzz"
EVIDENCE = ROOT / "build" / "evidence" / "fuzz.json"
HANG = 10
"""Seconds for one input; the slowest seed takes a hundredth of one."""
LONGEST = 16_384
"""Octets of an input: longer ones find nothing that shorter ones do not, and slow the search."""
WORDS = """
    <a href= <img src= </a> <!--[if_mso]> <![endif]--> --> <style> </style> url( @import https:// // &amp; &#x =3D
    =\\x0D\\x0A srcset= <svg <math <![CDATA[ ]]> <base_href= \\x0D\\x0A--b \\x0D\\x0A\\x0D\\x0A Content-Type: base64
    multipart/mixed;boundary=b message/rfc822 text/html charset= Content-Transfer-Encoding: quoted-printable utf-16
    iso-2022-jp %2F ?u= """
"""What mail and HTML are made of, for the fuzzer's dictionary; an underscore stands for a blank."""


def work(name: str, seconds: int) -> None:
    """Fuzz one target in this process; libFuzzer ends the process."""
    corpus = WORK / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        if len(seed) <= LONGEST:
            (corpus / f"seed{number:04d}").write_bytes(seed)
    words = WORK / "words.dict"
    words.write_text("".join(f'"{word.replace("_", " ")}"\n' for word in WORDS.split()), encoding="utf-8")
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={HANG}",
        f"-max_len={LONGEST}",
        f"-dict={words}",
        f"-artifact_prefix={WORK}/{name}-",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Every target in turn, each in a process of its own; a table and the evidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", choices=[[], *TARGETS], help="default: all")
    parser.add_argument("--seconds", type=int, default=1200, help="for each target")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        work(options.target[0], options.seconds)
        return 0
    rows = []
    for name in options.target or TARGETS:
        command = [sys.executable, "-m", "tests.fuzz.run", name, "--seconds", str(options.seconds), "--inside"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
        said = run.stdout + run.stderr
        counted = re.search(r"number_of_executed_units:\s*(\d+)", said)
        covered = re.findall(r"cov: (\d+)", said)
        rows.append(
            {
                "target": name,
                "seconds": options.seconds,
                "inputs": int(counted[1]) if counted else 0,
                "coverage": int(covered[-1]) if covered else 0,
                "clean": run.returncode == 0,
            }
        )
        verdict = "clean" if run.returncode == 0 else "BROKEN"
        print(f"{name:8} {options.seconds:6} s {rows[-1]['inputs']:>10} inputs  {verdict}", flush=True)
        if run.returncode != 0:
            print(said[-3000:])
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    EVIDENCE.write_text(json.dumps({"targets": rows}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row["clean"] and row["inputs"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
