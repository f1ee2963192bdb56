"""Who made it so: each difference with its cause, and a cause only where the ledger bears it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.attribution import attribute, last_told, spellings
from engine.compare.equality import not_applied
from engine.compare.join import join
from engine.compare.remote_view import RemoteView, as_known
from engine.model.company_record import KEY_MISMATCH, OVERWRITTEN, CompanyRecord, CompanyState
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.dimension import Dimension, RemoteRow
from engine.model.remote_id import is_linked
from engine.model.resting import NOT_APPLIED, RestingRow
from engine.model.row_record import Agreement, RowRecord
from engine.model.wanted import Wanted
from tests.tables import each_of
from tests.unit.model_server import (
    NOW,
    ModelLedger,
    ModelServer,
    compared,
    dim,
    known,
    ledger_of,
    run,
    shown,
    source,
    steady,
)
from tests.unit.test_planning_properties import Round, play, rounds, sources

ERP, OTTIMATE, BOTH, UNSEEN = Whose.ERP, Whose.OTTIMATE, Whose.BOTH, Whose.UNSEEN
UNVERIFIED, SPELLED, IGNORED = Whose.UNVERIFIED, Whose.SPELLED, Whose.NOT_APPLIED


def listed(record: CompanyRecord, failure: str | None = None) -> CompanyRecord:
    """Return a ledger that was listed into: without a listing, nothing in it is believed."""
    return replace(record, state=CompanyState(listed_at=NOW, failure=failure))


def drifted(
    wanted: Wanted, index: RemoteView, record: CompanyRecord, *, relabel: bool = False, needs_code: bool = False
) -> tuple[Difference, ...]:
    return attribute(join(wanted, index, record), index, record, relabel=relabel, needs_code=needs_code)


class Case(NamedTuple):
    """One wanted row, one remote row, perhaps a ledger entry; and what is said of them."""

    row: Dimension
    remote: RemoteRow
    entry: RowRecord | None
    whose: Whose | None  # None: no difference
    fields: tuple[FieldDifference, ...] = ()
    kind: str = "differs"


def field(name: str, record: str | None, source: str | None, remote: str | None, whose: Whose = ERP) -> FieldDifference:
    return FieldDifference(name, record, source, remote, whose)


NEW, OLD = dim("k1", "1", "New", code="c1"), dim("k1", "1", "Old", code="c1")
MINE = known(OLD, "r1")
ADOPTED = known(OLD._replace(code=None), "r1", confirmed=False, code_known=False)
UNCODED = known(OLD._replace(code=None), "r1")  # written by us; the source gave no code
LOST = known(Dimension("k1", "", "", "", ""), None, confirmed=False, settled=False, code_known=False)
THERE = shown("r1", "1", "Old")
LISTED = shown("r1", "1", "Old", code="c1", key="k1")  # the reference contract shows codes and keys

CASES = {
    "equal": Case(OLD, THERE, MINE, None),
    "equal, its code shown": Case(OLD, LISTED, MINE, None),
    "adopted, a code that nobody shows": Case(OLD, THERE, ADOPTED, None),
    "renamed in the ERP": Case(NEW, THERE, MINE, ERP, (field("name", "Old", "New", "Old"),)),
    "renamed in Ottimate": Case(
        OLD, THERE._replace(name="Theirs"), MINE, OTTIMATE, (field("name", "Old", "Old", "Theirs", OTTIMATE),)
    ),
    "renamed in both": Case(
        NEW, THERE._replace(name="Theirs"), MINE, BOTH, (field("name", "Old", "New", "Theirs", BOTH),)
    ),
    "renamed in both alike": Case(NEW, THERE._replace(name="New"), MINE, None),
    "one field here, one there": Case(
        dim("k1", "2", "Old", code="c1"),
        THERE._replace(name="Theirs"),
        MINE,
        BOTH,
        (field("name", "Old", "Old", "Theirs", OTTIMATE), field("erp_id", "1", "2", "1")),
    ),
    "another type": Case(
        OLD._replace(type_code="item"), THERE, MINE, ERP, (field("type_code", "account", "item", "account"),)
    ),
    "a type that is not shown": Case(OLD._replace(type_code="item"), LISTED._replace(type_code=""), MINE, None),
    "first contact": Case(NEW, THERE, None, UNSEEN, (field("name", None, "New", "Old", UNSEEN),)),
    "adopted, renamed in the ERP": Case(NEW, THERE, ADOPTED, ERP, (field("name", "Old", "New", "Old"),)),
    "adopted, renamed in Ottimate": Case(
        OLD, THERE._replace(name="Theirs"), ADOPTED, OTTIMATE, (field("name", "Old", "Old", "Theirs", OTTIMATE),)
    ),
    "the key led to another row": Case(
        NEW, THERE, MINE._replace(remote_id="r9"), UNSEEN, (field("name", None, "New", "Old", UNSEEN),)
    ),
    "the remote id is not known yet": Case(
        NEW, THERE, MINE._replace(remote_id=None), ERP, (field("name", "Old", "New", "Old"),)
    ),
    "another code, not shown": Case(OLD._replace(code="c2"), THERE, MINE, ERP, (field("code", "c1", "c2", None),)),
    "another code, shown": Case(OLD._replace(code="c2"), LISTED, MINE, ERP, (field("code", "c1", "c2", "c1"),)),
    "a code changed in Ottimate": Case(
        OLD, LISTED._replace(code="c9"), MINE, OTTIMATE, (field("code", "c1", "c1", "c9", OTTIMATE),)
    ),
    "a code changed in both": Case(
        OLD._replace(code="c2"), LISTED._replace(code="c9"), MINE, BOTH, (field("code", "c1", "c2", "c9", BOTH),)
    ),
    "a code shown, none acknowledged": Case(
        OLD, LISTED._replace(code="c9"), ADOPTED, UNSEEN, (field("code", None, "c1", "c9", UNSEEN),)
    ),
    "a code shown, none acknowledged, and a name": Case(
        NEW,
        LISTED._replace(code="c9"),
        ADOPTED,
        ERP,
        (field("name", "Old", "New", "Old"), field("code", None, "c1", "c9", UNSEEN)),
    ),
    "a code that the source gives at last": Case(OLD, THERE, UNCODED, ERP, (field("code", None, "c1", None),)),
    "a code that the source gives at last, another one shown": Case(
        OLD, LISTED._replace(code="1"), UNCODED, ERP, (field("code", None, "c1", "1"),)
    ),
    "a code that the source dropped": Case(
        OLD._replace(code=None), LISTED, MINE, ERP, (field("code", "c1", None, "c1"),)
    ),
    "of unknown outcome, and it looks equal": Case(
        OLD, THERE, MINE._replace(outcome_known=False), UNSEEN, (), "unsettled"
    ),
    "of unknown outcome, and it shows": Case(
        NEW,
        LISTED._replace(code="c9"),
        MINE._replace(outcome_known=False),
        UNSEEN,
        (field("name", None, "New", "Old", UNSEEN), field("code", None, "c1", "c9", UNSEEN)),
        "unsettled",
    ),
    "a create of unknown outcome, and it is there": Case(OLD, THERE, LOST, UNSEEN, (), "unsettled"),
    "labels are not compared": Case(OLD._replace(type_label="GL"), THERE, MINE, None),
}


def shown_as(name: str) -> RemoteRow:
    return THERE._replace(name=name)


PUSHED = MINE._replace(is_fresh=True, before={"name": "Before"})
OPEN = MINE._replace(
    agreement=Agreement(is_open=True, answered="OLD", pushed_again={"name": "OlD"}), before={"name": "Before"}
)
AGREED = MINE._replace(agreement=Agreement(shown={"name": "OLD"}))

CASES |= {
    "pushed, and it shows something else": Case(
        OLD, shown_as("oLD"), PUSHED, UNVERIFIED, (field("name", "Old", "Old", "oLD", UNVERIFIED),)
    ),
    "pushed, and it shows what was before": Case(
        OLD, shown_as("Before"), PUSHED, UNVERIFIED, (field("name", "Old", "Old", "Before", UNVERIFIED),)
    ),
    "pushed, and the source has moved since: of the remote side nothing is said": Case(
        NEW, shown_as("oLD"), PUSHED, ERP, (field("name", "Old", "New", "oLD"),)
    ),
    "pushed twice, and it shows a third thing": Case(
        OLD, shown_as("oLD"), OPEN, UNVERIFIED, (FieldDifference("name", "Old", "Old", "oLD", UNVERIFIED, None, "OLD"),)
    ),
    "pushed twice, and it shows what was before": Case(
        OLD, shown_as("Before"), OPEN, IGNORED, (FieldDifference("name", "Old", "Old", "Before", IGNORED, None, "OLD"),)
    ),
    "pushed, another field of it was changed in the source": Case(
        dim("k1", "2", "Old", code="c1"),
        shown_as("oLD"),
        PUSHED,
        ERP,
        (field("name", "Old", "Old", "oLD", UNVERIFIED), field("erp_id", "1", "2", "1")),
    ),
    "as the answer spelled it": Case(OLD, shown_as("OLD"), OPEN, None),
    "as it is agreed": Case(OLD, shown_as("OLD"), AGREED, None),
    "agreed, and changed in the source": Case(
        NEW, shown_as("OLD"), AGREED, ERP, (FieldDifference("name", "Old", "New", "OLD", ERP, "OLD"),)
    ),
    "agreed, and changed in Ottimate": Case(
        OLD, shown_as("Theirs"), AGREED, OTTIMATE, (FieldDifference("name", "Old", "Old", "Theirs", OTTIMATE, "OLD"),)
    ),
    "agreed, and shown as it was sent since": Case(OLD, THERE, AGREED, None),
}


@each_of(CASES)
def test_a_pair(case: Case) -> None:
    record = listed(ledger_of(*([case.entry] if case.entry else [])))
    found = drifted(source(case.row), RemoteView([case.remote]), record)
    row = case.row
    assert found == (
        ()
        if case.whose is None
        else (Difference(case.kind, "k1", "r1", row.type_code, row.name, case.whose, case.fields),)
    )


@pytest.mark.parametrize("theirs", ["Before", "Theirs"])
def test_an_update_that_is_not_carried_out_is_nobodys_change(theirs: str) -> None:
    """As long as the listing shows what it showed when that was found out."""
    there = shown_as("Before")
    record = listed(ledger_of(MINE._replace(seen=there)))
    record = replace(record, resting={"k1": not_applied(OLD, "", NOW)})
    (found,) = drifted(source(OLD), RemoteView([shown_as(theirs)]), record)
    assert found.fields == (field("name", "Old", "Old", theirs, IGNORED if theirs == "Before" else OTTIMATE),)


@pytest.mark.parametrize(
    ("entry", "row", "there", "fields"),
    [
        (MINE, OLD, THERE, None),
        (AGREED, OLD, shown_as("OLD"), FieldDifference("name", "Old", "Old", "OLD", SPELLED, "OLD")),
        (AGREED, NEW, shown_as("OLD"), None),
        (AGREED, OLD, shown_as("Theirs"), None),
        (AGREED, OLD, THERE, None),
        (AGREED._replace(outcome_known=False), OLD, shown_as("OLD"), None),
        (OPEN, OLD, shown_as("OLD"), FieldDifference("name", "Old", "Old", "OLD", SPELLED, None, "OLD")),
        (OPEN, OLD, shown_as("OlD"), FieldDifference("name", "Old", "Old", "OlD", SPELLED, None, "OLD")),
    ],
    ids=[
        "as sent",
        "as agreed",
        "changed in the source",
        "changed in Ottimate",
        "as sent again",
        "of unknown outcome",
        "as answered",
        "as after the first push",
    ],
)
def test_a_spelling(entry: RowRecord, row: Dimension, there: RemoteRow, fields: FieldDifference | None) -> None:
    record = listed(ledger_of(entry))
    told = spellings(join(source(row), RemoteView([there]), record), record, relabel=False)
    assert told == ((Difference("spelled", "k1", "r1", "account", "Old", SPELLED, (fields,)),) if fields else ())


REST = RestingRow(NOT_APPLIED, b"", "", NOW)


@each_of(
    [
        (OLD, MINE, None, ()),
        (OLD, PUSHED, None, ()),
        (OLD, AGREED, None, (FieldDifference("name", "Old", "Old", "OLD", SPELLED, "OLD"),)),
        (None, AGREED, None, (FieldDifference("name", "Old", None, "OLD", SPELLED, "OLD"),)),
        (NEW, AGREED, None, (FieldDifference("name", "Old", "New", "OLD", ERP, "OLD"),)),
        (
            OLD,
            AGREED._replace(seen=shown_as("Theirs")),
            None,
            (FieldDifference("name", "Old", "Old", "Theirs", OTTIMATE, "OLD"),),
        ),
        (
            OLD,
            PUSHED._replace(agreement=Agreement(answered="OLD")),
            None,
            (FieldDifference("name", "Old", "Old", None, UNVERIFIED, None, "OLD"),),
        ),
        (
            OLD,
            OPEN._replace(seen=shown_as("oLD")),
            None,
            (FieldDifference("name", "Old", "Old", "oLD", UNVERIFIED, None, "OLD"),),
        ),
        (OLD, MINE._replace(seen=shown_as("Before")), REST, (field("name", "Old", "Old", "Before", IGNORED),)),
        (NEW, AGREED._replace(outcome_known=False), None, ()),
        (OLD._replace(code="c2"), ADOPTED, None, ()),
    ]
)
def test_what_an_entry_alone_tells(
    row: Dimension | None, entry: RowRecord, rest: RestingRow | None, fields: tuple[FieldDifference, ...]
) -> None:
    assert last_told(row, entry, rest, relabel=False) == fields


def test_labels_are_told_where_they_are_sent() -> None:
    wanted, index = source(OLD._replace(type_label="GL")), RemoteView([THERE])
    (found,) = drifted(wanted, index, listed(ledger_of(MINE)), relabel=True)
    assert found.fields == (field("type_label", "Account", "GL", "Account"),)


def test_a_code_that_is_demanded_and_that_the_source_does_not_give_is_no_difference() -> None:
    wanted, index = source(OLD._replace(code=None)), RemoteView([LISTED])
    assert drifted(wanted, index, listed(ledger_of(MINE)), needs_code=True) == ()


def test_what_was_given_up_tells_nothing() -> None:
    """After `dimsync ledger distrust` links are left, and no listing."""
    record = ledger_of(MINE, known(dim("k2", "2"), "r2"))
    found = drifted(source(NEW, dim("k2", "2")), RemoteView([THERE, shown("r7", "7")]), record)
    assert [(each.kind, each.key, each.whose) for each in found] == [
        ("differs", "k1", UNSEEN),
        ("missing", "k2", UNSEEN),
        ("orphan", None, UNSEEN),
    ]


class Absent(NamedTuple):
    """A wanted row that is not there, and what the ledger and the listing hold instead."""

    entry: RowRecord | None
    whose: Whose
    others: tuple[RemoteRow, ...] = ()


MISSING = {
    "never heard of": Absent(None, ERP),
    "a create whose answer was lost": Absent(LOST, ERP),
    "gone": Absent(MINE, OTTIMATE),
    "adopted, then gone": Absent(ADOPTED, OTTIMATE),
    "gone, and its last change of unknown outcome": Absent(MINE._replace(outcome_known=False), OTTIMATE),
    "gone before its remote id was known": Absent(MINE._replace(remote_id=None), OTTIMATE),
    "its row is there under another key": Absent(MINE, UNSEEN, (shown("r1", "5", "Theirs", key="x"),)),
    "a row like it is there under another key": Absent(
        known(dim("k1", "5"), None), UNSEEN, (shown("r1", "5", "Theirs", key="x"),)
    ),
}


@pytest.mark.parametrize("case", MISSING.values(), ids=MISSING)
def test_a_row_that_is_not_there(case: Absent) -> None:
    record = listed(ledger_of(*([case.entry] if case.entry else [])))
    found = drifted(source(OLD), RemoteView(case.others), record)
    assert found[0] == Difference("missing", "k1", None, "account", "Old", case.whose)
    assert [each.kind for each in found[1:]] == ["orphan"] * len(case.others)


class Orphan(NamedTuple):
    """A remote row that no source row means, and the ledger."""

    record: CompanyRecord
    key: str | None
    whose: Whose
    remote: RemoteRow = THERE


ORPHANS = {
    "dropped by the source": Orphan(listed(ledger_of(MINE)), "k1", ERP),
    "dropped by the source, renamed there": Orphan(listed(ledger_of(MINE)), "k1", ERP, THERE._replace(name="Theirs")),
    "dropped by the source, its key listed": Orphan(listed(ledger_of(MINE)), "k1", ERP, LISTED),
    "adopted, then dropped": Orphan(listed(ledger_of(ADOPTED)), "k1", ERP),
    "dropped before its remote id was known": Orphan(listed(ledger_of(MINE._replace(remote_id=None))), "k1", ERP),
    "dropped before its remote id was known, renumbered there, its key listed": Orphan(
        listed(ledger_of(MINE._replace(remote_id=None))), "k1", ERP, LISTED._replace(erp_id="7")
    ),
    "dropped while its create was in doubt, its key listed": Orphan(listed(ledger_of(LOST)), "k1", ERP, LISTED),
    "dropped while its create was in doubt": Orphan(listed(ledger_of(LOST)), None, UNSEEN),
    "made there": Orphan(listed(CompanyRecord()), None, OTTIMATE),
    "made there, its key listed": Orphan(listed(CompanyRecord()), "k1", OTTIMATE, LISTED),
    "there since before": Orphan(listed(ledger_of(strays=[THERE])), None, UNSEEN),
    "first contact": Orphan(CompanyRecord(), None, UNSEEN),
    "once ours, listed under another key now": Orphan(listed(ledger_of(MINE)), "x", UNSEEN, LISTED._replace(key="x")),
    "its key listed, and that led to another row": Orphan(
        listed(ledger_of(MINE._replace(remote_id="r9"))), "k1", OTTIMATE, LISTED
    ),
    "new while keys led nowhere": Orphan(listed(CompanyRecord(), KEY_MISMATCH), None, UNSEEN),
    "new while creates met rows that nobody looked at": Orphan(listed(CompanyRecord(), OVERWRITTEN), None, UNSEEN),
    "new while a run's rows are in the air": Orphan(replace(listed(CompanyRecord()), left_over=NOW), None, UNSEEN),
}


@each_of(ORPHANS)
def test_an_orphan(case: Orphan) -> None:
    (found,) = drifted(source(), RemoteView([case.remote]), case.record)
    assert found == Difference("orphan", case.key, "r1", "account", case.remote.name, case.whose)


def test_of_two_rows_alike_none_is_the_one_that_the_source_dropped() -> None:
    record = listed(ledger_of(MINE._replace(remote_id=None)))
    found = drifted(source(), RemoteView([THERE, THERE._replace(id="r2")]), record)
    assert [each.key for each in found] == [None, None]


def test_rows_that_are_held_without_one_of_their_own_are_no_differences() -> None:
    index = RemoteView([shown("r1", "1"), shown("r2", "1"), shown("r3", "07", "Seven")])
    assert drifted(source(dim("k1", "1"), dim("k7", "7")), index, listed(CompanyRecord())) == ()


def test_no_id_that_only_the_ledger_made_up_is_told() -> None:
    record = listed(ledger_of(MINE._replace(remote_id=None), known(dim("k2", "2"), None)))
    found = drifted(source(NEW), as_known(record), record)
    assert [(each.kind, each.key, each.remote_id, each.whose) for each in found] == [
        ("differs", "k1", None, ERP),
        ("orphan", "k2", None, ERP),
    ]


def test_the_order_is_by_kind_and_key() -> None:
    index = RemoteView([shown("r9", "9", key="z"), shown("r8", "8", key="y"), shown("r7", "7"), shown("r6", "6")])
    rows = [dim("b", "1"), dim("a", "2"), dim("z", "9", "New"), dim("y", "8", "New")]
    found = drifted(source(*rows), index, listed(CompanyRecord()))
    assert [(each.kind, each.key or each.remote_id) for each in found] == [
        ("differs", "y"),
        ("differs", "z"),
        ("missing", "a"),
        ("missing", "b"),
        ("orphan", "r6"),
        ("orphan", "r7"),
    ]


def keys(found: Iterable[Difference], *kinds: str) -> Counter[str | None]:
    return Counter(each.key for each in found if each.kind in kinds)


@steady(120)
@given(rounds(troubled=True), sources, st.booleans(), st.booleans(), st.booleans())
def test_what_differs_is_what_the_plan_sends_holds_or_leaves(
    played: list[Round], wanted: Wanted, shows_keys: bool, listing: bool, relabel: bool
) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    record = listed(ledger.read())
    index = server.listing() if listing else as_known(record)

    matching, plan = compared(wanted, index, record, relabel=relabel)
    found = drifted(wanted, index, record, relabel=relabel)

    unpaired = {hold.key for hold in matching.holds}
    sent = [change.row.key for change in plan.updates] + [hold.key for hold in plan.holds if hold.key not in unpaired]
    assert keys(found, "differs", "unsettled") == Counter(sent)
    assert keys(found, "missing") == Counter(change.row.key for change in plan.creates)
    orphans = Counter(each.remote_id for each in found if each.kind == "orphan")
    assert orphans == Counter(orphan if is_linked(orphan) else None for orphan in plan.orphans)
    assert all(each.fields for each in found if each.kind == "differs")
    assert all(part.remote is None or part.source != part.remote for each in found for part in each.fields)


@steady(80)
@given(rounds(troubled=True), sources, st.randoms(use_true_random=False), st.booleans())
def test_order_changes_nothing(played: list[Round], wanted: Wanted, random: Random, shows_keys: bool) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    index, record = server.listing(), listed(ledger.read())

    def shuffled(items: Iterable[Any]) -> list[Any]:
        listed_items = list(items)
        random.shuffle(listed_items)
        return listed_items

    other = replace(record, rows=dict(shuffled(record.rows.items())))
    pages = RemoteView(shuffled(index.rows.values()))
    assert drifted(replace(wanted, rows=shuffled(wanted.rows)), pages, other) == drifted(wanted, index, record)


@steady(80)
@given(rounds(troubled=True), sources, st.booleans())
def test_once_applied_only_what_is_held_differs(played: list[Round], wanted: Wanted, shows_keys: bool) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    for _ in range(4):  # as long as it takes to settle what was lost and to wait for ERP ids that come free
        held = {hold.key for hold in run(server, ledger, wanted).plan.holds}
    found = drifted(wanted, server.listing(), listed(ledger.read()))
    assert set(keys(found, "differs", "missing", "unsettled")) <= held


edits = st.tuples(*(st.sampled_from(["", "", "name", "code", "both", "gone"]) for _ in range(2)))
"""What happens to a row in the source, and to it in Ottimate."""


@steady(120)
@given(st.lists(edits, min_size=1, max_size=4), st.booleans(), st.booleans(), st.booleans())
def test_who_did_it_is_who_is_named(
    played: list[tuple[str, ...]], new_here: bool, new_there: bool, shows_keys: bool
) -> None:
    """All was the same once; then each side changes its rows, and each change is laid at the right door."""
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    rows = [dim(f"k{number}", f"{number}00", code=f"c{number}") for number in range(len(played))]
    for _ in range(2):  # the second learns the remote ids
        run(server, ledger, source(*rows))
    wanted: list[Dimension] = []
    expected: list[tuple[str, str | None, Whose]] = []
    for row, (here, there) in zip(rows, played, strict=True):
        stored = server.rows[row.key]
        ours = {"name": here in {"name", "both"}, "code": here in {"code", "both"}}
        theirs = {"name": there in {"name", "both"}, "code": there in {"code", "both"}}
        if here != "gone":
            name, code = f"Ours {row.name}" if ours["name"] else row.name, "ours" if ours["code"] else row.code
            wanted.append(row._replace(name=name, code=code))
        stored.name = f"Theirs {row.name}" if theirs["name"] else row.name
        stored.code = "theirs" if theirs["code"] else row.code
        if there == "gone":
            del server.rows[row.key]
        expected += _causes(row.key, here, there, ours, theirs if shows_keys else theirs | {"code": False})
    if new_here:
        wanted.append(dim("new", "77", "New here"))
        expected.append(("missing", "new", ERP))
    if new_there:
        server.put(dim("x", "88", "New there"))
        expected.append(("orphan", "x" if shows_keys else None, OTTIMATE))

    found = drifted(source(*wanted), server.listing(), listed(ledger.read()))

    told = [(each.kind, each.key, each.whose) for each in found if not each.fields]
    told += [(part.name, each.key, part.whose) for each in found for part in each.fields]
    assert Counter(told) == Counter(expected)


def _causes(
    key: str, here: str, there: str, ours: dict[str, bool], theirs: dict[str, bool]
) -> list[tuple[str, str | None, Whose]]:
    if here == there == "gone":
        return []
    if here == "gone":
        return [("orphan", key, ERP)]
    if there == "gone":
        return [("missing", key, OTTIMATE)]
    named = {(True, False): ERP, (False, True): OTTIMATE, (True, True): BOTH}
    return [(name, key, named[ours[name], theirs[name]]) for name in ("name", "code") if ours[name] or theirs[name]]
