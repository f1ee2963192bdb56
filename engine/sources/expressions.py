"""How a field of a row is made of a file's columns: a column, a part of its text, the first that is filled, a constant.

`expression` reads what the settings or a program write: a column's name, or a table such as
`{ column = "Full name", split = ":", part = -1 }`. `values` makes a column of fields out of columns of a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from engine.model.dimension import clean


@dataclass(frozen=True, slots=True)
class Named:
    """A column of the file, and what is taken of its text, in this order: `split`, `match`, `pad`."""

    column: str
    split: str | None = None  # the text between these separators is taken: the one number `part`
    part: int = 1  # from 1; negative: from the end
    match: str | None = None  # searched: its first group is taken, or all of it; "" where it is not found
    pad: int = 0  # zeros are put before a text that is shorter


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several expressions that gives something."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text in each row."""

    constant: str


Expression: TypeAlias = Named | FirstOf | Constant

Columns: TypeAlias = Callable[[str], Sequence[object]]
"""Returns a column of a file by its name."""

MOST_PADDED = 64
"""The longest text that `pad` may ask for: no id is longer."""


class Unwritable(ValueError):
    """What is wrong with a value of a mapping, and the path of the place within the value."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


def expression(written: object) -> Expression:
    """Return the expression that is written. Raises `Unwritable`."""
    if isinstance(written, Named | FirstOf | Constant):
        return written
    if isinstance(written, str):
        return Named(_text(written, "a column"))
    if not isinstance(written, Mapping):
        raise Unwritable('must be a column\'s name, or a table such as { first_of = ["A", "B"] }')
    for kind, read in (("first_of", _first_of), ("constant", _constant), ("column", _named)):
        if kind in written:
            return read(written)
    require_keys(written, _NAMED)
    raise Unwritable("needs one of these keys: column, first_of, constant")


_NAMED = ("column", "split", "part", "match", "pad")


def _first_of(written: Mapping[str, object]) -> FirstOf:
    require_keys(written, ("first_of",))
    given = written["first_of"]
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise Unwritable('must be a list: first_of = ["A", "B"]', ("first_of",))
    return FirstOf(tuple(_within(one, ("first_of", at)) for at, one in enumerate(given)))


def _within(written: object, path: tuple[str | int, ...]) -> Expression:
    try:
        return expression(written)
    except Unwritable as error:
        raise Unwritable(str(error), (*path, *error.path)) from None


def _constant(written: Mapping[str, object]) -> Constant:
    require_keys(written, ("constant",))
    if not isinstance(given := written["constant"], str):
        raise Unwritable("must be text, in quotes", ("constant",))
    return Constant(given)


def _named(written: Mapping[str, object]) -> Named:
    require_keys(written, _NAMED)
    found: dict[str, Any] = {"column": _text(written["column"], "a column", ("column",))}
    if "split" in written:
        if not isinstance(mark := written["split"], str) or not mark:
            raise Unwritable("must be the text that stands between the parts", ("split",))
        found["split"] = mark
    if "part" in written:
        if "split" not in written:
            raise Unwritable('needs `split`: { column = "A", split = ":", part = -1 }', ("part",))
        found["part"] = _whole(written["part"], "part")
        if not found["part"]:
            raise Unwritable("counts from 1, or from the end: -1 is the last part", ("part",))
    if "match" in written:
        found["match"] = pattern(written["match"], ("match",))
    if "pad" in written:
        found["pad"] = _whole(written["pad"], "pad")
        if not 1 <= found["pad"] <= MOST_PADDED:
            raise Unwritable(f"must be a number of characters from 1 to {MOST_PADDED}", ("pad",))
    return Named(**found)


def _text(written: object, what: str, path: tuple[str, ...] = ()) -> str:
    if not isinstance(written, str) or not written.strip():
        raise Unwritable(f"must be the name of {what}, in quotes", path)
    return written.strip()


def _whole(written: object, key: str) -> int:
    if isinstance(written, bool) or not isinstance(written, int):
        raise Unwritable("must be a whole number, without quotes", (key,))
    return written


def pattern(written: object, path: tuple[str | int, ...]) -> str:
    """Return a regular expression as it is written. Raises `Unwritable` if it is none."""
    if not isinstance(written, str):
        raise Unwritable("must be a regular expression, in quotes", path)
    try:
        re.compile(written)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unwritable(f"{written!r} is not a regular expression: {error}", path) from None
    return written


def require_keys(written: Mapping[str, object], known: Collection[str]) -> None:
    """Raise `Unwritable` for a key that has no place in a table."""
    for key in written:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"
            raise Unwritable(f"unknown key; {hint}", (str(key),))


def columns_of(made: Expression) -> Iterator[str]:
    """Yield the names of all columns that an expression reads."""
    if isinstance(made, Named):
        yield made.column
    elif isinstance(made, FirstOf):
        for one in made.of:
            yield from columns_of(one)


def lacking(made: Expression, has: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the columns of which one has to be there and none is; empty: the expression can be made."""
    if isinstance(made, Constant):
        return ()
    if isinstance(made, FirstOf) and not all(lacking(one, has) for one in made.of):
        return ()
    return tuple(name for name in columns_of(made) if not has(name))


def values(made: Expression, column: Columns, count: int) -> Sequence[object]:
    """Return a field of `count` rows. A value that is no text is taken as it is, and steps leave it so."""
    if isinstance(made, Constant):
        return [made.constant] * count
    if isinstance(made, FirstOf):
        return _first_filled([values(one, column, count) for one in made.of])
    cells = column(made.column)
    take = _taker(made)
    return cells if take is None else each(cells, take)


def each(cells: Sequence[object], take: Callable[[str], str]) -> Sequence[object]:
    """Return cells with each text replaced; each different text is looked at once."""
    taken = {text: take(text) for text in {cell for cell in cells if isinstance(cell, str)}}
    return [taken[cell] if isinstance(cell, str) else cell for cell in cells]


def _first_filled(columns: Sequence[Sequence[object]]) -> Sequence[object]:
    first, *others = columns
    for other in others:
        first = [two if is_empty(one) else one for one, two in zip(first, other, strict=True)]
    return first


def is_empty(value: object) -> bool:
    """Return whether a cell holds nothing: it is absent, null, or blank text."""
    return not value.strip() if isinstance(value, str) else value is None


def _taker(made: Named) -> Callable[[str], str] | None:
    """Return the function that the steps of an expression apply to a text; None: there are no steps."""
    if made.split is None and made.match is None and not made.pad:
        return None
    searched = None if made.match is None else re.compile(made.match)

    def take(text: str) -> str:
        text = clean(text)
        if made.split is not None:
            text = _part(text.split(made.split), made.part)
        if searched is not None:
            found = searched.search(text)
            text = "" if found is None else (found[1] if searched.groups else found[0]) or ""
        text = clean(text)
        return text.rjust(made.pad, "0") if text else text

    return take


def _part(parts: Sequence[str], number: int) -> str:
    """Return one of some parts: from 1, or from the end; "" where there are fewer."""
    at = number - 1 if number > 0 else len(parts) + number
    return parts[at] if 0 <= at < len(parts) else ""
