"""Bulk answers and pages that are spelled otherwise than the contracts say: read, or refused in plain words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.model.outcome import BulkAnswer, BulkError
from engine.wire.dialect import BadAnswer, NotJson
from engine.wire.reading import read_bulk, read_page
from tests.tables import each_of

COMPANY = 42
A, B = {"id": "dim_a", "name": "A"}, {"id": "dim_b", "name": "B"}
ROW = {"id": "dim_a", "name": "A", "type": "Account", "dimension_type": "account", "erp_dimension_id": "1"}

BULKS: dict[str, tuple[dict[str, Any], BulkAnswer]] = {
    "W7: names absent": (
        {"created": [{"id": "dim_a"}], "updated": [{"id": "dim_b", "name": None}]},
        BulkAnswer(2, 1, 1, 0, [("dim_a", "")], [("dim_b", "")], []),
    ),
    "W7: ids are numbers": ({"created": [{"id": 7, "name": "A"}]}, BulkAnswer(1, 1, 0, 0, [("7", "A")], [], [])),
    "W7: ids are null": ({"created": [{"id": None, "name": "A"}]}, BulkAnswer(1, 1, 0, 0, [("", "A")], [], [])),
    "W7: counters absent": (
        {"created": [A], "updated": [B], "errors": [{"error": "too long"}]},
        BulkAnswer(2, 1, 1, 1, [("dim_a", "A")], [("dim_b", "B")], [BulkError("too long", "error")]),
    ),
    "W7: counters null": (
        {"success_count": None, "created_count": None, "updated_count": None, "error_count": None, "created": [A]},
        BulkAnswer(1, 1, 0, 0, [("dim_a", "A")], [], []),
    ),
    "W7: counters are digits in quotes": (
        {"success_count": "2", "created_count": "1", "updated_count": "1", "error_count": "0"},
        BulkAnswer(2, 1, 1, 0, [], [], []),
    ),
    "W7: lists null": (
        {"success_count": 0, "created": None, "updated": None, "errors": None},
        BulkAnswer(0, 0, 0, 0, [], [], []),
    ),
}


@pytest.mark.parametrize(("body", "answer"), BULKS.values(), ids=BULKS)
def test_bulk_answers_are_read_tolerantly(body: dict[str, Any], answer: BulkAnswer) -> None:
    assert read_bulk(orjson.dumps(body)) == answer


def bulk(body: object) -> None:
    read_bulk(orjson.dumps(body))


def page(body: object) -> None:
    read_page(orjson.dumps(body), COMPANY)


def rows(*items: object) -> dict[str, object]:
    return {"count": len(items), "page": 1, "limit": 20, "dimensions": [ROW, *items]}


BAD: dict[str, tuple[Any, object, str]] = {
    "W15: no count": (
        page,
        {"page": 1, "limit": 20, "dimensions": []},
        "no `count`: how many rows there are in all is not said",
    ),
    "W15: count null": (
        page,
        {"count": None, "dimensions": []},
        "no `count`: how many rows there are in all is not said",
    ),
    "W15: count a word": (page, {"count": "many", "dimensions": []}, "`count` is the text 'many', not a count"),
    "W15: count below 0": (page, {"count": -1, "dimensions": []}, "`count` is the number -1, not a count"),
    "W15: count true": (page, {"count": True, "dimensions": []}, "`count` is true, not a count"),
    "W15: no rows": (page, {"count": 1}, "no array `dimensions`"),
    "W15: a list": (page, [], "a JSON object was expected, not a list"),
    "W15: no id": (page, rows({**ROW, "id": None}), "row 2 has no `id`"),
    "W15: an empty id": (page, rows({**ROW, "id": ""}), "row 2 has an empty `id`"),
    "W15: no name": (page, rows({k: v for k, v in ROW.items() if k != "name"}), "row 2 has no `name`"),
    "W15: no ERP id": (page, rows(ROW, {**ROW, "erp_dimension_id": None}), "row 3 has no `erp_dimension_id`"),
    "W15: a name that is none": (
        page,
        rows({**ROW, "name": 1.5}),
        "row 2 has a value `name` that is the number 1.5, not text",
    ),
    "W15: a code that is a list": (page, rows({**ROW, "code": []}), "row 2 has a `code` that is a list, not text"),
    "W15: a number for a row": (page, rows(7), "row 2 is the number 7, not an object"),
    "W15: a company that is none": (
        page,
        rows({**ROW, "ottimate_company_id": "x"}),
        "row 2 has an `ottimate_company_id` that is the text 'x', not a number",
    ),
    "W7: no answer": (bulk, {"ok": True}, "no bulk answer: it has neither counters nor rows"),
    "W7: a row that is none": (
        bulk,
        {"created": [None]},
        "no bulk answer: an entry of `created` is null, not an object",
    ),
    "W7: an id that is none": (
        bulk,
        {"updated": [{"id": True}]},
        "no bulk answer: an entry of `updated` has an `id` that is true, not text",
    ),
    "W7: rows that are no list": (bulk, {"created": {}}, "no bulk answer: `created` is an object, not a list"),
    "W7: an error that is none": (bulk, {"errors": [1]}, "no bulk answer: an entry of `errors` is the number 1"),
    "W7: a counter that is none": (bulk, {"success_count": 1.5}, "`success_count` is the number 1.5, not a count"),
}


@each_of(BAD)
def test_what_makes_no_sense_is_told_in_words(read: Any, body: object, words: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(body)
    assert str(caught.value) == words
    assert not isinstance(caught.value, NotJson)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"count": 1, "dim'])
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson, match=r"^not JSON: "):
        read_page(body, COMPANY)
