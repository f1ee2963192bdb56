"""Rows that are plainly good, taken column by column in C: a fraction of the time of looking at each one.

`rows.examine` decides. Whatever is not plainly good is left to it: the checks here may be stricter, but never laxer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import intern
from typing import Any

from engine.model.table import Column
from engine.sources.mapping import ColumnMap, Test, filtered_text, key_format, type_code_of
from engine.sources.rows import plain


def kept(cells: Column, width: int, tests: Sequence[Test]) -> list[bool] | None:
    """Return which rows of a table a filter leaves in; None where that takes a look at each one."""
    verdicts = [True] * (len(cells) // width)
    for place, values in tests:
        column = cells[place::width]
        if set(map(type, column)) not in ({str}, {bool}):  # among mixed kinds, 1 and true would be one value
            return None
        passes = {value: filtered_text(value) in values for value in set(column)}
        verdicts = [before and passes[value] for before, value in zip(verdicts, column, strict=True)]
    return verdicts


def plain_columns(
    columns: Sequence[Column], mapping: ColumnMap, company_id: int, type_codes: frozenset[str]
) -> tuple[Column, ...] | None:
    """Return the columns of rows, of which these are the six raw fields; None unless each row is plainly good.

    Of each type code and label there is one object, however many rows bear it.
    """
    keys, words, labels, names, erp_ids, codes = columns
    try:
        types = _each(words, lambda word: type_code_of(word, mapping))
        if not type_codes.issuperset(types):
            return None
        if mapping.type_label is not None:
            labels = [mapping.type_label] * len(labels)
        elif mapping.labels:
            labels = list(map(mapping.labels.get, types, labels))
        labels, names, erp_ids, codes = _each(labels, _label), _texts(names), _texts(erp_ids), _codes(codes)
        if mapping.key is not None:
            form, parts = key_format(mapping.key, company_id)
            there = {"type_code": types, "erp_dimension_id": erp_ids, "unique_key": keys, "code": codes}
            keys = list(map(form.__mod__, zip(*(_texts(there[part]) for part in parts), strict=True)))
        return _texts(keys), types, labels, names, erp_ids, codes
    except (TypeError, ValueError):
        return None


def _texts(column: Column) -> Sequence[str]:
    """Return texts trimmed. Raises `TypeError` or `ValueError` unless they are plainly good, and none is empty."""
    texts = tuple(map(str.strip, column))
    if not all(texts) or not plain(texts):
        raise ValueError("not plain")
    return texts


def _codes(column: Column) -> Sequence[str | None]:
    """Return codes trimmed, `None` where a row has none. Raises `TypeError` or `ValueError` if one is not good."""
    texts = tuple(map(str.strip, ["" if code is None else code for code in column] if None in column else column))
    if not plain(texts):
        raise ValueError("not plain")
    return [text or None for text in texts] if "" in texts else texts


def _each(column: Column, read: Callable[[Any], Any]) -> Sequence[str]:
    """Return what `read` makes of each value, asked once for each different one. Raises what `read` raises."""
    made = {value: intern(read(value)) for value in set(column)}
    return tuple(map(made.__getitem__, column))


def _label(value: str) -> str:
    return _texts((value,))[0]
