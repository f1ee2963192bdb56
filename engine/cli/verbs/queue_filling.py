"""Carry out `schedule` and `enqueue`: put companies into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from engine.cli.show.output import deliver_texts, dump
from engine.cli.verbs.chosen import choose
from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.cli.verbs.queue_settings import needs_extra, read_settings
from engine.cli.verbs.queue_work import StopEvent, hush, nothing, pace_of, tell
from engine.config import Configured
from engine.errors import ConfigError, plain
from engine.ledger.opening import open_ledger
from engine.model.balance import ExitCode
from engine.model.origin import origin_of
from engine.model.settings import Company

if TYPE_CHECKING:
    from engine.distributed.enqueue import Enqueued
    from engine.distributed.schedule import Planned

SCHEMA = "dimsync.enqueue/1"


def run_enqueue(config: Path, select: Sequence[str], exclude: Sequence[str], output: str) -> int:
    """Put the chosen companies into the queue, and say how many."""
    configured = read_settings(config)
    chosen = choose(configured, select, exclude)
    companies = [company for company in chosen if company.write]
    if chosen and not companies:
        raise click.UsageError("all of these companies are read-only (write = false)")
    with needs_extra():
        done = anyio.run(_enqueue, configured, companies)
    counts = {"enqueued": done.added, "hastened": done.hastened, "waiting": done.waiting}
    if output == "json":
        deliver_texts(iter([dump({"schema": SCHEMA, **counts}, indent=2)]))
    else:
        deliver_texts(iter([_words(done)]))
    return ExitCode.DONE


async def _enqueue(configured: Configured, companies: Sequence[Company]) -> Enqueued:
    from engine.distributed.enqueue import enqueue  # noqa: PLC0415  an extra
    from engine.distributed.members import members_of  # noqa: PLC0415
    from engine.distributed.queue import open_queue  # noqa: PLC0415

    settings = configured.settings
    with plain():
        async with open_queue(settings.ledger_url, origin_of(settings.api.base_url)) as queue:
            return await enqueue(queue, members_of(settings, companies))


def _words(done: Enqueued) -> str:
    added = done.added + done.hastened
    told = f"{added:,} {'company' if added == 1 else 'companies'} enqueued"
    if done.hastened:
        told += f", {done.hastened:,} of which waited for a later time"
    if done.waiting:
        told += f"; {done.waiting:,} {'was' if done.waiting == 1 else 'were'} waiting already"
    return told


def run_scheduler(config: Path, *, once: bool, quiet: bool, heartbeat_s: float | None) -> int:
    """Put companies into the queue when they are due, once or until a signal comes."""
    configured = read_settings(config)
    with needs_extra():
        planned = _planned(configured)
        without = sum(company.write for company in configured.companies) - len(planned)
        if not planned:
            raise ConfigError(
                "no company has a schedule: give `every` or `cron` under [fleet], in a group or a company"
                " (`dimsync help scheduling`), or use `dimsync enqueue`"
            )
        if without and not quiet:
            tell(f"{without:,} without a schedule {'is' if without == 1 else 'are'} left to `dimsync enqueue`")
        if once:
            added = anyio.run(_once, configured, planned)
            deliver_texts(iter([_once_words(added)]))
        else:
            run_heeding_signals(partial(_keep, config, configured, quiet, heartbeat_s))
    return ExitCode.DONE


def _once_words(added: int | None) -> str:
    if added is None:
        return "another scheduler is doing this just now: nothing was done"
    return f"{added:,} due {'company' if added == 1 else 'companies'} enqueued"


def _planned(configured: Configured) -> list[Planned]:
    from engine.distributed.members import members_of  # noqa: PLC0415  an extra
    from engine.distributed.schedule import Planned  # noqa: PLC0415

    companies = [each for each in configured.companies if each.write and each.id in configured.schedules]
    members = members_of(configured.settings, companies)
    return [Planned(member, configured.schedules[member.company.id]) for member in members]


async def _once(configured: Configured, planned: Sequence[Planned]) -> int | None:
    from engine.distributed.queue import open_queue  # noqa: PLC0415  an extra
    from engine.distributed.schedule import enqueue_due  # noqa: PLC0415

    url, origin = configured.settings.ledger_url, origin_of(configured.settings.api.base_url)
    with plain():
        async with await open_ledger(url) as ledger, open_queue(url, origin) as queue:
            return await enqueue_due(queue, ledger, planned, datetime.now(UTC))


async def _keep(
    config: Path,
    configured: Configured,
    quiet: bool,
    heartbeat_s: float | None,
    stop: Stop,
) -> None:
    from engine.distributed.queue import open_queue  # noqa: PLC0415  an extra
    from engine.distributed.schedule import TICK_S, keep_schedule  # noqa: PLC0415

    hush()
    stopping = StopEvent("stopping", quiet=quiet)
    stop.watch(stopping, ())
    url, origin = configured.settings.ledger_url, origin_of(configured.settings.api.base_url)

    def read() -> list[Planned]:
        found = read_settings(config)
        if (found.settings.ledger_url, origin_of(found.settings.api.base_url)) != (url, origin):
            raise ConfigError("they name another ledger or another API: restart the scheduler and the workers")
        return _planned(found)

    async with await open_ledger(url) as ledger, open_queue(url, origin) as queue:
        await keep_schedule(
            queue,
            ledger,
            read,
            tell=nothing if quiet else tell,
            warn=tell,
            stop=stopping.event,
            tick_s=pace_of(heartbeat_s).scaled(TICK_S),
        )
