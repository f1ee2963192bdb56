"""`dimsync worker`, `schedule`, `enqueue` and `workers`: their options.

What they do is in `queue_work`, `queue_filling` and `queue_sight`.
"""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import SELECTION, config_option, output_option, quiet_option, with_options

heartbeat_option = click.option(
    "--heartbeat", "heartbeat_s", type=float, hidden=True, help="Seconds between signs of life, for tests."
)


@click.command()
@config_option
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Companies that it syncs at a time. Default: 8, which keep most of one processor busy; fewer for"
    " companies with hundreds of thousands of rows, which are held in memory.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve metrics for Prometheus there, such as at 127.0.0.1:9464; whoever reaches it reads them.",
)
@click.option("--until-empty", is_flag=True, help="End when no job is left that may begin now.")
@quiet_option
@heartbeat_option
def worker(
    *, config: Path, jobs: int | None, metrics: str | None, until_empty: bool, quiet: bool, heartbeat_s: float | None
) -> int:
    """Sync the companies that are in the queue, one run for each, until it is stopped.

    The ledger is in Postgres, and the queue beside it. Any number of workers may run, on any machines, with the same
    settings: no two sync one company at once. SIGTERM and Ctrl-C end it in order: it takes no more jobs, requests in
    flight are answered and written down, and what is left is put into the queue again; the exit code is 0. A second
    signal ends it at once. The settings are read when it begins. Companies and accounts are read again when a job shows
    that they have changed; for all other changes, restart it. The targets of [[notify]] are told what is new once the
    queue is empty, and hourly while it is not.
    """
    from engine.cli.verbs.queue_work import WorkerLine, run_worker  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    line = WorkerLine(
        config=config, jobs=jobs, metrics=metrics, until_empty=until_empty, quiet=quiet, heartbeat_s=heartbeat_s
    )
    return run_worker(line)


@click.command()
@config_option
@click.option("--once", is_flag=True, help="Look once which companies are due, and end: for cron.")
@quiet_option
@heartbeat_option
def schedule(*, config: Path, once: bool, quiet: bool, heartbeat_s: float | None) -> int:
    """Put companies into the queue when they are due by their schedules (every, cron), until it is stopped.

    Companies that are due at one point are put there over five minutes, or over a tenth of the time to the next point
    if that is less. A company that failed or was deferred is put there again after an hour, or when its rest ends if
    that is later. Several schedulers may run: each point is enqueued once. The settings are read anew each time.
    """
    from engine.cli.verbs.queue_filling import run_scheduler  # noqa: PLC0415  loaded when it is used

    return run_scheduler(config, once=once, quiet=quiet, heartbeat_s=heartbeat_s)


@click.command()
@with_options(config_option, *SELECTION, output_option("table", "json"))
def enqueue(*, config: Path, select: tuple[str, ...], exclude: tuple[str, ...], output: str) -> int:
    """Put companies into the queue, for workers to sync as soon as they have time.

    A company that waits there already is not put there twice; one that waits for a later time may begin now.
    Read-only companies (write = false) are left out.
    """
    from engine.cli.verbs.queue_filling import run_enqueue  # noqa: PLC0415  loaded when it is used

    return run_enqueue(config, select, exclude, output)


@click.command()
@config_option
@output_option("table", "json")
@click.option("--json", "output", flag_value="json", help="The same as --output json.")
@heartbeat_option
def workers(*, config: Path, output: str, heartbeat_s: float | None) -> int:
    """Show which companies each worker syncs and since when, how many jobs wait, and which workers are dead or frozen.

    Workers are those of `dimsync worker`, on all machines that share the ledger in Postgres. All is shown as the
    database has it at one moment; the run of a company is shown from a second after its beginning.
    """
    from engine.cli.verbs.queue_settings import needs_extra  # noqa: PLC0415  loaded when it is used

    with needs_extra():
        from engine.cli.verbs.queue_sight import show_workers  # noqa: PLC0415  loaded when it is used
    return show_workers(config, output, heartbeat_s)
