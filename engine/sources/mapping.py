"""How a file's columns become the fields of a dimension: columns, constants, and which rows are taken.

A `ColumnMap` holds what the settings say; `layout` joins it with the columns that a file or a JSON object has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from string import Formatter
from typing import Any, TypeAlias, cast

from engine.errors import ConfigError
from engine.model.dimension import canonical_type, clean
from engine.sources.rows import COLUMNS, Fault, Refused, shown

SPELLINGS = {"unique_key": "reference_id", "dimension_type_code": "ottimate_type", "type": "erp_type"}
"""The guide's name of a column -> the reference's. Other columns have the same name in both."""

KEY_FIELDS = frozenset({"company_id", "type_code", "erp_dimension_id", "unique_key", "code"})
"""The fields that a key may be built from. With a name or label in the key, a rename would create a second row."""

_ROW_FIELDS = frozenset(
    {"erp_dimension_id", "unique_key", "code"}
)  # a key without any of them would be the same for all rows

OWNER = "ottimate_company_id"
"""The API's name of the column with a row's company. If a source has it, rows of other companies are refused."""

Fields: TypeAlias = tuple[object, ...]
"""The six raw values of a row, in the order of `rows.COLUMNS`."""

Pick: TypeAlias = Callable[[Any], Fields | Refused | None]
"""Takes a row's cells or its object, and returns its fields; None: the row is filtered out."""

Place: TypeAlias = Any
"""Where a row has a field: the position of a cell, or the name in an object."""

Test: TypeAlias = tuple[Place, Collection[str]]
"""A place of a row, and the texts of which one must be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """How to read a source whose columns are not those of the guide. Raises `ConfigError` for what cannot work."""

    columns: Mapping[str, str] = field(default_factory=dict)  # the guide's column -> the file's
    type_code: str | None = None  # one type code for all rows
    type_label: str | None = None  # one label for all rows
    type_codes: Mapping[str, str] = field(default_factory=dict)  # the file's word for a type -> type code
    labels: Mapping[str, str] = field(default_factory=dict)  # type code -> label
    key: str | None = None  # a template such as "{company_id}:{type_code}:{erp_dimension_id}"
    where: Mapping[str, Collection[str]] = field(
        default_factory=dict
    )  # a column of the file -> values of rows that are taken

    def __post_init__(self) -> None:
        fault = key_fault(self.key)
        if fault is not None:
            raise ConfigError(f"key: {fault}")
        if unknown := sorted(set(self.columns) - set(COLUMNS)):
            raise ConfigError(f"columns: {', '.join(unknown)}: not one of {', '.join(COLUMNS)}")


def key_fault(template: str | None) -> str | None:
    """Return the fault of a key template; None: it has none."""
    if template is None:
        return None
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return f"{template!r} is not a template: {error}"
    names = {name for _, name, _, _ in parts if name is not None}
    if any(spec or conversion for _, _, spec, conversion in parts):
        return f"{template!r} may not format its fields: write {{name}} and nothing more"
    if unknown := sorted(names - KEY_FIELDS):
        return f"{{{unknown[0]}}} cannot be part of a key; it may hold: {', '.join(sorted(KEY_FIELDS))}"
    if not names & _ROW_FIELDS:
        return f"{template!r} gives every row the same key: add {{erp_dimension_id}}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A column map joined with the columns that a file or object has."""

    pick: Pick
    places: tuple[Place | None, ...]  # where each of the six fields is; None: there is no such column
    tests: tuple[Test, ...]  # what a row must have to be taken
    owners: tuple[Place, ...] = ()  # columns that name a row's company
    missing: tuple[str, ...] = ()  # required columns that are missing; `pick` returns "" for them
    doubled: tuple[str, ...] = ()  # columns that occur twice, or under both contracts' names
    unfiltered: tuple[str, ...] = ()  # columns of the filter that are missing


def layout(columns: Sequence[str], mapping: ColumnMap, company_id: int, *, by_name: bool) -> Layout:
    """Return how rows with these columns are read: cells by position, or objects `by_name`."""
    at: dict[str, Place] = {name: name if by_name else index for index, name in enumerate(columns)}
    places: list[Place | None] = []
    missing: list[str] = []
    doubled: list[str] = []
    supplied = _supplied(mapping)
    for column in COLUMNS:
        there = [name for name in _names(column, mapping) if name in at]
        places.append(at[there[0]] if there else None)
        if not there and column not in supplied:
            missing.append(" or ".join(_names(column, mapping)))
        if sum(columns.count(name) for name in there) > 1:
            doubled.append(" and ".join(there))
    doubled += [name for name in mapping.where if columns.count(name) > 1 and name not in doubled]
    pick: Pick = _picker(places)
    owners = tuple(place for name, place in at.items() if clean(str(name)).casefold() == OWNER)
    tests = tuple((at[name], frozenset(map(clean, values))) for name, values in mapping.where.items() if name in at)
    if mapping != PLAIN:
        pick = _mapped(pick, tests, mapping, company_id)
    if owners:
        pick = _owned(pick, owners, company_id)
    return Layout(
        pick=pick,
        places=tuple(places),
        tests=tests,
        owners=owners,
        missing=tuple(missing),
        doubled=tuple(doubled),
        unfiltered=tuple(name for name in mapping.where if name not in at),
    )


