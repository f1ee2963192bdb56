"""A company as it is written, with its place: in the settings file, in the companies file, or by a file's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from engine.config.faults import Fault


class Entry(NamedTuple):
    """What somebody wrote of a company (or for many: a group, the fleet). Values are as written, sound or not."""

    file: Path
    place: str  # `companies[3]`, `line 5`, `groups.west`
    values: Mapping[str, Any]
    joint: str = "."  # between the place and a key of it

    def fault(self, key: str, message: str) -> Fault:
        """Return what is wrong with one value."""
        return Fault(self.file, f"{self.place}{self.joint}{key}", message)

    def seen_from(self, file: Path) -> str:
        """Return the place as it is called in a message about `file`."""
        return self.place if self.file == file else f"{self.place} of {self.file}"
