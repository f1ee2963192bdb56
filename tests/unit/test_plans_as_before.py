"""On faithful servers the rules of agreement decide as the code before them did, but for what a table here names.

The lives in `tests/data/lives_before.json.gz` were drawn at random, once: one company each, with the rows that are
there at first, what the source has from run to run, what people do in Ottimate in between (they rename, renumber,
delete and add rows), runs with a listing and without, rows that are refused, and runs that die with a bulk request in
the air. The server does just what the documents say. Each life was then played by `play`, as it stands here, with the
engine of commit 1155fef, which had no agreements; what its runs did stands beside the life. Whoever wants new data
plays lives of his own with that commit: the format is that of `Life`.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NotRequired, TypedDict, cast

import aiohttp
import pytest

from engine import Api, Company, Dimension, Engine, Limits, RunResult, Settings, Verify, VerifyMode
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.net.http.exchange import Answer, Request
from tests.sandbox.conftest import Rows
from tests.sandbox.fuzz import Desk, Fate
from tests.worlds.server import BULK_PATHS, Row, Server, Way, key_of
from tests.worlds.stage import BASE_URL, Clock, account, new_ledger, perform
from tests.worlds.wire import Memory, Session

DATA = Path(__file__).parent.parent / "data" / "lives_before.json.gz"
COMPANY = 101

AGAIN = "a row differs in the first listing after its push: it is pushed in a request of its own, and listed again"
SHOWN = "of such a row, a change by somebody else is counted (as reverted) when the listing after it shows it undone"
NOT_SENT = "a run that dies, or a server that refuses the row, before that: it is neither sent in that run nor counted"
LATER = "what such a run did not send, the next ones do"
RESTS = "a row whose refusal follows a lost answer rests for a day, as other refused rows do"
UNTOUCHED = "a row that rests is not counted as reverted, and so not held as flapping"
KINDS = {AGAIN, SHOWN, NOT_SENT, LATER, RESTS, UNTOUCHED}
"""All that differs, and why: an edit between a push and its first listing looks like a server's own spelling, and only
a second push tells the two apart. The last two are no part of agreement: the earlier code sent a row again in the very
next run although it had just been refused, and counted rows that it did not touch."""


class Step(TypedDict):
    """What happens up to a run, and how it runs."""

    hours: int
    verify: str
    people: NotRequired[
        list[list[Any]]
    ]  # [field, key or id, value], ["delete", key or id], ["add", id, key, values...]
    source: NotRequired[list[list[Any]]]  # if it is another one from here on
    refused: NotRequired[list[str]]  # keys
    dies: NotRequired[str]  # "before" or "after" its first bulk request was carried out


class Told(TypedDict):
    """What a run did: of one that died, there is no result."""

    sent: list[list[str]]  # key, and "+" or the fields that it changed in the stored row
    reverts: list[str]  # keys that were noted as pushed back
    known: list[str]  # keys in the ledger
    strays: list[str]  # ids in the ledger
    exit: NotRequired[int]
    by: NotRequired[str | None]  # evidence
    counts: NotRequired[dict[str, int]]
    remote: NotRequired[list[int | None] | None]
    problems: NotRequired[list[list[str]]]
    requests: NotRequired[list[int]]  # for listings, for probes, bulk


class Life(TypedDict):
    """A company's life."""

    contract: str
    relabel: bool
    there: list[list[Any]]
    steps: list[Step]
    told: list[Told]  # by the earlier code
    end: list[list[Any]]  # the rows that it left: key or id, and values


COLUMNS = ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid", "adopted")


@dataclass
class Refusing(Way):
    """Refuses rows."""

    keys: list[str] = field(default_factory=list)

    def refuses(self, item: Mapping[str, Any]) -> str | None:
        return "refused" if key_of(item) in self.keys else None


@dataclass(slots=True, kw_only=True)
class Noting(Server):
    """Notes what each row that is sent changes."""

    sent: list[list[str]] = field(default_factory=list)

    def put(self, company_id: int, item: Mapping[str, Any]) -> tuple[Row, bool]:
        key = key_of(item)
        before = next((row.values for row in self.rows if (row.company_id, row.key) == (company_id, key)), None)
        row, is_new = Server.put(self, company_id, item)
        names = [] if before is None else [name for name in before._fields[1:] if _differs(name, before, row.values)]
        self.sent.append([key, "+" if is_new else ",".join(names)])
        return row, is_new


def _differs(name: str, one: Dimension, other: Dimension) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Deadly:
    """A transport to a server in memory; the process may die over a bulk request."""

    memory: Memory
    fate: Fate
    dies: str | None

    async def send(self, request: Request) -> Answer:
        if self.dies and request.method == "POST" and any(path in request.url for path in BULK_PATHS.values()):
            if self.dies == "after":
                await self.memory.send(request)
            self.fate.die()
            self.fate.moment()
        return await self.memory.send(request)


