"""How a file's columns become the fields of a dimension: which column, which constant, which rows at all.

A `ColumnMap` is what settings say; `layout` joins it with the columns that a file (or one JSON object) really has.
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
"""The guide's name of a column -> the reference's. The other columns are spelled alike."""

KEY_FIELDS = frozenset({"company_id", "type_code", "erp_dimension_id", "unique_key", "code"})
"""What a key may be built from. Names and labels are left out: with them in it, a rename would create a second row."""

_ROW_FIELDS = frozenset({"erp_dimension_id", "unique_key", "code"})  # a key without one of them is every row's

OWNER = "ottimate_company_id"
"""The API's own name of the column that names a row's company. A source that has it is checked by it."""

Fields: TypeAlias = tuple[object, ...]
"""Six raw values in the order of `rows.COLUMNS`."""

Pick: TypeAlias = Callable[[Any], Fields | Refused | None]
"""Takes one row's cells (by position) or object (by name); gives its fields, or None for a row that is filtered out."""

Place: TypeAlias = Any
"""Where a row has a field: a position (int) or a name (str)."""

Test: TypeAlias = tuple[Place, Collection[str]]
"""A place, and the texts of which one must stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """How to read a source whose columns are not the guide's. Raises `ConfigError` for what can never work."""

    columns: Mapping[str, str] = field(default_factory=dict)  # the guide's column name -> the file's
    type_code: str | None = None  # one type code for all rows
    type_label: str | None = None  # one label for all rows
    type_codes: Mapping[str, str] = field(default_factory=dict)  # the file's word for a type -> type code
    labels: Mapping[str, str] = field(default_factory=dict)  # type code -> label
    key: str | None = None  # a template such as "{company_id}:{type_code}:{erp_dimension_id}"
    where: Mapping[str, Collection[str]] = field(default_factory=dict)  # a file's column -> values; others are left out

    def __post_init__(self) -> None:
        fault = key_fault(self.key)
        if fault is not None:
            raise ConfigError(f"key: {fault}")
        if unknown := sorted(set(self.columns) - set(COLUMNS)):
            raise ConfigError(f"columns: {', '.join(unknown)}: not one of {', '.join(COLUMNS)}")


def key_fault(template: str | None) -> str | None:
    """Return what is wrong with a key template; None: nothing."""
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
    """A column map joined with the columns that are there."""

    pick: Pick
    places: tuple[Place | None, ...]  # of the six fields; None: there is no such column
    tests: tuple[Test, ...]  # of the filter
    owners: tuple[Place, ...] = ()  # of the columns that say whose a row is
    missing: tuple[str, ...] = ()  # columns that are needed and not there; `pick` gives "" for them
    doubled: tuple[str, ...] = ()  # columns that are there twice, or in both spellings
    unfiltered: tuple[str, ...] = ()  # columns that the filter needs and that are not there


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
"""Columns that are the guide's."""


def _names(column: str, mapping: ColumnMap) -> tuple[str, ...]:
    """Return the names under which a column may stand in the file."""
    if column in mapping.columns:
        return (mapping.columns[column],)
    return (column, SPELLINGS[column]) if column in SPELLINGS else (column,)


def _supplied(mapping: ColumnMap) -> set[str]:
    """Return the columns that a file need not have."""
    supplied = set() if "code" in mapping.columns else {"code"}
    if mapping.type_code is not None:
        supplied.add("dimension_type_code")
    if mapping.type_label is not None or mapping.labels:
        supplied.add("type")
    if mapping.key is not None and "{unique_key}" not in mapping.key:
        supplied.add("unique_key")
    return supplied


def _picker(places: Sequence[Place | None]) -> Pick:
    """Return what takes the six fields from their places; a field without a place is empty."""
    if None not in places:
        return itemgetter(*places)
    if None not in places[:-1]:
        first: Callable[[Any], Fields] = itemgetter(*places[:-1])
        return lambda row: (*first(row), "")
    return lambda row: tuple("" if place is None else row[place] for place in places)


def _mapped(pick: Pick, tests: Sequence[Test], mapping: ColumnMap, company_id: int) -> Pick:
    """Return `pick` with filters, constants, translations and the key's template on top."""
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
    """Return `pick` that refuses rows which name another company."""

    def owned(row: Any) -> Fields | Refused | None:
        picked = pick(row)
        foreign = [row[place] for place in owners if not is_own(row[place], company_id)]
        return picked if picked is None or not foreign else Refused((_foreign(foreign[0], company_id),))

    return owned


def is_own(value: object, company_id: int) -> bool:
    """Return whether the value of a row's company column is this company's id, or is empty."""
    if isinstance(value, str):
        text = clean(value).removesuffix(".0")  # as programs write whole numbers of a column that has gaps
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
    """Return what makes a row's key from its fields; an empty one when a part is empty or not text."""
    needed = [name for _, name, _, _ in Formatter().parse(template) if name and name != "company_id"]

    def build(**fields: object) -> str:
        texts = {name: clean(part) for name in needed if isinstance(part := fields[name], str)}
        if len(texts) < len(set(needed)) or not all(texts.values()):
            return ""
        return template.format(company_id=company_id, **texts)

    return build


def key_format(template: str, company_id: int) -> tuple[str, list[str]]:
    """Return the template as `%` takes it, and the names of the fields that it takes, in their order."""
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
    """Return a cell as a filter compares it: text trimmed, JSON's true, false and null by those words."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
