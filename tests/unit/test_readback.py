"""What a row that was read back proves: landed, missing, or not to be told. What is not shown proves nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.readback import Readback, counterparts, readback
from engine.compare.remote_view import RemoteView
from engine.model.change import Change
from engine.model.dimension import Dimension, RemoteRow
from engine.model.remote_id import is_linked
from tests.tables import each_of
from tests.unit.model_server import STEADY, dim, shown

LANDED, MISSING, UNTOLD = Readback.LANDED, Readback.MISSING, Readback.UNTOLD


def create(row: Dimension, *, code: str | None = None) -> Change:
    return Change(row, None, (), code)


def update(row: Dimension, *fields: str, code: str | None = None) -> Change:
    """Return an update of these fields; of none: a row of unknown state that is sent again."""
    return Change(row, "r1", fields, code)


def found(change: Change, *listed: RemoteRow, before: Collection[str] = ()) -> RemoteRow | None:
    return counterparts([change], RemoteView(listed), before).get(change.row.key)


class Case(NamedTuple):
    """A change whose answer was lost, what is listed since, and what that proves."""

    change: Change
    listed: tuple[RemoteRow, ...]
    expected: Readback


NEW = dim("k1", "1", "New")
CODED = dim("k1", "1", code="c2")

CASES = {
    # A create
    "create: found by its natural key": Case(create(NEW), (shown("r1", "1", "New"),), LANDED),
    "create: found by its listed key": Case(create(NEW), (shown("r1", "1", "New", key="k1"),), LANDED),
    "create: found by its listed key, beside a row of its natural key": Case(
        create(NEW), (shown("r1", "1", "New", key="k1"), shown("r2", "1", "New", key="k2")), LANDED
    ),
    "create: nothing there": Case(create(NEW), (), MISSING),
    "create: another row alone": Case(create(NEW), (shown("r1", "2", "New"),), MISSING),
    "create: its natural key under another key": Case(create(NEW), (shown("r1", "1", "New", key="k2"),), MISSING),
    "create: its ERP id as another type": Case(
        create(NEW), (shown("r1", "1", "New", type_code="department"),), MISSING
    ),
    "create: twice there by natural key": Case(
        create(NEW), (shown("r1", "1", "New"), shown("r2", "1", "New")), MISSING
    ),
    "create: twice there by listed key": Case(
        create(NEW), (shown("r1", "1", "New", key="k1"), shown("r2", "1", "New", key="k1")), MISSING
    ),
    "create: another name there": Case(create(NEW), (shown("r1", "1", "Old"),), MISSING),
    "create: its key there with other values": Case(create(NEW), (shown("r1", "2", "New", key="k1"),), MISSING),
    "create: a code that is not shown": Case(create(CODED), (shown("r1", "1"),), LANDED),
    "create: its code shown": Case(create(CODED), (shown("r1", "1", code="c2"),), LANDED),
    "create: another code shown": Case(create(CODED), (shown("r1", "1", code="c1"),), MISSING),
    "create: a code shown that none was given for": Case(create(NEW), (shown("r1", "1", "New", code="c1"),), LANDED),
    "create: the filled-in code shown": Case(create(NEW, code="1"), (shown("r1", "1", "New", code="1"),), LANDED),
    "create: another code than the filled-in one": Case(
        create(NEW, code="1"), (shown("r1", "1", "New", code="c1"),), MISSING
    ),
    # An update
    "update: its name is there": Case(update(NEW, "name"), (shown("r1", "1", "New"),), LANDED),
    "update: the old name is there": Case(update(NEW, "name"), (shown("r1", "1", "Old"),), MISSING),
    "update: its row is gone": Case(update(NEW, "name"), (shown("r2", "1", "New"),), Readback.UNSHOWN),
    "update: found by id, not by natural key": Case(
        update(NEW, "name"), (shown("r1", "1", "Old"), shown("r2", "1", "New")), MISSING
    ),
    "update: its ERP id is there": Case(
        update(dim("k1", "2", "Row 1"), "erp_id"), (shown("r1", "2", "Row 1"),), LANDED
    ),
    "update: the old ERP id is there": Case(update(dim("k1", "2", "Row 1"), "erp_id"), (shown("r1", "1"),), MISSING),
    "update: its type is there": Case(
        update(dim("k1", "1", type_code="item"), "type_code"), (shown("r1", "1", type_code="item"),), LANDED
    ),
    "update: the old type is there": Case(
        update(dim("k1", "1", type_code="item"), "type_code"), (shown("r1", "1"),), MISSING
    ),
    "update: type only, and none is shown": Case(
        update(dim("k1", "1", type_code="item"), "type_code"),
        (shown("r1", "1", label="Item")._replace(type_code=""),),
        UNTOLD,
    ),
    "update: name and type, and no type is shown": Case(
        update(dim("k1", "1", "New", type_code="item"), "name", "type_code"),
        (shown("r1", "1", "New", label="Item")._replace(type_code=""),),
        LANDED,
    ),
    "update: code only, shown": Case(update(CODED, "code"), (shown("r1", "1", code="c2"),), LANDED),
    "update: code only, another shown": Case(update(CODED, "code"), (shown("r1", "1", code="c1"),), MISSING),
    "update: code only, none shown": Case(update(CODED, "code"), (shown("r1", "1"),), UNTOLD),
    "update: code only, none shown, and something else differs": Case(
        update(CODED, "code"), (shown("r1", "1", "Edited"),), MISSING
    ),
    "update: name and code, no code shown": Case(
        update(dim("k1", "1", "New", code="c2"), "name", "code"), (shown("r1", "1", "New"),), LANDED
    ),
    "update: name and code, the name there with another code": Case(
        update(dim("k1", "1", "New", code="c2"), "name", "code"), (shown("r1", "1", "New", code="c1"),), MISSING
    ),
    "update: label only, shown": Case(
        update(dim("k1", "1", label="GL"), "type_label"), (shown("r1", "1", label="GL"),), LANDED
    ),
    "update: label only, the old one shown": Case(
        update(dim("k1", "1", label="GL"), "type_label"), (shown("r1", "1", label="Konto"),), MISSING
    ),
    "update: label only, none shown": Case(
        update(dim("k1", "1", label="GL"), "type_label"), (shown("r1", "1")._replace(type_label=""),), UNTOLD
    ),
    "update: name and label, the old label shown": Case(
        update(dim("k1", "1", "New", label="GL"), "name", "type_label"),
        (shown("r1", "1", "New", label="Konto"),),
        MISSING,
    ),
    # A row of unknown state, sent again: no field of it is known to have changed
    "again: all there": Case(update(NEW), (shown("r1", "1", "New"),), LANDED),
    "again: another name there": Case(update(NEW), (shown("r1", "1", "Old"),), MISSING),
    "again: a code that is not shown": Case(update(CODED), (shown("r1", "1"),), UNTOLD),
    "again: a filled-in code that is not shown": Case(update(NEW, code="1"), (shown("r1", "1", "New"),), UNTOLD),
    "again: its code shown": Case(update(CODED), (shown("r1", "1", code="c2"),), LANDED),
    "again: a type that is not shown": Case(
        update(NEW), (shown("r1", "1", "New", label="Account")._replace(type_code=""),), UNTOLD
    ),
    "again, its id not known: its natural key is no proof": Case(
        Change(NEW, "?k1"), (shown("r1", "1", "New"),), MISSING
    ),
    "again, its id not known: found by its listed key": Case(
        Change(NEW, "?k1"), (shown("r1", "1", "New", key="k1"),), LANDED
    ),
    "again, its id not known: twice there": Case(
        Change(NEW, "?k1"), (shown("r1", "1", "New"), shown("r2", "1", "New")), MISSING
    ),
}


@each_of(CASES)
def test_what_is_there_proves(case: Case) -> None:
    assert readback(case.change, found(case.change, *case.listed)) is case.expected


def test_a_row_sent_again_under_a_new_label_has_not_landed_under_the_old_one() -> None:
    """It goes out with the remote row's own label, or with the source's where labels are compared (`relabel`)."""
    change = update(dim("k1", "1", label="GL"))

    assert readback(change, shown("r1", "1", label="Konto")) is not LANDED


@pytest.mark.parametrize(("remote_id", "expected"), [("dim_1", True), ("?k1", False), (None, False)])
def test_an_id_is_known_when_a_server_gave_it_out(remote_id: str | None, expected: bool) -> None:
    assert is_linked(remote_id) is expected


values = {
    "type_code": st.sampled_from(["account", "item"]),
    "type_label": st.sampled_from(["Account", "Konto"]),
    "name": st.sampled_from(["Rent", "Miete"]),
    "erp_id": st.sampled_from(["1", "2"]),
}
wanted_rows = st.builds(Dimension, key=st.just("k1"), code=st.sampled_from([None, "c1", "c2"]), **values)
fields = st.lists(st.sampled_from(["name", "erp_id", "type_code", "code"]), unique=True).map(tuple)
changes = st.builds(Change, wanted_rows, st.sampled_from([None, "r1", "?k1"]), fields, st.none() | st.just("c1")).map(
    lambda change: change if change.remote_id else change._replace(fields=())
)
remote_rows = st.builds(
    RemoteRow,
    id=st.just("r1"),
    code=st.sampled_from([None, "c1", "c2"]),
    key=st.sampled_from([None, "k1"]),
    **{**values, "type_code": st.sampled_from(["account", "item", ""])},
)


@STEADY
@given(changes, remote_rows)
def test_nothing_has_landed_that_shows_otherwise(change: Change, remote: RemoteRow) -> None:
    """And an update has landed only where one of its fields, or all of a row that is sent again, can be seen."""
    sent, found = change.sent, readback(change, remote)
    if found is not LANDED:
        return
    assert (remote.name, remote.erp_id) == (sent.name, sent.erp_id)
    assert remote.type_code in {"", sent.type_code}
    assert remote.code is None or sent.code is None or remote.code == sent.code
    seen = {"name", "erp_id"}
    seen |= {"type_code"} if remote.type_code else set()
    seen |= {"code"} if remote.code is not None else set()
    if change.remote_id is not None and change.fields:
        assert seen & set(change.fields)
    elif change.remote_id is not None:
        assert "code" in seen or sent.code is None
        assert "type_code" in seen


@STEADY
@given(changes)
def test_what_is_there_as_sent_and_all_to_be_seen_has_landed(change: Change) -> None:
    row = change.sent
    there = RemoteRow("r1", row.type_code, row.type_label, row.name, row.erp_id, row.code or "c1", row.key)

    assert readback(change, found(change, there)) is LANDED


@STEADY
@given(changes)
def test_what_is_not_there_is_missing(change: Change) -> None:
    assert readback(change, found(change)) is (Readback.UNSHOWN if is_linked(change.remote_id) else MISSING)


def test_a_row_that_was_there_before_was_not_created_since() -> None:
    row = shown("r1", "1", "New")
    assert found(create(NEW), row) == row
    assert found(create(NEW), row, before={"r1"}) is None


def test_an_update_of_unknown_id_is_not_found_by_what_its_row_looks_like_now() -> None:
    """Two rows may have swapped their ERP ids: what bears the new one now is the other, as ever."""
    change = Change(NEW, "?k1", ("erp_id",))
    assert found(change, shown("r1", "1", "New"), before={"r1"}) is None
    listed = shown("r1", "1", "New", key="k1")
    assert found(change, listed, before={"r1"}) == listed
