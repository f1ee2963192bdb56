"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet takes for a formula, whoever named the row so.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def guarded(text: str) -> str:
    """Return a text with a quote in front if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
