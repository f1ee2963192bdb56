"""What a source gave for one company: good rows, and the bad ones with their place."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.dimension import Dimension, NaturalKey
from engine.model.outcome import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All rows of a company's source. `source_rows` counts each of them: `len(rows) + invalid`."""

    rows: list[Dimension]  # valid rows with keys that are unique in the source, in source order
    lines: dict[str, int] = field(default_factory=dict)  # key -> line in `file`, where the source has lines
    file: str | None = None  # for messages
    source_rows: int
    invalid: int = 0
    problems: tuple[Problem, ...] = ()  # one for each invalid row
    invalid_keys: frozenset[str] = frozenset()  # keys that invalid rows bear: their remote rows are no orphans
    invalid_natural: frozenset[NaturalKey] = frozenset()
    source_keys: dict[str, str] = field(default_factory=dict)  # key in `rows` -> the source's own, if another
