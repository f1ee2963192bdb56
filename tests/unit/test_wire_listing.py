"""A page that is read column by column is what each of its rows would be."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.dimension import RemoteRow
from engine.model.listing import Page
from engine.wire.dialect import BadAnswer
from engine.wire.listing import read_rows
from engine.wire.reading import read_page
from tests.unit.model_server import COMPANY, STEADY

GUIDE = ("id", "name", "type", "dimension_type", "erp_dimension_id", "ottimate_company_id")
REFERENCE = (*GUIDE[:2], "erp_type", "ottimate_type", *GUIDE[4:], "code", "reference_id", "created_date")
BOTH = (*REFERENCE, "type", "dimension_type", "dimension_type_code", "unique_key")

usual: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["dim_1", "dim_2", " dim_3"]),
    "ottimate_company_id": st.sampled_from([COMPANY, COMPANY, str(COMPANY)]),
    "ottimate_type": st.sampled_from(["account", "costtype", "fund"]),
    "dimension_type": st.sampled_from(["account", "costtype", "fund"]),
    "code": st.sampled_from(["C1", " C2", "", None]),
    "reference_id": st.sampled_from(["k1", "k1 ", "", None]),
    "unique_key": st.sampled_from(["k2", "", None]),
}
texts = st.sampled_from(["Rent", " Rent ", "Caf\u00e9", "Cafe\u0301", "\u00a0x", "", "a\nb"])
unusual: st.SearchStrategy[Any] = st.sampled_from([None, "", 7, 1, True, 1.0, {}, [], "7", COMPANY + 1])


@st.composite
def pages(draw: st.DrawFn) -> list[Any]:
    """Return a page's items, most of which are alike and good."""
    names = draw(st.sampled_from([GUIDE, REFERENCE, BOTH, GUIDE[:5]]))
    items: list[Any] = [{name: draw(usual.get(name, texts)) for name in names} for _ in range(draw(st.integers(0, 5)))]
    for item in items:
        match draw(st.sampled_from(["good"] * 6 + ["value", "lacks", "turned"])):
            case "value":
                item[draw(st.sampled_from(names))] = draw(unusual)
            case "lacks":
                del item[draw(st.sampled_from(names))]
            case "turned":
                item["name"] = item.pop("name")
    if draw(st.sampled_from([False] * 9 + [True])):
        items.insert(draw(st.integers(0, len(items))), draw(st.sampled_from(["text", None, 1, [], ["id", "name"], {}])))
    return items


def page(items: list[Any]) -> Page:
    document = {"version": "1", "count": len(items), "page": 1, "limit": 20, "dimensions": items}
    return read_page(json.dumps(document).encode(), COMPANY)


@STEADY
@given(pages())
def test_a_page_is_read_as_each_of_its_rows_is(items: list[Any]) -> None:
    """Rows with the same fields in one order are taken apart together, and others one by one: that changes nothing."""
    single: list[RemoteRow] = []
    owner: int | None = None
    for number, item in enumerate(items, start=1):
        try:
            rows, foreign = read_rows([item], COMPANY)
        except BadAnswer as error:
            words = str(error).replace("row 1 ", f"row {number} ", 1)
            with pytest.raises(BadAnswer, match=f"^{re.escape(words)}$"):
                page(items)
            return
        single += rows
        owner = foreign if owner is None else owner
    assert (page(items).rows, page(items).foreign) == (single, owner)


def test_what_the_contracts_list() -> None:
    """Nulls and absent columns included."""
    guide = [
        {"id": f"dim_{n}", "name": " Rent", "type": "Konto", "dimension_type": "account", "erp_dimension_id": str(n)}
        for n in range(3)
    ]
    reference = [
        {
            "id": f"dim_{n}",
            "name": "Caf\u00e9",
            "erp_type": "Konto",
            "ottimate_type": "costtype",
            "erp_dimension_id": str(n),
            "code": None if n else "C1",
            "reference_id": "k1" if n else None,
            "ottimate_company_id": COMPANY,
        }
        for n in range(3)
    ]
    rows, foreign = read_rows(guide, COMPANY)
    assert list(rows) == [RemoteRow(f"dim_{n}", "account", "Konto", "Rent", str(n)) for n in range(3)]
    assert foreign is None
    rows, foreign = read_rows(reference, COMPANY)
    assert foreign is None
    assert rows[0] == RemoteRow("dim_0", "cost_type", "Konto", "Caf\u00e9", "0", "C1", None)
    assert rows[1] == RemoteRow("dim_1", "cost_type", "Konto", "Caf\u00e9", "1", None, "k1")
    assert rows[0].type_code is rows[2].type_code
    assert read_rows([*reference, reference[0] | {"ottimate_company_id": 7}], COMPANY)[1] == 7
    assert read_rows([*guide, guide[0] | {"more": 1}], COMPANY)[0][3] == read_rows(guide, COMPANY)[0][0]
    rows, foreign = read_rows([], COMPANY)
    assert (len(rows), foreign) == (0, None)
