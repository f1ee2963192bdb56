"""What a row consists of is declared once: named tuples agree with it, and no other code names the fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.ledger.jobs.statements import sql
from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow, fingerprint, natural_key, told, without_label
from engine.model.resource import Resource
from engine.model.row_record import entry_names
from tests.vendors.declared import VENDORS, RemoteVendor, Vendor

ENGINE = Path(__file__).parents[2] / "engine"
ROOMS = ("compare", "documents", "guards", "ledger", "net", "observe", "run", "send")
NAMES = frozenset({"type_code", "type_label", "erp_id"})

ALLOWED = {
    "compare/forecast.py": "what people read who try out a mapping, in words for the fields of a row",
    "compare/locations.py": "invoices name locations, which are dimensions of one type",
    "compare/lookup.py": "invoices name dimensions by type, label and ERP id",
    "compare/rekey.py": "what `dimsync rekey` prints of a row",
    "documents/report_build.py": "what a mapping leaves out is counted by type of dimension",
    "guards/left_out.py": "sources count what their mapping leaves out by type of dimension",
    "ledger/jobs/rows.py": "which companies have the ERP ids that an invoice names",
    "run/lookup.py": "invoices name dimensions by ERP id",
}
"""Modules below these rooms that name fields of dimensions, and why."""

ROW = Dimension("k1", "account", "GL Account", "Rent", "6000", "60")


@pytest.mark.parametrize("resource", [DIMENSIONS, VENDORS], ids=repr)
def test_the_named_tuples_have_the_declared_fields(resource: Resource) -> None:
    assert resource.wanted._fields == resource.names
    assert resource.remote._fields == resource.remote_names


def test_differences_are_told_in_the_order_of_how_sure_each_field_is_to_be_shown() -> None:
    assert DIMENSIONS.compared_names == ("name", "erp_id", "type_code", "type_label", "code")
    assert VENDORS.compared_names == ("name", "tax_id", "terms")


def test_what_a_dimension_is_made_of() -> None:
    assert (DIMENSIONS.optional, DIMENSIONS.label, DIMENSIONS.kind) == (("code",), "type_label", ("type_code",))
    assert DIMENSIONS.spelled == {"name", "code"}
    assert set(DIMENSIONS.own) == {"name", "erp_id", "type_code"}
    assert DIMENSIONS.columns["type_label"] == "type"


@pytest.mark.parametrize(
    ("row", "natural", "words"),
    [
        (ROW, ("account", "6000"), "account '6000'"),
        (RemoteRow("dim_1", "", "", "Rent", "6000"), ("", "6000"), " '6000'"),
        (Vendor("v1", "Metro", "DE2"), ("DE2",), "'DE2'"),
        (RemoteVendor("ven_1", "Metro", "DE2"), ("DE2",), "'DE2'"),
    ],
)
def test_a_row_tells_its_natural_key(row: Dimension, natural: tuple[str, ...], words: str) -> None:
    assert (natural_key(row), told(row)) == (natural, words)


def test_only_what_has_a_label_loses_it() -> None:
    assert without_label(ROW) == ROW._replace(type_label="")
    vendor: Dimension = VENDORS.wanted("v1", "Metro", "DE2")
    assert without_label(vendor) is vendor
    assert fingerprint(vendor) != fingerprint(ROW)


@pytest.mark.parametrize(
    ("resource", "made"),
    [
        (
            DIMENSIONS,
            "key, type_code, type_label, name, erp_id, code from rows (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        ),
        (VENDORS, "key, name, tax_id, terms from vendor_rows (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
    ],
    ids=repr,
)
def test_a_statement_names_the_columns_of_its_resource(resource: Resource, made: str) -> None:
    assert sql(resource, "{fields} from {rows} {entries}", 1) == made
    assert sql(resource, "{flags}") == f"column{entry_names(resource).index('flags') + 1}"


def field_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield where code names a field of dimensions: as an attribute, an argument or a text."""
    for node in ast.walk(tree):
        found = None
        if isinstance(node, ast.Attribute):
            found = node.attr
        elif isinstance(node, ast.keyword):
            found = node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = next((name for name in NAMES if name in node.value.replace("type_codes", "")), None)
        if found in NAMES:
            yield getattr(node, "lineno", 0), found


def test_code_that_works_on_any_row_names_no_field_of_dimensions() -> None:
    found = {}
    for room in ROOMS:
        for path in sorted((ENGINE / room).rglob("*.py")):
            if names := list(field_names(ast.parse(path.read_text(encoding="utf-8")))):
                found[str(path.relative_to(ENGINE))] = names
    assert found.keys() == ALLOWED.keys(), found
