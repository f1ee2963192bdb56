"""Invoices as JSON, in either contract's shape, read for the dimensions that they name.

Guide: `line_items`, keys are the company's labels (`Department`). Reference: `items`, keys are type names, in capitals
in the vendor's examples (`DEPARTMENT`). Values are ERP ids; an answer of the API may hold an object with
`erp_dimension_id` instead, and `null` takes a dimension away. One invoice, a list of them, or an object that holds one
(`invoice`) or several (`invoices`, `results`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import BadInvoice
from engine.model.invoice import DimensionUse, Invoice

SEVERAL = ("invoices", "results")
LINES = {"line_items": True, "items": False}
"""Name of an invoice's lines -> whether the contract that calls them so has labels for keys."""


IDENTITY = ("ottimate_company_id", "ottimate_location_id", "invoice_number")
"""Columns of a table that say whose row it is."""

OTHER_COLUMNS = frozenset(
    {
        "amount",
        "currency",
        "date",
        "description",
        "due_date",
        "invoice_date",
        "line_number",
        "memo",
        "notes",
        "ottimate_vendor_id",
        "po_number",
        "price",
        "quantity",
        "tax",
        "total",
        "unit",
        "unit_price",
        "uom",
        "vendor",
        "vendor_id",
        "vendor_name",
    }
)
"""Columns of a table that are no types, whatever a company calls its types."""

NO_TYPES = OTHER_COLUMNS | set(IDENTITY)

PREFIX = "dimensions."
"""What the name of a column begins with that is a type for certain."""


def read_invoices(document: object, name: str = "invoice") -> tuple[Invoice, ...]:
    """Return the invoices of a JSON document. `name`: what it is called in messages, such as its file's name.

    Raises `BadInvoice` with every fault, each with its place in the document.
    """
    faults: list[str] = []
    read = tuple(_invoice(where, body, faults) for where, body in _bodies(document, faults))
    if not read and not faults:
        faults.append("holds no invoice")
    if faults:
        raise BadInvoice("\n".join(f"{name}: {fault}" for fault in faults))
    return read


def _bodies(document: object, faults: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each invoice with its place in the document."""
    if isinstance(document, dict):
        several = next((key for key in SEVERAL if isinstance(document.get(key), list)), None)
        if several is not None:
            yield from _of_list(document[several], several, faults)
        elif isinstance(document.get("invoice"), dict):
            yield "invoice", document["invoice"]
        else:
            yield "", document
    elif isinstance(document, list):
        yield from _of_list(document, "", faults)
    else:
        faults.append("is no invoice: a JSON object is expected, or a list of them")


def _of_list(entries: list[object], where: str, faults: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield f"{where}[{number}]", entry
        else:
            faults.append(f"{where}[{number}] is no object")


def _invoice(where: str, body: Mapping[str, Any], faults: list[str]) -> Invoice:
    dot = f"{where}." if where else ""
    named = [key for key in LINES if body.get(key) is not None]
    if len(named) > 1:
        faults.append(f"{dot}line_items and {dot}items: an invoice has one of them")
    header = _uses(f"{dot}dimensions", body.get("dimensions"), faults)
    lines = []
    for key in named[:1]:
        entries = body[key]
        if not isinstance(entries, list):
            faults.append(f"{dot}{key} is no list")
            continue
        for number, entry in enumerate(entries):
            place = f"{dot}{key}[{number}]"
            if isinstance(entry, dict):
                lines.append((place, _uses(f"{place}.dimensions", entry.get("dimensions"), faults)))
            else:
                faults.append(f"{place} is no object")
    return Invoice(
        name=str(body.get("invoice_number") or where or "invoice"),
        company_id=whole_number(f"{dot}ottimate_company_id", body.get("ottimate_company_id"), faults),
        location_id=whole_number(f"{dot}ottimate_location_id", body.get("ottimate_location_id"), faults),
        header=header,
        lines=tuple(lines),
        keyed_by_label="items" not in named,
    )


def _uses(where: str, dimensions: object, faults: list[str]) -> tuple[DimensionUse, ...]:
    """Return the dimensions of a header or a line; `null`, or an empty map, names none."""
    if dimensions is None:
        return ()
    if not isinstance(dimensions, dict):
        faults.append(f"{where} is no object of types and ERP ids")
        return ()
    uses = []
    for key, value in dimensions.items():
        erp_id = value.get("erp_dimension_id") if isinstance(value, dict) else value
        if erp_id is None and not isinstance(value, dict):
            continue  # it takes the dimension away
        if not isinstance(erp_id, str):
            faults.append(f"{where}.{key}: an ERP id is text in quotes, and this is {type(erp_id).__name__}")
            continue
        uses.append(DimensionUse(where, key, erp_id))
    return tuple(uses)


def invoices_of_table(rows: Iterable[tuple[int, Mapping[str, str]]], name: str = "invoice") -> tuple[Invoice, ...]:
    """Return the invoices of a table with a row for each line of an invoice, such as a CSV file.

    `rows`: each with its line number, and its cells by column. Rows of one company, location and number are one
    invoice. A column `dimensions.NAME` is the type NAME; `OTHER_COLUMNS` are none; any other one is a type if the
    company has such a type (`Invoice.loose`). An empty cell names nothing. Raises `BadInvoice` with every fault.
    """
    faults: list[str] = []
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for number, row in rows:
        cells = {column.strip(): value.strip() for column, value in row.items()}
        known = {column.casefold(): value for column, value in cells.items() if column.casefold() in IDENTITY}
        company_id, location_id = (
            whole_number(f"line {number}: {column}", known.get(column), faults) for column in IDENTITY[:2]
        )
        invoice_number = known.get("invoice_number", "")
        types = {column: value for column, value in cells.items() if column.casefold() not in NO_TYPES}
        body = found.setdefault(
            (company_id, location_id, invoice_number),
            {"company_id": company_id, "location_id": location_id, "name": invoice_number, "lines": [], "loose": set()},
        )
        body["name"] = body["name"] or f"line {number}"
        body["loose"] |= {column for column in types if not column.startswith(PREFIX)}
        uses = ((column.removeprefix(PREFIX), value) for column, value in types.items() if value)
        where = f"line {number}"
        body["lines"].append((where, tuple(DimensionUse(where, *use) for use in uses)))
    if not found:
        faults.append("holds no invoice")
    if faults:
        raise BadInvoice("\n".join(f"{name}: {fault}" for fault in faults))
    return tuple(
        Invoice(**{**body, "lines": tuple(body["lines"]), "loose": frozenset(body["loose"])}) for body in found.values()
    )


def whole_number(where: str, value: object, faults: list[str]) -> int | None:
    """Return an id as a number; None: it is not given. Digits in quotes are taken, too."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    if type(value) is int and value > 0:
        return value
    faults.append(f"{where} is {value!r}, and a whole number is expected")
    return None