def meddle(server: Server, what: str, which: str, *rest: Any) -> None:
    """Let a person do something in Ottimate; to a row that is not there, nothing."""
    row = next((row for row in server.rows if which in {row.key, row.id}), None)
    if what == "add":
        server.rows.append(as_row(which, *rest))
    elif row is not None and what == "delete":
        server.rows.remove(row)
    elif row is not None:
        row.values = row.values._replace(**{what: rest[0]})


def as_row(row_id: str, key: str | None, *values: Any) -> Row:
    return Row(id=row_id, company_id=COMPANY, key=key, values=Dimension(key or "", *values))


class Stage:
    """A life's server, ledger and clock."""

    def __init__(self, life: Life, database: sqlite3.Connection) -> None:
        self.life = life
        self.database = database
        self.clock = Clock()
        self.refusing = Refusing()
        self.server = Noting(
            contract=life["contract"],
            companies={COMPANY: "Company"},
            most_rows=100,
            ways=[self.refusing],
            now=self.clock,
            rows=[as_row(*row) for row in life["there"]],
        )
        self.source: list[Dimension] = []

    async def live(self) -> list[Told]:
        self.clock.go()
        return [await self.step(step) for step in self.life["steps"]]

    async def step(self, step: Step) -> Told:
        self.clock.forward_to(self.clock() + timedelta(hours=step["hours"]))
        for act in step.get("people", ()):
            meddle(self.server, *act)
        if "source" in step:
            self.source = [Dimension(*row) for row in step["source"]]
        self.refusing.keys = step.get("refused", [])
        self.server.sent = []
        reverts = self._reverts()
        result = await self._run(step)
        told = Told(
            sent=sorted(self.server.sent),
            reverts=sorted((self._reverts() - reverts).elements()),
            known=self._column("select key from rows order by key"),
            strays=self._column("select id from strays order by id"),
        )
        return told if result is None else told | as_told(result)

    async def _run(self, step: Step) -> RunResult | None:
        fate = Fate()
        transport = Deadly(memory=Memory(server=self.server), fate=fate, dies=step.get("dies"))
        settings = Settings(
            accounts=(account(Limits()),),
            api=Api(base_url=BASE_URL, contract=self.life["contract"]),
            verify=Verify(mode=VerifyMode(step["verify"])),
        )
        company = Company(id=COMPANY, name="Company", source=Rows(self.source), relabel=self.life["relabel"])
        session = cast("aiohttp.ClientSession", Session(transport=transport))
        ledger = SqliteLedger(Desk(self.database, fate), MemoryLocks().hold)
        try:
            async with Engine(settings, session=session, ledger=ledger, now=self.clock, rng=Random(1)) as engine:
                return await engine.sync([company]).result()
        except BaseException:
            if not fate.is_dead:
                raise
            return None

    def _reverts(self) -> Counter[str]:
        return Counter(self._column("select key from reverts"))

    def _column(self, query: str) -> list[str]:
        return [value for (value,) in self.database.execute(query)]


def as_told(result: RunResult) -> Any:
    [one] = result.companies
    balance, requests = one.balance, one.requests
    remote = [balance.remote_rows, balance.matched, balance.contested, balance.orphans]
    return {
        "exit": int(result.exit_code),
        "by": one.evidence,
        "counts": {name: count for name in COLUMNS if (count := getattr(balance, name))},
        "remote": None if balance.remote_rows is None else remote,
        "problems": sorted([problem.code, problem.key or ""] for problem in one.problems),
        "requests": [requests.list, requests.probe, requests.bulk],
    }


def play(life: Life) -> tuple[list[Told], list[list[Any]]]:
    """Return what the runs of a life did, and the rows that it left."""
    with new_ledger() as database:
        stage = Stage(life, database)
        told = perform(stage.live())
    return told, sorted([row.key or row.id, *row.values[1:]] for row in stage.server.rows)


