"""The made-up fleet: its sizes, its keys, its untidiness, and that it repeats itself."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from unicodedata import is_normalized

import orjson
import pytest

from engine.model.dimension import Dimension, natural_key
from engine.sandbox.fleet import COLUMNS, STYLES, MadeCompany, edit_fleet, make_fleet, write_sources

SIZED = pytest.mark.parametrize("companies", [20, 50, 200])


@pytest.fixture(scope="module")
def fleet() -> list[MadeCompany]:
    return make_fleet()


@SIZED
def test_sizes_are_skewed(companies: int) -> None:
    sizes = sorted(len(company.rows) for company in make_fleet(companies))
    assert (len(sizes), sizes[0], sizes[-1]) == (companies, 50, 5000)
    assert 700 <= sum(sizes) / companies <= 900
    assert sizes[companies // 2] < 600


def test_keys_are_unique_in_a_company(fleet: list[MadeCompany]) -> None:
    for company in [*fleet, *edit_fleet(edit_fleet(fleet))]:
        assert len({row.key for row in company.rows}) == len(company.rows)
        assert len({natural_key(row) for row in company.rows}) == len(company.rows)


def test_the_same_seed_makes_the_same_fleet(fleet: list[MadeCompany]) -> None:
    small = make_fleet(20)
    assert make_fleet(20) == small
    assert make_fleet(20, seed=8) != small
    assert edit_fleet(fleet) == edit_fleet(fleet)


def test_it_is_as_untidy_as_life(fleet: list[MadeCompany]) -> None:
    rows = [row for company in fleet for row in company.rows]
    assert {company.erp for company in fleet} == set(STYLES)
    assert len({company.name for company in fleet}) == len(fleet)
    assert any(row.code is None for row in rows)
    assert any(row.erp_id.startswith("0") for row in rows)
    assert any(not is_normalized("NFC", row.name) for row in rows)
    assert any("東京" in row.name for row in rows)
    doubled = [company for company in fleet if len({row.name for row in company.rows}) < len(company.rows)]
    assert len(doubled) > len(fleet) // 2


def test_edits_are_two_percent_of_each_kind(fleet: list[MadeCompany]) -> None:
    kinds: Counter[str] = Counter()
    edited = edit_fleet(fleet)
    for before, after in zip(fleet, edited, strict=True):
        kinds["added"] += len(after.rows) - len(before.rows)
        for old, new in zip(before.rows, after.rows, strict=False):
            kinds["renamed"] += old.name != new.name
            kinds["recoded"] += old.code != new.code and old._replace(code=new.code) == new
    total = sum(len(company.rows) for company in fleet)
    assert kinds.total() == pytest.approx(0.02 * total, rel=0.01)
    assert kinds["renamed"] == pytest.approx(0.6 * kinds.total(), rel=0.05)
    assert kinds["added"] == pytest.approx(0.2 * kinds.total(), rel=0.05)
    touched = sum(before != after for before, after in zip(fleet, edited, strict=True))
    assert touched == len(fleet) // 2


def test_a_tiny_fleet_is_edited_in_each_way() -> None:
    (before,) = make_fleet(1)
    (after,) = edit_fleet([before], share=0.0)
    kept = list(zip(before.rows, after.rows, strict=False))
    assert len(after.rows) - len(before.rows) == 1
    assert [sum(old.name != new.name for old, new in kept), sum(old.code != new.code for old, new in kept)] == [1, 1]


def test_sources_hold_the_rows(tmp_path: Path) -> None:
    fleet = make_fleet(5)
    paths = write_sources(fleet, tmp_path / "exports")
    assert {path.suffix for path in paths.values()} == {".csv", ".ndjson"}
    for company in fleet:
        assert tuple(_read(paths[company.id])) == company.rows


def _read(path: Path) -> list[Dimension]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        cells = [dict(row) for row in csv.DictReader(text.splitlines())]
        assert tuple(cells[0]) == COLUMNS
    else:
        cells = [orjson.loads(line) for line in text.splitlines()]
    return [
        Dimension(
            key=row["unique_key"],
            type_code=row["dimension_type_code"],
            type_label=row["type"],
            name=row["name"],
            erp_id=row["erp_dimension_id"],
            code=row.get("code") or None,
        )
        for row in cells
    ]
