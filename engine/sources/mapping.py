"""The mapping of a source whose columns are not the guide's: its columns, constants, filter and key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from engine.errors import ConfigError
from engine.sources.expressions import Unwritable, columns_of, expression
from engine.sources.filters import merged, row_test
from engine.sources.rows import COLUMNS, OPTIONAL

SPELLINGS = {"unique_key": "reference_id", "dimension_type_code": "ottimate_type", "type": "erp_type"}
"""The guide's name of a column -> the reference's. Other columns have the same name in both."""

KEY_FIELDS = frozenset({"company_id", "type_code", "erp_dimension_id", "unique_key", "code"})
"""The fields that a key may be built from. With a name or label in the key, a rename would create a second row."""

_ROW_FIELDS = frozenset(
    {"erp_dimension_id", "unique_key", "code"}
)  # a key without any of them would be the same for all rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """How to read a source whose columns are not those of the guide. Raises `ConfigError` for what cannot work.

    Columns and tests are given as they are written in the settings, `columns={"name": {"first_of": ["A", "B"]}}`, and
    are kept as what `expressions` and `filters` make of them.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)  # the guide's column -> how it is made
    type_code: str | None = None  # one type code for all rows
    type_label: str | None = None  # one label for all rows
    type_codes: Mapping[str, str] = field(default_factory=dict)  # the file's word for a type -> type code
    labels: Mapping[str, str] = field(default_factory=dict)  # type code -> label
    key: str | None = None  # a template such as "{company_id}:{type_code}:{erp_dimension_id}"
    where: Mapping[str, Any] = field(default_factory=dict)  # a column of the file -> which rows are taken
    company_column: str | None = None  # holds the id of each row's company; rows of others are not this company's
    header: int | None = None  # the line of the column names; None: the first of 20 that holds all mapped columns
    encoding: str | None = None  # Python's name of it; None: UTF-8, or UTF-16 with its mark
    delimiter: str | None = None  # None: comma, semicolon or tab, whichever parts the header into most columns
    rows: str | None = None  # a dotted path to the array of rows in a JSON document
    numbers_as_ids: bool = False  # whole numbers are taken for the text that they are shown as
    min_age_s: float | None = None  # a younger file is refused, as it may still grow
    max_age_s: float | None = None  # an older file is refused
    preset: str | None = None  # whose map it is, for messages

    def __post_init__(self) -> None:
        if (fault := key_fault(self.key)) is not None:
            raise ConfigError(f"key: {fault}")
        if unknown := sorted(set(self.columns) - set(COLUMNS)):
            raise ConfigError(f"columns: {', '.join(unknown)}: not one of {', '.join(COLUMNS)}")
        object.__setattr__(self, "columns", _read("columns", self.columns, expression))
        object.__setattr__(self, "where", merged({}, _read("where", self.where, row_test)))

    def names(self) -> set[str]:
        """Return the names of all columns of the file that the map mentions."""
        found = {name for made in self.columns.values() for name in columns_of(made)}
        return found | set(self.where) | ({self.company_column} if self.company_column else set())


def _read(what: str, written: Mapping[str, Any], read: Callable[[object], Any]) -> dict[str, Any]:
    found = {}
    for name, value in written.items():
        try:
            found[name] = read(value)
        except Unwritable as error:
            raise ConfigError(f"{'.'.join([what, name, *map(str, error.path)])}: {error}") from None
    return found


def spellings(column: str) -> Sequence[str]:
    """Return the names that a column of the guide has in a file without a map."""
    return (column, SPELLINGS[column]) if column in SPELLINGS else (column,)


def supplied(mapping: ColumnMap) -> set[str]:
    """Return the columns that a file does not need, as the map gives their values."""
    found = OPTIONAL.keys() - mapping.columns.keys()
    if mapping.type_code is not None:
        found.add("dimension_type_code")
    if mapping.type_label is not None or mapping.labels:
        found.add("type")
    if mapping.key is not None and "{unique_key}" not in mapping.key:
        found.add("unique_key")
    return found


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


PLAIN = ColumnMap()
"""The map of a source whose columns are those of the guide."""
