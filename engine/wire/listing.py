"""The rows of a page, read field by field: either contract's names, and nothing taken for granted.

An absent field is unknown (`None`; an empty type code or label), never empty. Id, name and ERP id must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, takewhile
from operator import itemgetter
from sys import intern
from typing import Any, NamedTuple

from engine.model.dimension import DIMENSIONS, RemoteRow, clean, listed_type, listed_types
from engine.model.outcome import Entries
from engine.model.resource import When
from engine.model.table import Column, Table
from engine.wire.dialect import BadAnswer
from engine.wire.values import kind_of, needed, text_of

NAMES = {
    "company": ("ottimate_company_id",),
    "id": ("id",),
    "type_code": ("ottimate_type", "dimension_type", "dimension_type_code"),
    "type_label": ("erp_type", "type"),
    "name": ("name",),
    "erp_id": ("erp_dimension_id",),
    "code": ("code",),
    "key": ("reference_id", "unique_key"),
}
"""What the contracts call the fields of a row; of several names in one row, the first that is not empty counts."""

FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
"""The field that each of these names is of."""

NEEDED = ("id", *(field.name for field in DIMENSIONS.fields if field.compared is When.ALWAYS))
"""Fields without which a listed row is none."""


def read_rows(items: Sequence[Any], company_id: int) -> tuple[Table[RemoteRow], int | None]:
    """Return a page's rows, and the first company in it that is not the one asked for. O(rows).

    Of each type code and label there is one object, however many rows bear it. Raises `BadAnswer`, which tells of the
    first bad row, and there of the first bad field.
    """
    objects = _objects(items)
    columns, reading = _columns(objects), _Reading(len(objects))
    foreign = reading.foreign(columns.get("company", ()), company_id)
    rows = DIMENSIONS.remote_rows(map(reading.each, READ, map(columns.get, DIMENSIONS.remote_names)))
    if (fault := reading.first_fault(items)) is not None:
        at, text = fault
        raise BadAnswer(f"row {at + 1} {text}")
    return rows, foreign


def read_stored(items: Sequence[Any]) -> Entries:
    """Return remote id and name of a bulk answer's rows, each empty where it is not given. O(rows).

    Raises `BadAnswer`, which tells what is wrong with the first bad row.
    """
    objects = _objects(items)
    reading = _Reading(len(objects))
    ids, names = map(reading.each, READ_STORED, [_values(objects, name) for name in STORED])
    if (fault := reading.first_fault(items)) is not None:
        _, text = fault
        raise BadAnswer(text)
    return Entries(ids, names)


def _given(value: object, what: str) -> str:
    return "" if value is None else text_of(value, what)


def _or_empty(column: Column) -> Column:
    return ["" if text is None else text for text in column] if None in column else column


def read_row(item: dict[str, Any]) -> RemoteRow:
    """Return one row. Raises `BadAnswer`."""
    try:
        rows, _ = read_rows([{**item, "ottimate_company_id": None}], 0)
    except BadAnswer as error:
        raise BadAnswer(str(error).removeprefix("row 1 ")) from None
    (row,) = rows
    return row


def _objects(items: Sequence[Any]) -> Sequence[dict[str, Any]]:
    """Return the objects of a list, up to what is none."""
    if set(map(type, items)) <= {dict}:
        return items
    return list(takewhile(lambda item: isinstance(item, dict), items))


def _columns(objects: Sequence[dict[str, Any]]) -> Mapping[str, Column]:
    """Return the values by field. Objects with the same names in one order are taken apart in C."""
    names = [*objects[0]] if objects else []
    # No object has a name twice, so that none can make up for what another one lacks.
    if list(chain.from_iterable(objects)) == names * len(objects):
        return _by_field(dict(zip(names, zip(*map(dict.values, objects), strict=True), strict=True)))
    return _by_field({name: [each.get(name) for each in objects] for name in FIELD_OF})


def _values(objects: Sequence[dict[str, Any]], name: str) -> Column:
    """Return the values of one name, None where an object does not have it."""
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [each.get(name) for each in objects]


def _by_field(columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """Return columns by field instead of by the names in the page."""
    names = list(filter(FIELD_OF.__contains__, columns))
    found = dict(zip(map(FIELD_OF.__getitem__, names), map(columns.__getitem__, names), strict=True))
    if len(found) == len(names):
        return found
    return {field: _first([columns[name] for name in NAMES[field] if name in columns]) for field in found}


def _first(columns: Sequence[Column]) -> Column:
    """Return for each row the first value that is there and not empty, of the names of one field."""
    if len(columns) == 1 or all(columns[0]):
        return columns[0]
    return [next(filter(None, values), None) for values in zip(*columns, strict=True)]


class _Reader(NamedTuple):
    """How one field is read."""

    one: Callable[[object], Any]  # reads one value, and raises `BadAnswer`
    whole: Callable[[Column], Column]  # makes the same of a column in which there are none but plain values
    plain: frozenset[type]  # the types of plain values
    is_filled: bool = False  # empty text is not plain


@dataclass(slots=True)
class _Reading:
    """The reading of one page, and what is wrong with it."""

    count: int  # of its rows
    faults: list[tuple[int, str]] = field(default_factory=list)  # positions, with words; in the order of the fields

    def first_fault(self, items: Sequence[Any]) -> tuple[int, str] | None:
        """Return the position of the first bad row, and there what is wrong with the first bad field; None: none is."""
        if not self.faults and self.count == len(items):
            return None
        faults = list(self.faults)
        if self.count < len(items):
            faults.append((self.count, f"is {kind_of(items[self.count])}, not an object"))
        return min(faults, key=lambda fault: fault[0], default=None)

    def each(self, reader: _Reader, column: Column | None) -> Column:
        """Return a field of all rows. `column`: its values; None: no row has it."""
        if column is None:
            return [self._one(0, None, reader.one) if self.count else None] * self.count
        if reader.plain.issuperset(map(type, column)) and not (reader.is_filled and not all(column)):
            return reader.whole(column)
        return [self._one(position, value, reader.one) for position, value in enumerate(column)]

    def foreign(self, owners: Column, company_id: int) -> int | None:
        """Return the first company that is another one than was asked for. `owners`: those that the rows bear."""
        if sum(map(owners.count, (company_id, str(company_id), None))) == len(owners):
            return None
        for position, owner in enumerate(owners):
            if owner is not None and owner != company_id and str(owner) != str(company_id):
                found = self._one(position, owner, _company)
                return found if isinstance(found, int) else None
        return None

    def _one(self, position: int, value: object, read: Callable[[object], Any]) -> Any:
        try:
            return read(value)
        except BadAnswer as error:
            self.faults.append((position, str(error)))
            return ""


def _cleaned(column: Column) -> Column:
    """Return texts as `clean` does."""
    if None in column:
        return [None if text is None else clean(text) for text in column]
    texts = list(map(str.strip, column))
    return texts if "".join(texts).isascii() else list(map(clean, texts))


def _types(column: Column) -> Column:
    """Return type codes in their canonical spelling, which is asked for once for each that there is."""
    codes = _or_empty(column)
    distinct = set(codes)
    canonical = dict(zip(distinct, map(intern, listed_types(distinct)), strict=True))
    return list(map(canonical.__getitem__, codes))


def _labels(column: Column) -> Column:
    return list(map(intern, _or_empty(column)))


def _keys(column: Column) -> Column:
    return list(column) if all(column) else [key or None for key in column]


def _identity(value: object) -> str:
    if text := needed(value, "id"):
        return text
    raise BadAnswer("has an empty `id`")


def _type_code(value: object) -> str:
    return intern(listed_type(text_of(value or "", "a type code")))


def _type_label(value: object) -> str:
    return intern(text_of(value or "", "a type label"))


def _key(value: object) -> str | None:
    """Return a key as it stands: what merely looks like a key leads elsewhere."""
    return text_of(value, "a key") if value else None


def _company(owner: object) -> int:
    try:
        return int(owner)  # type: ignore[call-overload, no-any-return]  # what is no number raises
    except (TypeError, ValueError):
        raise BadAnswer(f"has an `ottimate_company_id` that is {kind_of(owner)}, not a number") from None


def _text(value: object, *, name: str, may_lack: bool) -> str | None:
    """Return text as it is compared. `name`: the column's, for messages."""
    if value is None and may_lack:
        return None
    return clean(needed(value, name) if not may_lack else text_of(value, f"a `{name}`"))


