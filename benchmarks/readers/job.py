"""How each reading program runs: read once, note what it used after its imports; in a rehearsal, sum up the rows."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from benchmarks.exports import checksum
from benchmarks.programs.job import peak_bytes

Read: TypeAlias = Callable[[str, Path, bool], tuple[int, Iterable[Iterable[str]]]]
"""Takes the kind of export, its path, and whether rows are kept to be checked; returns their number and the rows."""


def main(read: Read, loads: Mapping[str, str] = MappingProxyType({})) -> None:
    """Read what the command line names, and print a report as JSON.

    `loads`: the library that the program would load by itself while it reads a kind of export; it is loaded before.
    """
    if library := loads.get(sys.argv[1]):
        import_module(library)
    kind, path, is_rehearsal = sys.argv[1], Path(sys.argv[2]), sys.argv[3:] == ["--check"]
    ready = {"cpu": time.process_time(), "bytes": peak_bytes(), "at": time.monotonic()}
    count, rows = read(kind, path, is_rehearsal)
    report = {
        "rows": count,
        "cpu_s": time.process_time() - ready["cpu"],
        "wall_s": time.monotonic() - ready["at"],
        "import_cpu_s": ready["cpu"],
        "ready_bytes": ready["bytes"],
        "peak_bytes": peak_bytes(),
    }
    if is_rehearsal:
        report["checksum"] = checksum(rows)
    sys.stdout.write(json.dumps(report))
