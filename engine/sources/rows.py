"""Whether one source row can be sent; pure. The quick check is in `columns`; this is what it falls back on."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple
from unicodedata import is_normalized

from engine.model.dimension import DIMENSIONS, Dimension, NaturalKey, canonical_type, clean

FIELD_BYTES = 65_536
"""A longer field is refused: 64 KiB of UTF-8, after trimming. No real name or code comes near."""

COLUMNS = tuple(DIMENSIONS.columns.values())
"""The guide's column names, in the order of the fields of `Dimension`."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # C0, DEL and C1; tabs and newlines are among them
_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_CONTROLS = bytes((*range(0x20), 0x7F))
_SHOWN = 60  # characters of a value that a message shows


class Fault(NamedTuple):
    """One thing that is wrong with a row: a stable code, and words."""

    code: str
    message: str


class Refused(NamedTuple):
    """A row that cannot be sent: everything that is wrong with it, and what is known of whose it is."""

    faults: tuple[Fault, ...]
    key: str | None = None
    natural: NaturalKey | None = None


def examine(fields: Sequence[object], type_codes: Collection[str]) -> Dimension | Refused:
    """Return the row whose six fields (order of `COLUMNS`) these are, cleaned, or all that is wrong with them.

    `type_codes` are the canonical codes that the contract allows.
    """
    texts: list[str] = []
    faults: list[Fault] = []
    sound: dict[str, bool] = {}
    for column, value in zip(COLUMNS, fields, strict=True):
        text, fault = _text(column, value)
        if column == "dimension_type_code" and fault is None:
            text = canonical_type(text)
            fault = None if text in type_codes else _unknown_type(text, type_codes)
        texts.append(text)
        sound[column] = fault is None
        if fault is not None:
            faults.append(fault)
    key, type_code, label, name, erp_id, code = texts
    if not faults:
        return Dimension(key, type_code, label, name, erp_id, code or None)
    if not sound["unique_key"]:
        faults.append(faults.pop(0))  # a key built from a bad field is empty: the field's fault says more
    return Refused(
        faults=tuple(faults),
        key=key if sound["unique_key"] else None,
        natural=(type_code, erp_id) if sound["dimension_type_code"] and sound["erp_dimension_id"] else None,
    )


def _text(column: str, value: object) -> tuple[str, Fault | None]:
    """Return a field's clean text, and what is wrong with it; the text is empty unless the field is sound."""
    if not isinstance(value, str | None):
        return "", Fault("not-text", f"{column} is {_kind(value)}, not text: {_ADVICE}")
    text = clean(value or "")
    if not text:
        return "", None if column == "code" else Fault("missing-field", f"{column} is empty")
    if _SURROGATE.search(text):
        return "", Fault("not-text", f"{column} {shown(text)} holds half a surrogate pair, which is not a character")
    if match := _CONTROL.search(text):
        place = f"the control character U+{ord(match[0]):04X} after {match.start()} characters"
        return "", Fault("control-characters", f"{column} {shown(text)} holds {place}")
    if len(text) * 4 > FIELD_BYTES and (size := len(text.encode())) > FIELD_BYTES:
        return "", Fault("too-long", f"{column} has {size:,} bytes; at most {FIELD_BYTES:,} are sent")
    return text, None


_ADVICE = 'write it in quotes, or as a text column ("0100" as a number has lost its leading zero)'


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


def plain(texts: Sequence[str]) -> bool:
    """Return whether trimmed texts have no control characters, are in NFC, and are surely short enough."""
    joined = ",".join(texts)  # a comma composes with nothing, so the texts stay apart in NFC
    bytes_each = 1 if joined.isascii() else 4  # at most
    if len(joined) * bytes_each > FIELD_BYTES and max(map(len, texts)) * bytes_each > FIELD_BYTES:
        return False
    if bytes_each == 1:
        return len(joined.encode().translate(None, _ASCII_CONTROLS)) == len(joined)  # a fifth of `isprintable`
    if not joined.isprintable() and (_CONTROL.search(joined) or _SURROGATE.search(joined)):
        return False
    return is_normalized("NFC", joined)


def shown(text: str) -> str:
    """Return text as a message may show it: quoted, control characters escaped, shortened."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
