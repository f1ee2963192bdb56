"""The machine and the versions that a result was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.launch import ROOT

LIBRARIES = (
    "aiohttp",
    "aiolimiter",
    "anyio",
    "orjson",
    "pydantic",
    "uvloop",
    "requests",
    "httpx",
    "dlt",
    "singer-sdk",
    "pandas",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "ijson",
    "python-calamine",
    "openpyxl",
    "procrastinate",
    "psycopg",
)


def describe() -> dict[str, object]:
    """Return machine, versions and time, for a results file."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _commit(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name)) is not None},
        "seed": "none: fleets follow from their shape alone (benchmarks/data.py)",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    return f"{commit} with changes" if _git("status", "--porcelain", "--", "engine") else commit


def _git(*words: str) -> str:
    command = ["git", "--no-optional-locks", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
