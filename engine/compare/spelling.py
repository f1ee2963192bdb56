"""Spellings of one text: what servers are known to do to names when they store or list them."""

from __future__ import annotations

from html import unescape

CUT_FROM = 30
"""A text of fewer characters is not taken for the beginning of a longer one: the shortest limit of a name that is known
among accounting systems is 30 characters, and a longer name is often a shorter one with words added."""


def essence(text: str) -> str:
    """Return what spellings of a text have in common: not case, white space, or entities of HTML."""
    return "".join(unescape(unescape(text)).casefold().split())


def is_spelling(shown: str, sent: str) -> bool:
    """Return whether a server may show a text so that was sent so: other case, spaces or entities, or cut off."""
    here, there = essence(shown), essence(sent)
    return here == there or (len(shown) >= CUT_FROM and there.startswith(here))
