"""``python -m smtp_gate`` and the ``smtp-gate`` command."""

from smtp_gate.cli import main

if __name__ == "__main__":
    main()
