"""Rows that are plainly new are left out of the search for their remote rows, and that changes no decision."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from engine.compare.agreed import agreed
from engine.compare.join import join
from engine.compare.new_rows import parted
from engine.compare.plan import DiffRules, diff
from engine.compare.remote_view import RemoteView
from engine.model.dimension import Dimension, RemoteRow, dimension_table
from engine.model.row_record import RowRecord
from tests.unit.model_server import STEADY, dim, ledger_of, source

ROW = Dimension("k1", "account", "Account", "Rent", "6000")
REMOTE = RemoteRow("r1", "account", "Account", "Travel", "7000")
OTHER = Dimension("k2", "account", "Account", "Wages", "6100")
KNOWN = RowRecord(OTHER, "r2", confirmed=True, outcome_known=True, code_known=True)


@pytest.mark.parametrize(
    ("name", "remote", "known", "other"),
    [
        ("the ledger knows its key", REMOTE, KNOWN._replace(row=ROW), OTHER),
        ("a remote row is listed under its key", REMOTE._replace(key="k1"), KNOWN, OTHER),
        ("another row has its type and ERP id", REMOTE, KNOWN, OTHER._replace(erp_id="6000")),
        ("a remote row has its name", REMOTE._replace(name="Rent"), KNOWN, OTHER),
        ("a remote row of another type has its name", REMOTE._replace(type_code="item", name="Rent"), KNOWN, OTHER),
        ("a remote row has its ERP id", REMOTE._replace(erp_id="6000"), KNOWN, OTHER),
        ("a remote row has its ERP id with a zero before it", REMOTE._replace(erp_id="06000"), KNOWN, OTHER),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_is_not_plainly_new_if(name: str, remote: RemoteRow, known: RowRecord, other: Dimension) -> None:
    remotes, rows = RemoteView([remote]).rows, dimension_table([ROW, other])
    new, others = parted(rows, remotes, ledger_of(known))
    assert ROW in list(others)
    assert sorted([*new, *others]) == sorted([ROW, other])


def test_a_row_that_nothing_could_be_is_plainly_new() -> None:
    for row in (ROW, ROW._replace(erp_id="ab", name="rent"), ROW._replace(type_code="item", erp_id="6100")):
        new, others = parted(dimension_table([row, OTHER]), RemoteView([REMOTE]).rows, ledger_of(KNOWN))
        assert (list(new), list(others)) == ([row], [OTHER])
    assert [list(each) for each in parted(dimension_table([]), RemoteView([REMOTE]).rows, ledger_of())] == [[], []]


IDS = st.sampled_from(["1", "01", "2", "3", "4", "5"])
NAMES = st.sampled_from(["Rent", "Miete", "Wages", "Travel"])
TYPES = st.sampled_from(["account", "account", "department"])


@st.composite
def wanted_rows(draw: st.DrawFn) -> list[Dimension]:
    """Draw rows, most of which nothing knows."""
    keys = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    return [Dimension(key, draw(TYPES), draw(NAMES), draw(NAMES), draw(IDS)) for key in keys]


@st.composite
def remote_rows(draw: st.DrawFn) -> list[RemoteRow]:
    """Draw a few rows in Ottimate."""
    keys = st.sampled_from([None, None, *"abcdef"])
    count = draw(st.integers(0, 2))
    return [
        RemoteRow(f"r{at}", draw(TYPES), draw(NAMES), draw(NAMES), draw(IDS), None, draw(keys)) for at in range(count)
    ]


@pytest.mark.long
@settings(STEADY, max_examples=300)
@given(wanted_rows(), remote_rows(), st.dictionaries(st.sampled_from("abc"), IDS, max_size=2), st.booleans())
def test_to_leave_new_rows_out_changes_nothing(
    rows: list[Dimension], remotes: list[RemoteRow], known: dict[str, str], alike: bool
) -> None:
    record = ledger_of(*(KNOWN._replace(row=dim(key, erp_id), remote_id=f"r{erp_id}") for key, erp_id in known.items()))
    wanted, view = source(*rows), RemoteView(remotes)
    parts = agreed(dimension_table(rows), record.entries, view.rows, relabel=False, adopts=True)
    event(f"{len(parted(parts.rows, parts.remotes, record)[0])} new")
    whole = join(wanted, view, record, alike=alike)
    spared = join(wanted, view, record, alike=alike, agreed=parts)
    rules = DiffRules(needs_code=True)
    assert diff(spared, view, record, rules) == diff(whole, view, record, rules)
    assert list(spared.missing) == list(whole.missing)
    assert (spared.contested, spared.orphans, spared.holds) == (whole.contested, whole.orphans, whole.holds)
