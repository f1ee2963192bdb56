"""The faults of a settings file: all are found at once, each with its key path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from engine.errors import ConfigError


class Fault(NamedTuple):
    """One fault to correct. `key` is a path such as `accounts.main.api_key` or `companies[3].id` (from 0)."""

    file: Path
    key: str  # empty: the file as a whole
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class ConfigFaults(ConfigError):
    """The settings file has faults; raised by `load`. `faults` holds all of them, the message a line for each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(map(str, self.faults)))


def key_path(parts: Sequence[str | int]) -> str:
    """Return a path as people write it: `companies[3].id`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def unknown(what: str, known: Iterable[str]) -> str:
    """Return a hint that names the most similar known name, or all of them if none is similar."""
    names = sorted(known)
    near = get_close_matches(what, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is defined"
