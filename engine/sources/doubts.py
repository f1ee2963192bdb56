"""Signs that rows may not be read as they are meant, in sentences. Pure; for people, not for runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ENOUGH = 3
"""Fewer rows than this are no evidence of a habit."""

_DECIMAL = re.compile(r"\d+\.0$")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,' \u00a0\u2019]\d{3})+$")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+$")
_NUMBERED = re.compile(r"(\d[\w.-]*) ?([\u00b7:\u2013\u2014-]) ?\D")
_TOTAL = re.compile(r"(?:sub)?totals?\b|gesamt\b|summe\b|net income\b", re.IGNORECASE)


def doubts(ids: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence, with an example, for each pattern in ids and names that is rarely intended."""
    for pattern, words in (
        (_SCIENTIFIC, "a spreadsheet has rounded long numbers: export anew, without opening the file in between"),
        (_DECIMAL, "a spreadsheet or a program has made decimal numbers of ids"),
        (_THOUSANDS, "ids may be numbers that are shown with thousands separators"),
        (_NUMBERED, "number and name stand in one column: `split` or `match` takes them apart"),
    ):
        found = [text for text in ids if pattern.match(text)]
        if found and (pattern is _SCIENTIFIC or (len(found) >= ENOUGH and len(found) > len(ids) * 0.8)):
            yield f"{counted(len(found), 'id')} like {found[0]!r}: {words}"
    if totals := [name for name in names if _TOTAL.match(name)]:
        yield f"{counted(len(totals), 'name')} like {totals[0]!r}: is it an account, or the total of others?"
    yield from _lost_zeros(ids)


def _lost_zeros(ids: Sequence[str]) -> Iterator[str]:
    """Yield a doubt where numbers are of two lengths, and the shorter ones are few: leading zeros may be lost."""
    numbers = [text for text in ids if text.isdecimal() and text.isascii()]
    longest = max(map(len, numbers), default=0)
    short = [text for text in numbers if len(text) < longest]
    usual = len(numbers) - len(short) >= 2 * len(short) and not any(text.startswith("0") for text in numbers)
    if short and usual and len(numbers) >= 2 * ENOUGH and all(len(text) == longest - 1 for text in short):
        has = f"{'has' if len(short) == 1 else 'have'} {longest - 1} digits, the others {longest}"
        yield f"{counted(len(short), 'id')} like {short[0]!r} {has}: is a leading zero lost? `pad = {longest}` helps"


def counted(count: int, what: str) -> str:
    """Return a number with its noun, such as "1 row" or "2 rows"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
