"""Several processes share one ledger, and any of them may be killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Locked
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from tests.ledger.conftest import Play
from tests.ledger.values import ANCHOR, HARBOR, blank, fresh, known


async def test_a_lock_holds_between_processes_until_its_holder_is_killed(on_disk: SqliteLedger, play: Play) -> None:
    with play("hold") as child:
        assert child.heard() == "held"
        with pytest.raises(Locked, match=f"another run holds the company .process {child.process.pid}."):
            async with on_disk.lock(HARBOR):
                pass
        async with on_disk.lock(ANCHOR):
            pass
        child.kill()
        async with on_disk.lock(HARBOR):
            pass


async def test_a_killed_writer_leaves_its_intents(on_disk: SqliteLedger, play: Play) -> None:
    with play("crash") as child:
        assert child.heard() == "begun"
        child.kill()
    assert await on_disk.recover(HARBOR) == 2
    rows = (await on_disk.read(HARBOR)).rows
    assert rows == fresh({"a": known("a"), "b": known("b")._replace(outcome_known=False)}) | {"c": blank("c")}


@pytest.mark.parametrize("lines", [1, 14, 33])
async def test_whatever_was_said_to_be_written_is_there_after_a_kill(lines: int, play: Play, tmp_path: Path) -> None:
    with play("work") as child:
        said = [child.heard() for _ in range(lines)]
        said += child.kill()
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.recover(HARBOR)
        rows = (await ledger.read(HARBOR)).rows
    begun = {line.removeprefix("begun ") for line in said if line.startswith("begun")}
    settled = {line.removeprefix("settled ") for line in said if line.startswith("settled")}
    assert {f"key-{n}" for n in begun} <= set(rows)
    assert all(rows[f"key-{n}"].outcome_known for n in settled)
    assert len([key for key, entry in rows.items() if not entry.outcome_known]) <= 1


async def test_processes_that_open_a_new_file_at_once_all_succeed(play: Play, tmp_path: Path) -> None:
    with play("share") as one, play("share") as two, play("share") as three:
        assert [child.process.wait() for child in (one, two, three)] == [0, 0, 0]
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert len((await ledger.read(HARBOR)).rows) == 90


def test_a_full_disk_fails_the_call_and_nothing_else(play: Play, tmp_path: Path) -> None:
    with play("fill_the_disk") as child:
        refusal = child.heard()
        assert refusal.startswith(f"The ledger {tmp_path}/ledger.db failed: ")
        assert refusal.endswith("then run again.")
        assert (child.heard(), child.heard()) == ("0", "3001")
        assert child.process.wait() == 0
