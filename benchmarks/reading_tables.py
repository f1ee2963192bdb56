"""What reading costs, and files of hostile size, as tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Spread
from benchmarks.tables import MIB, cell, measured

KINDS = {
    "csv": "CSV",
    "ndjson": "NDJSON",
    "json": "JSON document, rows at `data.items`",
    "parquet": "Parquet",
    "sqlite": "SQLite query",
    "xlsx": "Excel workbook",
    "files": "CSV files of 2,000 rows, one after the other",
}
PROGRAMS = {
    "ours_alone": "**dimsync**, rows thrown away",
    "ours": "**dimsync**, rows kept",
    "pandas_frame": "pandas",
    "polars_frame": "polars",
    "dlt_rows": "dlt, rows thrown away",
}


def render_reading(folder: Path) -> str:
    """Return the tables of reading; empty when it was not measured."""
    path = folder / "reading.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    tables = [
        measured(found["machine"]),
        _compared(found),
        _kept(found),
        *([_hostile(found)] if found["hostile"] else []),
    ]
    return "\n\n".join(tables)


def _compared(found: dict[str, Any]) -> str:
    bare = found["bare_bytes"]
    told = (
        "`scripts/bench reading` · each program in a fresh process, median (least to most) of its rounds; CPU and wall"
        f" after the imports, memory above that of a bare interpreter ({bare / MIB:.0f} MiB)"
    )
    lines = [
        told,
        "",
        "| program | rounds | rows/s of CPU | CPU s | wall s | peak MiB | of which libraries |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, one in found["kinds"].items():
        lines.append(f"| *{KINDS[kind]}: {one['rows']:,} rows* | | | | | | |")
        lines += [
            f"| {' | '.join(_cells(one, program, bare))} |" for program in PROGRAMS if program in one["rounds"][0]
        ]
    return "\n".join(lines)


def _cells(one: dict[str, Any], program: str, bare: int) -> list[str]:
    cpu = _spread(one, program, lambda run: run["cpu_s"])
    return [
        PROGRAMS[program],
        f"{sum(program in runs for runs in one['rounds'])}",
        f"{one['rows'] / cpu.median:,.0f}",
        cell(cpu),
        cell(_spread(one, program, lambda run: run["wall_s"])),
        cell(_spread(one, program, lambda run: (run["peak_bytes"] - bare) / MIB)),
        f"{_spread(one, program, lambda run: (run['ready_bytes'] - bare) / MIB).median:.0f}",
    ]


def _spread(one: dict[str, Any], program: str, figure: Callable[[dict[str, Any]], float]) -> Spread:
    return Spread.of([figure(runs[program]) for runs in one["rounds"] if program in runs])


def _kept(found: dict[str, Any]) -> str:
    """Return the line on the memory that reading takes for each kept row, by kind of file."""
    kinds = [kind for kind in found["kinds"] if kind != "files"]
    said = []
    for kind in kinds:
        one = found["kinds"][kind]
        above = _spread(one, "ours", lambda run: (run["peak_bytes"] - run["ready_bytes"]) / run["rows"])
        said.append(f"{KINDS[kind].partition(' ')[0].rstrip(',')} {above.median:.0f}")
    return f"Bytes for each row that dimsync keeps, all that reading takes included: {', '.join(said)}."


def _hostile(found: dict[str, Any]) -> str:
    told = "Files of hostile size, read as a run reads them, once, each in a fresh process; memory above the imports'"
    lines = [
        f"{told}:",
        "",
        "| file | MiB | peak MiB | what came of it |",
        "|---|---|---|---|",
    ]
    for case in found["hostile"]:
        peak = (case["peak_bytes"] - case["ready_bytes"]) / MIB
        lines.append(f"| {case['title']} | {case['size_bytes'] / MIB:,.0f} | {peak:,.0f} | {_outcome(case['found'])} |")
    return "\n".join(lines)


def _outcome(found: dict[str, Any]) -> str:
    if "refused" in found:
        return f"refused: {found['refused']}".replace("|", "\\|")
    return ", ".join(f"{count:,} {name}" for name, count in found.items())
