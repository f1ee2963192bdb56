"""A program that syncs a folder of sources, to be killed: `python -m tests.crash.client BASE_URL LEDGER_URL FOLDER`.

Each file `<company id>.ndjson` is a company's source. It prints the result as JSON and exits with the run's code.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import orjson

from engine import Account, Api, Company, Engine, FileSource, Limits, RunResult, Secret, Settings, open_ledger, run_json
from engine.ledger.sql_ledger import SqlLedger
from engine.model.ledger_writes import Intent, Settlement
from engine.model.settings import CompanyKey
from engine.sandbox.access import Credentials

LIMITS = Limits(timeout_s=10.0, max_attempts=4)
SERVER_TIMEOUT_S = 0.2  # the sandbox is quick: so long a dead client's requests may still be carried out


class AckOnly(SqlLedger):
    """A ledger that writes after the answer alone, as if no intents were needed: the mutation that has to be caught."""

    def __init__(self, ledger: SqlLedger) -> None:
        super().__init__(ledger._thread, ledger._hold)
        self._begun: dict[str, Intent] = {}

    async def begin(self, company_key: CompanyKey, intent: Intent) -> None:  # noqa: ARG002  the base's signature
        self._begun[intent.id] = intent

    async def settle(self, company_key: CompanyKey, settlement: Settlement) -> None:
        await super().begin(company_key, self._begun.pop(settlement.intent_id))
        await super().settle(company_key, settlement)


def main() -> int:
    """Run once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("ledger_url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chunk-rows", type=int, default=LIMITS.chunk_rows)
    parser.add_argument("--server-timeout", type=float, default=SERVER_TIMEOUT_S)
    parser.add_argument("--per-day", type=int, default=LIMITS.requests_per_day)
    parser.add_argument("--reserve", type=int, default=LIMITS.reserve_per_day)
    parser.add_argument("--only", type=int, help="the one company to sync")
    parser.add_argument("--ack-only", action="store_true")
    result = asyncio.run(sync(parser.parse_args()))
    sys.stdout.buffer.write(orjson.dumps(run_json(result)))
    return int(result.exit_code)


async def sync(options: argparse.Namespace) -> RunResult:
    """Sync every company that has a file in the folder."""
    made_up = Credentials()
    account = Account(
        name="main",
        account_id=made_up.account_id,
        api_key=Secret(made_up.api_key),
        client_id=Secret(made_up.client_id),
        client_secret=Secret(made_up.client_secret),
        limits=replace(
            LIMITS,
            chunk_rows=options.chunk_rows,
            server_timeout_s=options.server_timeout,
            requests_per_day=options.per_day,
            reserve_per_day=options.reserve,
        ),
    )
    settings = Settings(accounts=(account,), api=Api(base_url=options.base_url))
    companies = [
        Company(id=int(path.stem), source=FileSource(path))
        for path in sorted(options.folder.glob("*.ndjson"))
        if options.only in {None, int(path.stem)}
    ]
    async with (
        await open_ledger(options.ledger_url) as ledger,
        Engine(settings, ledger=AckOnly(ledger) if options.ack_only else ledger) as engine,
    ):
        return await engine.sync(companies).result()


if __name__ == "__main__":
    sys.exit(main())
