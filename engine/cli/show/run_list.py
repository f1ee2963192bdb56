"""The runs that the ledger remembers: a line for each, or for some together, which fits 80 cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from engine.cli.desk.rounds import Round
from engine.cli.show.run_names import LOOKED, marked, short_id
from engine.cli.show.table import columns
from engine.cli.show.wrapping import wrap
from engine.model.result import LOOKING
from engine.observe.terminal import safe

HEAD = ("STARTED, UTC", "VERB", "EXIT", "COMPANIES", "CREATED", "UPDATED", "TROUBLE", "RUN")
REQUESTS = "REQUESTS"

ROUNDS = (
    "N x 1: N runs of one company each, as workers make them, up to the one that is named; each of them:"
    " dimsync history --all, those of a company: dimsync history company:ID"
)
"""What is said below a list in which runs are told together."""


def run_lines(found: Sequence[Round], width: int) -> Iterator[Text]:
    """Yield a line for each run or round, below it the guards that were let pass; requests where there is room."""
    if not found:
        yield Text("no run yet: `dimsync sync` makes the first")
        return
    wide = list(columns((*HEAD, REQUESTS), [(*_cells(each), f"{each.total('requests'):,}") for each in found]))
    narrow = list(columns(HEAD, [_cells(each) for each in found]))
    head, *lines = wide if max(map(cell_len, wide)) <= width else narrow
    yield Text(head, style="bold")
    for line, each in zip(lines, found, strict=True):
        yield Text(line)
        if each.newest.allowed:
            yield from wrap(f"let pass: {safe(each.newest.allowed)}", "    ", width)
        if each.is_many and each.endless:
            yield from wrap(f"{each.endless:,} without an end: under way, or the worker died", "    ", width)
    if any(each.newest.verb in LOOKING for each in found):
        yield from wrap(LOOKED, "", width)
    if any(each.is_many for each in found):
        yield from wrap(ROUNDS, "", width)


def _cells(each: Round) -> tuple[str, ...]:
    code, verb = each.exit_code, each.newest.verb
    figures = [marked(f"{each.total(column):,}", verb) for column in ("created", "updated", "trouble")]
    return (
        f"{each.oldest.started_at:%Y-%m-%d %H:%M}",
        verb,
        "none" if code is None else str(code),
        f"{len(each.runs):,} x 1" if each.is_many else f"{each.newest.companies:,}",
        *figures,
        f"..{safe(short_id(each.newest.run_id))}" if each.is_many else safe(short_id(each.newest.run_id)),
    )
