"""What is written is what the contract's file allows, and what comes back is read or refused, never stumbled over."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.dimension import Dimension, RemoteRow, canonical_type, clean
from engine.model.outcome import BulkAnswer, BulkError
from engine.wire import guide, reference
from engine.wire.batch import read_accepted, read_completed, read_results
from engine.wire.dialect import BadAnswer, Dialect
from engine.wire.directory import read_accounts, read_companies, read_locations
from engine.wire.oauth import read_grant
from engine.wire.reading import is_gateway, read_bulk, read_created, read_one, read_page, read_refusal
from tests.contract import check_request
from tests.tables import each_of
from tests.unit.model_server import COMPANY, STEADY, dim, steady

BASE = "https://api.ottimate.com/v1"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer t", "X-Api-Key": "k"}
DIALECTS: tuple[Dialect, ...] = (guide.DIALECT, reference.DIALECT)
BOTH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
FIELDS = {
    "guide": {"type", "dimension_type_code", "name", "unique_key", "erp_dimension_id"},
    "reference": {"erp_type", "ottimate_type", "name", "code", "reference_id", "erp_dimension_id"},
}
"""What a row of each contract must bear; one name of another contract would be a mixture of both."""

texts = st.text(max_size=12).map(clean)
filled = texts.filter(bool)


def rows_of(dialect: Dialect) -> st.SearchStrategy[Dimension]:
    """Return rows as a source gives them: text in NFC and trimmed, nothing empty but perhaps a code."""
    codes = st.sampled_from(sorted(dialect.type_codes))
    return st.builds(Dimension, filled, codes, filled, filled, filled, st.none() | texts)


rows = st.sampled_from(DIALECTS).flatmap(lambda dialect: st.tuples(st.just(dialect), rows_of(dialect)))
chunks = st.sampled_from(DIALECTS).flatmap(
    lambda dialect: st.tuples(st.just(dialect), st.lists(rows_of(dialect), min_size=1, max_size=4))
)


def bearing(row: Dimension, dialect: Dialect) -> Dimension:
    """Return the row with the code that it is sent with."""
    return row._replace(code=row.erp_id) if dialect.needs_code and row.code is None else row


def as_wanted(remote: RemoteRow) -> Dimension:
    """Return the wanted row that a remote row with all its fields is."""
    assert remote.key is not None
    return Dimension(remote.key, *remote[1:6])


@STEADY
@given(chunks)
def test_a_bulk_request_is_as_the_file_says(case: tuple[Dialect, list[Dimension]]) -> None:
    dialect, wanted = case
    body = dialect.bulk_body(COMPANY, [dialect.row(row) for row in wanted])

    check_request("POST", BASE + dialect.bulk_path, HEADERS, body, contract=dialect.name)
    sent = json.loads(body)
    assert sent.keys() == {"ottimate_company_id", "dimensions"}
    assert sent["ottimate_company_id"] == COMPANY
    assert len(sent["dimensions"]) == len(wanted)
    for row, item in zip(wanted, sent["dimensions"], strict=True):
        assert item.keys() == FIELDS[dialect.name] | ({"code"} if row.code is not None else set())


@STEADY
@given(rows)
def test_a_create_request_is_as_the_file_says(case: tuple[Dialect, Dimension]) -> None:
    dialect, row = case
    body = dialect.create_body(COMPANY, row)

    check_request("POST", BASE + dialect.create_path, HEADERS, body, contract=dialect.name)
    assert json.loads(body) == {"ottimate_company_id": COMPANY, **json.loads(dialect.row(row))}


@BOTH
def test_a_page_and_a_row_are_asked_for_as_the_file_says(dialect: Dialect) -> None:
    for path in (dialect.list_path(COMPANY, 3, 100), dialect.one_path("dim_1")):
        check_request("GET", BASE + path, HEADERS, b"", contract=dialect.name)
    assert dialect.list_path(COMPANY, 3, 100) == "/dimensions?ottimate_company_id=42&page=3&limit=100"


@STEADY
@given(chunks)
def test_what_is_written_reads_back_as_the_same_rows(case: tuple[Dialect, list[Dimension]]) -> None:
    """Listed, alone and just created: the names that are written are understood wherever they stand."""
    dialect, wanted = case
    expected = [bearing(row, dialect) for row in wanted]
    items = [
        {"id": f"dim_{number}", "ottimate_company_id": COMPANY, **json.loads(dialect.row(row))}
        for number, row in enumerate(wanted)
    ]
    listed = {"version": "1", "count": len(items), "page": 1, "limit": 20, "dimensions": items}

    page = dialect.page(json.dumps(listed).encode(), COMPANY)

    assert [as_wanted(row) for row in page.rows] == expected
    assert [row.id for row in page.rows] == [item["id"] for item in items]
    assert page.foreign is None
    for item, remote in zip(items, page.rows, strict=True):
        assert dialect.one(json.dumps({"version": "1", "dimension": item}).encode(), COMPANY) == remote
        assert dialect.created(json.dumps({"version": "1", **item}).encode(), COMPANY) == remote
        assert dialect.created(json.dumps({"version": "1", "dimension": item}).encode(), COMPANY) == remote


@pytest.mark.parametrize(
    ("dialect", "name", "spelled"),
    [
        (guide.DIALECT, "dimension_type_code", "cost_type"),
        (reference.DIALECT, "ottimate_type", "costtype"),
    ],
    ids=["guide", "reference"],
)
def test_cost_types_are_spelled_as_the_contract_does(dialect: Dialect, name: str, spelled: str) -> None:
    assert "cost_type" in dialect.type_codes
    assert "costtype" not in dialect.type_codes
    assert json.loads(dialect.row(dim("k1", "1", type_code="cost_type")))[name] == spelled


def test_the_contracts_differ_where_the_file_says() -> None:
    one, other = DIALECTS
    assert (one.bulk_path, other.bulk_path) == ("/dimensions/bulk-create/", "/dimensions/bulk")
    assert (one.needs_code, other.needs_code, other.most_rows) == (False, True, 100)
    assert len(other.type_codes) == 16
    assert one.type_codes < other.type_codes
    assert all(canonical_type(code) == code for code in one.type_codes | other.type_codes)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (dim("k1", "0100"), "0100"),
        (dim("k1", "0100", code="C1"), "C1"),
        (dim("k1", "0100", code=""), ""),  # given, and empty
    ],
)
def test_a_row_without_a_code_sends_its_erp_id(row: Dimension, code: str) -> None:
    assert json.loads(reference.DIALECT.row(row))["code"] == code
    assert json.loads(reference.DIALECT.create_body(COMPANY, row))["code"] == code
    assert json.loads(guide.DIALECT.row(row)).get("code") == row.code


@pytest.mark.parametrize("row_id", ["dim_1", "../accounts", "a/b?c=d#e", "dim 1", "%2F", "\u00e9", "."])
def test_a_row_id_stays_in_its_place(row_id: str) -> None:
    path = reference.DIALECT.one_path(row_id)
    assert path.removeprefix("/dimensions/").isascii()
    assert not set(path.removeprefix("/dimensions/")) & set("/?# ")
    assert unquote(path) == f"/dimensions/{row_id}"


REFERENCE = {
    "id": "dim_1",
    "name": "Rent",
    "erp_type": "Konto",
    "ottimate_type": "account",
    "erp_dimension_id": "0100",
    "code": "C1",
    "reference_id": "k1",
    "ottimate_company_id": COMPANY,
}
GUIDE = {
    "id": "dim_1",
    "name": "Rent",
    "type": "Konto",
    "dimension_type": "account",
    "erp_dimension_id": "0100",
    "code": "C1",
    "unique_key": "k1",
    "ottimate_company_id": COMPANY,
}
RENT = RemoteRow("dim_1", "account", "Konto", "Rent", "0100", "C1", "k1")


def wrapped(item: object) -> bytes:
    return json.dumps({"version": "1", "dimension": item}).encode()


def flat(item: dict[str, object]) -> bytes:
    return json.dumps({"version": "1", **item}).encode()


def without(item: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in item.items() if name not in names}


ONE: dict[str, tuple[dict[str, object], RemoteRow]] = {
    "reference": (REFERENCE, RENT),
    "guide": (GUIDE, RENT),
    "as the guide shows it": (without(GUIDE, "code", "unique_key"), RENT._replace(code=None, key=None)),
    "detail=basic": (
        without(REFERENCE, "code", "reference_id", "ottimate_type", "ottimate_company_id"),
        RENT._replace(code=None, key=None, type_code=""),
    ),
    "numbers": (
        REFERENCE | {"id": 7, "erp_dimension_id": 100, "code": 100, "reference_id": 9, "name": 5},
        RENT._replace(id="7", erp_id="100", code="100", key="9", name="5"),
    ),
    "nulls": (
        REFERENCE | {"code": None, "reference_id": None, "ottimate_type": None, "ottimate_company_id": None},
        RENT._replace(code=None, key=None, type_code=""),
    ),
    "an empty reference_id": (REFERENCE | {"reference_id": ""}, RENT._replace(key=None)),
    "an empty unique_key": (GUIDE | {"unique_key": ""}, RENT._replace(key=None)),
    "costtype": (REFERENCE | {"ottimate_type": "costtype"}, RENT._replace(type_code="cost_type")),
    "a type that nobody declared": (GUIDE | {"dimension_type": "fund"}, RENT._replace(type_code="fund")),
    "untrimmed, decomposed": (
        REFERENCE | {"name": " Cafe\u0301\n", "code": " C1", "reference_id": "k1 ", "erp_dimension_id": "0100 "},
        RENT._replace(name="Caf\u00e9"),
    ),
    "company as text": (GUIDE | {"ottimate_company_id": str(COMPANY)}, RENT),
    "fields that nobody declared": (REFERENCE | {"created_date": "2026", "extra": {"a": [1]}}, RENT),
}


@each_of(product(DIALECTS, ONE.values()))
def test_one_row_is_read_in_either_spelling(dialect: Dialect, case: tuple[dict[str, object], RemoteRow]) -> None:
    item, expected = case

    if expected.key is not None:  # a key that merely looks like ours leads elsewhere: it is read as it stands
        expected = expected._replace(key=str(item.get("reference_id") or item.get("unique_key")))
    assert dialect.one(wrapped(item), COMPANY) == expected
    assert dialect.created(flat(item), COMPANY) == expected
    assert dialect.page(paged(item), COMPANY).rows == [expected]


def paged(*items: object, **envelope: object) -> bytes:
    document = {"version": "1", "count": len(items), "page": 1, "limit": 20, "dimensions": items}
    return json.dumps(document | envelope).encode()


NO_ROW: dict[str, object] = {
    "id left out": without(REFERENCE, "id"),
    "id null": REFERENCE | {"id": None},
    "id empty": REFERENCE | {"id": ""},
    "id true": REFERENCE | {"id": True},
    "name left out": without(REFERENCE, "name"),
    "name null": REFERENCE | {"name": None},
    "name an object": REFERENCE | {"name": {"en": "Rent"}},
    "ERP id left out": without(REFERENCE, "erp_dimension_id"),
    "ERP id a fraction": REFERENCE | {"erp_dimension_id": 1.5},
    "code an array": REFERENCE | {"code": ["C1"]},
    "key true": REFERENCE | {"reference_id": True},
    "type a number with a point": REFERENCE | {"ottimate_type": 1.0},
    "a string": "dim_1",
    "an array": [REFERENCE],
    "null": None,
}


@each_of(NO_ROW)
def test_what_is_no_row_is_refused(item: object) -> None:
    with pytest.raises(BadAnswer):
        read_page(paged(item), COMPANY)
    with pytest.raises(BadAnswer):
        read_one(wrapped(item), COMPANY)
    with pytest.raises(BadAnswer):
        read_created(wrapped(item), COMPANY)


@pytest.mark.parametrize("owner", [7, "7", "somebody", 42.5, [42]])
def test_another_companys_row_is_never_taken_for_ours(owner: object) -> None:
    item = REFERENCE | {"ottimate_company_id": owner}
    with pytest.raises(BadAnswer):
        read_one(wrapped(item), COMPANY)
    with pytest.raises(BadAnswer):
        read_created(flat(item), COMPANY)
    with suppress(BadAnswer):  # a page may name the stranger, or make no sense
        assert read_page(paged(REFERENCE, item), COMPANY).foreign is not None


@pytest.mark.parametrize("body", [b"{}", b'{"version":"1","dimensions":[]}', b"[]", b"", b"<html></html>"])
def test_an_answer_without_a_row_is_refused(body: bytes) -> None:
    for read in (read_one, read_created):
        with pytest.raises(BadAnswer):
            read(body, COMPANY)


@pytest.mark.parametrize(
    "envelope",
    [
        {"count": None},
        {"count": "2"},
        {"count": 1.0},
        {"count": -1},
        {"page": "1"},
        {"limit": True},
        {"dimensions": {}},
    ],
    ids=str,
)
def test_an_envelope_that_proves_nothing_is_refused(envelope: dict[str, object]) -> None:
    with pytest.raises(BadAnswer):
        read_page(paged(REFERENCE, **envelope), COMPANY)


def bulk_of(**fields: object) -> BulkAnswer:
    return read_bulk(json.dumps({"version": "1", **fields}).encode())


A, B = {"id": "dim_a", "name": "A"}, {"id": "dim_b", "name": "B"}
COUNTS: dict[str, object] = {"success_count": 2, "created_count": 1, "updated_count": 1, "error_count": 0}
WHOLE = BulkAnswer(2, 1, 1, 0, [("dim_a", "A")], [("dim_b", "B")], [])

BULK: dict[str, tuple[dict[str, object], BulkAnswer]] = {
    "all of it": ({**COUNTS, "created": [A], "updated": [B], "errors": []}, WHOLE),
    "no counter: the arrays speak": ({"created": [A], "updated": [B], "errors": []}, WHOLE),
    "no array of errors": ({**COUNTS, "created": [A], "updated": [B]}, WHOLE),
    "arrays null": (
        {"success_count": 0, "created": None, "updated": None, "errors": None},
        BulkAnswer(0, 0, 0, 0, [], [], []),
    ),
    "no array at all: counters alone": (COUNTS, BulkAnswer(2, 1, 1, 0, [], [], [])),
    "success alone": ({"success_count": 2}, BulkAnswer(2, 0, 0, 0, [], [], [])),
    "a counter contradicts its array": (
        {**COUNTS, "created": [A], "updated": []},
        BulkAnswer(2, 1, 1, 0, [("dim_a", "A")], [], []),
    ),
    "an id is no text, another is left out": (
        {"created": [{"id": 7, "name": " A"}], "updated": [{"name": "Cafe\u0301"}]},
        BulkAnswer(2, 1, 1, 0, [("7", "A")], [("", "Caf\u00e9")], []),
    ),
}


@BOTH
@pytest.mark.parametrize("case", BULK.values(), ids=BULK)
def test_a_bulk_answer_is_read_as_it_stands(dialect: Dialect, case: tuple[dict[str, object], BulkAnswer]) -> None:
    assert dialect.bulk(json.dumps(case[0]).encode()) == case[1]


ERRORS: dict[str, tuple[dict[str, object], BulkError]] = {
    "guide": (
        {"index": 1, "unique_key": "k1", "error": "name is required", "type": "validation_error"},
        BulkError("name is required", "validation_error", "k1", None, 1),
    ),
    "guide, without a key": (
        {"index": 0, "unique_key": None, "error": "x", "type": "t"},
        BulkError("x", "t", None, None, 0),
    ),
    "reference": ({"id": "dim_1", "name": "Rent"}, BulkError("", "error", None, "Rent", None, "dim_1")),
    "reference, of a row that was to be new": ({"id": None, "name": "Rent"}, BulkError("", "error", None, "Rent")),
    "reference with the guide's fields": (
        {"id": "dim_1", "name": "Rent", "index": 0, "reference_id": "k1", "error": "x", "type": "t"},
        BulkError("x", "t", "k1", "Rent", 0, "dim_1"),
    ),
    "an id that is a number": ({"id": 7, "name": "Rent"}, BulkError("", "error", None, "Rent", None, "7")),
    "a key that is a number": ({"reference_id": 6100, "error": "x"}, BulkError("x", "error", "6100")),
    "text to clean": (
        {"unique_key": " k1", "name": "Cafe\u0301 ", "error": "x"},
        BulkError("x", "error", "k1", "Caf\u00e9"),
    ),
    "the envelope's name for the words": ({"message": "x"}, BulkError("x", "error")),
    "words by field": ({"error": {"name": ["required"]}}, BulkError('{"name":["required"]}', "error")),
    "an index that is none": ({"index": "1", "error": "x"}, BulkError("x", "error")),
    "nothing": ({}, BulkError("", "error")),
}


@each_of(ERRORS)
def test_a_refused_row_is_read_in_either_shape(case: tuple[dict[str, object], BulkError]) -> None:
    item, expected = case
    answer = bulk_of(success_count=0, error_count=1, errors=[item])
    assert (answer.success_count, answer.error_count) == (0, 1)
    assert answer.errors[0]._replace(message=expected.message) == expected
    assert answer.errors[0].message == (expected.message or "refused without a reason")


@each_of(
    [
        {},
        {"created_count": 1},
        {"success_count": "one"},
        {"success_count": "-1"},
        {"success_count": -1},
        {"error_count": True},
        {"created": [A], "created_count": 1.0},
        {"created": ["dim_a"]},
        {"created": [{"id": ["dim_a"], "name": "A"}]},
        {"updated": "dim_a"},
        {"errors": ["no"]},
        {"errors": 1},
    ]
)
def test_what_is_no_bulk_answer_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadAnswer):
        bulk_of(**fields)


def deep(levels: int = 300) -> object:
    """Return arrays in arrays: more than orjson writes (254), fewer than it reads (1,024)."""
    found: object = []
    for _ in range(levels):
        found = [found]
    return found


GOOD: dict[str, object] = {
    "page": {"version": "1", "count": 2, "page": 1, "limit": 20, "dimensions": [REFERENCE, GUIDE]},
    "one": {"version": "1", "dimension": REFERENCE},
    "created": {"version": "1", **REFERENCE},
    "bulk": {
        "version": "1",
        **COUNTS,
        "created": [A],
        "updated": [B],
        "errors": [ERRORS["guide"][0], ERRORS["reference"][0]],
    },
    "accepted": {"status": "processing", "batch_id": "b-1", "batch_url": "/v1/batch/b-1/progress"},
    "completed": {"batch_id": "b-1", "progress": 0.5, "status": "processing", "results_url": None, "error": None},
    "results": {
        "batch_id": "b-1",
        "results": [
            {"task": 1, "result": {**COUNTS, "created": [A], "updated": [B], "errors": []}},
            {"task": 2, "result": {**A, "reference_id": "k1", "status": "created"}},
            {"task": 3, "result": {"reference_id": "k2", "status": "failed"}, "message": "no"},
        ],
    },
    "accounts": {"count": 1, "page": 1, "limit": 20, "results": [{"id": "racc_1", "name": "A", "company_count": 3}]},
    "companies": {"count": 1, "page": 1, "limit": 20, "results": [{"id": 42, "name": "A", "plan": "p"}]},
    "locations": {
        "count": 1,
        "page": 1,
        "limit": 20,
        "results": [{"id": 7, "name": "A", "company": "B", "group": "g"}],
    },
    "grant": {"access_token": "t", "token_type": "Bearer", "expires_in": 3600},
    "refusal": {"code": "Bad request", "message": {"name": ["required"]}, "request_id": "r-1"},
    "gateway": {"message": "Forbidden"},
}

READERS: dict[str, Callable[[bytes], object]] = {
    "page": partial(read_page, company_id=COMPANY),
    "one": partial(read_one, company_id=COMPANY),
    "created": partial(read_created, company_id=COMPANY),
    "bulk": read_bulk,
    "accepted": read_accepted,
    "completed": read_completed,
    "results": read_results,
    "accounts": read_accounts,
    "companies": read_companies,
    "locations": read_locations,
    "grant": read_grant,
    "refusal": read_refusal,
    "gateway": is_gateway,
}
READER = pytest.mark.parametrize("reader", READERS)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["", "42", "failed", "created", "processing", deep()])
)
names = st.sampled_from(["id", "name", "status", "result", "results", "dimensions", "message", "errors", "count"])
documents: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=4), max_leaves=6
)


@st.composite
def bent(draw: st.DrawFn, good: object) -> object:
    """Return a good document in which one value, at any depth, is another or is left out."""
    document: Any = deepcopy(good)
    node = document
    while True:
        place = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not (isinstance(node[place], dict | list) and node[place] and draw(st.integers(0, 3))):
            break
        node = node[place]
    if draw(st.integers(0, 4)):
        node[place] = draw(documents)
    else:
        del node[place]
    return document


@READER
def test_a_good_answer_is_read(reader: str) -> None:
    READERS[reader](json.dumps(GOOD[reader]).encode())


@READER
@steady(32)  # of each reader
@given(st.data())
def test_any_answer_is_read_or_refused(reader: str, data: st.DataObject) -> None:
    document = data.draw(documents | bent(GOOD[reader]))
    with suppress(BadAnswer):
        READERS[reader](json.dumps(document).encode())


@each_of(product(READERS, [b"", b"\xff\xfe", b"<html>", b"null", b"[", b'"\\ud800"', b"1e999", b"[" * 2000]))
def test_what_is_no_json_document_is_refused(reader: str, body: bytes) -> None:
    if reader in {"refusal", "gateway"}:
        READERS[reader](body)
    else:
        with pytest.raises(BadAnswer):
            READERS[reader](body)


@pytest.mark.parametrize("words", [deep(), {"name": deep()}], ids=["arrays", "by field"])
def test_words_that_cannot_be_written_again_are_no_reason_to_stumble(words: object) -> None:
    """orjson reads what is nested deeper than it writes."""
    for name in ("message", "error", "code"):
        assert isinstance(read_refusal(json.dumps({name: words}).encode())[0], str)
