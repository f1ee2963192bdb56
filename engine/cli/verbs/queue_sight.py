"""Carry out `workers`: read what the queue and its workers are doing, and tell it on a screen or as JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.worker_list import Names, worker_lines
from engine.cli.verbs.queue_settings import read_plainly
from engine.cli.verbs.queue_work import pace_of
from engine.distributed.overview import AtWork, Overview, Queue, SeenWorker, read_overview
from engine.model.origin import origin_of

SCHEMA = "dimsync.workers/1"


def show_workers(config: Path, output: str, heartbeat_s: float | None) -> int:
    """Print what workers are doing. Raises `ConfigError` for a ledger that is in no Postgres, and `LedgerError`."""
    configured = read_plainly(config)
    settings = configured.settings
    found = read_overview(settings.ledger_url, origin_of(settings.api.base_url), pace_of(heartbeat_s))
    names = Names(
        accounts={each.account_id: each.name for each in settings.accounts},
        companies={each.id: each.name for each in configured.companies},
    )
    if output == "json":
        deliver_texts(iter([dump(_json(found, names), indent=2)]))
        return 0
    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as text:
        for line in worker_lines(found, names, console.width):
            console.print(line, soft_wrap=True)
    deliver(lambda stream: stream.writelines([text.get()]))
    return 0


def _json(found: Overview, names: Names) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "at": _text(found.queue.at),
        "jobs": _queue_json(found.queue),
        "workers": [_worker_json(each, names) for each in found.workers],
    }


def _queue_json(queue: Queue) -> dict[str, Any]:
    return {
        "waiting": queue.waiting,
        "oldest_at": _text(queue.oldest_at),
        "later": queue.later,
        "next_at": _text(queue.next_at),
    }


def _worker_json(worker: SeenWorker, names: Names) -> dict[str, Any]:
    return {
        "worker": worker.number,
        "host": worker.host,
        "pid": worker.pid,
        "heard_at": _text(worker.heard_at),
        "is_silent": worker.is_silent,
        "companies": [_company_json(each, names) for each in worker.companies],
    }


def _company_json(one: AtWork, names: Names) -> dict[str, Any]:
    return {
        "company_id": one.company_id,
        "name": names.company(one),
        "account": names.account(one),
        "account_id": one.account_id,
        "since": _text(one.since),
        "run_id": one.run_id,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
