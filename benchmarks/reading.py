"""Reading alone: each export by each program in a fresh process, and files of hostile size by ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import exports, hostile
from benchmarks.launch import ROOT, ProgramFailed, surroundings
from benchmarks.machine import describe

PROGRAMS = ("ours_alone", "ours", "pandas_frame", "polars_frame", "dlt_rows")
ROWS = {"xlsx": 200_000, "files": 600_000}
"""Rows of exports; of all others a million."""

REHEARSED = 4_000
ONCE = {"dlt_rows"}
"""Programs of the first round only, as they take several times as long as all others together."""

WITHOUT = {("dlt_rows", "xlsx")}
"""Programs and kinds of export that they have no reader for."""


def measured(*, quick: bool, runs: int, programs: Sequence[str] = PROGRAMS) -> dict[str, Any]:
    """Rehearse on few rows, whose every field is compared; then measure. `quick`: a hundredth of the size, once."""
    share = 0.01 if quick else 1.0
    with TemporaryDirectory() as folder:
        for kind in exports.KINDS:
            _rehearse(Path(folder), kind, programs)
        kinds = {kind: _kind(Path(folder), kind, share, 1 if quick else runs, programs) for kind in exports.KINDS}
        cases = [_case(Path(folder), case, share) for case in hostile.CASES]
    return {"machine": describe(), "bare_bytes": _bare(), "kinds": kinds, "hostile": cases}


def _rehearse(folder: Path, kind: str, programs: Sequence[str]) -> None:
    """Raise `ProgramFailed` for a program that does not make the six fields of the right rows."""
    part = folder / "rehearsal"
    part.mkdir(exist_ok=True)
    path = exports.write(part, kind, REHEARSED)
    right = (sum(1 for _ in exports.wanted(REHEARSED)), exports.checksum(exports.wanted(REHEARSED)))
    for program in programs:
        if (program, kind) not in WITHOUT:
            report = run(program, kind, str(path), "--check")
            if (report["rows"], report["checksum"]) != right:
                raise ProgramFailed(f"{program} read other rows than wanted of {kind}: {report['rows']:,}")


def _kind(folder: Path, kind: str, share: float, runs: int, programs: Sequence[str]) -> dict[str, Any]:
    count = int(ROWS.get(kind, 1_000_000) * share)
    written = f"exports.write(Path({str(folder)!r}), {kind!r}, {count})"
    _python("-c", f"from pathlib import Path; from benchmarks import exports; {written}")
    path = exports.place(folder, kind)
    right = sum(1 for number in range(count) if number % 10 != 3)
    rounds: list[dict[str, Any]] = []
    for number in range(runs):
        chosen = [one for one in programs if (one, kind) not in WITHOUT and (one not in ONCE or not number)]
        rounds.append({one: run(one, kind, str(path)) for one in chosen})
        for program, report in rounds[-1].items():
            if report["rows"] != right:
                raise ProgramFailed(f"{program} read {report['rows']:,} rows of {kind}, where {right:,} are wanted")
        told = ", ".join(f"{program} {report['cpu_s']:.2f} s" for program, report in rounds[-1].items())
        sys.stderr.write(f"reading {kind} {number + 1}/{runs}: {told}\n")
    if path.is_file():
        path.unlink()
    return {"rows": count, "rounds": rounds}


def _case(folder: Path, case: hostile.Case, share: float) -> dict[str, Any]:
    path = folder / case.file
    at = hostile.CASES.index(case)
    words = f"from pathlib import Path; from benchmarks import hostile; hostile.CASES[{at}].write"
    _python("-c", f"{words}(Path({str(path)!r}), {share})")
    report = run("hostile", str(path))
    size = path.stat().st_size
    path.unlink()
    sys.stderr.write(f"{case.title}: {(report['peak_bytes'] - report['ready_bytes']) / 2**20:.0f} MiB\n")
    return {"title": case.title, "size_bytes": size, **report}


def run(program: str, *words: str) -> dict[str, Any]:
    """Run a program, and return its report. Raises `ProgramFailed`."""
    report: dict[str, Any] = json.loads(_python("-m", f"benchmarks.readers.{program}", *words))
    return report


def _bare() -> int:
    """Return the memory of an interpreter that has loaded nothing of its own accord."""
    code = "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    return int(_python("-c", code).split()[1]) * 1024


def _python(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramFailed(f"{' '.join(words)[:80]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
