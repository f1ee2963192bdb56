"""The runs that the ledger remembers: a line for each, which fits 80 cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from engine.cli.show.run_names import LOOKED, marked, short_id
from engine.cli.show.table import columns
from engine.cli.show.wrapping import wrap
from engine.model.result import LOOKING, PastRun
from engine.observe.terminal import safe

HEAD = ("STARTED, UTC", "VERB", "EXIT", "COMPANIES", "CREATED", "UPDATED", "TROUBLE", "RUN")
REQUESTS = "REQUESTS"


def run_lines(runs: Sequence[PastRun], width: int) -> Iterator[Text]:
    """Yield a line for each run, below it the guards that were let pass; requests where the width has room for them."""
    if not runs:
        yield Text("no run yet: `dimsync sync` makes the first")
        return
    wide = list(columns((*HEAD, REQUESTS), [(*_cells(run), f"{run.requests:,}") for run in runs]))
    narrow = list(columns(HEAD, [_cells(run) for run in runs]))
    head, *lines = wide if max(map(cell_len, wide)) <= width else narrow
    yield Text(head, style="bold")
    for line, run in zip(lines, runs, strict=True):
        yield Text(line)
        if run.allowed:
            yield from wrap(f"let pass: {safe(run.allowed)}", "    ", width)
    if any(run.verb in LOOKING for run in runs):
        yield from wrap(LOOKED, "", width)


def _cells(run: PastRun) -> tuple[str, ...]:
    code = "none" if run.exit_code is None else str(run.exit_code)
    figures = [marked(f"{count:,}", run.verb) for count in (run.created, run.updated, run.trouble)]
    return (
        f"{run.started_at:%Y-%m-%d %H:%M}",
        run.verb,
        code,
        f"{run.companies:,}",
        *figures,
        safe(short_id(run.run_id)),
    )
