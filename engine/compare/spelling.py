"""Spellings of one text: what servers are known to do to names when they store or list them."""

from __future__ import annotations

from html import unescape

CUT_FROM = 30
"""A text of fewer characters is not taken for the beginning of a longer one: the shortest limit of a name that is known
among accounting systems is 30 characters, and a longer name is often a shorter one with words added."""

PLAIN_MARKS = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")
"""Typographic quotes and dashes, and the plain ones."""


def essence(text: str) -> str:
    """Return what spellings of a text have in common: not case, white space, entities of HTML, or kinds of quotes."""
    return "".join(unescape(unescape(text)).translate(PLAIN_MARKS).casefold().split())


def is_spelling(shown: str, sent: str) -> bool:
    """Return whether `shown` may be how a server shows `sent`: in other case, with other spaces or entities, or cut."""
    here, there = essence(shown), essence(sent)
    return here == there or (len(shown) >= CUT_FROM and there.startswith(here))


def answered_words(sent: str, answered: str) -> str:
    """Return words on a stored row whose name was answered otherwise."""
    return f"its name {sent!r} was acknowledged as {answered!r}"
