"""One company's trouble is that company's, and one key's is that account's: fleets with one odd member each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from random import Random
from typing import Any

import pytest

from engine import Api, Company, CompanyResult, Dimension, Limits, RunResult, Settings
from engine.errors import SourceError
from tests.sandbox.conftest import Rows
from tests.worlds.server import Call, Reply, Row, Server, Way, refusal
from tests.worlds.stage import BASE_URL, Clock, Stage, account, new_ledger, perform
from tests.worlds.ways import ANSWERS, WAYS, About, Facts, Instead, Keys, When

SIZE = 16
ODD = 7
"""The odd company comes early: most others are still to be begun when its trouble shows."""

KEYS = {"the gateway's 403": 100}
FEW_KEYS = 20
"""Companies with a key each: 100 where it counts most, as a run of 100 takes long."""

LIMITS = Limits(max_attempts=3, batch_wait_s=20.0)


def rows_of(company_id: int, count: int = 4) -> list[Dimension]:
    return [
        Dimension(
            f"{'Key' if number % 2 else 'KEY'}-{company_id}-{number // 2}",
            "account",
            "GL Account",
            f"Name {number} of {company_id}",
            f"e{company_id}x{number}",
        )
        for number in range(count)
    ]


WANTED = {company_id: rows_of(company_id) for company_id in range(1, SIZE + 1)}


def answered(
    answer: str, what: str, *, variant: int = 0, row: bool = False, when: str = "always"
) -> Callable[[], list[Way]]:
    """Return the ways of a server that answers so to what is about the odd company, or about its first row."""
    about = About(what=what, company=ODD, erp_id=WANTED[ODD][0].erp_id if row else None)
    return lambda: [Instead(answer, ANSWERS[answer][variant], about, When(when))]


def way(name: str, **figures: Any) -> Callable[[], list[Way]]:
    """Return a way of the odd company's, by its name, with figures that are not left to chance."""

    def make() -> list[Way]:
        made = WAYS[name](Random(1), Facts(contract="guide", wanted={ODD: WANTED[ODD]}))
        for figure, value in {"company": ODD, **figures}.items():
            setattr(made, figure, value)
        return [made]

    return make


class FoldedKeys(Keys):
    """Keys of the odd company are told apart regardless of case."""

    def __init__(self) -> None:
        super().__init__("folded", Random(1), Facts(contract="guide", wanted=WANTED))

    def fold(self, key: str) -> str:
        return super().fold(key) if f"-{ODD}-" in key else key


FIRST_TWO = frozenset(row.erp_id for row in WANTED[ODD][:2])

