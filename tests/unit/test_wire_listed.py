"""A page that is read column by column is what each of its rows would be."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.listing import Page
from engine.model.table import bare
from engine.wire.dialect import BadAnswer
from engine.wire.listed import listed_rows
from engine.wire.reading import _each_row, read_page
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
    whole = listed_rows(items, COMPANY)
    try:
        single, foreign = _each_row(items, COMPANY)
    except BadAnswer as error:
        assert whole is None
        with pytest.raises(BadAnswer, match=re.escape(str(error))):
            page(items)
        return
    assert whole is None or (whole, None) == (single, foreign)
    assert (bare(page(items).rows), page(items).foreign) == (single, foreign)


def test_what_the_contracts_list_is_read_whole() -> None:
    """Nulls and absent columns included; one row of another company, or one name more, and each is looked at."""
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
    assert listed_rows(guide, COMPANY) == [
        (f"dim_{n}", "account", "Konto", "Rent", str(n), None, None) for n in range(3)
    ]
    found = listed_rows(reference, COMPANY)
    assert found is not None
    assert found[0] == ("dim_0", "cost_type", "Konto", "Caf\u00e9", "0", "C1", None)
    assert found[1] == ("dim_1", "cost_type", "Konto", "Caf\u00e9", "1", None, "k1")
    assert found[0][1] is found[2][1]
    assert listed_rows([*reference, reference[0] | {"ottimate_company_id": 7}], COMPANY) is None
    assert listed_rows([*guide, guide[0] | {"more": 1}], COMPANY) is None
    assert listed_rows([], COMPANY) is None
