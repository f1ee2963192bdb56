"""Accounts, companies and locations: what a page must tell, and what it may leave out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest

from engine.model.directory import VisibleAccount, VisibleCompany, VisibleLocation
from engine.wire.dialect import BadAnswer
from engine.wire.directory import (
    DirectoryPage,
    accounts_path,
    companies_path,
    locations_path,
    read_accounts,
    read_companies,
    read_locations,
)
from tests.contract import check_request
from tests.tables import each_of

READERS: dict[str, Callable[[bytes], DirectoryPage[Any]]] = {
    "accounts": read_accounts,
    "companies": read_companies,
    "locations": read_locations,
}
EACH = pytest.mark.parametrize("kind", READERS)
IDS: dict[str, object] = {"accounts": "racc_1", "companies": 42, "locations": 7}


def page_of(*entries: object, **envelope: object) -> bytes:
    document = {"count": len(entries), "page": 1, "limit": 50, "results": entries}
    return json.dumps(document | envelope).encode()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {
                "id": "racc_1",
                "name": "Harbor",
                "created_date": "2026-01-01",
                "created_date_utc": None,
                "company_count": 3,
                "location_count": 0,
            },
            VisibleAccount("racc_1", "Harbor", 3, 0),
        ),
        ({"id": "racc_1", "name": "Harbor"}, VisibleAccount("racc_1", "Harbor")),
        ({"id": "racc_1", "name": "", "company_count": "3"}, VisibleAccount("racc_1", "")),
        ({"id": 1, "name": "Harbor", "company_count": None}, VisibleAccount("1", "Harbor")),
    ],
)
def test_an_account(entry: dict[str, object], expected: VisibleAccount) -> None:
    assert read_accounts(page_of(entry)) == DirectoryPage(1, 50, 1, [expected])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": 42, "name": "Grill", "location_count": 2, "plan": "pro"}, VisibleCompany(42, "Grill", 2, "pro")),
        ({"id": 42, "name": "Grill"}, VisibleCompany(42, "Grill")),
        ({"id": "42", "name": "Grill", "plan": None}, VisibleCompany(42, "Grill")),
        ({"id": 42, "name": "Grill", "location_count": True, "plan": 7}, VisibleCompany(42, "Grill")),
    ],
)
def test_a_company(entry: dict[str, object], expected: VisibleCompany) -> None:
    assert read_companies(page_of(entry)) == DirectoryPage(1, 50, 1, [expected])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": 7, "name": "Pier", "company": "Grill", "group": "West"}, VisibleLocation(7, "Pier", "Grill", "West")),
        (  # since 1.1.0
            {"id": 7, "name": "Pier", "company": "Grill", "location_group": "West"},
            VisibleLocation(7, "Pier", "Grill", "West"),
        ),
        (
            {"id": 7, "name": "Pier", "group": "Old", "location_group": "New"},
            VisibleLocation(7, "Pier", group="New"),
        ),
        ({"id": "7", "name": "Pier", "company": None, "group": None}, VisibleLocation(7, "Pier")),
    ],
)
def test_a_location(entry: dict[str, object], expected: VisibleLocation) -> None:
    assert read_locations(page_of(entry)) == DirectoryPage(1, 50, 1, [expected])


@EACH
def test_an_empty_page_is_a_page(kind: str) -> None:
    assert READERS[kind](page_of(count=7, page=3)) == DirectoryPage(3, 50, 7, [])


@EACH
def test_page_and_limit_need_not_be_told(kind: str) -> None:
    page = READERS[kind](json.dumps({"count": 1, "results": [{"id": IDS[kind], "name": "A"}]}).encode())

    assert (page.number, page.limit, page.declared) == (0, 0, 1)
    assert [entry.id for entry in page.entries] == [IDS[kind]]


@each_of(
    product(
        READERS,
        [
            {"count": None},
            {"count": "1"},
            {"count": -1},
            {"count": True},
            {"page": None},
            {"limit": 1.0},
            {"results": None},
            {"results": {}},
            {"results": "all"},
        ],
    )
)
def test_an_envelope_that_proves_nothing_is_refused(kind: str, envelope: dict[str, object]) -> None:
    with pytest.raises(BadAnswer):
        READERS[kind](page_of({"id": IDS[kind], "name": "A"}, **envelope))


@EACH
@pytest.mark.parametrize("left_out", ["count", "results"])
def test_count_and_results_must_be_there(kind: str, left_out: str) -> None:
    document = json.loads(page_of({"id": IDS[kind], "name": "A"}))
    del document[left_out]
    with pytest.raises(BadAnswer):
        READERS[kind](json.dumps(document).encode())


@each_of(product(READERS, [{}, {"id": 42}, {"id": "racc_1"}, {"name": "A"}, "A", None, [42, "A"]]))
def test_an_entry_without_id_or_name_is_refused(kind: str, entry: object) -> None:
    with pytest.raises(BadAnswer):
        READERS[kind](page_of(entry))


@EACH
@pytest.mark.parametrize("entry_id", [None, True, 42.5, [], {}, ""], ids=repr)
def test_an_id_is_never_made_up(kind: str, entry_id: object) -> None:
    """A company that is visible by a mistake of reading would be written to: 42.5 is not 42, and true is not 1."""
    with pytest.raises(BadAnswer):
        READERS[kind](page_of({"id": entry_id, "name": "A"}))


@each_of(product(["companies", "locations"], ["racc_1", "4 2", "4_2", "0x2a", "42.0"]))
def test_a_number_is_digits(kind: str, entry_id: str) -> None:
    with pytest.raises(BadAnswer):
        READERS[kind](page_of({"id": entry_id, "name": "A"}))


def test_paths_are_those_of_the_file() -> None:
    for path in (accounts_path(1, 50), companies_path("racc_1", 0, 50), locations_path("racc_1", 2, 20)):
        check_request("GET", f"https://api.ottimate.com/v1{path}", {"Authorization": "Bearer t", "X-Api-Key": "k"}, b"")
    assert companies_path("racc_1", 0, 50) == "/accounts/racc_1/companies?page=0&limit=50"


@each_of(product([companies_path, locations_path], ["a/b", "../x", "a?b#c", "a b", "%2F", "\u00e9"]))
def test_an_account_id_stays_inside_its_path(path: Callable[[str, int, int], str], account_id: str) -> None:
    parts = path(account_id, 1, 50).split("?")
    assert len(parts) == 2
    _, accounts, middle, _ = parts[0].split("/")
    assert accounts == "accounts"
    assert unquote(middle) == account_id
