"""Work on many rows lets other threads of the program go on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from engine.guards.approved_plan import marks, without
from engine.model.table import (
    EACH,
    SLICE,
    Keyed,
    Table,
    distinct,
    gathered,
    has_all,
    has_any,
    ordered,
    packed,
    positions_of,
    transposed,
    unequal,
    uses_of,
)
from tests.unit.model_server import dim

TRIES = 50

MANY = 6 * SLICE
TEXTS = tuple(map(str, range(MANY)))
FOUND = dict.fromkeys(TEXTS)
WHOLE: Table[tuple[str]] = Table(["key"], [TEXTS], tuple, is_whole=True)
POSITIONS = list(range(MANY))
ROWS = [dim(key, key) for key in TEXTS[: 2 * EACH]]
PASSED = marks(ROWS[:1])

WORK: dict[str, Callable[[], object]] = {
    "gathered": lambda: gathered(iter(TEXTS)),
    "packed": lambda: packed(iter(range(MANY))),
    "distinct": lambda: distinct(TEXTS),
    "uses_of": lambda: uses_of(TEXTS),
    "positions_of": lambda: positions_of(iter(TEXTS), MANY),
    "ordered": lambda: ordered(TEXTS),
    "has_any": lambda: has_any({"none"}, iter(TEXTS), MANY),
    "has_all": lambda: has_all(FOUND, TEXTS),
    "unequal": lambda: unequal(TEXTS, TEXTS),
    "all rows of a table": lambda: WHOLE.take(POSITIONS),
    "marks of a plan that passed": lambda: without(PASSED, ROWS),
    "transposed": lambda: transposed(zip(TEXTS, TEXTS, strict=True), 2),
    "keyed and cleared": lambda: Keyed(Table(["key"], [TEXTS], tuple), "key").clear(),
}


@contextmanager
def no_switching() -> Iterator[None]:
    """Let threads change only where one lets go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1_000.0)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_another_thread_goes_on_between_two_slices(work: Callable[[], object]) -> None:
    begun, turns, done = threading.Event(), [0], threading.Event()

    def other() -> None:
        begun.set()
        while not done.wait(0.000_01):
            turns[0] += 1

    with no_switching():
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait()
        before, tries = turns[0], 0
        while turns[0] == before and tries < TRIES:  # on a busy machine the other thread may wake up too late
            work()
            tries += 1
        done.set()
        thread.join()
    assert tries < TRIES
