"""L16: a ledger that is new in every run is told, and refused where the one of the runs before is expected."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Here
from tests.cli.program import Fleet

VERBS = (("sync",), ("plan",), ("apply", "plan.json"), ("retry",))


def prepared(fleet: Fleet, company_id: int) -> None:
    fleet.door.place(company_id)
    fleet.configure(company_id)
    fleet.source(company_id, ["Cash", "Bank"])


def test_l16_a_new_ledger_is_told_once_and_changes_no_exit_code(fleet: Fleet, here: Here) -> None:
    prepared(fleet, 651)
    first = here("sync", "-q")
    assert first.returncode == 0
    assert f"Note: the ledger {fleet.folder / 'dimsync.db'} is new: " in first.stderr
    assert "put the ledger on a volume that stays" in first.stderr
    assert "is new" not in here("sync", "-q").stderr


@pytest.mark.parametrize("before", ["status", "history", "ledger schema"])
def test_l16_a_command_that_only_looks_makes_it_no_old_one(fleet: Fleet, here: Here, before: str) -> None:
    """A container that begins with a look: its ledger is as new in the run."""
    prepared(fleet, 652)
    assert here(*before.split()).returncode == 0
    assert "is new" in here("sync", "-q").stderr


@pytest.mark.parametrize("words", VERBS, ids=[words[0] for words in VERBS])
def test_l16_an_expected_ledger_that_is_not_there_stops_before_any_request(
    fleet: Fleet, here: Here, words: tuple[str, ...]
) -> None:
    prepared(fleet, 653)
    (fleet.folder / "plan.json").write_text("{}")
    asked = len(fleet.door.ask("log")["requests"])
    for _ in range(2):  # what the check looked at does not pass for a ledger the next time
        done = here(*words, "-q", "--expect-ledger")
        assert (done.returncode, done.stdout) == (2, "")
        assert "new-ledger: the ledger " in done.stderr
    assert len(fleet.door.ask("log")["requests"]) == asked
    assert not (fleet.folder / "dimsync.db").exists()


def test_l16_an_empty_ledger_is_none_that_is_expected(fleet: Fleet, here: Here) -> None:
    prepared(fleet, 654)
    assert here("status").returncode == 0
    assert here("sync", "-q", "--expect-ledger").returncode == 2
    assert here("sync", "-q").returncode == 0
    fleet.source(654, ["Cash", "Bank", "Rent"])
    assert here("plan", "-q", "-o", "plan.json", "--expect-ledger").returncode == 0
    for words in (("apply", "plan.json"), ("sync",), ("retry",)):
        done = here(*words, "-q", "--expect-ledger", "--output", "json")
        assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (0, 0)
