"""Figures in words: one rule for singular and plural."""

from __future__ import annotations


def counted(count: int, one: str, more: str = "") -> str:
    """Return `1 row`, `2 rows`, `1,204 rows`. `more`: the plural, where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
