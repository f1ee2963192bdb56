"""The ledger: whether it can be used, how large and how safe it is, and when it last saw a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.cli.examination.accounts import spelled
from engine.cli.examination.diagnosis import Diagnosis, Grade
from engine.model.result import PastRun
from engine.model.standing import lies_ahead

LARGE_BYTES = 512_000_000
"""From this size on the ledger's file is not made smaller any more while runs use it."""

BACKUP_AGE = timedelta(days=7)
FULL_BYTES = 50_000_000
"""With less free than this the disk may be full before a run has ended."""

ROOM = 3
"""As many times the ledger's size should be free on its disk: a backup, or a smaller copy, takes one of them."""

SYNCS = ("sync", "apply")
UNDER_WAY = timedelta(hours=6)
"""A run without an end that began longer ago has died, or hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLook:
    """What was seen of the ledger."""

    path: str
    error: str = ""  # why it cannot be used; empty: it can
    is_new: bool = False  # it knows of no run
    size_bytes: int = 0
    free_bytes: int | None = None  # on its disk; None: not known
    backed_up_at: datetime | None = None  # None: never
    is_file: bool = True  # False: it is in a database server, which others back up
    runs: Sequence[PastRun] = ()  # the newest first


_RESTORE = {True: "dimsync ledger restore FILE", False: "pg_restore"}


def ledger_findings(look: LedgerLook, now: datetime, max_age: timedelta) -> Iterator[Diagnosis]:
    """Yield how the ledger is, its disk, and the last run. `max_age`: of the last sync."""
    if look.error:
        advice = "make it writable, or" if look.is_file else "see to the server, or"
        yield Diagnosis(Grade.FAIL, "ledger", look.error, f"{advice} correct `url` under [ledger]")
        yield from _disk(look)
        return
    if look.is_new:
        text, advice = (
            f"{look.path} is new: it knows of no run",
            "if dimsync has run here before, bring its ledger back",
        )
        yield Diagnosis(Grade.WARN, "ledger", text, f"{advice} ({_RESTORE[look.is_file]})")
    elif look.size_bytes > LARGE_BYTES:
        text = f"{look.path} has {look.size_bytes / 1e6:,.0f} MB"
        yield Diagnosis(Grade.WARN, "ledger", text, 'keep fewer runs: keep = "90d" under [ledger]')
    else:
        size = f", {look.size_bytes / 1e6:,.1f} MB" if look.is_file else ""
        yield Diagnosis(Grade.OK, "ledger", f"{look.path}{size}")
    yield from _backup(look, now)
    yield from _disk(look)
    yield from _runs(look, now, max_age)


def _backup(look: LedgerLook, now: datetime) -> Iterator[Diagnosis]:
    """Yield how old the last backup is. A ledger that knows of no run needs none."""
    if look.is_new or not look.is_file:
        return
    advice = "dimsync ledger backup /mnt/other-disk/dimsync.db (daily, from the scheduler)"
    if look.backed_up_at is None:
        yield Diagnosis(Grade.WARN, "backup", "the ledger was never backed up", advice)
    elif now - look.backed_up_at > BACKUP_AGE:
        text = f"the last backup is {spelled(now - look.backed_up_at)} old"
        yield Diagnosis(Grade.WARN, "backup", text, advice)
    else:
        yield Diagnosis(Grade.OK, "backup", f"backed up at {look.backed_up_at:%Y-%m-%d %H:%M} UTC")


def _disk(look: LedgerLook) -> Iterator[Diagnosis]:
    if look.free_bytes is None:
        return
    text = f"{look.free_bytes / 1e6:,.0f} MB free beside the ledger"
    if look.free_bytes < FULL_BYTES:
        yield Diagnosis(Grade.FAIL, "disk", text, "make room: a run that cannot write the ledger sends nothing")
    elif look.free_bytes < FULL_BYTES + ROOM * look.size_bytes:
        yield Diagnosis(Grade.WARN, "disk", text, f"make room for {ROOM} times the ledger")
    else:
        yield Diagnosis(Grade.OK, "disk", text)


def _runs(look: LedgerLook, now: datetime, max_age: timedelta) -> Iterator[Diagnosis]:
    """Yield how the last sync went, and whether the newest run has died."""
    newest = next(iter(look.runs), None)
    if newest is not None and newest.finished_at is None:
        since = f"{newest.verb} {newest.run_id} began {spelled(now - newest.started_at)} ago and has not ended"
        if now - newest.started_at > UNDER_WAY:
            yield Diagnosis(Grade.WARN, "last-run", f"{since}: it died, or hangs", "dimsync sync goes on where it was")
        else:
            yield Diagnosis(Grade.OK, "last-run", f"{since}: it is under way, or died")
    last = next((run for run in look.runs if run.verb in SYNCS and run.finished_at is not None), None)
    if last is None or last.finished_at is None:
        if not look.is_new:
            yield Diagnosis(Grade.WARN, "last-run", "no sync has ended lately", "dimsync sync, best from a scheduler")
        return
    age = now - last.finished_at
    ended = f"the last sync ended {spelled(age)} ago"
    if lies_ahead(last.finished_at, now):
        at = f"the last sync ended {last.finished_at:%Y-%m-%d %H:%M} UTC, which lies ahead: a clock is wrong or was"
        yield Diagnosis(Grade.WARN, "last-run", at, "set the clock right; the next sync is dated by it")
    elif age > max_age:
        advice = "see whether the scheduler runs, and what it logged; `dimsync history` lists the runs"
        yield Diagnosis(Grade.WARN, "last-run", ended, advice)
    elif last.exit_code:
        yield Diagnosis(Grade.WARN, "last-run", f"{ended}, with exit {last.exit_code}", "dimsync status")
    else:
        yield Diagnosis(Grade.OK, "last-run", f"{ended}, in order")
