"""What is wrong with a settings file: everything at once, each with its key path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from engine.errors import ConfigError


class Fault(NamedTuple):
    """One thing to put right. `key` is a path such as `accounts.main.api_key` or `companies[3].id` (from 0)."""

    file: Path
    key: str  # empty: the file as a whole
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class ConfigFaults(ConfigError):
    """The settings file cannot work; raised by `load`. `faults` names all that is wrong, the message one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(map(str, self.faults)))


def key_path(parts: Sequence[str | int]) -> str:
    """Return a path as people write it: `companies[3].id`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def unknown(what: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known name, or at all of them where none is near."""
    names = sorted(known)
    near = get_close_matches(what, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"
