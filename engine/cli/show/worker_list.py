"""What workers are doing: a line for each company, which fits 80 cells, the dead ones and the queue in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from engine.cli.desk.moments import clock, span
from engine.cli.show.run_names import short_id
from engine.cli.show.table import columns
from engine.cli.show.wrapping import fit, wrap
from engine.distributed.overview import AtWork, Overview, Queue, SeenWorker
from engine.model.wording import counted
from engine.observe.terminal import safe

HEAD = ("WORKER", "HOST", "PID", "COMPANY", "SINCE, UTC", "RUN")
NOBODY, NO_JOB = "no worker is at work: `dimsync worker` starts one", "no job waits"

HOST_CELLS, LEAST_CELLS = 14, 12
"""The most cells of a machine's name, and the fewest of a company's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that the settings give to accounts, by their ids, and to companies."""

    accounts: Mapping[str, str]
    companies: Mapping[int, str]

    def account(self, one: AtWork) -> str | None:
        """Return an account's name in the settings; None: they do not name it."""
        return self.accounts.get(one.account_id)

    def company(self, one: AtWork) -> str:
        """Return a company's name in the settings; empty: it has none."""
        return self.companies.get(one.company_id, "")


def worker_lines(found: Overview, names: Names, width: int) -> Iterator[Text]:
    """Yield what a person reads."""
    queue, now = found.queue, found.queue.at
    if now is None:
        yield from wrap(f"{NOBODY}; {NO_JOB}", "", width)
        return
    well = [each for each in found.workers if not each.is_silent]
    yield from wrap(f"{_heard(well)}; {_waiting(queue, now)}", "", width)
    if well:
        yield Text("")
        rows = [row for each in well for row in _rows(each, names, now)]
        head, *lines = _table(rows, width)
        yield Text(head, style="bold")
        yield from map(Text, lines)
    for each in found.workers:
        if each.is_silent:
            yield Text("")
            yield from wrap(_silent(each, names, now), "", width)


def _heard(well: Sequence[SeenWorker]) -> str:
    if not well:
        return NOBODY
    companies = sum(len(each.companies) for each in well)
    return f"{counted(len(well), 'worker')} at {counted(companies, 'company', 'companies')}"


def _waiting(queue: Queue, now: datetime) -> str:
    told = NO_JOB
    if queue.waiting and queue.oldest_at is not None:
        who = counted(queue.waiting, "job waits", "jobs wait")
        told = f"{who}, the oldest since {clock(queue.oldest_at, now)} UTC ({span(now - queue.oldest_at)})"
    if queue.later and queue.next_at is not None:
        told += f"; {queue.later:,} for later, the first at {clock(queue.next_at, now)} UTC"
    return told


def _rows(worker: SeenWorker, names: Names, now: datetime) -> Iterator[list[str]]:
    who = [str(worker.number), safe(worker.host or "-"), "-" if worker.pid is None else str(worker.pid)]
    if not worker.companies:
        yield [*who, "none", "", ""]
    for each in worker.companies:
        since = f"{clock(each.since, now)} ({span(max(now - each.since, timedelta(0)))})"
        yield [*who, _company(each, names), since, safe(short_id(each.run_id)) if each.run_id else "-"]
        who = ["", "", ""]


def _company(one: AtWork, names: Names) -> str:
    return f"{one.company_id} {safe(names.company(one))}".rstrip()


def _table(rows: Sequence[list[str]], width: int) -> list[str]:
    """Return lines of the width, with names of machines and companies cut where they are too long."""
    shown = [[number, _cut(host, HOST_CELLS), *rest] for number, host, *rest in rows]
    without = max(len(line) for line in columns(HEAD, [[*row[:3], "", *row[4:]] for row in shown]))
    left = max(LEAST_CELLS, width - without + len(HEAD[3]))
    return list(columns(HEAD, [[*row[:3], _cut(row[3], left), *row[4:]] for row in shown]))


def _cut(text: str, cells: int) -> str:
    return fit(text, cells).rstrip()


def _silent(worker: SeenWorker, names: Names, now: datetime) -> str:
    """Return what is told of a worker that is dead, or frozen."""
    if worker.heard_at is None:
        told = "a worker has died and was struck out"
    else:
        where = f" ({safe(worker.host)}, process {worker.pid})" if worker.host else ""
        heard = f"since {clock(worker.heard_at, now)} UTC ({span(now - worker.heard_at)})"
        told = f"worker {worker.number}{where} was not heard of {heard}: it is dead, or frozen"
    if not worker.companies:
        return told
    mine = ", ".join(_company(each, names) for each in worker.companies[:3])
    more = f" and {len(worker.companies) - 3:,} more" if len(worker.companies) > 3 else ""
    return f"{told}. It was at {mine}{more}: another worker takes that over within a minute or two"
