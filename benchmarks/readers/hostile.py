"""dimsync, as a run reads, over one file of hostile size: what came of its rows, and the memory that it took."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from benchmarks.programs.job import peak_bytes
from engine.errors import SourceError
from engine.model.settings import Company
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.filters import row_test
from engine.sources.mapping import ColumnMap
from engine.sources.spools import Spools

TYPES = frozenset({"account"})
MAPPINGS = {
    "left-out": ColumnMap(where={"status": row_test("open")}),
    "shared": ColumnMap(company_column="company"),
    "sheet-formats": ColumnMap(numbers_as_ids=True),
}


async def look(path: Path) -> dict[str, int | str]:
    """Read a file, and return how many rows ended where."""
    source = FileSource(path, MAPPINGS.get(path.stem))
    companies = [Company(id=number, source=source) for number in range(1, 301 if path.stem == "shared" else 2)]
    counts = {"read": 0, "good": 0, "invalid": 0, "left out": 0, "reasons": 0}
    try:
        with Spools(companies) as spools:
            for company in companies:
                wanted = await read(spools.source_of(company), company_id=company.id, type_codes=TYPES)
                counts["read"] += wanted.read_rows
                counts["good"] += len(wanted.rows)
                counts["invalid"] += wanted.invalid
                counts["left out"] += sum(one.rows for one in wanted.left_out_by)
                counts["reasons"] += len(wanted.left_out_by)
    except SourceError as error:
        return {"refused": str(error).replace(str(path), path.name)}
    return {name: count for name, count in counts.items() if count}


if __name__ == "__main__":
    ready = peak_bytes()
    found = asyncio.run(look(Path(sys.argv[1])))
    sys.stdout.write(json.dumps({"found": found, "ready_bytes": ready, "peak_bytes": peak_bytes()}))
