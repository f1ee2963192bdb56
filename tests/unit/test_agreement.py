"""The rule of equality, case by case: what is said of a field, and what an answer and a listing keep of a row."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.agreement import as_shown, closed, is_pending, pushed
from engine.compare.equality import Judged, Standing, judge, not_applied, stands
from engine.model.dimension import Dimension, RemoteRow
from engine.model.resting import KEY_COLLISION
from engine.model.row_record import Agreement, RowRecord
from tests.tables import each_of
from tests.unit.model_server import NOW, dim, shown

ROW = dim("k", "1", "ann", code="C")
THERE = shown("r", "1", "ANN")  # the guide's listings show no code
AGREED = Agreement(shown={"name": "ANN"})
TWICE = Agreement(pushed_again={"name": "ANN"})


def entry(
    row: Dimension = ROW,
    agreement: Agreement | None = None,
    before: dict[str, str] | None = None,
    **more: Any,
) -> RowRecord:
    """Return the entry of a confirmed row."""
    return RowRecord(
        row, "r", True, **{"outcome_known": True, "code_known": True, **more}, agreement=agreement, before=before
    )


FRESH = entry(is_fresh=True)
PUSHED_TWICE = entry(agreement=TWICE, is_fresh=True)


SAID: dict[str, tuple[RowRecord | None, dict[str, str], Standing | None, dict[str, str]]] = {
    # what is known, what differs in the listing from the source, what is said of that field, which spelling is agreed
    "first contact": (None, {"name": "ANN"}, Standing.DIFFERS, {}),
    "outcome unknown": (entry(agreement=AGREED, outcome_known=False), {"name": "ANN"}, Standing.DIFFERS, {}),
    "agreed as sent, and changed there": (entry(), {"name": "bob"}, Standing.DIFFERS, {}),
    "agreed spelling": (entry(agreement=AGREED), {"name": "ANN"}, None, {"name": "ANN"}),
    "agreed spelling, another field is pushed": (
        entry(agreement=AGREED, is_fresh=True),
        {"name": "ANN"},
        None,
        {"name": "ANN"},
    ),
    "agreed spelling, and changed there": (entry(agreement=AGREED), {"name": "bob"}, Standing.DIFFERS, {}),
    "the source moved": (entry(dim("k", "1", "bob"), AGREED), {"name": "ANN"}, Standing.DIFFERS, {}),
    "the source moved since a push": (
        entry(dim("k", "1", "bob"), is_fresh=True),
        {"name": "BOB"},
        Standing.DIFFERS,
        {},
    ),
    "the source moved, the ledger is doubted": (
        entry(dim("k", "1", "bob"), Agreement(is_open=True, is_doubted=True)),
        {"name": "ANN"},
        Standing.AGAIN,
        {},
    ),
    "as answered": (entry(agreement=Agreement(answered="an"), is_fresh=True), {"name": "an"}, None, {"name": "an"}),
    "otherwise than answered": (
        entry(agreement=Agreement(answered="an"), is_fresh=True),
        {"name": "AN"},
        Standing.AGAIN,
        {},
    ),
    "an answer says nothing of other fields": (
        entry(agreement=Agreement(answered="01"), is_fresh=True),
        {"erp_id": "01"},
        Standing.AGAIN,
        {},
    ),
    "pushed once": (FRESH, {"name": "ANN"}, Standing.AGAIN, {}),
    "pushed once, and listed": (entry(agreement=Agreement(is_open=True)), {"name": "ANN"}, Standing.AGAIN, {}),
    "pushed twice, as before the second": (PUSHED_TWICE, {"name": "ANN"}, Standing.OTHERWISE, {"name": "ANN"}),
    "pushed twice, as before the first": (
        entry(agreement=Agreement(pushed_again={"name": "bob"}), before={"name": "bob"}, is_fresh=True),
        {"name": "bob"},
        Standing.NOT_APPLIED,
        {},
    ),
    "pushed twice, as before the first, and plainly a spelling": (
        entry(agreement=TWICE, before={"name": "ANN"}, is_fresh=True),
        {"name": "ANN"},
        Standing.OTHERWISE,
        {"name": "ANN"},
    ),
    "an ERP id that was pushed twice, as before the first": (
        entry(agreement=Agreement(pushed_again={"erp_id": "01"}), before={"erp_id": "01"}, is_fresh=True),
        {"erp_id": "01"},
        Standing.NOT_APPLIED,
        {},
    ),
    "a type that was pushed twice, as before the first, and in other letters": (
        entry(
            agreement=Agreement(pushed_again={"type_code": "Account"}), before={"type_code": "Account"}, is_fresh=True
        ),
        {"type_code": "Account"},
        Standing.NOT_APPLIED,
        {},
    ),
    "pushed twice, as something else": (PUSHED_TWICE, {"name": "bob"}, Standing.OPEN, {}),
    "pushed twice, another field": (PUSHED_TWICE, {"erp_id": "01"}, Standing.AGAIN, {}),
    "an ERP id": (FRESH, {"erp_id": "01"}, Standing.AGAIN, {}),
    "a type": (FRESH, {"type_code": "item"}, Standing.AGAIN, {}),
    "no type is shown": (FRESH, {"type_code": ""}, None, {}),
    "a label": (FRESH, {"type_label": "Accounts"}, None, {}),
    "a code": (FRESH, {"code": "c"}, Standing.AGAIN, {}),
    "a name that is not there": (FRESH, {"name": ""}, Standing.AGAIN, {}),
}


@each_of(list(SAID))
def test_what_is_said_of_a_field(case: str) -> None:
    known, there, said, spelled = SAID[case]
    remote = shown("r", "1", "ann", code="C")._replace(**there)
    (name,) = there
    assert judge(ROW, remote, known, relabel=False) == Judged({} if said is None else {name: said}, spelled)


def test_labels_are_compared_where_they_are_the_sources() -> None:
    assert judge(ROW, shown("r", "1", "ann", label="Accounts"), FRESH, relabel=True).fields == {
        "type_label": Standing.AGAIN
    }
    unlabelled = shown("r", "1", "ann")._replace(type_label="")
    assert judge(ROW, unlabelled, FRESH, relabel=True) == Judged({}, {})


def test_a_code_that_the_source_has_not_is_none_of_its_wishes() -> None:
    assert judge(ROW._replace(code=None), shown("r", "1", "ann", code="C"), FRESH, relabel=False) == Judged({}, {})


def test_each_field_is_judged_by_itself() -> None:
    known = entry(agreement=Agreement(shown={"erp_id": "01"}, pushed_again={"name": "ANN"}), is_fresh=True)
    judged = judge(ROW, shown("r", "01", "ANN", code="C"), known, relabel=False)
    assert judged == Judged({"name": Standing.OTHERWISE}, {"name": "ANN", "erp_id": "01"})


KEPT: dict[str, tuple[RowRecord | None, dict[str, Any], Agreement | None, dict[str, str] | None]] = {
    # what was known, how it was pushed, which agreement is kept, and what was shown before
    "a create": (None, {"fields": (), "there": None}, None, None),
    "an update": (entry(), {}, None, {"name": "ANN"}),
    "an update of an agreed spelling": (entry(agreement=AGREED), {}, None, None),
    "an update, and the spelling of another field": (
        entry(agreement=Agreement(shown={"name": "ANN", "erp_id": "01"})),
        {},
        Agreement(shown={"erp_id": "01"}),
        None,
    ),
    "an update that is answered otherwise": (
        entry(),
        {"answered": "an"},
        Agreement(answered="an", told_by="run"),
        {"name": "ANN"},
    ),
    "another field is pushed, and the spelling was told": (
        entry(agreement=AGREED._replace(told_by="first")),
        {"fields": ("code",)},
        AGREED._replace(told_by="first"),
        None,
    ),
    "what was answered before is no answer to this one": (
        entry(agreement=Agreement(answered="an")),
        {},
        None,
        {"name": "ANN"},
    ),
    "two updates before a listing": (entry(before={"name": "bob"}, is_fresh=True), {}, None, {"name": "bob"}),
    "an update after a listing left an earlier one open": (
        entry(agreement=Agreement(is_open=True), before={"name": "bob"}),
        {},
        None,
        {"name": "bob"},
    ),
    "an update after a listing that settled all": (entry(before={"name": "bob"}), {}, None, {"name": "ANN"}),
    "a second push": (
        entry(before={"name": "bob"}, is_fresh=True),
        {"again": {"name": "ANN"}},
        TWICE,
        {"name": "bob"},
    ),
    "a second push of one of two fields": (
        entry(before={"erp_id": "0"}, is_fresh=True),
        {"again": {"name": "ANN"}},
        TWICE,
        {"erp_id": "0"},
    ),
    "an update of what was created, and is shown otherwise": (FRESH, {}, None, None),
    "a second push of what was created": (FRESH, {"again": {"name": "ANN"}}, TWICE, None),
    "a second push that was told and allowed": (
        entry(agreement=Agreement(is_open=True, told_by="run", is_allowed=True)),
        {"again": {"name": "ANN"}},
        TWICE,
        None,
    ),
    "sent again after a lost answer: nothing is agreed any more": (
        entry(agreement=AGREED, outcome_known=False),
        {"fields": ()},
        None,
        None,
    ),
    "sent again after a lost answer: what was before that stays": (
        entry(before={"name": "bob"}, outcome_known=False),
        {"fields": ()},
        None,
        {"name": "bob"},
    ),
    "sent again after a lost update, which did not land": (
        entry(dim("k", "1", "ANN", code="C"), outcome_known=False),
        {"fields": ()},
        None,
        {"name": "ANN"},
    ),
    "the ledger is doubted, and it is as it was sent then": (
        entry(dim("k", "1", "ANN", code="C"), Agreement(is_open=True, is_doubted=True)),
        {"again": {"name": "ANN"}},
        TWICE,
        {"name": "ANN"},
    ),
    "the ledger is doubted, and it is otherwise": (
        entry(agreement=Agreement(is_open=True, is_doubted=True)),
        {"again": {"name": "ANN"}},
        TWICE,
        None,
    ),
}


@each_of(list(KEPT))
def test_what_an_answer_keeps(case: str) -> None:
    known, how, agreement, before = KEPT[case]
    options = {"fields": ("name",), "there": THERE, "answered": None, "again": None, "run_id": "run", **how}
    assert pushed(ROW, known, **options) == (agreement, before)


ANN = Judged({}, {"name": "ANN"})
CLOSED: dict[str, tuple[RowRecord, Judged, RowRecord]] = {
    # what was known, what a listing shows, what is known then
    "all as sent": (FRESH, Judged({}, {}), FRESH),
    "what is settled needs no past": (
        entry(agreement=TWICE, before={"name": "bob"}),
        Judged({}, {}),
        entry(),
    ),
    "as the source wants, which differs from what was sent": (entry(dim("k", "1", "bob")), Judged({}, {}), entry()),
    "as the source wants, which has another ERP id": (entry(dim("k", "2", "ann")), Judged({}, {}), entry()),
    "spelled as answered": (entry(agreement=Agreement(answered="ANN")), ANN, entry(agreement=AGREED)),
    "spelled otherwise": (
        PUSHED_TWICE,
        Judged({"name": Standing.OTHERWISE}, {"name": "ANN"}),
        entry(agreement=AGREED._replace(told_by="run"), is_fresh=True),
    ),
    "told before": (
        entry(agreement=AGREED._replace(told_by="first")),
        ANN,
        entry(agreement=AGREED._replace(told_by="first")),
    ),
    "told before, and as sent by now": (entry(agreement=AGREED._replace(told_by="first")), Judged({}, {}), entry()),
    "allowed": (
        entry(agreement=AGREED._replace(is_allowed=True)),
        ANN,
        entry(agreement=AGREED._replace(is_allowed=True)),
    ),
    "allowed, and spelled in another way": (
        entry(agreement=Agreement(shown={"name": "Ann"}, is_allowed=True)),
        ANN,
        entry(agreement=AGREED),
    ),
    "allowed, and another field is spelled otherwise, too": (
        entry(agreement=AGREED._replace(is_allowed=True)),
        Judged({}, {"name": "ANN", "erp_id": "01"}),
        entry(agreement=Agreement(shown={"name": "ANN", "erp_id": "01"})),
    ),
    "allowed, and another field is to be pushed": (
        entry(agreement=AGREED._replace(is_allowed=True)),
        Judged({"erp_id": Standing.DIFFERS}, {"name": "ANN"}),
        entry(agreement=AGREED._replace(is_allowed=True)),
    ),
    "pushed once": (
        entry(before={"name": "bob"}),
        Judged({"name": Standing.AGAIN}, {}),
        entry(agreement=Agreement(is_open=True), before={"name": "bob"}),
    ),
    "pushed once, the key not confirmed": (
        entry()._replace(confirmed=False),
        Judged({"name": Standing.AGAIN}, {}),
        entry()._replace(confirmed=False),
    ),
    "pushed once, answered otherwise": (
        entry(agreement=Agreement(answered="an")),
        Judged({"name": Standing.AGAIN}, {}),
        entry(agreement=Agreement(answered="an", is_open=True)),
    ),
    "pushed twice, and something else": (
        PUSHED_TWICE,
        Judged({"name": Standing.OPEN}, {}),
        entry(agreement=Agreement(is_open=True), is_fresh=True),
    ),
    "not carried out": (
        entry(agreement=TWICE, before={"name": "ANN"}),
        Judged({"name": Standing.NOT_APPLIED}, {}),
        entry(before={"name": "ANN"}),
    ),
    "changed there": (
        entry(agreement=AGREED),
        Judged({"name": Standing.DIFFERS}, {}),
        entry(agreement=AGREED),
    ),
    "doubted, and to be pushed": (
        entry(agreement=Agreement(is_open=True, is_doubted=True)),
        Judged({"name": Standing.AGAIN}, {}),
        entry(agreement=Agreement(is_open=True, is_doubted=True)),
    ),
    "doubted, and as wanted": (
        entry(dim("k", "1", "bob"), Agreement(is_open=True, is_doubted=True)),
        Judged({}, {}),
        entry(),
    ),
    "what was sent stays where something is left to do": (
        entry(dim("k", "1", "bob")),
        Judged({"erp_id": Standing.DIFFERS}, {}),
        entry(dim("k", "1", "bob")),
    ),
}


@each_of(list(CLOSED))
def test_what_a_listing_leaves(case: str) -> None:
    known, judged, left = CLOSED[case]
    assert closed(known, ROW, judged, "run")._replace(row=left.row) == left
    assert closed(known, ROW, judged, "run").row[:5] == left.row[:5]


def test_label_and_code_are_not_taken_from_the_source() -> None:
    """The label is the client's; the code may not be shown."""
    wanted = ROW._replace(type_label="Konto", code="D")
    assert closed(entry(), wanted, Judged({}, {}), "run").row == ROW