KINDS: dict[str, tuple[Callable[[], list[Way]], set[int]]] = {
    "W12: 401 to all that is about it": (answered("401", "all"), {1}),
    "W12: 401 to its listing": (answered("401", "list"), {1}),
    "W12: 401 to its bulk requests": (answered("401", "bulk"), {1, 3}),
    "W12: 401 to one row": (answered("401", "bulk", row=True), {1, 3}),
    "W12: the gateway's 403 to all that is about it": (answered("gateway", "all"), {1}),
    "W12: the gateway's 403 to its bulk requests": (answered("gateway", "bulk"), {1, 3}),
    "W12: the gateway's 403 to one row": (answered("gateway", "bulk", row=True), {1, 3}),
    "W12: 403 to its listing": (answered("403", "list"), {1}),
    "W12: 403 to its bulk requests": (answered("403", "bulk"), {1, 3}),
    "W12: 403 to one row": (answered("403", "bulk", row=True), {1, 3}),
    "W12: 404 to its listing": (answered("missing", "list"), {1}),
    "W12: 404 to its bulk requests": (answered("missing", "bulk"), {1}),
    "W12: 405 to its bulk requests": (answered("missing", "bulk", variant=1), {1}),
    "W12: the word quota, to all that is about it": (answered("quota", "all"), {1}),
    "W12: the word quota, to its bulk requests": (answered("quota", "bulk", variant=1), {1}),
    "W12: 429 without end": (answered("throttled", "all"), {1, 5}),
    "W12: 429 without end, a second each time": (answered("throttled", "all", variant=1), {1, 5}),
    "W9: 500 to its bulk requests": (answered("broken", "bulk"), {1, 10}),
    "W9: 500 to one row": (answered("broken", "bulk", row=True), {1, 10}),
    "W13: 503 to all that is about it": (answered("unavailable", "all"), {1}),
    "W13: 503 to its bulk requests": (answered("unavailable", "bulk"), {10}),
    "W13: 504 to its listing": (answered("unavailable", "list", variant=2), {1}),
    "carried out, and answered with 500": (answered("lost", "bulk"), {0, 10}),
    "400 to its listing": (answered("refused", "list"), {1}),
    "422 to its bulk requests": (answered("refused", "bulk", variant=2), {3}),
    "409 to its bulk requests": (answered("busy", "bulk"), {10}),
    "a redirect of its bulk requests": (answered("redirect", "bulk"), {1}),
    "a redirect of its listing": (answered("redirect", "list"), {1}),
    "a redirect of all that is about it": (answered("redirect", "all", variant=1), {1}),
    "W7: HTML to its bulk requests": (answered("unreadable", "bulk"), {10}),
    "W15: HTML to its listing": (answered("unreadable", "list"), {1}),
    "W15: a page without count": (answered("unreadable", "list", variant=4), {1}),
    "W15: a page with a row without id": (answered("unreadable", "list", variant=5), {1}),
    "W8: rows refused under lower-case keys": (
        way("oddly-refused-rows", style="lower", erp_ids=FIRST_TWO),
        {3, 10},
    ),
    "rows refused": (way("refused-rows", erp_ids=FIRST_TWO), {3}),
    "W3: keys regardless of case": (lambda: [FoldedKeys()], {4}),
    "W11: a false empty listing in a company with rows": (way("list:false-empty"), {4, 10}),
    "a listing that is never whole": (way("list:count-off", by=1), {4}),
    "a row of another company": (way("list:foreign", other=8), {4}),
    "202 without end, and carried out": (way("202:never"), {0, 10}),
    "208 to its bulk requests": (answered("208", "bulk"), {0, 10}),
    "L17: not in the directory": (way("directory:lacks"), {1}),
}
"""Ways of one company, and the exit codes that it may end with."""

HAS_ROWS = {"W11: a false empty listing in a company with rows", "a row of another company"}
"""Kinds under which half of the odd company's rows are there before."""


def play(
    ways: list[Way],
    companies: list[Company],
    settings: Settings,
    owners: Mapping[int, str] | None = None,
    rows: list[Row] | None = None,
) -> tuple[RunResult, Server]:
    """Sync once, in virtual time."""

    async def go(stage: Stage) -> RunResult:
        stage.clock.go()
        return await stage.run(companies)

    with new_ledger() as database:
        clock = Clock()
        names = {company.id: company.name for company in companies}
        server = Server(
            contract="guide", companies=names, most_rows=100, ways=ways, now=clock, owners=owners or {}, rows=rows or []
        )
        return perform(go(Stage(server=server, clock=clock, database=database, settings=settings))), server


def others_done(result: RunResult, server: Server) -> None:
    """Hold that all companies but the odd one are done, and there as wanted."""
    stopped = {each.company_id: each for each in result.companies if each.company_id != ODD and each.exit_code != 0}
    assert not stopped, f"{len(stopped)} others are not done, such as {next(iter(stopped.values()))}"
    for company_id, wanted in WANTED.items():
        if company_id != ODD and company_id in server.companies:
            assert sorted(row.values for row in server.shown(company_id)) == sorted(wanted)


