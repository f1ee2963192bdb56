"""The rows of a page, read field by field: either contract's names, and nothing taken for granted.

An absent field is unknown (`None`; an empty type code or label), never empty. Id, name and ERP id must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, starmap, takewhile
from sys import intern
from typing import Any

from engine.model.dimension import DIMENSIONS, RemoteRow, clean, listed_type
from engine.model.resource import When
from engine.model.table import Column, Table, constant
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

NEEDED = ("id", *(field.name for field in DIMENSIONS.fields if field.compared is When.ALWAYS))
"""Fields without which a listed row is none."""


def read_rows(items: Sequence[Any], company_id: int) -> tuple[Table[RemoteRow], int | None]:
    """Return a page's rows, and the first company in it that is not the one asked for. O(rows).

    Of each type code and label there is one object, however many rows bear it. Raises `BadAnswer`, which tells of the
    first bad row, and there of the first bad field.
    """
    objects = _objects(items)
    reading = _Reading(_columns(objects), len(objects))
    foreign = reading.foreign(company_id)
    rows = DIMENSIONS.remote_rows(starmap(reading.each, READ))
    if (fault := reading.first_fault(items)) is not None:
        at, text = fault
        raise BadAnswer(f"row {at + 1} {text}")
    return rows, foreign


def read_stored(items: Sequence[Any]) -> list[tuple[str, str]]:
    """Return remote id and name of a bulk answer's rows, each empty where it is not given. O(rows).

    Raises `BadAnswer`, which tells what is wrong with the first bad row.
    """
    objects = _objects(items)
    reading = _Reading(_columns(objects), len(objects))
    ids = reading.each("id", lambda value: _given(value, "an `id`"), _or_empty, may_lack=True)
    names = reading.each("name", lambda value: clean(_given(value, "a `name`")), _cleaned_or_empty, may_lack=True)
    if (fault := reading.first_fault(items)) is not None:
        _, text = fault
        raise BadAnswer(text)
    return list(zip(ids, names, strict=True))


def _given(value: object, what: str) -> str:
    return "" if value is None else text_of(value, what)


def _or_empty(column: Column) -> Column:
    return ["" if text is None else text for text in column] if None in column else column


def _cleaned_or_empty(column: Column) -> Column:
    return _cleaned(_or_empty(column))


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
    """Return the values by name. Objects with the same names in one order are taken apart in C."""
    names = [*objects[0]] if objects else []
    # No object has a name twice, so that none can make up for what another one lacks.
    if list(chain.from_iterable(objects)) == names * len(objects):
        values = list(chain.from_iterable(map(dict.values, objects)))
        return {name: values[at :: len(names)] for at, name in enumerate(names)}
    known = chain.from_iterable(NAMES.values())
    return {name: [each.get(name) for each in objects] for name in known}


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one page: values by the names that it has, and what is wrong with them."""

    columns: Mapping[str, Column]
    count: int
    faults: list[tuple[int, str]] = field(default_factory=list)  # positions, with words; in the order of the fields

    def first_fault(self, items: Sequence[Any]) -> tuple[int, str] | None:
        """Return the position of the first bad row, and there what is wrong with the first bad field; None: none is."""
        if not self.faults and self.count == len(items):
            return None
        faults = list(self.faults)
        if self.count < len(items):
            faults.append((self.count, f"is {kind_of(items[self.count])}, not an object"))
        return min(faults, key=lambda fault: fault[0], default=None)

    def each(
        self,
        name: str,
        read: Callable[[object], Any],
        whole: Callable[[Column], Column],
        *,
        may_lack: bool | None = None,
    ) -> Column:
        """Return a field of all rows: what `read` makes of each value.

        `whole` makes the same of a column in which there is nothing but text, and None where the field `may_lack`.
        """
        may_lack = name not in NEEDED if may_lack is None else may_lack
        if self.columns.keys().isdisjoint(NAMES[name]):
            return constant(self._one(0, None, read) if self.count else None, self.count)
        column = self._first(NAMES[name])
        if _is_plain(column, may_lack=may_lack) and (name != "id" or may_lack or all(column)):
            return whole(column)
        return [self._one(position, value, read) for position, value in enumerate(column)]

    def foreign(self, company_id: int) -> int | None:
        """Return the first company that is another one than was asked for."""
        owners = self._first(NAMES["company"])
        own = {company_id, str(company_id), None}
        if set(map(type, owners)) <= {int, str, type(None)} and own.issuperset(owners):
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

    def _first(self, names: Sequence[str]) -> Column:
        """Return for each row the first value that is there and not empty, else the last name's value."""
        found = [self.columns[name] for name in names if name in self.columns]
        if not found:
            return constant(None, self.count)
        if len(found) == 1 or all(found[0]):
            return found[0]
        return [next(filter(None, values), None) for values in zip(*found, strict=True)]


def _is_plain(column: Column, *, may_lack: bool) -> bool:
    """Return whether there is nothing but text, or nothing but text that is not empty and None."""
    kinds = set(map(type, column))
    return kinds <= {str} or (may_lack and kinds <= {str, type(None)})


def _cleaned(column: Column) -> Column:
    """Return texts as `clean` does."""
    if None in column:
        return [None if text is None else clean(text) for text in column]
    texts = list(map(str.strip, column))
    return texts if "".join(texts).isascii() else list(map(clean, texts))


def _once_each(column: Column, read: Callable[[str], str]) -> Column:
    """Return what `read` makes of each text, asked once for each that there is; of None, nothing."""
    made = {value: intern(read(value)) if value else "" for value in set(column)}
    return list(map(made.__getitem__, column))


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


READERS: Mapping[str, tuple[Callable[[object], Any], Callable[[Column], Column]]] = {
    "id": (_identity, list),
    "type_code": (_type_code, lambda column: _once_each(column, listed_type)),
    "type_label": (_type_label, lambda column: _once_each(column, intern)),
    "key": (_key, lambda column: [key or None for key in column]),
}
"""What reads one value of a field, and what reads a whole column of texts. All other fields are plain text."""


READ = [
    (name, *READERS.get(name, (partial(_text, name=NAMES[name][0], may_lack=name not in NEEDED), _cleaned)))
    for name in DIMENSIONS.remote_names
]
"""The fields of a row in their order, each with what reads it."""
