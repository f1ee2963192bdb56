"""One company as a job of a queue: what `dimsync worker` does for each, and so may Celery's tasks or Temporal's."""

from __future__ import annotations

from engine.model.balance import State
from engine.model.result import RunResult
from engine.model.settings import Company
from engine.run.engine import Engine

LOCKED_S = 30.0
"""After how long a company that another run holds is tried again: most runs of one company take less."""

FIRST_S, LONGEST_S = 30.0, 3_600.0
"""After how long a job is tried again when the API or the ledger was away: at first, and at the most."""

AWAY = frozenset({"host-down", "ledger"})
"""Codes of problems that no company causes: the API or the ledger was away."""

CUT_SHORT = "stopped"
"""The problem code of a company whose run was stopped before the company was done."""


async def sync_company(engine: Engine, company: Company) -> RunResult:
    """Sync one company: the whole of a job, for queues other than the one of `dimsync worker`.

    It is a run of its own, in the journal like any other. To do a job twice does no harm; of two at once, the second
    finds the company locked. Cancelling it stops the run in order, as `Pending` says. `again_after_s` tells when the
    job is to be done again. Raises what a run raises.
    """
    return await engine.sync([company]).result()


def again_after_s(result: RunResult, tries: int = 0) -> float | None:
    """Return after how many seconds the company's job is to be done again; None: it is done.

    `tries`: how many jobs of the company before this one, in a row, could not be done; the time grows with them, from
    half a minute to an hour. A company that is locked is tried in half a minute, one whose run was stopped at once.
    Whatever else is left (rows refused, uncertain, deferred for want of quota, a company that rests) is in the ledger:
    the company's next sync goes on from there, and none is needed before it.
    """
    problems = [*result.problems, *(problem for company in result.companies for problem in company.problems)]
    codes = {problem.code for problem in problems}
    if codes & AWAY:
        return growing_s(tries)
    if any(company.state is State.LOCKED for company in result.companies):
        return LOCKED_S
    if any(company.state is State.DEFERRED for company in result.companies) and CUT_SHORT in codes:
        return 0.0
    return None


def growing_s(tries: int) -> float:
    """Return the seconds to wait after `tries` jobs that could not be done: twice as long each time, up to an hour."""
    return min(LONGEST_S, FIRST_S * 2.0 ** min(tries, 16))
