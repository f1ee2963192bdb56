from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Locked
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.settings import CompanyKey
from tests.ledger.values import ANCHOR, HARBOR


async def test_a_company_is_held_by_one_run_at_a_time(ledger: Ledger) -> None:
    async with ledger.lock(HARBOR):
        with pytest.raises(Locked, match="another run holds the company"):
            async with ledger.lock(HARBOR):
                pass
        async with ledger.lock(ANCHOR):
            pass
    async with ledger.lock(HARBOR):
        pass


async def test_an_error_inside_frees_the_company(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ledger.lock(HARBOR):
            raise ZeroDivisionError
    async with ledger.lock(HARBOR):
        pass


async def test_two_ledgers_of_one_process_exclude_each_other(on_disk: SqliteLedger, tmp_path: Path) -> None:
    (tmp_path / "alias.db").symlink_to("ledger.db")
    async with await open_ledger("sqlite:///alias.db", base=tmp_path) as other, on_disk.lock(HARBOR):
        with pytest.raises(Locked, match="run again when that has ended"):
            async with other.lock(HARBOR):
                pass


@pytest.mark.parametrize(
    "other",
    [
        replace(HARBOR, account="../../etc/passwd"),
        replace(HARBOR, account="x" * 5000),
        replace(HARBOR, origin="https://api.test/v1/101", account="", company_id=101),
        replace(HARBOR, origin="", account="https://api.test/v1racc_1"),
        replace(HARBOR, account="\0\ud800"),
    ],
)
async def test_any_scope_has_a_lock_of_its_own(on_disk: SqliteLedger, other: CompanyKey, tmp_path: Path) -> None:
    async with on_disk.lock(HARBOR), on_disk.lock(other):
        names = sorted(path.name for path in (tmp_path / "ledger.db.locks").iterdir())
    assert len(names) == 3
    assert all(name.startswith("101-") and len(name) < 60 for name in names[:2])


async def test_a_lock_that_cannot_be_taken_is_not_taken(on_disk: SqliteLedger, tmp_path: Path) -> None:
    async with on_disk.lock(HARBOR):
        (file,) = (tmp_path / "ledger.db.locks").glob("101-*")
    file.unlink()
    file.mkdir()
    with pytest.raises(Locked, match="Company 101 could not be locked"):
        async with on_disk.lock(HARBOR):
            pass
