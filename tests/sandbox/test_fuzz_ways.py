"""Whole histories against servers with ways of their own: what a user would ask of the runs, whatever the server does.

The histories are those of `test_fuzz_runs`, and the server differs from its documents for good, or befalls single rows
and whole hosts. Nothing here takes for granted that it stores what it was sent. What is asked: no two remote rows for
one wanted row; exit 0 only when each wanted row's own remote row shows its values; each source row in one column; and
the same source again and again, the clock standing still, asks for nothing after a few runs.

`DIMSYNC_WAYS="keys folded,host down"` plays these alone, whether or not they are among `RULED`; `DIMSYNC_FUZZ=20` more
and other cases.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import CompanyResult, RunResult, VerifyMode
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.tenant import Row
from tests.empty_ledgers import empty_ledger
from tests.sandbox.conftest import DIRECTORY
from tests.sandbox.fuzz import StageLoop
from tests.sandbox.test_fuzz_runs import (
    CALM,
    HISTORIES,
    MORE,
    Act,
    Case,
    Check,
    Fleet,
    Here,
    Tally,
    acts,
    fleets,
    on,
    shown,
)

HELD_IN_DOUBT = "rows held in doubt"
"""Not drawn but met: a row of unknown outcome that is held has its company listed in every run."""

CASES = 40 * max(1, MORE)
"""Under the guide; half of them under the reference, which is spelled otherwise, and has the same ways."""

STILL = 8
"""After so many runs with nothing changed and the clock standing still, one more asks for nothing."""

WAYS: Mapping[str, list[dict[str, Any]]] = {
    "keys folded": [{"keys_folded": True}],
    "keys shortened": [{"key": {"shortened": 2}}],
    "rows hidden": [{"hidden": "^k1$"}, {"hidden": "^2$"}, {"hidden": "^Miete"}],
    "types respelled": [
        {"types": {"account": "ACCOUNT", "department": "Department", "cost_type": "CostType", "costtype": "COSTTYPE"}}
    ],
    "types renamed": [{"types": {"department": "class"}}],
    "count by page": [{"count": "page"}],
    "no count": [{"count": "absent"}],
    "rows without id": [{"listed_ids": "absent"}],
    "answers without names": [{"answer_names": False}],
    "answers without ids": [{"answer_ids": "absent"}, {"answer_ids": "absent", "answer_names": False}],
    "ids as numbers": [{"answer_ids": "number"}, {"answer_ids": "number", "answer_names": False}],
    "odd counters": [{"counters": kind} for kind in ("text", "null", "absent")],
    "keys of errors": [{"error_keys": "prefixed"}],
    "token body": [{"grant_body": "json"}, {"grant_body": "form"}],
    "date skew": [{"date_skew_s": seconds} for seconds in (-4000, 4000)],
    "updates ignored": [{"fixed": ["name"]}, {"fixed": ["name", "erp_id", "code", "type"]}],
}
KEYS: Mapping[str, Mapping[str, str]] = {
    "keys folded": {"k3": "K0", "k4": "K1", "k5": "K2"},
    "keys shortened": {"k3": "k0.3", "k4": "k1.4", "k5": "k2.5"},
}
"""Which keys are others where these ways are, so that some of them collide."""


def row(pattern: str, **answer: Any) -> dict[str, Any]:
    """Return a rule that befalls each bulk request with such a row."""
    return {"effect": "status", "match": {"operation": "bulk", "row": pattern}, **answer}


def one(operation: str = "bulk", **answer: Any) -> dict[str, Any]:
    """Return a rule that befalls all such requests of one company."""
    return {"effect": "status", "match": {"operation": operation, "company": 1}, **answer}


LASTING: Mapping[str, list[dict[str, Any]]] = {
    "row 500": [row("^k1$", status=500), row("^2$", status=502)],
    "row 403": [row("^k1$", status=403), row("^k2$", status=403, envelope="not this one")],
    "row 404": [row("^k1$", status=404, envelope="no such thing")],
    "row quota": [row("^k1$", status=429, envelope="Daily quota exceeded")],
    "company 401": [one(operation, status=401, envelope="Unauthorized") for operation in ("bulk", "list")],
    "company 403": [one(status=403)],
    "company 404": [one(status=404, envelope="no such path")],
    "company quota": [one(status=429, envelope="Daily quota exceeded")],
    "errors in a chunk of one": [on("bulk", effect="reject-rows", key="^k[12]$")],
}
"""What a deterministic server does to the same request each time."""

PASSING: Mapping[str, list[dict[str, Any]]] = {
    "host down": [
        {"effect": "status", "status": 503, "after": after, "lasts_s": seconds, **told}
        for after in (0, 3)
        for seconds in (20, 4000)
        for told in ({}, {"headers": {"Retry-After": "5"}})
    ],
    "host unreachable": [
        {"effect": "outage", "seconds": s, "after": after, "times": 1} for s in (5, 900) for after in (0, 4)
    ],
    "dates": [on("bulk", effect="status", status=429, retry_date_s=3, times=1)],
    "empty listing": [on("list", effect="empty-listing", times=times) for times in (1, 3)],
    "answers lost for a while": [on("bulk", effect="reset", commit=True, lasts_s=10)],
}

KNOWN = [*WAYS, *LASTING, *PASSING, HELD_IN_DOUBT]
RULED = {*KNOWN} - {"updates ignored"}
"""The ways and troubles for which the engine has its rule: these are drawn."""
DRAWN = set(KNOWN) & (set(os.environ["DIMSYNC_WAYS"].split(",")) if "DIMSYNC_WAYS" in os.environ else RULED)


def drawn(tables: Mapping[str, list[dict[str, Any]]], most: int) -> st.SearchStrategy[list[tuple[str, dict[str, Any]]]]:
    """Draw up to so many of the tables whose names are drawn, with their names."""
    named = [(name, table) for name, group in tables.items() if name in DRAWN for table in group]
    return st.lists(st.sampled_from(named), max_size=most) if named else st.just([])


def server(fleet: Fleet, ways: list[tuple[str, dict[str, Any]]]) -> Fleet:
    keys = {key: other for name, _ in ways for key, other in KEYS.get(name, {}).items()}
    return fleet._replace(ways=tuple(way for _, way in ways), keys=keys)


def trouble(act: Act, rules: list[tuple[str, dict[str, Any]]]) -> Act:
    return act._replace(rules=[*act.rules, *(rule for _, rule in rules)])


servers = st.builds(server, fleets, drawn(WAYS, 2))
troubled = st.builds(trouble, acts, drawn({**LASTING, **PASSING}, 1))
histories = st.tuples(servers, st.lists(troubled, min_size=1, max_size=3), drawn(LASTING, 2))


class UserCheck(Check):
    """What must hold after a run for whoever believes it, against the sandbox's record."""

    async def all(self) -> None:
        if self.result is None:
            return
        self._books(self.result)
        for here, told in zip(self.case.here, self.result.companies, strict=True):
            self._believed(here, told)

    def _believed(self, here: Here, told: CompanyResult) -> None:
        balance = told.balance
        assert balance.adds_up, f"the books of company {here.id} do not add up"
        if balance.source_rows is not None:
            assert balance.source_rows == len(here.source), "a source row is not counted"
            assert balance.invalid == len(here.source) - len(here.valid()), "an invalid row is not counted as such"
        if balance.remote_rows is not None:
            here.blind = False
        if here.blind:
            return
        wrote = any(entry.company == here.id and entry.operation == "bulk" for entry in self.case.service.log)
        looked = balance.remote_rows is not None and not wrote
        lies = any(way.fixed for way in self.case.service.ways.all)  # a listing alone shows what it left undone
        if told.exit_code == 0 and (looked or not lies):
            wrong = list(self.wrong(here))
            assert not wrong, f"GREEN BUT WRONG: {wrong}"
        if told.exit_code == 0 and looked:
            self._all_shown(here)
        self._no_twins(here, told)

    def _all_shown(self, here: Here) -> None:
        """A run that saw a whole listing and wrote nothing has seen each wanted row in it."""
        visible = [each.values for each in self.case.rows(here) if not self._is_hidden(each)]
        for each in here.valid().values():
            assert (each.type_code, each.erp_id) in map(shown, visible), f"GREEN BUT NOT THERE: {each}"

    def _no_twins(self, here: Here, told: CompanyResult) -> None:
        """No row was made in this run where a visible one was already, but for canaries that a person let fly.

        A company that was never listed before cannot be told from an empty one while its listing is empty.
        """
        if here.tried and told.exit_code != 0:
            return
        is_shown_empty = any(rule["effect"] == "empty-listing" for rule in self.act.rules)
        known = set(here.links.values()) if self.act.allow != "vanished-company" else set()
        mine = {entry.number for entry in self.case.service.log}
        keys = {self.case.stored_key(key) for key in here.valid()}
        twins = [
            (each.values, other.values)
            for each in self.case.rows(here)
            if each.created_by in mine
            for other in self.case.rows(here)
            if other is not each and self._is_one(each, other) and self._key(other) not in keys
            if not is_shown_empty or other.id in known
        ]
        assert not twins, f"MADE TWICE: {twins}"

    def _is_one(self, made: Row, other: Row) -> bool:
        """Whether a row that was there is the one that was wanted, for all that a listing shows."""
        if self._is_hidden(other) or shown(made.values) != shown(other.values):
            return False
        renamed = any(way.types.get(other.values.type_code) == "class" for way in self.case.service.ways.all)
        return not renamed or made.values.name == other.values.name

    def _is_hidden(self, each: Row) -> bool:
        return self.case.service.ways.hides(each)

    def _key(self, each: Row) -> str | None:
        return None if each.values.key is None else self.case.stored_key(each.values.key)


