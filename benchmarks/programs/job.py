"""What a program is told, what it reports, and what all the plain ones do alike: read rows, find those that differ."""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.data import ACCOUNT, credentials

BULK = "/dimensions/bulk-create/"


def key_headers(account: str) -> dict[str, str]:
    """Return the headers that each request of an account bears, its token apart."""
    return {"X-Api-Key": credentials(account)["api_key"], "X-API-Version": "1.0.0"}


def login_form(account: str) -> dict[str, str]:
    """Return the body of a request for a token."""
    known = credentials(account)
    return {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of one program."""

    base_url: str
    folder: str  # of `<company id>.ndjson`
    scratch: str  # an empty folder for whatever the program keeps
    page_size: int
    chunk_rows: int
    concurrency: int  # requests in flight, where a program can have several
    ledger: str  # a file that ours goes on from
    verify: str  # ours: "full" lists every company, "auto" what a daily run would
    watch_stalls: bool = False  # ours: note how late the event loop was
    uvloop: bool = True  # ours: where it is installed
    single_rows: bool = False  # ours: the sources are a program's own, which give one row at a time
    command: bool = False  # ours: Python's cycle collector runs as seldom as in the command
    accounts: dict[str, list[int]] = field(default_factory=dict)  # each account's companies; empty: all are of one
    vendor_limits: bool = False  # ours: the vendor's rate and quota hold for each key, as they do by default
    hours_ago: float = 0.0  # ours: by how much its clock is set back
    as_command: bool = False  # ours: companies are as the command has them, so that it knows what was remembered

    @classmethod
    def told(cls) -> Job:
        """Return the job that this process was started for."""
        return cls(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write it for the program."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def sources(self) -> dict[int, Path]:
        """Each company's source."""
        return {int(path.stem): path for path in sorted(Path(self.folder).iterdir())}

    @property
    def by_account(self) -> dict[str, dict[int, Path]]:
        """Each account's companies and their sources."""
        sources = self.sources
        if not self.accounts:
            return {ACCOUNT: sources}
        return {account: {company: sources[company] for company in ids} for account, ids in self.accounts.items()}


class Meter:
    """Measures the processor time and memory that a program has used after its imports, and at its end."""

    def __init__(self) -> None:
        self.job = Job.told()
        gc.collect()
        gc.freeze()  # in whichever process this is: what is loaded stays, and the collector need not look at it
        self._ready = {"cpu_s": time.process_time(), "rss_bytes": peak_bytes()}
        self._began = time.monotonic()

    def report(self, **more: Any) -> None:
        """Write the report beside the job."""
        end = {
            "work_wall_s": time.monotonic() - self._began,
            "work_cpu_s": time.process_time() - self._ready["cpu_s"],
            "ready_cpu_s": self._ready["cpu_s"],
            "ready_bytes": self._ready["rss_bytes"],
            "peak_bytes": peak_bytes(),
        }
        Path(f"{sys.argv[1]}.report").write_text(json.dumps(end | more), encoding="utf-8")


def peak_bytes() -> int:
    """Return the most memory that this process has held; `getrusage` would count its parent's before `exec`, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a source with the standard library."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def seen(page: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return listed rows by type and ERP id, with their names: a guide listing shows neither key nor code."""
    return {(row["dimension_type"], row["erp_dimension_id"]): row["name"] for row in page}


def differing(wanted: Iterable[dict[str, str]], remote: Mapping[tuple[str, str], str]) -> list[dict[str, str]]:
    """Return the wanted rows that are missing or named otherwise."""
    return [row for row in wanted if remote.get((row["dimension_type_code"], row["erp_dimension_id"])) != row["name"]]


def chunks(rows: list[dict[str, str]], size: int) -> Iterable[list[dict[str, str]]]:
    """Cut rows by number alone."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def must_be_clean(answer: Mapping[str, Any]) -> None:
    """Stop a program that was refused something: it would look fast."""
    if answer["error_count"] or answer["errors"]:
        raise SystemExit(f"rows were refused: {answer['errors'][:3]}")
