"""Entries are written by statements that every build of SQLite takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from engine.ledger.connection import Connection
from engine.ledger.jobs.rows import MOST_VALUES, acknowledge
from engine.ledger.jobs.statements import Statement
from engine.model.dimension import DIMENSIONS
from engine.model.row_record import RowRecord
from tests.ledger.values import NOON, fresh, known_rows


class Statements:
    """A connection that notes how many entries and values each statement has."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.values: list[int] = []

    def execute(self, statement: Statement, values: Sequence[Any]) -> None:
        self.entries.append(statement.entries)
        self.values.append(len(values))


def written(rows: dict[str, RowRecord]) -> Statements:
    told = Statements()
    acknowledge(cast("Connection", told), DIMENSIONS, 1, rows, NOON)
    return told


KEYS = [f"{number:03}" for number in range(331)]
ALIKE = known_rows(*KEYS)
UNLIKE = ALIKE | {KEYS[0]: fresh(ALIKE)[KEYS[0]]}


@pytest.mark.parametrize(
    ("rows", "entries"),
    [(ALIKE, [100, 100, 100, 25, 5, 1]), (UNLIKE, [50] * 6 + [25, 5, 1])],
    ids=["what all have in common is bound once", "the notes of one are others"],
)
def test_no_statement_binds_more_values_than_every_sqlite_takes(rows: dict[str, RowRecord], entries: list[int]) -> None:
    told = written(rows)
    assert told.entries == entries
    assert max(told.values) <= MOST_VALUES
