"""The mutants by layer: what each does, the scene that it is run in, and how it is found out."""

from __future__ import annotations

from tests.mutants.table.agreement import AGREEMENT
from tests.mutants.table.books import BOOKS
from tests.mutants.table.memo import MEMO
from tests.mutants.table.planning import PLANNING
from tests.mutants.table.reading import READING
from tests.mutants.table.runs import RUNS
from tests.mutants.table.unseen import UNSEEN
from tests.mutants.table.writing import WRITING

__all__ = ["MUTANTS", "TESTED", "UNSEEN"]

TESTED = (*AGREEMENT, *MEMO)
"""Those that a test of their own kills."""

MUTANTS = (*BOOKS, *RUNS, *WRITING, *PLANNING, *READING)
