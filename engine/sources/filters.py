"""Which rows a mapping takes: `where`, a test for each column that it names. Pure.

A test sorts the texts of a column into texts that are taken, texts that are left out, and texts that the filter does
not mention. A row with a text that is not mentioned is invalid, as nobody has said what is to become of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.model.dimension import clean
from engine.sources.booleans import spelled
from engine.sources.expressions import Unwritable, pattern, require_keys


@dataclass(frozen=True, slots=True)
class OneOf:
    """Rows with one of these texts are taken, all others are left out. Texts are trimmed, and differ in case."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Rows with a text of `keep` are taken, rows with one of `out` are left out, all others are invalid."""

    keep: tuple[str, ...]
    out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Rows with this answer, yes or no in any spelling, are taken, the opposite is left out, all others are invalid."""

    keep: bool
    keeps_empty: bool = False  # rows in which nothing stands are taken, too


@dataclass(frozen=True, slots=True)
class Matches:
    """Rows in whose text the pattern is found are taken, all others are left out."""

    matches: str


@dataclass(frozen=True, slots=True)
class Empty:
    """Rows in whose column nothing stands are taken, all others are left out; False: the other way round."""

    empty: bool


@dataclass(frozen=True, slots=True)
class Not:
    """Rows that the other test takes are left out, and those that it leaves out are taken."""

    test: OneOf | Switch | Matches


@dataclass(frozen=True, slots=True)
class Anything:
    """All rows are taken: a preset's test of this column does not apply."""


@dataclass(frozen=True, slots=True)
class IfThere:
    """Rows are tested where the source has the column; a source without it is read, and not filtered by it."""

    test: Plain


Plain: TypeAlias = OneOf | Sorted | Switch | Matches | Empty | Not | Anything
Test: TypeAlias = Plain | IfThere

_TESTS = (OneOf, Sorted, Switch, Matches, Empty, Not, Anything, IfThere)
_FORMS = ("not", "empty", "matches", "keep", "out", "any", "optional")
_HELP = 'one of { not = ... }, { empty = false }, { matches = "..." }, { keep = [...], out = [...] }, { any = true }'


def row_test(written: object) -> Test:
    """Return the test that is written for a column. Raises `Unwritable`."""
    if isinstance(written, _TESTS):
        return written
    if not isinstance(written, Mapping):
        return _equal(written)
    require_keys(written, _FORMS)
    if "optional" not in written:
        return _plain(written)
    if not _switch(written["optional"], "optional"):
        raise Unwritable("is true or not there", ("optional",))
    return IfThere(_plain({form: value for form, value in written.items() if form != "optional"}))


def _plain(written: Mapping[str, object]) -> Plain:
    forms = tuple(written)
    if forms == ("not",):
        return Not(_negated(written["not"]))
    if forms == ("empty",):
        return Empty(_switch(written["empty"], "empty"))
    if forms == ("matches",):
        return Matches(pattern(written["matches"], ("matches",)))
    if forms == ("any",):
        if not _switch(written["any"], "any"):
            raise Unwritable("is true or not there", ("any",))
        return Anything()
    if set(forms) == {"keep", "out"}:
        return _sorted(_texts(written["keep"], ("keep",)), _texts(written["out"], ("out",)))
    raise Unwritable(f"must be text, a list of texts, or {_HELP}")


def _switch(written: object, key: str) -> bool:
    if not isinstance(written, bool):
        raise Unwritable("must be true or false, without quotes", (key,))
    return written


def _negated(written: object) -> OneOf | Switch | Matches:
    if not isinstance(written, Mapping):
        try:
            return _equal(written)
        except Unwritable as error:
            raise Unwritable(str(error), ("not", *error.path)) from None
    if tuple(written) != ("matches",):
        raise Unwritable('must be text, a list of texts, or { matches = "..." }', ("not",))
    return Matches(pattern(written["matches"], ("not", "matches")))


def _equal(written: object) -> OneOf | Switch:
    """Return the test for a text or a list of texts: a `Switch` where all of them spell the same yes or no."""
    values = _texts(written, ())
    meant = {spelled(value) for value in values if value}
    if len(meant) == 1 and (keep := meant.pop()) is not None:
        return Switch(keep, keeps_empty="" in values)
    return OneOf(values)


def _sorted(keep: tuple[str, ...], out: tuple[str, ...]) -> Sorted:
    if both := set(keep) & set(out):
        raise Unwritable(f"{min(both)!r} is in `out`, too", ("keep",))
    return Sorted(keep, out)


def _texts(written: object, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return texts as filters compare them. Raises `Unwritable`."""
    given = written if isinstance(written, Sequence) and not isinstance(written, str) else (written,)
    if not given:
        raise Unwritable("must have at least one value", path)
    for at, one in enumerate(given):
        if not isinstance(one, str | bool | int):
            where: tuple[str | int, ...] = (*path, at) if given is written else path
            raise Unwritable(f"must be text, in quotes, a list of texts, or {_HELP}", where)
    texts = tuple(filtered_text(one) for one in given)
    return (*texts, "") if "null" in texts and "" not in texts else texts  # JSON's word for what is empty here


def filtered_text(value: object) -> str:
    """Return a cell as filters see it: trimmed; true and false are these words, null and an absent one are empty."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def takes(test: Test, text: str) -> bool | None:
    """Return whether a test takes a row with this text; None: it says nothing about it."""
    match test:
        case OneOf(values):
            return text in values
        case Switch(keep, keeps_empty):
            if not text:
                return True if keeps_empty else None
            return None if (said := spelled(text)) is None else said is keep
        case Sorted(keep=kept, out=out):
            return _side(text, kept, out)
        case Matches(searched):
            return re.search(searched, text) is not None
        case Empty(empty):
            return (not text) is empty
        case Not(other):
            taken = takes(other, text)
            return not taken if taken is not None else (True if not text else None)
        case IfThere(other):
            return takes(other, text)
        case Anything():
            return True


def _side(text: str, keep: tuple[str, ...], out: tuple[str, ...]) -> bool | None:
    """Return on which side a text is, as it is written or, for yes and no, in any spelling; None: on neither."""
    if text in keep or text in out:
        return text in keep
    if (said := spelled(text)) is None:
        return None
    sides = {is_kept for is_kept, values in ((True, keep), (False, out)) if said in map(spelled, values)}
    return sides.pop() if len(sides) == 1 else None


def unsaid(test: Test, column: str, text: str) -> str:
    """Return the message for a row whose text a filter does not mention."""
    shown = repr(text[:60]) if text else "empty"
    if isinstance(test, IfThere):
        return unsaid(test.test, column, text)
    if isinstance(test, Sorted):
        return f"{column} is {shown}, which is neither in `keep` nor in `out`: say in `where` on which side it belongs"
    return (
        f"{column} is {shown}, and `where` asks for yes or no: say what is to become of it, such as "
        f"{{ keep = [...], out = [...] }}"
    )


def merged(base: Mapping[str, Test], own: Mapping[str, Test]) -> dict[str, Test]:
    """Return the filter of a preset with a mapping's own tests in place of the preset's, column by column."""
    return {column: test for column, test in {**base, **own}.items() if not isinstance(test, Anything)}
