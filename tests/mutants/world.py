"""Where mutants are run: the real engine and the real sandbox, whose record tells whether what a run says is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine.model.balance import Balance
from engine.model.dimension import Dimension
from engine.model.result import RunResult
from engine.model.settings import Account, Allow, Api, Company, Limits, RawRow, Secret, Settings
from engine.run.engine import Engine
from engine.sandbox.access import Credentials
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.server import Sandbox
from engine.sandbox.tenant import Values
from tests.mutants.mutate import Ended

MAIN = Credentials()
OTHER = Credentials(account_id="racc_2", api_key="other-key", client_id="other-client", client_secret="other-secret")


class Rows:
    """A source of one batch, as a program would write one."""

    def __init__(self, rows: Iterable[Dimension | RawRow]) -> None:
        self.rows = list(rows)

    async def __aiter__(self) -> AsyncIterator[Sequence[Dimension | RawRow]]:
        yield self.rows


@dataclass(slots=True, kw_only=True)
class World:
    """A sandbox, a ledger file and what each company wants; `runs` keeps what the runs ended with."""

    sandbox: Sandbox
    ledger_url: str
    chunk_rows: int
    wanted: dict[int, Sequence[Dimension | RawRow]] = field(default_factory=dict)
    accounts: dict[int, str] = field(default_factory=dict)  # whose each company is
    rng: Random = field(default_factory=lambda: _Hasty(7))
    runs: list[Ended] = field(default_factory=list)

    def place(self, company_id: int, rows: Iterable[Dimension] = (), *, keys: bool = True, other: bool = False) -> None:
        """Make a company in the sandbox; `keys=False`: its rows were made by somebody else, under other keys."""
        values = [Values(*(row if keys else row._replace(key=f"other-{row.key}"))) for row in rows]
        self.sandbox.service.place(company_id, values, account=OTHER.account_id if other else "")
        self.accounts[company_id] = "other" if other else "main"

    def script(self, *rules: Mapping[str, Any]) -> None:
        """Set the sandbox's trouble from now on; none: honest again."""
        self.sandbox.service.script.replace(parse_rules(list(rules)))

    async def run(self, verb: str = "sync", *, allow: Iterable[Allow] = ()) -> None:
        """Run all companies once and keep what it ended with."""
        limits = Limits(max_attempts=3, max_concurrency=8, server_timeout_s=0.02, chunk_rows=self.chunk_rows)
        accounts = tuple(_account(name, who, limits) for name, who in (("main", MAIN), ("other", OTHER)))
        settings = Settings(
            accounts=accounts,
            api=Api(base_url=self.sandbox.base_url, contract=self.sandbox.options.contract),
            ledger_url=self.ledger_url,
        )
        companies = [
            Company(id=company_id, source=Rows(rows), account=self.accounts[company_id])
            for company_id, rows in self.wanted.items()
        ]
        before = {company_id: len(self._stored(company_id)) for company_id in self.wanted}
        async with Engine(settings, rng=self.rng) as engine:
            pending = engine.plan(companies, allow=allow) if verb == "plan" else engine.sync(companies, allow=allow)
            result = await pending.result()
        problems = [*result.problems, *(problem for each in result.companies for problem in each.problems)]
        self.runs.append(
            Ended(
                exit_code=int(result.exit_code),
                codes=sorted({problem.code for problem in problems}),
                untrue=self._untrue(result, before) if result.ok else "",
            )
        )

    def _untrue(self, result: RunResult, before: Mapping[int, int]) -> str:
        """Return what the result of a run says, or does not say, against the sandbox's own record; empty: nothing."""
        if (told_of := [each.company_id for each in result.companies]) != list(self.wanted):
            return f"companies {told_of} are told of"
        told = {each.company_id: each.balance for each in result.companies}
        for company_id, rows in self.wanted.items():
            balance, made = told[company_id], len(self._stored(company_id)) - before[company_id]
            if balance.source_rows != len(rows):
                return f"{company_id} has {len(rows)} source rows: {balance}"
            if result.verb == "sync" and balance.created != made:
                return f"{company_id} has {made} new rows: {balance}"
            if result.verb == "sync" and (wrong := self._wrong(company_id)):
                return f"{company_id} is not as wanted: {wrong}"
        return "" if result.totals == _sum(told.values()) else f"totals: {result.totals}"

    def _wrong(self, company_id: int) -> list[str]:
        """Return wanted rows that the sandbox does not have, has otherwise, or has twice."""
        stored = self._stored(company_id)
        times = Counter((values.type_code, values.erp_id) for values in stored)
        shown = {(values.type_code, values.erp_id, values.name, values.code) for values in stored}
        return [
            str(row)
            for row in self.wanted[company_id]
            if not isinstance(row, Dimension)
            or times[row.type_code, row.erp_id] != 1
            or (row.type_code, row.erp_id, row.name, row.code) not in shown
        ]

    def _stored(self, company_id: int) -> list[Values]:
        return [row.values for row in self.sandbox.tenant.companies[company_id].rows]


class _Hasty(Random):
    """Chance that always draws the shortest wait."""

    def random(self) -> float:
        return 0.0


def _account(name: str, who: Credentials, limits: Limits) -> Account:
    return Account(
        name=name,
        account_id=who.account_id,
        api_key=Secret(who.api_key),
        client_id=Secret(who.client_id),
        client_secret=Secret(who.client_secret),
        limits=limits,
    )


def _sum(balances: Iterable[Balance]) -> Balance:
    """Return the column sums, reckoned apart from the engine's own."""
    listed = list(balances)
    sums: dict[str, int | None] = {}
    for column in Balance.__slots__:
        known = [count for each in listed if (count := getattr(each, column)) is not None]
        sums[column] = sum(known) if known else None
    return Balance(**sums)
