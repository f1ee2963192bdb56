"""The causes of a run's trouble in their order: the first with examples and what to type, the last in a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from engine.cli.desk.grouping import CauseGroup
from engine.cli.desk.remedy import remedy
from engine.cli.show.causes import cause_head, companies_of, examples, to_type, who
from engine.cli.show.wrapping import wrap
from engine.observe.terminal import tell

EXAMPLE_LINES = 9
"""Lines for examples, over all causes: with three causes and the totals they fit 24 lines."""

MOST_CAUSES = 8
"""Causes told with an example and a remedy; those after them get a line each."""

MOST_LINES = 30
"""Causes that get a line at all; the JSON output has all problems."""


def cause_lines(
    causes: Sequence[CauseGroup], now: datetime, width: int, groups: Mapping[int, Sequence[str]], config: str
) -> Iterator[Text]:
    """Yield what needs a person, in the order of the causes. `now`: when the run ended. `groups`: by company id."""
    room = max(1, EXAMPLE_LINES // max(1, min(len(causes), MOST_CAUSES)))
    for number, cause in enumerate(causes[:MOST_LINES]):
        yield cause_head(cause, now, width)
        if number < MOST_CAUSES:
            yield from who(cause, width)
            yield from examples(cause, room, width)
            yield from to_type(remedy(cause, groups, config=config), width)
    if (left := len(causes) - MOST_LINES) > 0:
        yield Text(f"and {left:,} more causes: --output json shows all", style="dim")


def calm_lines(causes: Sequence[CauseGroup], width: int) -> Iterator[Text]:
    """Yield the reasons why some companies wait."""
    for cause in causes:
        yield from wrap(f"{companies_of(cause)}: {tell(cause.example.problem)}", "    ", width)
