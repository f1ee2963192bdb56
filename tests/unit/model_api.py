"""The API as a fake transport with a model server behind it; and a sender over it, as runs make one.

The transport is the one fake: it takes and gives bytes, a second for each bulk request, and does what the test's
`trouble` says. It sees that no row is in two requests at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import NamedTuple

import anyio

from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.change import Change
from engine.model.company_record import CompanyState
from engine.model.dimension import Dimension
from engine.model.events import Emit, Event
from engine.model.outcome import ItemResult
from engine.model.settings import Account, Api, CompanyKey, Limits, Secret
from engine.net.channel import Channel
from engine.net.client import CompanyClient
from engine.net.http.exchange import Answer, Request
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.run.safety_notes import CompanyNotes
from engine.send.chunks import Cut, cut
from engine.send.known_rows import KnownRows
from engine.send.remote_owners import RemoteOwners
from engine.send.requests import BulkRequests
from engine.send.sender import Sender
from engine.send.settled import SettledChunk
from engine.wire.guide import DIALECT
from tests.sandbox.memory import memory_ledger
from tests.unit.model_server import COMPANY, ModelServer, dim

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORIGIN = "https://api.test/v1"
COMPANY_KEY = CompanyKey(origin=ORIGIN, account="a", company_id=COMPANY)
SECRET = Secret("x")

TAKES_S = 1.0
"""What each bulk request takes, in seconds of the event loop's clock."""

KINDS = ("bulk", "companies", "dimensions", "accounts", "oauth")
"""Kinds of requests, by what their URLs have in them; the first that fits."""

PAGE = 1_000
"""Rows of the one page of a listing: more than any test has."""

GRANT = {"access_token": "t", "expires_in": 86_400}


class Asked(NamedTuple):
    """One bulk request as it came."""

    keys: tuple[str, ...]
    idempotency_key: str
    at_s: float


Trouble = Callable[[Asked, "ModelApi"], Answer | None]
"""What a request meets: an answer, or an error that it raises; None: it is carried out and answered."""


def refusal(status: int, message: str = "no") -> Answer:
    """Return an answer that refuses or fails a request as a whole."""
    return Answer(status=status, headers={}, body=json.dumps({"code": "Bad request", "message": message}).encode())


@dataclass(slots=True)
class ModelApi:
    """The transport, and the server behind it."""

    trouble: Trouble = lambda _asked, _api: None
    reads: Callable[[str], Answer | None] = lambda _kind: None  # what a request meets that carries no rows, by its kind
    server: ModelServer = field(default_factory=ModelServer)
    asked: list[Asked] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)  # kinds of all requests, in their order
    answered: dict[str, Answer] = field(default_factory=dict)  # by idempotency key
    under_way: list[frozenset[str]] = field(default_factory=list)
    most_at_once: int = 0

    async def send(self, request: Request) -> Answer:
        """Carry one request."""
        kind = next(kind for kind in KINDS if kind in request.url)
        self.steps.append(kind)
        if request.body is None or kind != "bulk":
            return self.reads(kind) or self._read(kind)
        keys = tuple(item["unique_key"] for item in json.loads(request.body)["dimensions"])
        asked = Asked(keys, request.headers["Idempotency-Key"], anyio.current_time())
        self.asked.append(asked)
        rows = frozenset(keys)
        assert all(rows.isdisjoint(other) for other in self.under_way), "a row is in two requests at once"
        self.under_way.append(rows)
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        try:
            await anyio.sleep(TAKES_S)
            return self.trouble(asked, self) or self.carry_out(asked, request.body)
        finally:
            self.under_way.remove(rows)

    def _read(self, kind: str) -> Answer:
        if kind == "dimensions":
            return Answer(status=200, headers={}, body=self.server.page(1, PAGE))
        company = {"id": COMPANY, "name": "Company"}
        document = {"count": 1, "page": 1, "limit": 100, "results": [company]} if kind == "companies" else GRANT
        return Answer(status=200, headers={}, body=json.dumps(document).encode())

    def carry_out(self, asked: Asked, body: bytes) -> Answer:
        """Store the rows; a request that was carried out before is given the same answer."""
        if asked.idempotency_key not in self.answered:
            answer = Answer(status=201, headers={}, body=self.server.bulk(body))
            self.answered[asked.idempotency_key] = answer
        return self.answered[asked.idempotency_key]

    def store(self, keys: Iterable[str]) -> None:
        """Carry out what a lost answer would have told of."""
        for key in keys:
            self.server.put(row(int(key)))

    @property
    def sizes(self) -> list[int]:
        """How many rows each request had."""
        return [len(asked.keys) for asked in self.asked]


