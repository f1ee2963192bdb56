"""`ledger backup` and `ledger restore` as typed: what they say, and what the next sync does."""

from __future__ import annotations

import json

from tests.cli.conftest import Here
from tests.cli.program import Fleet


def test_back_up_and_restore(fleet: Fleet, here: Here) -> None:
    """Rows made after the backup are found by the listing, and not made again."""
    fleet.door.place(1301)
    fleet.configure(1301)
    fleet.source(1301, ["Cash", "Bank"])
    assert here("ledger", "backup", "kept.db").returncode == 2  # there is none yet
    assert here("sync", "-q").returncode == 0
    done = here("ledger", "backup", "kept.db")
    assert (done.returncode, done.stdout.startswith("backed up to kept.db (")) == (0, True)
    fleet.source(1301, ["Cash", "Bank", "Rent"])
    assert here("sync", "-q").returncode == 0

    done = here("ledger", "restore", "kept.db")
    assert done.returncode == 0, done.stderr
    assert "1 company is listed anew by the next sync" in done.stdout
    assert "next: dimsync plan" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "/" not in line)
    before = len(fleet.door.requests(1301))
    result = json.loads(here("sync", "-q", "--output", "json").stdout)
    assert (result["totals"]["unchanged"], result["totals"]["created"]) == (3, 0)
    assert [one["operation"] for one in fleet.door.requests(1301)[before:]] == ["list"]
    assert len(fleet.door.rows(1301)) == 3


def test_what_cannot_be_restored_is_said(fleet: Fleet, here: Here) -> None:
    fleet.configure(1302)
    done = here("ledger", "restore", "nothing.db")
    assert (done.returncode, "There is no file nothing.db" in done.stderr) == (1, True)


def test_a_ledger_that_moves_to_another_machine_lists_nothing_anew(fleet: Fleet, here: Here) -> None:
    """As `dimsync help backup` says: a backup of a quiet ledger is put where the new settings look for theirs."""
    fleet.door.place(1303)
    fleet.configure(1303)
    fleet.source(1303, ["Cash", "Bank"])
    assert here("sync", "-q").returncode == 0
    moved = fleet.folder / "elsewhere"
    moved.mkdir()
    assert here("ledger", "backup", str(moved / "dimsync.db")).returncode == 0
    for name in ("dimsync.toml", "1303.csv"):
        (moved / name).write_bytes((fleet.folder / name).read_bytes())
    before = len(fleet.door.requests(1303))
    done = here("sync", "-q", "--expect-ledger", "--config", str(moved / "dimsync.toml"), "--output", "json")
    totals = json.loads(done.stdout)["totals"]
    assert (done.returncode, totals["unchanged"], totals["created"]) == (0, 2, 0)
    assert fleet.door.requests(1303)[before:] == []
