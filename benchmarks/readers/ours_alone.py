"""dimsync's reading alone: the six fields of every row made and checked, and thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.exports import COMPANY
from benchmarks.readers.job import main
from benchmarks.readers.ours import CODES, LOADS, MAPPING, sources
from engine.sources.fields import Reader, fields_of
from engine.sources.part import Part


def rows(kind: str, path: Path, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    """Read an export."""
    return asyncio.run(_rows(sources(kind, path), is_rehearsal=is_rehearsal))


async def _rows(found: list[Any], *, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    reader = Reader(MAPPING, COMPANY, CODES)
    count = 0
    kept: list[tuple[str, ...]] = []
    for source in found:
        part = Part(source.name)
        async for batch in source:
            sifted = part.sifted(batch, reader)
            if not len(sifted.cells):
                continue
            fields = fields_of(sifted.cells, sifted.found, reader)
            count += len(sifted.cells) - len(fields.refused)
            if is_rehearsal:
                key, code, label, *others = fields.columns
                kept += zip(key, label, code, *others, strict=True)
    return count, kept


if __name__ == "__main__":
    main(rows, LOADS)
