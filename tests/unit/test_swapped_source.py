"""Whose rows a source holds: who knows what, and whether that holds the company as `wrong-client`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import pytest

from engine.compare.join import join
from engine.compare.plan import diff
from engine.compare.remote_view import RemoteView
from engine.guards.approved_plan import marks
from engine.guards.swapped_source import Asked, is_plainly_own, owner_named, whose
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension, RemoteRow
from engine.model.row_record import RowRecord
from engine.model.settings import Guards
from engine.model.sketch import sketch
from engine.model.wanted import Wanted
from tests.tables import each_of

OWN, OTHER, THIRD = 101, 102, 103


def chart(client: int, count: int = 40, *, keys: str = "K", first: int = 0) -> list[Dimension]:
    """Return rows of one client; their keys are alike in all clients unless `keys` tells them apart."""
    return [
        Dimension(f"{keys}{n}", "account", "Account", f"Client {client} account {n}", f"{client}{n:04}")
        for n in range(first, first + count)
    ]


def there(rows: Sequence[Dimension], *, keys: bool = False) -> list[RemoteRow]:
    """Return rows as a listing shows them."""
    return [RemoteRow(f"dim_{row.erp_id}", *row[1:5], row.code, row.key if keys else None) for row in rows]


def record(rows: Sequence[Dimension], *, confirmed: bool = True, good: bool = True) -> CompanyRecord:
    """Return what the ledger knows once rows are there; `confirmed=False`: they were adopted."""
    entries = {
        row.key: RowRecord(row, f"dim_{row.erp_id}", confirmed=confirmed, outcome_known=True, code_known=True)
        for row in rows
    }
    return CompanyRecord(rows=entries, state=CompanyState(last_good_rows=len(rows) if good else None))


def lost(rows: Sequence[Dimension], passed: Sequence[Dimension] | None = None) -> CompanyRecord:
    """Return what the ledger knows of rows that were sent and never answered: their keys, and marks of the plan."""
    blank = Dimension("", "", "", "", "")
    entries = {
        row.key: RowRecord(blank._replace(key=row.key), None, confirmed=False, outcome_known=False, code_known=False)
        for row in rows
    }
    return CompanyRecord(rows=entries, state=CompanyState(passed=None if passed is None else marks(passed)))


def part_sent(rows: Sequence[Dimension], sent: int) -> CompanyRecord:
    """Return what the ledger knows where a plan passed and its run was stopped after so many rows."""
    return replace(record(rows[:sent]), state=CompanyState(passed=marks(rows)))


@dataclass(frozen=True, kw_only=True)
class Case:
    source: list[Dimension]
    record: CompanyRecord = field(default_factory=CompanyRecord)
    remote: list[RemoteRow] = field(default_factory=list)
    charts: dict[int, list[Dimension]] = field(default_factory=dict)  # known to be those companies'
    fresh: dict[int, list[Dimension]] = field(default_factory=dict)  # sources that this run meets for the first time
    held: str | None = None  # words of the message; None: it passes


SWAPPED = "company 102's"
KEYED = "keys begin with 102, the id of another company"
APART = "is it this company's file?"
A, B, C = chart(1), chart(2), chart(3)
OWN_KEYS, OTHER_KEYS = f"{OWN}:account:", f"{OTHER}:account:"

CASES = {
    # (a) Another company's chart
    "a: known of both, swapped": Case(source=B, record=record(A), remote=there(A), charts={OTHER: B}, held=SWAPPED),
    "a: known of both, its own": Case(source=A, record=record(A), remote=there(A), charts={OTHER: B}),
    "a: both have one chart": Case(
        source=[*A, *chart(1, 5, first=90)], record=record(A), remote=there(A), charts={OTHER: A, THIRD: A}
    ),
    "a: 37 rows of another, 3 its own": Case(
        source=[*B[:37], *A[37:]], record=record(A), remote=there(A), charts={OTHER: B}, held=SWAPPED
    ),
    "a: half its own, half another's": Case(
        source=[*A, *chart(2, keys="L")], record=record(A), remote=there(A), charts={OTHER: B}
    ),
    "a: renumbered, and nobody's": Case(source=C, record=record(A), remote=there(A), charts={OTHER: B}),
    "a: own rows, given a template that others have": Case(
        source=B, record=record(A), remote=there(A), charts={OTHER: B, THIRD: B}, held=SWAPPED
    ),
    "a: first contact, nothing there, one other has it": Case(source=B, charts={OTHER: B}, held=SWAPPED),
    "a: first contact, a short list that one other has": Case(source=B[:10], charts={OTHER: B[:10]}),
    "a: first contact, a list of 11 that one other has": Case(source=B[:11], charts={OTHER: B[:11]}, held=SWAPPED),
    "a: first contact, nothing there, two others have it": Case(source=B, charts={OTHER: B, THIRD: B}),
    "a: first contact, nothing there, one other has it and a new one gets it": Case(
        source=B, charts={OTHER: B}, fresh={THIRD: B}
    ),
    "a: first contact of both, with one chart": Case(source=B, fresh={OTHER: B}),
    "a: first contact of all, with one chart": Case(source=B, fresh=dict.fromkeys(range(200, 240), B)),
    "a: first contact, nobody's": Case(source=A, charts={OTHER: B}),
    "a: first contact, its own rows are there": Case(source=[*B, *C[:1]], remote=there(B), charts={OTHER: B}),
    "a: first contact, others' rows are there, a third of them common": Case(
        source=B, remote=there([*A, *B[:14]]), charts={OTHER: B}, held=SWAPPED
    ),
    "a: too few to tell": Case(source=B[:7], charts={OTHER: B[:7]}),
    "a: a part of another's": Case(source=B[:20], charts={OTHER: B}, held=SWAPPED),
    "a: nothing is to be written": Case(source=A, record=record(A), remote=there(A), charts={OTHER: A}),
    # W10: rows that were sent are its own, answered or not
    "W10: a chart that others have, all answers lost, the plan remembered": Case(
        source=B, record=lost(B, B), charts={OTHER: B}
    ),
    "W10: a chart that others have, all answers lost": Case(source=B, record=lost(B), charts={OTHER: B}),
    "W10: a chart that another has, sent in part": Case(source=B, record=part_sent(B, 15), charts={OTHER: B}),
    "W10: the other's chart after its own was sent in part": Case(
        source=B, record=part_sent(A, 15), charts={OTHER: B}, held=SWAPPED
    ),
    "W10: all answers lost, rows listed": Case(source=B, record=lost(B), remote=there(B), charts={OTHER: B}),
    "W10: all answers lost, then another's file under the same keys": Case(
        source=B, record=lost(A, A), charts={OTHER: B}, held=SWAPPED
    ),
    # (b) Keys that begin with another company's id
    "b: first contact, nothing there": Case(source=chart(2, keys=OTHER_KEYS), held=KEYED),
    "b: first contact, its own": Case(source=chart(1, keys=OWN_KEYS)),
    "b: first contact, the same rows are there": Case(source=chart(1, keys=OTHER_KEYS), remote=there(A), held=KEYED),
    "b: one key in ten and more is another kind": Case(source=[*chart(2, 36, keys=OTHER_KEYS), *chart(2, 4, first=50)]),
    "b: fewer than one key in ten is another kind": Case(
        source=[*chart(2, 37, keys=OTHER_KEYS), *chart(2, 3, first=50)], held=KEYED
    ),
    "b: one key is its own": Case(source=[*chart(2, keys=OTHER_KEYS), *chart(1, 1, keys=OWN_KEYS)]),
    "b: no company has that id": Case(source=chart(2, keys="999:")),
    "b: an id within a number": Case(source=chart(2, keys="1020")),
    "b: a leading zero": Case(source=chart(2, keys="0102:")),
    "b: the ledger knows these keys": Case(
        source=[*chart(1, keys=OTHER_KEYS), *chart(1, 1, keys=OTHER_KEYS, first=90)],
        record=record(chart(1, keys=OTHER_KEYS)),
        remote=there(A),
    ),
    "b: adopted in a run that was held": Case(
        source=chart(1, keys=OTHER_KEYS),
        record=record(chart(1, keys=OTHER_KEYS), confirmed=False, good=False),
        remote=there(A),
        held=KEYED,
    ),
    "b: adopted in a run that was good": Case(
        source=[*chart(1, keys=OTHER_KEYS), *chart(1, 1, keys=OTHER_KEYS, first=90)],
        record=record(chart(1, keys=OTHER_KEYS), confirmed=False),
        remote=there(A),
    ),
    "b: these keys were sent, answers lost": Case(
        source=chart(2, keys=OTHER_KEYS), record=lost(chart(2, keys=OTHER_KEYS))
    ),
    "b: the ledger knows other keys": Case(
        source=chart(2, keys=OTHER_KEYS), record=record(A), remote=there(A), held=KEYED
    ),
    # (c) Nothing in common
    "L3: 40 there, 25 in the source, none in common": Case(source=chart(2, 25), remote=there(A), held=APART),
    "c: 10 on both sides": Case(source=chart(2, 10), remote=there(chart(1, 10)), held=APART),
    "c: 9 in the source": Case(source=chart(2, 9), remote=there(A)),
    "c: 9 there": Case(source=B, remote=there(chart(1, 9))),
    "c: a tenth in common": Case(source=[*chart(2, 36), *A[36:]], remote=there(A)),
    "c: under a tenth in common": Case(source=[*chart(2, 37), *A[37:]], remote=there(A), held=APART),
    "c: matched by listed keys": Case(source=B, remote=there(A, keys=True)),
    "c: matched by the ledger": Case(source=C, record=record(A), remote=there(A)),
    "c: other types": Case(source=[row._replace(type_code="item") for row in B], remote=there(A)),
    "c: one type in common, of it few": Case(
        source=[*(row._replace(type_code="item") for row in B), *chart(3, 9, keys="L")], remote=there(A)
    ),
}


@each_of(CASES)
def test_l2_l3_w10_who_knows_what_and_what_is_held(case: Case) -> None:
    must_be_told(case)


def must_be_told(case: Case) -> None:
    index = RemoteView(case.remote, shows_keys=any(row.key for row in case.remote))
    wanted = Wanted(rows=case.source, source_rows=len(case.source))
    plan = diff(join(wanted, index, case.record), index, case.record)
    asked = Asked(
        company_id=OWN,
        rows=case.source,
        plan=plan,
        record=case.record,
        remotes=index.rows,
        others=frozenset({OTHER, THIRD}),
    )
    charts, fresh = ([(n, sketch(rows)) for n, rows in known.items()] for known in (case.charts, case.fresh))
    trip = whose(asked, charts, fresh, Guards())
    assert (trip and trip.slug) == (case.held and "wrong-client")
    if trip is not None and case.held is not None:
        assert case.held in trip.message
        assert owner_named(trip.message) == (None if case.held == APART else OTHER)
        assert not is_plainly_own(asked, Guards())


@each_of(product([name for name in CASES if name.startswith("b: ")], ["_", "/", "|"]))
def test_l2_other_separators_do_as_well(case: str, mark: str) -> None:
    must_be_told(marked(CASES[case], mark))


def test_l2_a_mark_that_is_no_separator_tells_nothing() -> None:
    must_be_told(replace(marked(CASES["b: first contact, nothing there"], "-"), held=None))


def marked(case: Case, mark: str) -> Case:
    """Return the case with another separator in its keys."""

    def of(row: Dimension) -> Dimension:
        return row._replace(key=row.key.replace(":", mark))

    entries = {key.replace(":", mark): known._replace(row=of(known.row)) for key, known in case.record.rows.items()}
    return replace(case, source=[of(row) for row in case.source], record=replace(case.record, rows=entries))


@pytest.mark.parametrize(
    ("guards", "case"),
    [
        (Guards(wrong_client_own_share=0.0), "a: known of both, swapped"),
        (Guards(wrong_client_other_share=1.0), "a: known of both, swapped"),
        (Guards(wrong_client_other_share=1.0), "b: first contact, nothing there"),
        (Guards(wrong_client_overlap=0.0), "L3: 40 there, 25 in the source, none in common"),
        (Guards(wrong_client_rows=26), "L3: 40 there, 25 in the source, none in common"),
    ],
)
def test_the_figures_are_settings(guards: Guards, case: str) -> None:
    found = CASES[case]
    index = RemoteView(found.remote)
    plan = diff(join(Wanted(rows=found.source, source_rows=0), index, found.record), index, found.record)
    asked = Asked(company_id=OWN, rows=found.source, plan=plan, record=found.record, remotes=index.rows, others={OTHER})
    charts = [(n, sketch(rows)) for n, rows in found.charts.items()]
    lax = replace(guards, wrong_client_overlap=0.0) if case.startswith("a") else guards
    assert whose(asked, charts, (), lax) is None
