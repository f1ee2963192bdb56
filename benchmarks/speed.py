"""Count what the hot path costs, in figures that a busy machine does not change, and compare them with the record.

`scripts/check-speed` fails when a stage costs over 3 % more than `benchmarks/speed.json` says; `--record` rewrites it.
Counted are bytecode instructions, calls of C functions, the peak of memory and the blocks that stay allocated. They
differ between versions of Python, so each has a record of its own. Wall time is never looked at.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

RECORD = Path(__file__).with_name("speed.json")
ALLOWED = 0.03
UNITS = ("instructions", "c_calls", "peak_bytes", "blocks")

Figures = dict[str, int]


def instructions(work: Callable[[], Any]) -> int:
    """Return how many bytecode instructions `work` executes."""
    count = 0

    def local(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def enter(frame: FrameType, _event: str, _argument: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(None)
    return count


def c_calls(work: Callable[[], Any]) -> int:
    """Return how many functions written in C it calls."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "c_call"

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def memory(work: Callable[[], Any]) -> tuple[int, int]:
    """Return how much memory `work` holds at its peak, in bytes, and how many blocks its result keeps."""
    gc.collect()
    before = sys.getallocatedblocks()
    result = work()
    blocks = sys.getallocatedblocks() - before
    del result
    gc.collect()
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, blocks


def count_all() -> dict[str, Figures]:
    """Return the figures of each stage. Each runs once before: what happens only the first time is not counted."""
    from benchmarks.hotpath import HotPath  # noqa: PLC0415  after the hash seed is settled

    path, found = HotPath(), {}
    for name, work in path.stages.items():
        path.left[name] = work()
        peak, blocks = memory(work)
        figures = (instructions(work), c_calls(work), peak, blocks)
        found[name] = dict(zip(UNITS, figures, strict=True))
    return found


def compare(found: dict[str, Figures], recorded: dict[str, Figures]) -> list[str]:
    """Return what has grown, or fallen so far that the record should be renewed, one line each."""
    lines = []
    for name, figures in found.items():
        for unit, now in figures.items():
            before = recorded.get(name, {}).get(unit)
            if before is None:
                lines.append(f"{name}: {unit} is not recorded; run scripts/check-speed --record")
            elif now > before * (1 + ALLOWED) + 64:
                lines.append(f"{name}: {unit} {before:,} -> {now:,} ({now / before - 1:+.1%}, allowed {ALLOWED:+.0%})")
    return lines


def main() -> int:
    """Count and compare, or record."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of what is counted
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.speed", *sys.argv[1:]], _seeded())  # noqa: S606  itself
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    records = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    found = count_all()
    _show(found)
    if sys.argv[1:] == ["--record"]:
        RECORD.write_text(json.dumps({**records, version: found}, indent=1) + "\n", encoding="utf-8")
        print(f"recorded for Python {version}")
        return 0
    if version not in records:
        print(
            f"no record for Python {version}; there are: {', '.join(records)}. scripts/check-speed --record makes one"
        )
        return 1
    lines = compare(found, records[version])
    for line in lines:
        print(line)
    print(
        "slower than recorded: make it cheaper, or say why in benchmarks/README.md and record anew" if lines else "ok"
    )
    return bool(lines)


def _seeded() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": "0"}


def _show(found: dict[str, Figures]) -> None:
    print(f"{'a row of 10,000':40}" + "".join(f"{unit:>16}" for unit in UNITS))
    for name, figures in found.items():
        print(f"{name:40}" + "".join(f"{figures[unit] / 10_000:16,.2f}" for unit in UNITS))


if __name__ == "__main__":
    sys.exit(main())
