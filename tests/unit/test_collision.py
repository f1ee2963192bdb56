"""Keys that the API takes for one, as a listing tells it: each row overwrote the other one."""

from __future__ import annotations

from typing import NamedTuple

from engine.compare.collision import collided, collisions, sharing
from engine.compare.join import join
from engine.compare.remote_view import RemoteView
from engine.model.resting import KEY_COLLISION
from engine.model.row_record import RowRecord
from tests.tables import each_of
from tests.unit.model_server import NOW, dim, known, ledger_of, shown, source

A, B = dim("A", "1"), dim("a", "2")
WANTED = source(A, B)
AS_B = RemoteView([shown("r1", "2")])
AS_A = RemoteView([shown("r1", "1")])


class Case(NamedTuple):
    """A remote row, and what the ledger knows of two keys."""

    there: RemoteView
    entries: tuple[RowRecord, ...]
    share: bool


CASES = {
    "A's row shows what was acknowledged as B's, whose id no answer told": Case(
        AS_B, (known(A, "r1"), known(B, None)), True
    ),
    "it shows that, and B's id was told in another spelling": Case(AS_B, (known(A, "r1"), known(B, "1")), True),
    "B's row shows what was acknowledged as A's": Case(AS_A, (known(A, None), known(B, "r1")), True),
    "B was merely matched with a row that is gone": Case(
        AS_B, (known(A, "r1"), known(B, "r2", confirmed=False)), False
    ),
    "A was merely matched with that row": Case(AS_B, (known(A, "r1", confirmed=False), known(B, None)), False),
    "nobody knows what became of B": Case(AS_B, (known(A, "r1"), known(B, None, settled=False)), False),
    "B was never sent": Case(AS_B, (known(A, "r1"),), False),
    "A's row is as it was, and B's is not listed": Case(AS_A, (known(A, "r1"), known(B, "r2")), False),
    "it is listed as A, of which nothing is known any more, and shows what was acknowledged as B's": Case(
        RemoteView([shown("r1", "2", key="A")]), (known(B, "r1"),), True
    ),
    "it is listed as A, and shows what A is": Case(RemoteView([shown("r1", "1", key="A")]), (known(B, "r1"),), False),
    "somebody gave A's row an ERP id that no row has": Case(
        RemoteView([shown("r1", "9")]), (known(A, "r1"), known(B, None)), False
    ),
}


@each_of(CASES)
def test_which_keys_share_a_remote_row(case: Case) -> None:
    record = ledger_of(*case.entries)
    groups = sharing(join(WANTED, case.there, record), record)
    assert groups == ({"r1": {"A", "a"}} if case.share else {})


def test_both_rows_are_held_until_one_of_them_changes() -> None:
    notes = collisions({"r1": {"A", "a"}}, WANTED, NOW)
    assert {key: (note.code, note.others) for key, note in notes.items()} == {
        "A": (KEY_COLLISION, ("a",)),
        "a": (KEY_COLLISION, ("A",)),
    }
    record = ledger_of()
    record.resting.update(notes)
    assert collided(WANTED, record).keys() == {"A", "a"}
    assert not collided(source(A._replace(name="Changed"), B), record)