async def _stand_still(case: Case, rules: list[dict[str, Any]]) -> None:
    """Run again and again with nothing changed: in the end it asks for nothing, and nobody is locked out.

    Nor does a run that lists everything once more send what the run before it sent.
    """
    still = CALM._replace(hours=0, fresh=False, mode=VerifyMode.AUTO, rules=rules)
    result = await case.play(still._replace(hours=50))
    for _ in range(STILL):
        result = await case.play(still)
        assert result is not None
        excused = set() if HELD_IN_DOUBT in RULED else _held_in_doubt(result)
        free = {*DIRECTORY, "token"}
        asked = [each for each in case.service.log if each.operation not in free and each.company not in excused]
        if not asked:
            break
    assert result is not None
    told = [(each.company_id, str(each.state), each.problems) for each in result.companies]
    assert not asked, f"STILL ASKING: {[(each.operation, each.status, each.company) for each in asked]} {told}"
    for each in result.companies:
        if each.company_id not in _befallen(case, rules):
            assert each.exit_code in {0, 3, 4}, f"LOCKED OUT: {each.exit_code} {each.problems}"
    for _ in range(2):
        await case.play(still._replace(mode=VerifyMode.FULL))
    sent = [entry for entry in case.service.log if entry.operation == "bulk"]
    assert not sent, f"SENT AGAIN: {[(entry.status, entry.company, entry.rows) for entry in sent]}"


