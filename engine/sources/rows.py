"""Check whether the fields of rows can be sent, column by column; messages are made for faults only. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from sys import intern
from typing import NamedTuple
from unicodedata import is_normalized

from engine.model.dimension import DIMENSIONS, NaturalKey, canonical_type, clean

FIELD_BYTES = 65_536
"""A longer field is refused: 64 KiB of UTF-8, after trimming. No real name or code comes near."""

COLUMNS = tuple(DIMENSIONS.columns.values())
"""The guide's column names, in the order of the fields of `Dimension`."""

OPTIONAL = {field.column: field.name for field in DIMENSIONS.fields if field.optional}
"""The columns that a source may leave out, and the names of their fields."""

IDS = frozenset({DIMENSIONS.columns["key"], DIMENSIONS.columns[DIMENSIONS.identifier]})
"""Columns in which invisible characters are refused: two ids would look the same to people."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # C0, DEL and C1; tabs and newlines are among them
_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Format characters (bidirectional marks, joiners, U+FEFF), line separators, fillers, variation selectors."""

_ROUNDED = re.compile(r"[+-]?\d(\.\d+)?[eE]\+\d+|[+-]?\d\.\d+[eE]\d+", re.ASCII)
"""A long number as spreadsheets write it: 2.87796E+18. The plus sign, or the point, tells it from an id such as 1E5."""

_ASCII_CONTROLS = bytes((*range(0x20), 0x7F))
_SHOWN = 60  # characters of a value that a message shows


class Fault(NamedTuple):
    """One thing that is wrong with a row: a stable code, and words."""

    code: str
    message: str


class Refused(NamedTuple):
    """A row that cannot be sent: all of its faults, and its key and natural key as far as they are known."""

    faults: tuple[Fault, ...]
    key: str | None = None
    natural: NaturalKey | None = None


class Checked(NamedTuple):
    """A column of fields: clean texts, and the faults by position. The text of a faulty field is empty."""

    texts: list[str]
    faults: Mapping[int, Fault]


def checked(column: str, values: Sequence[object]) -> Checked:
    """Return a column's texts, trimmed and in NFC, and what is wrong with them. `column`: one of `COLUMNS`."""
    faults: dict[int, Fault] = {}
    try:
        texts = list(map(str.strip, values))  # type: ignore[arg-type]  # they are texts, nearly always
    except TypeError:
        texts, faults = _texts(column, values)
    if not _is_plain(texts, is_id=column in IDS):
        texts = list(map(clean, texts))
        bad = {text: fault for text in set(texts) if (fault := _fault(column, text)) is not None}
        _note(texts, bad, faults)
    if "" in texts and column not in OPTIONAL:
        empty = Fault("missing-field", f"{column} is empty")
        faults = {at: empty for at, text in enumerate(texts) if not text} | faults
    return Checked(texts, faults)


def _texts(column: str, values: Sequence[object]) -> tuple[list[str], dict[int, Fault]]:
    """Return texts, trimmed, with "" in place of what is no text, and the faults of those that are there."""
    texts = [value.strip() if isinstance(value, str) else "" for value in values]
    faults = {
        at: Fault("not-text", f"{column} is {_kind(value)}, not text: {_ADVICE}{_AS_IDS if _is_number(value) else ''}")
        for at, value in enumerate(values)
        if not isinstance(value, str | None)
    }
    return texts, faults


def _note(texts: list[str], bad: Mapping[str, Fault], faults: dict[int, Fault]) -> None:
    """Note the faults of texts by their positions, and put "" in place of the texts."""
    if bad:
        for at, text in enumerate(texts):
            if text in bad:
                faults[at] = bad[text]
                texts[at] = ""


def types(texts: Checked, type_codes: Collection[str], read: Callable[[str], str]) -> Checked:
    """Return the type codes of words. `read` makes a code of a word; `type_codes`: those that the contract allows."""
    codes = {word: intern(canonical_type(read(word))) if word else "" for word in set(texts.texts)}
    found, faults = list(map(codes.__getitem__, texts.texts)), texts.faults
    unknown = {code for code in codes.values() if code and code not in type_codes}
    if unknown:
        faults = dict(faults)
        _note(found, {code: _unknown_type(code, type_codes) for code in unknown}, faults)
    return Checked(found, faults)


def _fault(column: str, text: str) -> Fault | None:
    """Return what is wrong with a text; None: nothing is. One that is too long is not searched."""
    if len(text) * 4 > FIELD_BYTES and (size := len(text.encode("utf-8", "surrogatepass"))) > FIELD_BYTES:
        return Fault("too-long", f"{column} has {size:,} bytes; at most {FIELD_BYTES:,} are sent")
    if _SURROGATE.search(text):
        return Fault("not-text", f"{column} {shown(text)} holds half a surrogate pair, which is not a character")
    if match := _CONTROL.search(text):
        return Fault("control-characters", f"{column} {shown(text)} holds {_place('control', match)}")
    if column in IDS and (match := _INVISIBLE.search(text)):
        message = f"{column} {shown(text)} holds {_place('invisible', match)}: remove it where the row comes from"
        return Fault("invisible-characters", message)
    if column in IDS and _ROUNDED.fullmatch(text):
        message = f"{column} {shown(text)} is a number that a spreadsheet has rounded: export it again, as text"
        return Fault("rounded-id", message)
    return None


def _place(kind: str, match: re.Match[str]) -> str:
    return f"the {kind} character U+{ord(match[0]):04X} after {match.start()} characters"


_ADVICE = 'write it in quotes, or as a text column ("0100" as a number has lost its leading zero)'

_AS_IDS = "; where whole numbers are the ids, say so in the mapping: numbers_as_ids = true"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    """Return a JSON word for a value that is not text."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return f"of type {type(value).__name__}"


def _unknown_type(code: str, type_codes: Collection[str]) -> Fault:
    allowed = ", ".join(sorted(type_codes))
    return Fault("unknown-type", f"dimension_type_code {shown(code)} is not one of: {allowed}")


def _is_plain(texts: Sequence[str], *, is_id: bool) -> bool:
    """Return whether trimmed texts are surely in NFC and surely have no fault, so that none has to be looked at."""
    joined = ",".join(texts)  # a comma composes with nothing, so the texts stay apart in NFC
    bytes_each = 1 if joined.isascii() else 4  # at most
    if len(joined) * bytes_each > FIELD_BYTES and max(map(len, texts)) * bytes_each > FIELD_BYTES:
        return False
    if is_id and ("+" in joined or "." in joined) and ("E" in joined or "e" in joined):  # perhaps a rounded number
        return False
    if bytes_each == 1:
        return len(joined.encode().translate(None, _ASCII_CONTROLS)) == len(joined)  # a fifth of `isprintable`
    if is_id and _INVISIBLE.search(joined):
        return False
    if not joined.isprintable() and (_CONTROL.search(joined) or _SURROGATE.search(joined)):
        return False
    return is_normalized("NFC", joined)


def shown(text: str) -> str:
    """Return text as a message may show it: quoted, control characters escaped, shortened."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
