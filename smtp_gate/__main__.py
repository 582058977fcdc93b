"""``python -m smtp_gate`` and the ``smtp-gate`` command."""

from __future__ import annotations

import sys

from smtp_gate.observe.shared import count_together, runtime_folder


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] in (["serve"], ["web"]):
        # prometheus-client decides at its import whether processes count together, so this comes before any other.
        count_together(runtime_folder() / "metrics")
    from smtp_gate.cli import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