TEXT: frozenset[type] = frozenset({str})
TEXT_OR_NONE: frozenset[type] = frozenset({str, type(None)})

READERS = {
    "id": _Reader(_identity, list, TEXT, is_filled=True),
    "type_code": _Reader(_type_code, _types, TEXT_OR_NONE),
    "type_label": _Reader(_type_label, _labels, TEXT_OR_NONE),
    "key": _Reader(_key, _keys, TEXT_OR_NONE),
}
"""What reads the fields that are not plain text."""


def _text_reader(name: str) -> _Reader:
    may_lack = name not in NEEDED
    one = partial(_text, name=NAMES[name][0], may_lack=may_lack)
    return _Reader(one, _cleaned, TEXT_OR_NONE if may_lack else TEXT)


READ = [READERS.get(name) or _text_reader(name) for name in DIMENSIONS.remote_names]
"""What reads the fields of a row, in their order."""

STORED = ("id", "name")
"""The fields that are read of a row in a bulk answer. Both contracts call them by these names alone."""

READ_STORED = [
    _Reader(lambda value: _given(value, "an `id`"), _or_empty, TEXT_OR_NONE),
    _Reader(lambda value: clean(_given(value, "a `name`")), lambda names: _cleaned(_or_empty(names)), TEXT_OR_NONE),
]
"""What reads these."""
