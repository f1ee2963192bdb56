"""What is told as agreed changes no decision: with it and without, the same plan, lessons, differences and orphans."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from engine.compare.absorb import absorb
from engine.compare.agreed import Agreed, agreed
from engine.compare.attribution import attribute
from engine.compare.join import join
from engine.compare.matching import Matching
from engine.compare.plan import DiffRules, diff
from engine.compare.remote_view import RemoteView, as_known
from engine.model.change import Change
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension, RemoteRow, dimension_table
from engine.model.row_record import RowRecord, as_entries
from engine.model.settings import Adopt
from engine.model.wanted import Wanted
from tests.tables import each_of
from tests.unit.model_server import NOW, certificate, dim, known, ledger_of, shown, source, steady

KEYS = [f"k{number}" for number in range(5)]
TYPES = st.sampled_from(["account", "account", "department"])
LABELS = st.sampled_from(["Account", "Account", "Konto"])
NAMES = st.sampled_from(["Rent", "Miete"])
IDS = st.sampled_from(["1", "01", "2", "3"])
CODES = st.sampled_from([None, None, "c1", "c2"])


class Sides:
    """The three sides of one comparison."""

    def __init__(self, wanted: Wanted, index: RemoteView, record: CompanyRecord) -> None:
        self.wanted, self.index, self.record = wanted, index, record

    def agreed(self, *, relabel: bool, adopts: bool, tells_renamed: bool = True) -> Agreed:
        rows, entries, remotes = dimension_table(self.wanted.rows), self.record.entries, self.index.rows
        return agreed(rows, entries, remotes, relabel=relabel, adopts=adopts, tells_renamed=tells_renamed)

    def __repr__(self) -> str:
        return f"{self.wanted.rows}\n{list(self.index.rows.values())}\n{dict(self.record.rows)}\n{self.record.keyless}"


@st.composite
def sides(draw: st.DrawFn) -> Sides:
    """Draw rows that agree on all sides, and then a few things that spoil it."""
    wanted: dict[str, Dimension] = {}
    entries: dict[str, RowRecord] = {}
    remotes: dict[str, RemoteRow] = {}
    is_known = draw(st.booleans())
    for number, key in enumerate(KEYS):
        row = Dimension(key, draw(TYPES), "Account", draw(NAMES), str(number), draw(CODES))
        sure, coded = is_known or draw(st.booleans()), is_known or draw(st.booleans())
        known_code = row.code if coded else None
        wanted[key] = row
        entries[key] = RowRecord(
            row._replace(code=known_code), f"r{number}", sure, outcome_known=True, code_known=coded
        )
        key_shown = draw(st.sampled_from([None, None, None, key]))
        code_shown = draw(st.sampled_from([None, None, known_code]))
        remotes[f"r{number}"] = RemoteRow(f"r{number}", *row[1:5], code_shown, key_shown)
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=3)):
        wanted[key] = wanted[key]._replace(name=draw(NAMES), code=draw(CODES))
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=3)):
        wanted[key] = Dimension(key, draw(TYPES), draw(LABELS), draw(NAMES), draw(IDS), draw(CODES))
    for key in draw(st.lists(st.sampled_from([*KEYS, "gone"]), max_size=2)):
        row = Dimension(key, draw(TYPES), draw(LABELS), draw(NAMES), draw(IDS), draw(CODES))
        flags = (draw(st.booleans()), draw(st.booleans()), draw(st.booleans()))
        remote_id = draw(st.sampled_from([None, "r0", "r1", "r2", "r9"]))
        seen = draw(st.sampled_from([None, None, remotes["r0"]]))
        entries[key] = RowRecord(row, remote_id, *flags, seen if remote_id else None)
    for row_id in draw(st.lists(st.sampled_from(["r0", "r1", "r2", "r8", "r9"]), max_size=2)):
        key_shown = draw(st.sampled_from([None, *KEYS]))
        remotes[row_id] = RemoteRow(row_id, draw(TYPES), draw(LABELS), draw(NAMES), draw(IDS), draw(CODES), key_shown)
    for dropped in draw(st.lists(st.sampled_from(KEYS), max_size=2)):
        side: dict[str, Any] = draw(st.sampled_from([wanted, entries, remotes]))
        side.pop(dropped.replace("k", "r") if side is remotes else dropped, None)
    listed = draw(st.booleans())
    strays = [row for row in remotes.values() if row.id in {"r8", "r9"}]
    record = replace(ledger_of(strays=strays), rows=entries, state=CompanyState(listed_at=NOW))
    bad = [key for key in KEYS if key not in wanted][:1]
    index = RemoteView(remotes.values()) if listed else as_known(record, keyed=draw(st.booleans()))
    return Sides(source(*wanted.values(), invalid_keys=bad, invalid=len(bad)), index, record)


def places(matching: Matching) -> Counter[str]:
    """Return the place of each remote row."""
    return Counter([pair.remote.id for pair in matching.pairs]) + Counter([*matching.contested, *matching.orphans])


@pytest.mark.long
@steady(180)
@given(sides(), st.booleans(), st.booleans(), st.sampled_from(Adopt), st.booleans())
def test_to_leave_agreed_rows_out_changes_nothing(
    drawn: Sides, relabel: bool, needs_code: bool, adopt: Adopt, tells_renamed: bool
) -> None:
    wanted, index, record = drawn.wanted, drawn.index, drawn.record
    parted = drawn.agreed(relabel=relabel, adopts=adopt is not Adopt.HOLD, tells_renamed=tells_renamed)
    event(f"{len(parted.renamed)} renamed")
    event(f"{len(parted.keys)} agreed")
    whole, spared = join(wanted, index, record), join(wanted, index, record, agreed=parted)

    def planned(matching: Matching) -> object:
        return diff(matching, index, record, DiffRules(relabel=relabel, needs_code=needs_code, adopt=adopt))

    assert planned(spared) == planned(whole)
    if not tells_renamed:
        assert attribute(spared, index, record, relabel=relabel, needs_code=needs_code) == attribute(
            whole, index, record, relabel=relabel, needs_code=needs_code
        )
    lesson, lesson_whole = (absorb(each, index, record, certificate(index), NOW) for each in (spared, whole))
    assert lesson == lesson_whole
    assert list(lesson.gone) == list(lesson_whole.gone)
    assert places(spared) + Counter(parted.ids) == places(whole)
    assert len(parted.keys) == len(parted.ids)


@steady(75)
@given(sides())
def test_records_over_a_table_are_the_same(drawn: Sides) -> None:
    rows = drawn.record.rows
    assert dict(as_entries(rows)) == {key: each._replace(row=each.row._replace(key=key)) for key, each in rows.items()}


ONE = (dim("k1", "1"), known(dim("k1", "1"), "r1"), shown("r1", "1"))


@each_of(
    [
        (dim("k1", "1", "New"), ONE[1], ONE[2]),
        (ONE[0], ONE[1], shown("r1", "1", "New")),
        (ONE[0], known(dim("k1", "1"), "r1", settled=False), ONE[2]),
        (ONE[0], known(dim("k1", "1"), "r1", seen=shown("r1", "1", "New")), ONE[2]),
        (dim("k1", "1", code="c"), ONE[1], ONE[2]),
        (ONE[0], ONE[1], shown("r1", "1", code="c")),
        (ONE[0], ONE[1], shown("r1", "1", key="k2")),
        (ONE[0], known(dim("k1", "1"), "r1", confirmed=False), shown("r1", "1", key="k1")),
        (ONE[0], known(dim("k1", "1"), "r2"), ONE[2]),
        (ONE[0], known(dim("k1", "1"), None), ONE[2]),
    ]
)
def test_what_differs_anywhere_is_looked_at(row: Dimension, entry: RowRecord, remote: RemoteRow) -> None:
    drawn = Sides(source(row), RemoteView([remote]), ledger_of(entry))
    assert not drawn.agreed(relabel=False, adopts=True, tells_renamed=False).keys


def test_a_row_that_the_source_alone_has_renamed_is_told() -> None:
    row = dim("k1", "1", "New", label="Konto")
    drawn = Sides(source(row), RemoteView([ONE[2]]), ledger_of(ONE[1]))
    told = drawn.agreed(relabel=False, adopts=True)
    matching = join(drawn.wanted, drawn.index, drawn.record, agreed=told)
    assert (list(told.rows), matching.pairs) == ([], [])
    (change,) = diff(matching, drawn.index, drawn.record).updates
    assert change == Change(row._replace(type_label=ONE[2].type_label), "r1", ("name",), before=(ONE[2].name,))


def test_labels_count_where_they_are_compared() -> None:
    drawn = Sides(source(dim("k1", "1", label="Konto")), RemoteView([ONE[2]]), ledger_of(ONE[1]))
    assert drawn.agreed(relabel=False, adopts=True).keys == {"k1"}
    assert not drawn.agreed(relabel=True, adopts=True).keys


@pytest.mark.parametrize("turned", [(), ("wanted",), ("entries",), ("remotes",), ("wanted", "remotes")])
def test_the_order_of_a_side_changes_nothing(turned: tuple[str, ...]) -> None:
    rows = [dim(f"k{number}", str(number), "New" if number == 2 else None) for number in range(6)]
    entries = [known(dim(row.key, row.erp_id), f"r{row.erp_id}") for row in rows[:5]]
    remotes = [shown(f"r{number}", str(number)) for number in (0, 1, 2, 4, 9)]
    given: dict[str, list[Any]] = {"wanted": rows, "entries": entries, "remotes": remotes}
    for side in turned:
        given[side] = given[side][::-1]
    drawn = Sides(source(*given["wanted"]), RemoteView(given["remotes"]), ledger_of(*given["entries"]))
    told = drawn.agreed(relabel=False, adopts=True)
    assert (told.keys, told.ids) == ({"k0", "k1", "k2", "k4"}, {"r0", "r1", "r2", "r4"})
    assert (list(told.rows), list(told.remotes)) == ([rows[3], rows[5]], ["r9"])
    assert (list(told.renamed), list(told.renamed_remotes)) == ([rows[2]], [shown("r2", "2")])
