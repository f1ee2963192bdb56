"""Which dimensions of an invoice exist, and what was probably meant where one does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.locations import look_up_location
from engine.compare.lookup import MOST_COMPARED, RowsByType, elsewhere, look_up, unknown_ids
from engine.model.dimension import RemoteRow
from engine.model.directory import Directory, VisibleCompany, VisibleLocation
from engine.model.invoice import DimensionUse, Invoice
from tests.tables import each_of
from tests.unit.model_server import STEADY

ROWS = [
    RemoteRow("dim_1", "account", "GL Account", "Food sales", "0100"),
    RemoteRow("dim_2", "account", "GL Account", "Repairs", "6100", code="R-1"),
    RemoteRow("dim_3", "department", "Department", "Kitchen", "D-7"),
    RemoteRow("dim_4", "cost_type", "Cost Type", "Labor", "L"),
]
THERE = RowsByType(ROWS)


def invoice(*uses: tuple[str, str], lines: tuple[tuple[tuple[str, str], ...], ...] = (), guide: bool = True) -> Invoice:
    return Invoice(
        name="X-1",
        company_id=42,
        header=tuple(DimensionUse("dimensions", *use) for use in uses),
        lines=tuple(
            (f"line_items[{n}]", tuple(DimensionUse(f"line_items[{n}].dimensions", *use) for use in line))
            for n, line in enumerate(lines)
        ),
        keyed_by_label=guide,
    )


def told(one: Invoice, *require: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.code, each.where, each.nearest) for each in look_up(one, THERE, require)]


@each_of(
    [
        (("GL Account", "0100"), []),
        (("Department", "D-7"), []),
        (("GL Account", "100"), [("no-such-dimension", "dimensions", ("0100 Food sales",))]),
        (("GL Account", "food sales"), [("no-such-dimension", "dimensions", ("0100 Food sales",))]),
        (("GL Account", "R-1"), [("no-such-dimension", "dimensions", ("6100 Repairs",))]),
        (("GL Account", "6101"), [("no-such-dimension", "dimensions", ("6100 Repairs",))]),
        (("GL Account", "D-7"), [("no-such-dimension", "dimensions", ("Department D-7 Kitchen",))]),
        (("GL Account", ""), [("no-such-dimension", "dimensions", ())]),
        (("Departement", "D-7"), [("no-such-type", "dimensions", ("Department",))]),
        (("Class", "1"), [("no-such-type", "dimensions", ("Cost Type", "Department", "GL Account"))]),
        (("department", "D-7"), [("type-spelling", "dimensions", ("Department",))]),
    ]
)
def test_each_dimension_is_found_or_the_nearest_is_named(
    use: tuple[str, str], found: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert told(invoice(use)) == found


@pytest.mark.parametrize("name", ["GL Account", "GL_ACCOUNT", "ACCOUNT", "account", "gl account"])
def test_under_the_reference_a_type_is_a_code_or_a_label_in_any_case(name: str) -> None:
    assert told(invoice((name, "0100"), guide=False)) == []
    assert [code for code, *_ in told(invoice((name, "9"), guide=False))] == ["no-such-dimension"]


@pytest.mark.parametrize("name", ["COSTTYPE", "cost_type", "Cost Type"])
def test_the_two_spellings_of_a_type_code_are_one(name: str) -> None:
    assert told(invoice((name, "L"), guide=False)) == []


def test_a_label_wins_over_a_type_code() -> None:
    """One client calls its departments "Account"."""
    rows = RowsByType([*ROWS, RemoteRow("dim_9", "department", "Account", "Bar", "B")])
    assert look_up(invoice(("Account", "B")), rows) == ()
    assert [each.code for each in look_up(invoice(("Account", "0100")), rows)] == ["no-such-dimension"]


def test_a_company_without_rows_has_no_type() -> None:
    (finding,) = look_up(invoice(("Account", "1")), RowsByType([]))
    assert (finding.code, finding.nearest) == ("no-such-type", ())


def test_a_required_type_may_be_the_headers_or_each_lines() -> None:
    full, bare = (("GL Account", "0100"),), (("Department", "D-7"),)
    assert told(invoice(("GL Account", "0100"), lines=(bare, bare)), "account") == []
    assert told(invoice(lines=(full, bare)), "account") == [("missing-dimension", "line_items[1]", ())]
    assert told(invoice(lines=(full, bare)), "account", "department") == [
        ("missing-dimension", "line_items[1]", ()),
        ("missing-dimension", "line_items[0]", ()),
    ]
    assert told(invoice(), "Department") == [("missing-dimension", "", ())]
    assert told(invoice(("GL Account", "0100")), "location") == [("missing-dimension", "", ())]


def test_a_file_of_wrong_ids_does_not_take_for_ever() -> None:
    """Of the first ones, ids that look alike are named; of all, those that are the same but for zeros."""
    rows = RowsByType(RemoteRow(f"dim_{n}", "account", "Account", f"Name {n}", f"{n:06}") for n in range(300))
    wrong = invoice(*(("Account", f"{n:05}x") for n in range(50)), *(("Account", str(n)) for n in range(50)))
    near = [bool(each.nearest) for each in look_up(wrong, rows)]
    assert near == [True] * MOST_COMPARED + [False] * (50 - MOST_COMPARED) + [True] * 50


def directory(*locations: VisibleLocation) -> Directory:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    companies = (
        VisibleCompany(42, "Harbor Grill"),
        VisibleCompany(43, "Harbor Bakery"),
        VisibleCompany(44, "Twin"),
        VisibleCompany(45, "Twin"),
    )
    return Directory(at=at, companies=companies, locations=locations)


PIER, OVEN, TWIN = VisibleLocation(7, "Pier 7", "harbor grill "), VisibleLocation(8, "Oven", "Harbor Bakery"), 9
PLACES = directory(PIER, OVEN, VisibleLocation(TWIN, "Room", "Twin"))


@pytest.mark.parametrize(
    ("company_id", "location_id", "code", "words"),
    [
        (42, 7, None, ""),
        (42, 8, "foreign-location", "of company 43 'Harbor Bakery'"),
        (42, 99, "no-such-location", "no location 99"),
        (44, TWIN, "location-unclear", "several companies"),
        (42, TWIN, "foreign-location", "of company 'Twin'"),
        (46, 7, "location-unclear", "does not show company 46"),
    ],
)
def test_a_location_has_to_be_the_companys(company_id: int, location_id: int, code: str | None, words: str) -> None:
    found = look_up_location(Invoice(name="X", company_id=company_id, location_id=location_id), PLACES)
    assert [each.code for each in found] == ([code] if code else [])
    assert all(words in each.message for each in found)


def test_the_companys_own_locations_are_named() -> None:
    (found,) = look_up_location(Invoice(name="X", company_id=42, location_id=8), PLACES)
    assert found.nearest == ("7 Pier 7",)


def test_another_company_that_has_all_of_it_is_named() -> None:
    unknown = unknown_ids(invoice(("GL Account", "0100"), ("GL Account", "1"), ("Department", "2")), THERE)
    assert [use.erp_id for use in unknown] == ["1", "2"]
    one, two = (43, "account", "GL Account", "1"), (43, "department", "Department", "2")
    (found,) = elsewhere(unknown, [one, two, (44, "account", "GL Account", "1")])
    assert (found.code, found.nearest) == ("other-company", ("43",))
    assert "has all 2 that are missing here" in found.message
    assert elsewhere(unknown, [one, (44, "department", "Department", "2")]) == ()
    assert elsewhere((), [one]) == ()


TEXTS = st.text(max_size=12)


@STEADY
@given(
    rows=st.lists(st.builds(RemoteRow, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), max_size=8),
    uses=st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
)
def test_what_a_listing_shows_is_found_and_nothing_else(rows: list[RemoteRow], uses: list[tuple[str, str]]) -> None:
    there = RowsByType(rows)
    for row in rows:
        assert not unknown_ids(invoice((row.type_label or row.type_code, row.erp_id)), there)
    for name, erp_id in uses:
        is_unknown = bool(unknown_ids(invoice((name, erp_id)), there))
        told = {each.code for each in look_up(invoice((name, erp_id)), there)} - {"type-spelling"}
        assert is_unknown == bool(told)
        assert is_unknown or any(row.erp_id == erp_id for row in rows)
