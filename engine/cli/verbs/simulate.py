"""Carry out `sandbox`: serve the made-up API until it is interrupted."""

from __future__ import annotations

import signal
import sys
import tomllib
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

import anyio
import click

from engine.cli.show.output import dump
from engine.errors import ConfigError, plain
from engine.sandbox.access import Allowance, Credentials
from engine.sandbox.faults.rules import BadScript, Rule, parse_rules
from engine.sandbox.fleet import make_fleet
from engine.sandbox.rates import RateModel
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.ways import Way, parse_ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One command line of `dimsync sandbox`."""

    host: str
    port: int
    contract: str
    accounts: int
    companies: int  # made-up ones, empty
    seed: int
    rate: float  # requests a second of an API key
    rate_model: RateModel
    quota: int  # requests a day of an API key
    max_limit: int  # rows of a page
    token_lifetime: int  # seconds
    directory_base: int  # number of the first page of a directory listing
    faults: Path | None  # TOML
    until_stdin_ends: bool


def simulate(setup: Setup) -> None:
    """Serve until SIGINT, SIGTERM or, with `until_stdin_ends`, the end of standard input.

    Raises `ConfigError` for a faulty file of faults, `ClickException` when it cannot listen at host and port.
    """
    rules = () if setup.faults is None else read_rules(setup.faults)
    ways = () if setup.faults is None else read_ways(setup.faults)
    allowance = Allowance(
        rate=setup.rate,
        burst=round(2 * setup.rate),
        rate_model=setup.rate_model,
        per_day=setup.quota,
        token_lifetime_s=setup.token_lifetime,
    )
    options = Options(
        contract=setup.contract,
        accounts=tuple(map(made_up, range(1, setup.accounts + 1))),
        allowance=allowance,
        max_limit=setup.max_limit,
        directory_base=setup.directory_base,
        seed=setup.seed,
        ways=ways,
    )
    serve = partial(_serve, Sandbox(options, rules=rules, host=setup.host, port=setup.port), setup)
    try:
        anyio.run(serve, backend_options={"use_uvloop": find_spec("uvloop") is not None})
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {setup.host}:{setup.port}: {error.strerror}; --port 0 takes a free port"
        ) from error


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read the `[[faults]]` of a TOML file. Raises `ConfigError`, which names the file and the key, or the line."""
    document = _read(path)
    try:
        return parse_rules(document.get("faults", [] if "ways" in document else None))
    except BadScript as error:
        raise ConfigError(f"{path}: {error}") from None


def read_ways(path: Path) -> tuple[Way, ...]:
    """Read the `[[ways]]` of a TOML file. Raises `ConfigError`, which names the file and the key, or the line."""
    try:
        return parse_ways(_read(path).get("ways", []))
    except BadScript as error:
        raise ConfigError(f"{path}: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start + 1} is not UTF-8: save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:  # bad TOML, a number of 5,000 digits, or endless nesting
        raise ConfigError(f"{path}: not TOML: {error}") from None
    for key in document.keys() - {"faults", "ways"}:
        raise ConfigError(f"{path}: {key}: unknown; the file is a list of [[faults]] and [[ways]]")
    return document


def made_up(number: int) -> Credentials:
    """Return the credentials of the sandbox's n-th account, counted from 1; those of the first carry no number."""
    first = Credentials()
    if number == 1:
        return first
    return Credentials(
        account_id=f"{first.account_id}_{number}",
        api_key=f"{first.api_key}-{number}",
        client_id=f"{first.client_id}-{number}",
        client_secret=f"{first.client_secret}-{number}",
    )


async def _serve(sandbox: Sandbox, setup: Setup) -> None:
    accounts = [account.account_id for account in sandbox.options.accounts]
    made = make_fleet(setup.companies, setup.seed) if setup.companies else ()
    for company, account in zip(made, cycle(accounts), strict=False):
        sandbox.service.place(company.id, name=company.name, account=account)
    with plain(), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with sandbox, anyio.create_task_group() as tasks:
            ready = {"ready": True, "base_url": sandbox.base_url, "contract": setup.contract, "accounts": accounts}
            click.echo(dump({**ready, "faults": len(sandbox.service.script.rules)}))
            if setup.until_stdin_ends:
                tasks.start_soon(_end_with_input, tasks.cancel_scope)
            async for _ in signals:
                break
            tasks.cancel_scope.cancel()


async def _end_with_input(scope: anyio.CancelScope) -> None:
    """Cancel `scope` when standard input ends, which it does when the process that holds its other end does."""
    await anyio.wait_readable(sys.stdin)
    scope.cancel()
