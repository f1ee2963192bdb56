"""What is told of companies that workers sync one by one: once for many runs, what is new since the last message.

One message for each run would be hundreds a night. So each target has a memory of what trouble it was told of, and a
message says what has come and what has gone since then. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.cli.notices.making import after_run, asks
from engine.cli.notices.message import Message
from engine.model.balance import Balance, worst
from engine.model.result import CompanyResult, Recovered, Requests, RunResult
from engine.model.standing import RunTimes

BUSY = timedelta(hours=1)
"""While jobs wait, at most one message is sent in this time."""


class Trouble(NamedTuple):
    """A kind of trouble of a company that asks for a person."""

    account: str
    company_id: int
    code: str


Memory = Mapping[Trouble, datetime]
"""The trouble that a target was told of and that is not over, and since when it was there."""


def was_told_lately(told_at: datetime | None, now: datetime) -> bool:
    """Return whether a target that was told something at `told_at` waits while there is work; None: it was not.

    A clock that was set back tells nothing.
    """
    return told_at is not None and timedelta() <= now - told_at < BUSY


def trouble_of(companies: Iterable[CompanyResult], at: datetime) -> dict[Trouble, datetime]:
    """Return the trouble that companies are in, and since when. `at`: now; stands for a time that was not noted."""
    found: dict[Trouble, datetime] = {}
    for company in companies:
        for problem in company.problems:
            if asks(problem.code):
                trouble = Trouble(company.account, company.company_id, problem.code)
                since = problem.since or at
                found[trouble] = min(found.get(trouble, since), since)
    return found


def of_round(
    companies: Sequence[CompanyResult],
    memory: Memory,
    last: RunTimes,
    groups: Mapping[int, Sequence[str]],
    config: str,
) -> Message:
    """Return what a target is to be told; it is empty when nothing has changed.

    `companies`: what each told in its last sync. `memory`: of the target. `last`: the sync that finished last, which
    the message is dated by. `groups`, `config`: as in `after_run`.
    """
    at = last.finished_at or last.started_at
    present, names = trouble_of(companies, at), {(each.account, each.company_id): each.name for each in companies}
    over = [
        Recovered(*trouble[:2], names[trouble[:2]], trouble.code, since)
        for trouble, since in memory.items()
        if trouble not in present and trouble[:2] in names
    ]
    result = RunResult(
        run_id=last.run_id,
        verb="sync",
        started_at=at,
        finished_at=at,
        elapsed_s=0.0,
        exit_code=worst(each.exit_code for each in companies),
        totals=Balance(),
        requests=Requests(),
        companies=tuple(_new_alone(companies, memory, at)),
        recovered=tuple(over),
    )
    message = after_run(result, groups, config)
    return replace(message, footer=f"{len(companies):,} companies; {message.footer.partition('; ')[2]}")


def _new_alone(companies: Iterable[CompanyResult], memory: Memory, at: datetime) -> Iterator[CompanyResult]:
    """Yield the companies that have trouble which was not told yet, with this trouble alone."""
    for company in companies:
        new = tuple(
            replace(each, since=at)
            for each in company.problems
            if asks(each.code) and Trouble(company.account, company.company_id, each.code) not in memory
        )
        if new:
            yield replace(company, problems=new)


def written(memory: Memory) -> str:
    """Return a memory as text."""
    return json.dumps([[*trouble, since.isoformat()] for trouble, since in sorted(memory.items())])


def read(text: str | None) -> dict[Trouble, datetime]:
    """Return a memory from its text; None, or a text of another form: nothing was told."""
    try:
        return {
            Trouble(account, company_id, code): datetime.fromisoformat(since)
            for account, company_id, code, since in json.loads(text or "[]")
        }
    except (ValueError, TypeError):
        return {}
