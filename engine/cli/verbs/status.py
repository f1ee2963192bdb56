"""`dimsync status` and `dimsync history`: what the ledger remembers. They send no request to the API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import config_option, output_option
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.observe.terminal import safe

if TYPE_CHECKING:  # they bring the engine, which `--help` does not need
    from engine.config import Configured
    from engine.model.result import PastRun

HISTORY_SCHEMA = "dimsync.history/1"


@click.command()
@config_option
@click.argument("company", metavar="[COMPANY]", type=int, required=False)
@click.option(
    "--max-age", metavar="TIME", help="Exit with 1 when the last finished sync is older (26h), or a run died."
)
@click.option(
    "--notify", is_flag=True, help="With --max-age: tell the targets of [[notify]] of it, once, and when it is over."
)
@click.option("--exit-code", is_flag=True, help="Exit with what the companies' last states call for, as `sync` would.")
@output_option("table", "json")
def status(
    *, config: Path, company: int | None, max_age: str | None, notify: bool, exit_code: bool, output: str
) -> int:
    """Show who needs a person, since when, and what to type; from the ledger alone.

    What is new in the last sync comes first, by cause; then what was known before, what waits for nobody and until
    when, and API keys whose day is nearly used. With a COMPANY: all that is remembered of it. Exits with 0 unless
    --max-age or --exit-code is given.
    """
    from engine.cli.verbs.morning import show_morning  # noqa: PLC0415  as said

    return show_morning(config, company, max_age=max_age, notify=notify, exit_code=exit_code, output=output)


@click.command()
@config_option
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most this many runs.")
@output_option("table", "json")
def history(*, config: Path, last: int, output: str) -> int:
    """List the newest runs, the newest first: what they did, what they ended with, what was let pass."""
    runs = _history(_load(config), last)
    if output == "json":
        listed = [
            run._asdict()
            | {"started_at": run.started_at.isoformat()}
            | {"finished_at": run.finished_at.isoformat() if run.finished_at else None}
            for run in runs
        ]
        deliver_texts(iter([dump({"schema": HISTORY_SCHEMA, "runs": listed}, indent=2)]))
    else:
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in _history_lines(runs)))
    return 0


def _load(config: Path) -> Configured:
    from engine.config import load  # noqa: PLC0415  as said

    return load(config, os.environ)


def _history(configured: Configured, most: int) -> list[PastRun]:
    import anyio  # noqa: PLC0415  as said

    from engine.ledger.sqlite.ledger import open_ledger  # noqa: PLC0415
    from engine.model.origin import origin_of  # noqa: PLC0415

    async def read() -> list[PastRun]:
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            return await ledger.history(origin_of(configured.settings.api.base_url), most)

    return anyio.run(read)


def _history_lines(runs: Sequence[PastRun]) -> Iterator[str]:
    from engine.cli.show.table import columns  # noqa: PLC0415  as said

    head = ("STARTED, UTC", "VERB", "EXIT", "COMPANIES", "CREATED", "UPDATED", "TROUBLE", "REQUESTS", "ALLOWED", "RUN")
    rows = [
        (
            f"{run.started_at:%Y-%m-%d %H:%M}",
            run.verb,
            "no end" if run.exit_code is None else str(run.exit_code),
            *(f"{count:,}" for count in (run.companies, run.created, run.updated, run.trouble, run.requests)),
            safe(run.allowed),
            run.run_id,
        )
        for run in runs
    ]
    yield from columns(head, rows)