def fleet_of(sources: Mapping[int, Any] | None = None) -> list[Company]:
    odd = sources or {}
    return [
        Company(id=company_id, name=f"Company {company_id}", source=odd.get(company_id, Rows(rows)))
        for company_id, rows in WANTED.items()
    ]


def settings_of(*accounts: str) -> Settings:
    named = [account(LIMITS, name=name, account_id=name) for name in accounts]
    return Settings(accounts=tuple(named) or (account(LIMITS),), api=Api(base_url=BASE_URL))


def odd_of(result: RunResult) -> CompanyResult:
    return next(each for each in result.companies if each.company_id == ODD)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_of_16_with_one_odd_company_ends_with_15_done(kind: str) -> None:
    make, codes = KINDS[kind]
    there = WANTED[ODD][:2] if kind in HAS_ROWS else []
    rows = [Row(id=f"dim_9{at}", company_id=ODD, key=row.key, values=row) for at, row in enumerate(there)]
    result, server = play(make(), fleet_of(), settings_of(), rows=rows)
    others_done(result, server)
    assert odd_of(result).exit_code in codes, odd_of(result)
    assert result.totals.adds_up


class Torn:
    """A source that fails on the way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def __aiter__(self) -> AsyncIterator[Dimension]:
        yield WANTED[ODD][0]
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        SourceError("exports/7.csv is not there"),
        OSError("the disk is gone"),
        ValueError("no such column"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_l6_a_source_that_cannot_be_read_stops_its_company_alone(error: Exception) -> None:
    result, server = play([], fleet_of({ODD: Torn(error)}), settings_of())
    others_done(result, server)
    assert odd_of(result).exit_code == 1
    assert not server.shown(ODD)


class Revoked(Way):
    """Requests with one API key are refused, all of them or those for a token."""

    def __init__(self, what: str, make: Callable[[], Reply]) -> None:
        self.what = what
        self.make = make

    def instead(self, server: Server, call: Call) -> Reply | None:
        is_its = call.key == f"key of racc_{ODD}"
        return self.make() if is_its and self.what in {call.what, "all"} else None


REVOKED: dict[str, tuple[str, Callable[[], Reply], int, str]] = {
    "the gateway's 403": ("all", ANSWERS["gateway"][0], 8, "authentication"),
    "401": ("all", ANSWERS["401"][0], 8, "authentication"),
    "401 for a token": ("token", lambda: refusal(401, "invalid_client"), 8, "authentication"),
    "its quota is used up": ("all", ANSWERS["quota"][0], 5, "quota"),
}


@pytest.mark.parametrize("kind", REVOKED)
def test_with_one_company_per_key_a_revoked_key_is_told_as_its_account_s(kind: str) -> None:
    what, make, code, problem = REVOKED[kind]
    names = [f"racc_{company_id}" for company_id in range(1, KEYS.get(kind, FEW_KEYS) + 1)]
    companies = [
        Company(id=company_id, name=f"Company {company_id}", source=Rows(rows_of(company_id, 1)), account=name)
        for company_id, name in enumerate(names, 1)
    ]
    owners = dict(enumerate(names, 1))
    result, server = play([Revoked(what, make)], companies, settings_of(*names), owners)
    assert [each.company_id for each in result.companies if each.exit_code != 0] == [ODD]
    assert sum(bool(server.shown(company_id)) for company_id in owners) == len(owners) - 1
    odd = odd_of(result)
    assert (odd.exit_code, odd.state, result.exit_code) == (code, "deferred", code)
    assert [each.code for each in odd.problems] == [problem]
    assert odd.balance.deferred == 1
    asked = sum(call.key == f"key of {names[ODD - 1]}" for call, _ in server.calls)
    assert asked <= 6, "its trouble is found out in a few requests"


def test_a_plain_fleet_costs_a_listing_and_a_chunk_each() -> None:
    result, server = play([], fleet_of(), settings_of())
    others_done(result, server)
    assert (result.exit_code, result.requests.list, result.requests.bulk) == (0, SIZE, SIZE)
