"""A company as it is written, and where: in the settings file, in the companies file, or by a file's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from engine.config.faults import Fault


class Entry(NamedTuple):
    """What is written about a company, a group or the fleet. Values are as written, and may be invalid."""

    file: Path
    place: str  # `companies[3]`, `line 5`, `groups.west`
    values: Mapping[str, Any]
    joint: str = "."  # stands between the place and a key in messages

    def fault(self, key: str, message: str) -> Fault:
        """Return a fault of one value."""
        return Fault(self.file, f"{self.place}{self.joint}{key}", message)

    def seen_from(self, file: Path) -> str:
        """Return the name of the place in a message about `file`."""
        return self.place if self.file == file else f"{self.place} of {self.file}"
