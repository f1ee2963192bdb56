"""What a terminal is shown of a company: text that cannot do harm there, and its figures in one line."""

from __future__ import annotations

from engine.model.balance import Balance, ExitCode
from engine.model.outcome import Problem
from engine.model.result import CompanyResult

GLYPHS = (
    ("=", ("unchanged",)),
    ("+", ("created",)),
    ("~", ("updated",)),
    ("-", ("orphans",)),
    ("!", ("rejected", "invalid")),
    ("?", ("uncertain",)),
    ("#", ("held",)),
)
"""Each glyph and the balance columns that it counts (DESIGN section 10)."""

CALM = frozenset({ExitCode.DONE, ExitCode.STOPPED, ExitCode.LOCKED})
"""What a company may end with and need nobody: the next run goes on by itself."""

LONGEST_MESSAGE = 400
"""Characters of a problem's message that are shown: some five lines; the JSON output has the rest."""

LONGEST_NAME = 80
"""Likewise of a row's key and a company's name: a line."""


def safe(text: str) -> str:
    """Return `text` with whatever is not printable escaped: control and escape codes, bidi overrides, line breaks.

    Names come from remote systems, and anybody there may have put anything into them.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def brief(text: str, most: int) -> str:
    """Return `text` safe and in at most `most` characters, escapes counted as they stand; a cut shows."""
    shown = safe(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def needs_person(result: CompanyResult) -> bool:
    """Whether a company's end calls for somebody to look."""
    return result.exit_code not in CALM


def figures(balance: Balance) -> str:
    """Return the columns that are not zero behind their glyphs, such as `= 812  # 214`."""
    if balance.source_rows is None:
        return "no figures"
    parts = [f"{glyph} {count:,}" for glyph, columns in GLYPHS if (count := _count(balance, columns))]
    if balance.deferred:
        parts.append(f"{balance.deferred:,} deferred")
    return "  ".join(parts) or "no rows"


def _count(balance: Balance, columns: tuple[str, ...]) -> int:
    return sum(getattr(balance, column) or 0 for column in columns)


def tell(problem: Problem) -> str:
    """Return a problem as one safe line: what, which row, where, and why."""
    row = f" {brief(problem.key, LONGEST_NAME)}" if problem.key is not None else ""
    message = problem.message
    is_told = problem.file is None or message.startswith(problem.file)  # a file's own trouble begins with its name
    place = "" if is_told else f" ({problem.file}{f':{problem.line}' if problem.line is not None else ''})"
    return safe(f"{problem.code}{row}{place}: {brief(message, LONGEST_MESSAGE)}")


def trouble(result: CompanyResult) -> str:
    """Return one safe line on a company that needs a person."""
    first = f": {tell(result.problems[0])}" if result.problems else ""
    more = f" (and {len(result.problems) - 1:,} more)" if len(result.problems) > 1 else ""
    return (
        f"{result.state} {result.company_id} {brief(result.name, LONGEST_NAME)}  {figures(result.balance)}{first}{more}"
    )
