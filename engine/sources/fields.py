"""The fields of rows, made of a source's columns and checked, column by column. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import isfinite
from sys import intern
from typing import NamedTuple

from engine.model.dimension import Dimension, canonical_type, dimensions
from engine.model.table import Table
from engine.sources.cells import ABSENT, Cells
from engine.sources.expressions import Expression, is_empty, values
from engine.sources.layout import Layout, is_own
from engine.sources.mapping import ColumnMap, key_format
from engine.sources.rows import COLUMNS, IDS, OPTIONAL, Checked, Fault, Refused, checked, shown, types

_NUMBERED = IDS | OPTIONAL.keys()
"""Columns in which `numbers_as_ids` takes whole numbers for text."""

_AS_GIVEN = tuple(column for column in COLUMNS if column not in {"unique_key", "dimension_type_code", "type"})
"""Columns of which a mapping makes nothing but what their expressions say."""


_OPTIONAL_AT = [at for at, column in enumerate(COLUMNS) if column in OPTIONAL]


class Fields(NamedTuple):
    """The fields of some rows as columns in the order of `Dimension`, and the rows that cannot be sent, by position."""

    columns: tuple[Sequence[str], ...]  # at the positions of rows that cannot be sent: anything
    refused: Mapping[int, Refused]


class Reader(NamedTuple):
    """What the fields of a company's rows depend on, besides the rows."""

    mapping: ColumnMap
    company_id: int
    type_codes: Collection[str]  # canonical ones, those that the contract allows


def fields_of(cells: Cells, found: Layout, reader: Reader) -> Fields:
    """Return the fields of rows whose columns are laid out as `found`."""
    mapping = reader.mapping
    given = {column: _values(cells, made, column, mapping) for column, made in zip(COLUMNS, found.fields, strict=True)}
    if mapping.type_code is not None:
        given["dimension_type_code"] = [mapping.type_code] * len(cells)
    words = checked("dimension_type_code", given["dimension_type_code"])
    there = {"dimension_type_code": types(words, reader.type_codes, partial(type_code_of, mapping=mapping))}
    there["type"] = checked("type", _labels(given["type"], words.texts, there["dimension_type_code"].texts, mapping))
    for column in _AS_GIVEN:
        there[column] = checked(column, given[column])
    there["unique_key"] = checked("unique_key", _keys(given["unique_key"], there, reader))
    texts = {column: one.texts for column, one in there.items()} | {"type": list(map(intern, there["type"].texts))}
    return Fields(tuple(texts[column] for column in COLUMNS), _refused(cells, found, there, reader.company_id))


def rows_of(columns: Sequence[Sequence[str]]) -> Table[Dimension]:
    """Return fields as rows. An optional field that is empty is one that the source does not give."""
    found: list[Sequence[str | None]] = list(columns)
    for at in _OPTIONAL_AT:
        if "" in found[at]:
            found[at] = [text or None for text in found[at]]
    return dimensions(found)


def type_words(cells: Cells, found: Layout, mapping: ColumnMap) -> Sequence[object]:
    """Return what rows say of their types."""
    return _values(cells, found.fields[COLUMNS.index("dimension_type_code")], "dimension_type_code", mapping)


def type_code_of(word: str, mapping: ColumnMap) -> str:
    """Return the type code of a file's word for a type, in its one spelling."""
    return canonical_type(mapping.type_codes.get(word, word))


def _values(cells: Cells, made: Expression | None, column: str, mapping: ColumnMap) -> Sequence[object]:
    if made is None:
        return [""] * len(cells)

    def named(name: str) -> Sequence[object]:
        found = cells.column(name)
        return _numbers(found) if mapping.numbers_as_ids and column in _NUMBERED else found

    return values(made, named, len(cells))


def _numbers(column: Sequence[object]) -> Sequence[object]:
    """Return values with whole numbers as text."""
    return [str(int(value)) if _is_whole(value) else value for value in column]  # type: ignore[call-overload]  # it is a number


def _is_whole(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value) and value == int(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _labels(
    given: Sequence[object], words: Sequence[str], codes: Sequence[str], mapping: ColumnMap
) -> Sequence[object]:
    """Return the labels: one for all, or one for the type code, or what the row says."""
    if mapping.type_label is not None:
        return [mapping.type_label] * len(codes)
    if not mapping.labels:
        return given
    known = [code or type_code_of(word, mapping) for code, word in zip(codes, words, strict=True)]
    return list(map(mapping.labels.get, known, given))


def _keys(given: Sequence[object], there: Mapping[str, Checked], reader: Reader) -> Sequence[object]:
    """Return the keys, or build them; "" where a part is not there."""
    template = reader.mapping.key
    if template is None:
        return given
    form, names = key_format(template, reader.company_id)
    parts = {"type_code": there["dimension_type_code"].texts, **{name: there[name].texts for name in there}}
    if "unique_key" in names:
        parts["unique_key"] = checked("unique_key", given).texts
    columns = [parts[name] for name in names]
    keys: list[str] = list(map(form.__mod__, zip(*columns, strict=True)))
    for column in columns:
        if "" in column:
            keys = [key if part else "" for key, part in zip(keys, column, strict=True)]
    return keys


def _refused(cells: Cells, found: Layout, there: Mapping[str, Checked], company_id: int) -> dict[int, Refused]:
    """Return what is wrong with each row of which a field has a fault, or that is another company's."""
    ordered = [(column, there[column]) for column in (*COLUMNS[1:], "unique_key")]  # the key is built of the others
    faulty = sorted({at for _, column in ordered for at in column.faults})
    refused = {
        at: Refused(
            faults=tuple(column.faults[at] for _, column in ordered if at in column.faults),
            key=there["unique_key"].texts[at] or None,
            natural=_natural(there, at),
        )
        for at in faulty
    }
    for one, other in found.doubled:
        refused |= _doubled(cells, one, other)
    return refused | ({} if found.owner is None else _foreign(cells, found.owner, company_id))


def _natural(there: Mapping[str, Checked], at: int) -> tuple[str, str] | None:
    pair = there["dimension_type_code"].texts[at], there["erp_dimension_id"].texts[at]
    return pair if all(pair) else None


def _doubled(cells: Cells, one: str, other: str) -> dict[int, Refused]:
    """Return the rows that have a field under the names of both contracts."""
    fault = Fault("doubled-column", f"the same column is there twice: {one} and {other}")
    pairs = zip(cells.column(one, ABSENT), cells.column(other, ABSENT), strict=True)
    return {at: Refused((fault,)) for at, pair in enumerate(pairs) if ABSENT not in pair}


def _foreign(cells: Cells, owner: str, company_id: int) -> dict[int, Refused]:
    """Return the rows that name another company than this one."""
    column = cells.column(owner)
    return {
        at: Refused((_another(value, owner, company_id),))
        for at, value in enumerate(column)
        if not is_empty(value) and not is_own(value, company_id)
    }


def _another(value: object, owner: str, company_id: int) -> Fault:
    text = f"{owner} is {shown(str(value))}, and this is the source of company {company_id}"
    return Fault("foreign-company", f"{text}: the row is another company's and is not sent")
