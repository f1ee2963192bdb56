"""The runs of one company, the newest first: what became of it in each, and its problems in a phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from engine.cli.desk.grouping import CauseGroup, grouped
from engine.cli.show.run_names import LOOKED, marked, short_id
from engine.cli.show.table import columns
from engine.cli.show.wrapping import fit, wrap
from engine.model.past_run import CompanyInRun
from engine.model.result import LOOKING
from engine.observe.terminal import LONGEST_NAME, brief, figures, safe, tell

HEAD = ("ENDED, UTC", "VERB", "STATE", "EVIDENCE", "RUN", "ROWS")

MOST_CAUSES = 3
"""Causes that are told of one run; `dimsync history RUN` has all."""

QUIET = "Runs that found nothing changed are not told one by one, but for the newest."


def company_run_lines(lines: Sequence[CompanyInRun], company_id: int, name: str, width: int) -> Iterator[Text]:
    """Yield a line for each run, below it what was wrong. `name`: as the settings call the company."""
    accounts = list(dict.fromkeys(line.company.account for line in lines))
    of = f", account{'s' if len(accounts) > 1 else ''} {', '.join(map(safe, accounts))}" if accounts else ""
    yield from (
        Text(line.plain, style="bold") for line in wrap(f"{company_id} {brief(name, LONGEST_NAME)}{of}", "", width)
    )
    if not lines:
        yield from wrap("no finished run has told of it yet", "", width)
        return
    head, *rows = columns(HEAD, [_cells(line) for line in lines])
    yield Text(head, style="dim")
    for row, line in zip(rows, lines, strict=True):
        yield from wrap(row, "", width)
        yield from _problems(line, width)
    if any(line.run.verb in LOOKING for line in lines):
        yield from wrap(LOOKED, "", width)
    yield from wrap(QUIET, "", width)


def _cells(line: CompanyInRun) -> tuple[str, ...]:
    run, company = line.run, line.company
    return (
        f"{run.finished_at or run.started_at:%Y-%m-%d %H:%M}",
        run.verb,
        str(company.state),
        company.evidence or "-",
        safe(short_id(run.run_id)),
        marked(figures(company.balance), run.verb),
    )


def _problems(line: CompanyInRun, width: int) -> Iterator[Text]:
    """Yield a line for each cause, cut to the width."""
    causes = grouped([line.company], run_at=line.run.finished_at)
    for cause in causes[:MOST_CAUSES]:
        text = _phrase(cause)
        yield Text(f"    {text if cell_len(text) + 4 <= width else fit(text, width - 4)}")
    if (left := len(causes) - MOST_CAUSES) > 0:
        yield Text(f"    and {left:,} more: dimsync history {safe(short_id(line.run.run_id))}", style="dim")


def _phrase(cause: CauseGroup) -> str:
    rows = f", {cause.rows:,} rows" if cause.rows > 1 else ""
    said = tell(cause.example.problem).removeprefix(cause.code).removeprefix(":").strip()
    return f"{cause.code}{rows}: {said}"