@dataclass(slots=True, kw_only=True)
class Desk:
    """One company's sender and what it works on."""

    api: ModelApi
    ledger: SqliteLedger
    channel: Channel
    sender: Sender
    notes: CompanyNotes
    cut: Cut
    heard: list[SettledChunk] = field(default_factory=list)

    async def send(self, changes: Sequence[Change], *, is_trial: bool = False) -> list[ItemResult]:
        """Send all of it, and return what became of the rows; `heard` has it as it came, whatever ends the sending."""
        try:
            async with self.sender.open(cut(changes, self.cut), is_trial=is_trial) as outcomes:
                async for settled in outcomes:
                    self.heard.append(settled)
        finally:
            self.heard += self.sender.untaken()
        return self.results

    @property
    def results(self) -> list[ItemResult]:
        """What became of the rows, as far as it was heard."""
        return [result for settled in self.heard for result in settled.results]


def account_with(**limits: int) -> Account:
    """Return an account with these limits."""
    return Account(
        name="main",
        account_id="a",
        api_key=SECRET,
        client_id=SECRET,
        client_secret=SECRET,
        limits=Limits(**{"chunk_rows": 100, **limits}),
    )


def channel_over(api: ModelApi, account: Account, ledger: SqliteLedger, emit: Emit) -> Channel:
    """Return an account's channel. Call it inside the event loop."""
    key = Key(account, Quota(account, ledger, ORIGIN, lambda: NOON))
    return Channel(key, Api(base_url=ORIGIN), api, emit=emit, now=lambda: NOON, rng=Random(7))


@contextmanager
def desk(trouble: Trouble = lambda _asked, _api: None, **limits: int) -> Iterator[Desk]:
    """Give a sender for an empty company. Enter it inside the event loop."""
    account, api = account_with(**limits), ModelApi(trouble)
    with memory_ledger() as ledger:
        channel = channel_over(api, account, ledger, _unwatched)
        how = Cut(
            max_rows=account.limits.chunk_rows,
            max_bytes=10**6,
            encode=DIALECT.row,
            body=partial(DIALECT.bulk_body, COMPANY),
        )
        known = KnownRows(run_id="run", records={}, listed_ids=())
        notes = CompanyNotes(company_key=COMPANY_KEY, ledger=ledger, before=CompanyState())
        requests = BulkRequests(
            run_id="run",
            company_key=COMPANY_KEY,
            ledger=ledger,
            client=CompanyClient(channel, DIALECT, COMPANY),
            cut=how,
            known=known,
            owners=RemoteOwners(known=known, wanted_keys=_AnyKey()),
            notes=notes,
            now=lambda: NOON,
        )
        yield Desk(api=api, ledger=ledger, channel=channel, sender=Sender(requests), notes=notes, cut=how)


class _AnyKey:
    def __contains__(self, _key: object) -> bool:
        return True


def row(number: int) -> Dimension:
    """Return the wanted row with this number as its key and id."""
    return dim(f"{number:03}", f"{number:03}")


def creates(count: int) -> list[Change]:
    """Return rows that are new."""
    return [Change(row(number), None) for number in range(count)]


async def _unwatched(_event: Event) -> None:
    """Take an event that nobody wants to see."""