PLAIN = ColumnMap()
"""The map of a source whose columns are those of the guide."""


def _names(column: str, mapping: ColumnMap) -> tuple[str, ...]:
    """Return the names that a column may have in the file."""
    if column in mapping.columns:
        return (mapping.columns[column],)
    return (column, SPELLINGS[column]) if column in SPELLINGS else (column,)


def _supplied(mapping: ColumnMap) -> set[str]:
    """Return the columns that a file does not need, as the map gives their values."""
    supplied = set() if "code" in mapping.columns else {"code"}
    if mapping.type_code is not None:
        supplied.add("dimension_type_code")
    if mapping.type_label is not None or mapping.labels:
        supplied.add("type")
    if mapping.key is not None and "{unique_key}" not in mapping.key:
        supplied.add("unique_key")
    return supplied


def _picker(places: Sequence[Place | None]) -> Pick:
    """Return a function that takes the six fields from their places; a field without a place is empty."""
    if None not in places:
        return itemgetter(*places)
    if None not in places[:-1]:
        first: Callable[[Any], Fields] = itemgetter(*places[:-1])
        return lambda row: (*first(row), "")
    return lambda row: tuple("" if place is None else row[place] for place in places)


def _mapped(pick: Pick, tests: Sequence[Test], mapping: ColumnMap, company_id: int) -> Pick:
    """Return `pick`, extended by filters, constants, translations and the key's template."""
    build = None if mapping.key is None else _key_builder(mapping.key, company_id)

    def mapped(row: Any) -> Fields | None:
        for place, values in tests:
            if filtered_text(row[place]) not in values:
                return None
        key, type_code, label, name, erp_id, code = cast("Fields", pick(row))
        type_code = type_code_of(type_code, mapping)
        if mapping.type_label is not None:
            label = mapping.type_label
        elif isinstance(type_code, str):
            label = mapping.labels.get(type_code, label)
        if build is not None:
            key = build(type_code=type_code, erp_dimension_id=erp_id, unique_key=key, code=code)
        return key, type_code, label, name, erp_id, code

    return mapped


def _owned(pick: Pick, owners: Sequence[Place], company_id: int) -> Pick:
    """Return `pick`, extended to refuse rows that name another company."""

    def owned(row: Any) -> Fields | Refused | None:
        picked = pick(row)
        foreign = [row[place] for place in owners if not is_own(row[place], company_id)]
        return picked if picked is None or not foreign else Refused((_foreign(foreign[0], company_id),))

    return owned


def is_own(value: object, company_id: int) -> bool:
    """Return whether the value of a row's company column is this company's id, or is empty."""
    if isinstance(value, str):
        text = clean(value).removesuffix(".0")  # some programs write whole numbers so when a column has empty cells
        return not text or text == str(company_id)
    return value is None or (not isinstance(value, bool) and value == company_id)


def _foreign(value: object, company_id: int) -> Fault:
    text = f"{OWNER} is {shown(str(value))}, and this is the source of company {company_id}"
    return Fault("foreign-company", f"{text}: the row is another company's and is not sent")


def type_code_of(given: object, mapping: ColumnMap) -> object:
    """Return a row's type code: the constant, or the file's word translated."""
    if mapping.type_code is not None:
        return canonical_type(mapping.type_code)
    if not isinstance(given, str):
        return given
    word = clean(given)
    return canonical_type(mapping.type_codes.get(word, word))


def _key_builder(template: str, company_id: int) -> Callable[..., str]:
    """Return a function that builds a row's key from its fields; it returns "" if a part is empty or no text."""
    needed = [name for _, name, _, _ in Formatter().parse(template) if name and name != "company_id"]

    def build(**fields: object) -> str:
        texts = {name: clean(part) for name in needed if isinstance(part := fields[name], str)}
        if len(texts) < len(set(needed)) or not all(texts.values()):
            return ""
        return template.format(company_id=company_id, **texts)

    return build


def key_format(template: str, company_id: int) -> tuple[str, list[str]]:
    """Return the template in the form that `%` formats, and the names of its fields in order."""
    form, names = "", []
    for text, name, _, _ in Formatter().parse(template):
        form += text.replace("%", "%%")
        if name == "company_id":
            form += str(company_id)
        elif name is not None:
            form += "%s"
            names.append(name)
    return form, names


def filtered_text(value: object) -> str:
    """Return a cell as text for a filter: trimmed; JSON's true, false and null become these words."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