def _held_in_doubt(result: RunResult) -> set[int]:
    return {each.company_id for each in result.companies if any(one.code == "key-unconfirmed" for one in each.problems)}


def _befallen(case: Case, rules: list[dict[str, Any]]) -> set[int]:
    """Return the companies that trouble without end may keep from being in order."""
    ways = case.service.ways.all
    if any(way.count == "absent" or way.listed_ids == "absent" for way in ways):  # no listing can be read
        return {here.id for here in case.here}
    if any("company" not in rule["match"] for rule in rules):
        return {here.id for here in case.here}
    return {rule["match"]["company"] for rule in rules}


async def _live(
    contract: str,
    fleet: Fleet,
    acts: list[Act],
    lasting: list[dict[str, Any]],
    tally: Tally,
) -> None:
    with empty_ledger() as database:
        case = Case(contract, fleet, database, UserCheck)
        tally.cases += 1
        for act in acts:
            tally.take(await case.play(act))
        await _stand_still(case, lasting)


@pytest.mark.long
@pytest.mark.timeout(0 if MORE else 600)
@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning"
)  # a death before a task's first step
@pytest.mark.parametrize("contract", ["guide", "reference"])
def test_whatever_ways_a_server_has(contract: str, record_property: Callable[[str, object], None]) -> None:
    tally = Tally()

    cases = CASES if contract == "guide" else CASES // 2

    @settings(HISTORIES, max_examples=cases)
    @given(histories)
    def live(history: tuple[Fleet, list[Act], list[tuple[str, dict[str, Any]]]]) -> None:
        fleet, acts, lasting = history
        with asyncio.Runner(loop_factory=StageLoop) as stage:  # time begins anew
            stage.run(_live(contract, fleet, acts, [rule for _, rule in lasting], tally))

    live()
    record_property("played", dict(sorted(tally.ends.items())))
    assert tally.cases >= cases
    assert {"exit 0", "exit 4", "died"} <= tally.ends.keys()


def test_what_is_drawn_is_known() -> None:
    assert set(KNOWN) >= RULED
    for tables in (*LASTING.values(), *PASSING.values()):
        parse_rules(tables)
