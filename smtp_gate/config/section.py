"""What every section of the configuration file has in common."""

from __future__ import annotations

from pydantic import ConfigDict

SECTION = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
"""Unknown keys are errors, values never change, and the text under each key is what editors show."""
