"""What a job of Celery, Temporal or another queue calls: one company, and
when to try again.

All workers have one ledger, in Postgres. Two jobs of one company at once
do no harm: one of them finds it locked, and is to be done later.
"""

from dimsync import (
    Company,
    Engine,
    RunResult,
    Settings,
    again_after_s,
    run_sync,
    sync_company,
)


class LaterError(Exception):
    """The job is to be done again: `raise self.retry(countdown=seconds)`
    for Celery, `next_retry_delay` of an `ApplicationError` for Temporal.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = seconds


def done(result: RunResult, tries: int) -> int:
    """Return a run's exit code; rows for a person do not fail the job."""
    seconds = again_after_s(result, tries)
    if seconds is not None:
        raise LaterError(seconds)
    return result.exit_code


async def activity(engine: Engine, company: Company, tries: int) -> int:
    """Do a job in a worker with an event loop, as Temporal's have one:
    one engine for as long as the worker lives. `tries`: those before.
    """
    return done(await sync_company(engine, company), tries)


def task(settings: Settings, company: Company, tries: int) -> int:
    """Do a job in a process without one, as Celery's are. `tries`:
    `self.request.retries`. It makes an engine for each job.
    """
    return done(run_sync(settings, [company]), tries)
