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


def test_a_ledger_moves_into_postgres_and_back(fleet: Fleet, here: Here, postgres_url: str) -> None:
    """Nothing is listed anew on either way; every verb that only looks asks the database."""
    fleet.door.place(1304)
    fleet.configure(1304)
    fleet.source(1304, ["Cash", "Bank"])
    assert here("sync", "-q").returncode == 0
    done = here("ledger", "copy", "sqlite:///dimsync.db", postgres_url)
    assert done.returncode == 0, done.stderr
    assert "read back and the same (digest " in done.stdout
    keep_ledger_at(fleet, postgres_url)
    before = len(fleet.door.requests(1304))
    done = here("sync", "-q", "--expect-ledger", "--output", "json")
    totals = json.loads(done.stdout)["totals"]
    assert (done.returncode, totals["unchanged"], totals["created"]) == (0, 2, 0)
    assert fleet.door.requests(1304)[before:] == []
    fleet.source(1304, ["Cash", "Bank", "Rent"])
    assert here("sync", "-q").returncode == 0
    assert len(fleet.door.rows(1304)) == 3
    assert here("status", "--exit-code").returncode == 0
    assert len(json.loads(here("history", "--output", "json").stdout)["runs"]) == 3
    assert "in Postgres: back it up with pg_dump" in here("ledger", "backup", "kept.db").stderr
    assert "in Postgres: restore it with pg_dump" in here("ledger", "restore", "kept.db").stderr
    found = json.loads(here("doctor", "--offline", "--output", "json").stdout)["findings"]
    assert [each["grade"] for each in found if each["check"] in {"ledger", "backup", "last-run"}] == ["ok", "ok"]

    assert here("ledger", "copy", postgres_url, "sqlite:///back.db").returncode == 0
    keep_ledger_at(fleet, "sqlite:///back.db")
    before = len(fleet.door.requests(1304))
    assert here("sync", "-q", "--expect-ledger").returncode == 0
    assert fleet.door.requests(1304)[before:] == []


def keep_ledger_at(fleet: Fleet, url: str) -> None:
    """Name a ledger in the settings."""
    path = fleet.folder / "dimsync.toml"
    text = path.read_text("utf-8").split("[ledger]", maxsplit=1)[0]
    path.write_text(f'{text}\n[ledger]\nurl = "{url}"\n', encoding="utf-8")


def test_what_cannot_be_copied_is_said(fleet: Fleet, here: Here, postgres_url: str) -> None:
    fleet.configure(1305)
    for source, target, code, words in (
        ("sqlite:///none.db", "sqlite:///new.db", 2, "knows of no run"),
        ("none.db", "sqlite:///new.db", 2, "has no scheme"),
        (postgres_url.replace("postgres:@", "postgres:hush@"), "sqlite:///new.db", 2, "holds a password"),
    ):
        done = here("ledger", "copy", source, target)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
        assert "hush" not in done.stdout + done.stderr
