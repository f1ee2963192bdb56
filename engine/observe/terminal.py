"""Text for terminals: names made harmless, and a company's figures in one line."""

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
"""Each glyph and the balance columns whose sum it stands for."""

CALM = frozenset({ExitCode.DONE, ExitCode.STOPPED, ExitCode.LOCKED})
"""Exit codes of companies for which nobody has to do anything: the next run goes on by itself."""

LONGEST_MESSAGE = 400
"""Characters of a problem's message that are shown, some five lines. The JSON output has all of it."""

LONGEST_NAME = 80
"""Characters of a row's key or a company's name that are shown: one line."""


def safe(text: str) -> str:
    """Return `text` with everything unprintable escaped: control codes, escape codes, bidi overrides, line breaks.

    Names come from remote systems, where anybody may have put anything into them.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def brief(text: str, most: int) -> str:
    """Return `text` made safe and cut to `most` characters, counted after escaping; "…" shows a cut."""
    shown = safe(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def needs_person(result: CompanyResult) -> bool:
    """Return whether a person has to look at how a company ended."""
    return result.exit_code not in CALM


def figures(balance: Balance) -> str:
    """Return the columns that are not zero, each after its glyph, such as `= 812  # 214`."""
    if balance.source_rows is None:
        return "not read"
    parts = [f"{glyph} {count:,}" for glyph, columns in GLYPHS if (count := _count(balance, columns))]
    if balance.deferred:
        parts.append(f"{balance.deferred:,} deferred")
    return "  ".join(parts) or "no rows"


def _count(balance: Balance, columns: tuple[str, ...]) -> int:
    return sum(getattr(balance, column) or 0 for column in columns)


def tell(problem: Problem) -> str:
    """Return a problem as one safe line: its code, the row, the place in the file, and the message."""
    row = f" {brief(problem.key, LONGEST_NAME)}" if problem.key is not None else ""
    message = problem.message
    is_told = problem.file is None or message.startswith(problem.file)  # a message about a whole file names it first
    place = "" if is_told else f" ({problem.file}{f':{problem.line}' if problem.line is not None else ''})"
    return safe(f"{problem.code}{row}{place}: {brief(message, LONGEST_MESSAGE)}")


def trouble(result: CompanyResult) -> str:
    """Return one safe line on a company that needs a person."""
    first = f": {tell(result.problems[0])}" if result.problems else ""
    more = f" (and {len(result.problems) - 1:,} more)" if len(result.problems) > 1 else ""
    return (
        f"{result.state} {result.company_id} {brief(result.name, LONGEST_NAME)}  {figures(result.balance)}{first}{more}"
    )