STANDS: dict[str, tuple[dict[str, Any], bool]] = {
    "as it was": ({}, True),
    "the source moved": ({"row": ROW._replace(name="bob")}, False),
    "the source has another label": ({"row": ROW._replace(type_label="Konto")}, True),
    "the listing moved": ({"remote": THERE._replace(name="bob")}, False),
    "the listing shows a code": ({"remote": THERE._replace(code="c")}, True),
    "the listing shows another code": ({"remote": THERE._replace(code="c"), "seen": THERE._replace(code="d")}, False),
    "nothing was shown otherwise": ({"seen": None}, False),
    "another rest": ({"code": KEY_COLLISION}, False),
}


@pytest.mark.parametrize("case", STANDS)
def test_how_long_an_update_that_is_not_carried_out_rests(case: str) -> None:
    changes, holds = STANDS[case]
    known = entry(seen=changes.get("seen", THERE))
    rest = not_applied(ROW, "text", NOW)
    rest = rest._replace(code=changes.get("code", rest.code))
    assert stands(rest, changes.get("row", ROW), changes.get("remote", THERE), known) is holds


@pytest.mark.parametrize(
    ("known", "there"),
    [
        (entry(), ROW),
        (entry(agreement=AGREED), ROW._replace(name="ANN")),
        (entry(agreement=AGREED, seen=THERE._replace(name="bob")), THERE._replace(name="bob")),
        (entry(seen=THERE, is_fresh=True), ROW),  # pushed since
        (entry(agreement=TWICE), ROW),
    ],
)
def test_how_the_ledger_shows_a_row(known: RowRecord, there: RemoteRow | Dimension) -> None:
    assert as_shown(known) == there


@pytest.mark.parametrize(
    ("known", "is_it"),
    [
        (entry(), False),
        (entry(agreement=TWICE), False),
        (FRESH, True),
        (entry(agreement=Agreement(is_open=True)), True),
    ],
)
def test_what_a_listing_has_yet_to_show(known: RowRecord, is_it: bool) -> None:
    assert is_pending(known) is is_it
