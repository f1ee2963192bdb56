"""Run the sandbox until somebody ends it."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import anyio
import click

from engine.cli.output import dump
from engine.errors import plain
from engine.sandbox.access import Allowance
from engine.sandbox.fleet import make_fleet
from engine.sandbox.server import Options, Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One command line of `dimsync sandbox`."""

    host: str
    port: int
    companies: int  # made-up ones, empty
    seed: int
    rate: float  # requests a second of an API key
    quota: int  # requests a day of an API key
    max_limit: int  # rows of a page
    token_lifetime: int  # seconds
    until_stdin_ends: bool


def simulate(setup: Setup) -> None:
    """Serve until SIGINT, SIGTERM or, if asked, the end of standard input.

    Raises `ClickException` when it cannot listen there.
    """
    allowance = Allowance(
        rate=setup.rate, burst=round(2 * setup.rate), per_day=setup.quota, token_lifetime_s=setup.token_lifetime
    )
    options = Options(allowance=allowance, max_limit=setup.max_limit, seed=setup.seed)
    serve = partial(_serve, Sandbox(options, host=setup.host, port=setup.port), setup)
    try:
        anyio.run(serve, backend_options={"use_uvloop": find_spec("uvloop") is not None})
    except OSError as error:
        raise click.ClickException(f"cannot listen on {setup.host}:{setup.port}: {error.strerror}") from error


async def _serve(sandbox: Sandbox, setup: Setup) -> None:
    for company in make_fleet(setup.companies, setup.seed) if setup.companies else ():
        sandbox.service.place(company.id, name=company.name)
    with plain(), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with sandbox, anyio.create_task_group() as tasks:
            accounts = [account.account_id for account in sandbox.options.accounts]
            click.echo(dump({"ready": True, "base_url": sandbox.base_url, "accounts": accounts}))
            if setup.until_stdin_ends:
                tasks.start_soon(_end_with_input, tasks.cancel_scope)
            async for _ in signals:
                break
            tasks.cancel_scope.cancel()


async def _end_with_input(scope: anyio.CancelScope) -> None:
    """Cancel when standard input ends: nobody writes to it, and it ends with whoever holds the other end."""
    await anyio.wait_readable(sys.stdin)
    scope.cancel()
