"""`dimsync plan` and `dimsync sync`: their options. What they do is in `execute`."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.options import run_options


@click.command()
@run_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 6 instead of 0 when there is something to write.")
def plan(*, detailed_exitcode: bool, **options: Any) -> int:
    """Read, compare and show what a sync would do; writes nothing to the API."""
    return _execute(verb="plan", detailed=detailed_exitcode, **options)


@click.command()
@run_options
def sync(**options: Any) -> int:
    """Bring the companies' dimensions to what their sources say.

    Reads as little as proves enough, compares, and sends what differs. The result is on standard output whatever the
    exit code, unless nothing could be begun: 0 done, 1 failed, 2 usage or settings, 3 rows refused or invalid, 4 held
    by a guard, 5 stopped early, 8 credentials, 9 locked by another run, 10 outcome of rows unknown, 130 and 143
    stopped by a signal.
    """
    return _execute(verb="sync", **options)


def _execute(**options: Any) -> int:
    from engine.cli.execute import Request, execute  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return execute(Request(**options))
