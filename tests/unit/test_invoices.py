"""Invoices of both contracts are read for their dimensions, and each fault is named with its place."""

from __future__ import annotations

import pytest

from engine.errors import BadInvoice
from engine.model.invoice import DimensionUse, Invoice
from engine.wire.invoices import read_invoices
from tests.tables import each_of

GUIDE = {
    "ottimate_company_id": 42,
    "ottimate_location_id": 7,
    "ottimate_vendor_id": 9,
    "invoice_number": "X-1",
    "dimensions": {"Department": "D-7"},
    "line_items": [{"description": "Cable", "amount": 10.0, "dimensions": {"Account": "6100"}}, {"amount": 1}],
}
REFERENCE = {
    "ottimate_company_id": 42,
    "dimensions": {"DEPARTMENT": "D-7", "CLASS": None},
    "items": [{"dimensions": {"ACCOUNT": {"id": "dim_A1", "erp_dimension_id": "6100", "name": "Repairs"}}}],
}


def test_the_guides_shape() -> None:
    assert read_invoices(GUIDE) == (
        Invoice(
            name="X-1",
            company_id=42,
            location_id=7,
            header=(DimensionUse("dimensions", "Department", "D-7"),),
            lines=(
                ("line_items[0]", (DimensionUse("line_items[0].dimensions", "Account", "6100"),)),
                ("line_items[1]", ()),
            ),
            keyed_by_label=True,
        ),
    )


def test_the_references_shape_and_what_the_api_answers() -> None:
    (found,) = read_invoices(REFERENCE)
    assert not found.keyed_by_label
    assert found.uses == (
        DimensionUse("dimensions", "DEPARTMENT", "D-7"),
        DimensionUse("items[0].dimensions", "ACCOUNT", "6100"),
    )


@pytest.mark.parametrize("wrap", [lambda one: [one, one], lambda one: {"invoices": [one, one]}])
def test_several_invoices(wrap: object) -> None:
    first, second = read_invoices(wrap(GUIDE))  # type: ignore[operator]  # a function of one document
    assert first.uses[0].where.endswith("[0].dimensions")
    assert second.uses[0].where.endswith("[1].dimensions")


def test_one_in_an_object() -> None:
    (found,) = read_invoices({"version": "1.0.0", "invoice": GUIDE})
    assert found.uses[0].where == "invoice.dimensions"


@each_of(
    [
        ("text", "is no invoice"),
        ([], "holds no invoice"),
        ([1], r"\[0\] is no object"),
        ({"dimensions": []}, "dimensions is no object of types"),
        ({"dimensions": {"Account": 6100}}, "dimensions.Account: an ERP id is text in quotes, and this is int"),
        ({"dimensions": {"Account": {"id": "dim_1"}}}, "dimensions.Account: an ERP id is text"),
        ({"line_items": {}}, "line_items is no list"),
        ({"items": ["x"]}, r"items\[0\] is no object"),
        ({"items": [], "line_items": []}, "line_items and items: an invoice has one of them"),
        ({"ottimate_company_id": "Harbor"}, "ottimate_company_id is 'Harbor', and a whole number is expected"),
        ({"ottimate_location_id": True}, "ottimate_location_id is True"),
    ]
)
def test_each_fault_has_its_place(document: object, words: str) -> None:
    with pytest.raises(BadInvoice, match=f"^bill.json: {words}"):
        read_invoices(document, "bill.json")


def test_all_faults_are_told_at_once() -> None:
    document = {"ottimate_company_id": -1, "dimensions": {"Account": 1}, "items": [{"dimensions": {"Class": 2}}]}
    with pytest.raises(BadInvoice) as caught:
        read_invoices(document)
    assert len(str(caught.value).splitlines()) == 3


def test_digits_in_quotes_are_a_companys_id() -> None:
    assert read_invoices({"ottimate_company_id": "42"})[0].company_id == 42