@dataclass
class Comparing:
    """Goes through the runs of a life on both sides, and names the kinds of what differs; fails on any other."""

    kinds: Counter[str] = field(default_factory=Counter)
    behind: set[str] = field(default_factory=set)  # keys that only the earlier code has sent, as yet
    resting: set[str] = field(default_factory=set)  # keys that only the earlier code sends although they were refused
    refused: set[str] = field(default_factory=set)  # keys that were refused after a run had died
    has_died: bool = False  # a run has
    overcounted: set[str] = field(default_factory=set)  # keys that only the earlier code has counted as reverted

    def take(self, step: Step, old: Told, new: Told) -> None:
        """Compare one run."""
        dies = "exit" not in new
        assert ("exit" in old) is not dies
        assert (new["known"], new["strays"]) == (old["known"], old["strays"])
        self.refused |= set(step.get("refused", ())) if self.has_died else set()
        self._take_sent(old, new, dies=dies)
        self._take_reverts(step, old, new, dies=dies)
        if not dies:
            assert new["by"] == old["by"]
            moved = self._take_problems(old, new)
            self._take_requests(old, new)
            was, now = Counter(old["counts"]), Counter(new["counts"])
            assert (was - now).total() == (now - was).total() <= len(moved)
            assert new["exit"] == old["exit"] or moved
        self.has_died |= dies

    def _take_sent(self, old: Told, new: Told, *, dies: bool) -> None:
        was, now = dict(old["sent"]), dict(new["sent"])
        assert (len(was), len(now)) == (len(old["sent"]), len(new["sent"]))
        for key in was.keys() | now.keys():
            if was.get(key) == now.get(key):
                continue
            if key not in now and dies:
                self._add(NOT_SENT)
                self.behind.add(key)
            elif key not in now and key in self.refused and ["rejected", key] in new["problems"]:
                self._add(RESTS)
                self.behind.add(key)
                self.resting.add(key)
            elif key in now and key in self.overcounted and ["flapping", key] in old.get("problems", ()):
                self._add(UNTOUCHED)
            else:
                assert key in now
                assert key in self.behind
                self._add(LATER)
        if not dies:
            self.behind -= now.keys()

    def _take_reverts(self, step: Step, old: Told, new: Told, *, dies: bool) -> None:
        was, now = set(old["reverts"]), set(new["reverts"])
        if now - was:
            assert self._is_listed_again(old, new)
            assert now - was <= {key for key, _ in new["sent"]}
            self._add(SHOWN)
        for key in was - now:
            is_resting = not dies and ["rejected", key] in new["problems"]
            if dies or key in step.get("refused", ()):
                self._add(NOT_SENT)
                self.behind |= {key} if dies else set()
            else:
                assert is_resting
                self._add(UNTOUCHED)
            self.overcounted.add(key)

    def _take_problems(self, old: Told, new: Told) -> set[str]:
        """Return the keys of rows that are told otherwise."""
        was, now = ({(code, key) for code, key in told["problems"] if code != "code-filled"} for told in (old, new))
        flapped = {key for code, key in was - now if code == "flapping"}
        rejected = {key for code, key in now - was if code == "rejected"}
        assert len(was ^ now) == len(flapped) + len(rejected)
        assert flapped <= self.overcounted
        assert rejected <= flapped | self.refused
        self._add(*[UNTOUCHED] * bool(flapped), *[RESTS] * bool(rejected - flapped))
        return flapped | rejected | ({key for key, _ in new["sent"]} - {key for key, _ in old["sent"]})

    def _take_requests(self, old: Told, new: Told) -> None:
        lists, probes, bulks = (now - was for was, now in zip(old["requests"], new["requests"], strict=True))
        if self._is_listed_again(old, new):
            assert lists + probes == 1
            assert bulks in {0, 1}
            self._add(AGAIN)
        else:
            assert (lists, probes) == (0, 0)
            assert bulks == bool(new["sent"]) - bool(old["sent"])
            assert new["remote"] == old["remote"]

    def _is_listed_again(self, old: Told, new: Told) -> bool:
        return "requests" in new and sum(new["requests"][:2]) > sum(old["requests"][:2])

    def _add(self, *kinds: str) -> None:
        self.kinds.update(kinds)


def lives() -> list[Life]:
    found: list[Life] = json.loads(gzip.decompress(DATA.read_bytes()))
    return found


@pytest.mark.long
def test_runs_do_what_they_did_before() -> None:
    kinds: Counter[str] = Counter()
    for number, life in enumerate(lives()):
        told, end = play(life)
        comparing = Comparing()
        for at, (step, old, new) in enumerate(zip(life["steps"], life["told"], told, strict=True)):
            try:
                comparing.take(step, old, new)
            except AssertionError as error:
                raise AssertionError(f"life {number}, run {at}: {step}\nbefore: {old}\nnow:    {new}") from error
        kinds += comparing.kinds
        now, was = ({row[0]: row for row in rows} for rows in (end, life["end"]))
        others = {key for key in now.keys() | was.keys() if now.get(key) != was.get(key)}
        assert others <= comparing.behind | comparing.resting, f"life {number}: {others} end otherwise"
    assert kinds.keys() == KINDS
