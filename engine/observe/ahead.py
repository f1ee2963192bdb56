"""The work of a run by API key: what is done, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from engine.model.events import ChunkSettled, CompanyAhead, KeyAhead, PageRead, Planned, Scheduled, SourceRead
from engine.model.result import CompanyResult

NO_WORK = frozenset({"retry", "token", "directory"})
"""Kinds of requests that belong to no company's own work."""


@dataclass(slots=True, kw_only=True)
class Begun:
    """A company at work."""

    company_id: int
    name: str
    expected: int = 0  # requests that reading the company takes, roughly
    sent: int = 0  # requests
    is_read: bool = False  # whether its source is read
    page_rows: int = 0  # rows of its largest page
    listed: int = 0  # rows of its listing that were read
    declared: int = 0  # rows that its listing says it has
    chunks: int | None = None  # bulk requests still to come; None: it is not compared yet
    to_send: int = 0  # rows
    settled: int = 0  # rows

    def take(self, event: SourceRead | PageRead | Planned | ChunkSettled) -> None:
        """Follow the company's steps."""
        match event:
            case PageRead():
                self._take_page(event)
            case ChunkSettled():
                self.settled += event.created + event.updated + event.rejected + event.uncertain
                self.chunks = max(0, (self.chunks or 0) - 1)
            case SourceRead():
                self.is_read = True
            case Planned():
                self.chunks, self.to_send = event.chunks, event.creates + event.updates if event.chunks else 0

    def _take_page(self, page: PageRead) -> None:
        self.page_rows = max(self.page_rows, page.rows)
        if self.declared and self.listed >= self.declared:  # the company is listed once more
            self.listed = 0
        self.listed, self.declared = self.listed + page.rows, page.declared

    @property
    def step(self) -> str:
        """What is done with the company, such as "listing 1,200 of 2,000 rows"."""
        if self.chunks is not None:
            sent = min(self.settled, self.to_send)
            return f"sending {sent:,} of {self.to_send:,} rows" if self.to_send else "ending"
        if self.page_rows:
            of = f" of {self.declared:,}" if self.declared >= self.listed else ""
            return f"listing {self.listed:,}{of} rows"
        return "comparing" if self.is_read else "reading its source"

    def left(self, usual: float) -> float:
        """Return how many requests the company still takes, roughly. `usual`: those of a company like it."""
        if self.chunks is not None:
            return self.chunks
        if self.declared and self.page_rows:
            pages = ceil(self.declared / self.page_rows)
            read = ceil(self.listed / self.page_rows)
            return max(0, pages - read) + max(0.0, usual - pages)
        return max(0.0, usual - self.sent)


@dataclass(slots=True, kw_only=True)
class KeyWork:
    """The work of one API key."""

    ahead: KeyAhead
    to_come: dict[int, int] = field(default_factory=dict)  # expected requests, by company that has not begun
    reading: int = 0  # the sum of the expected requests
    unread: int = 0  # companies that have not begun and are expected to need no request
    begun: dict[int, Begun] = field(default_factory=dict)
    done: int = 0  # units
    sent: int = 0  # requests of any kind

    @property
    def left_today(self) -> int:
        """How many requests of the key's day are left, as far as this run knows."""
        return max(0, self.ahead.usable - self.ahead.used - self.sent)

    def add(self, company: CompanyAhead) -> None:
        """Take a company that is still to come."""
        self.to_come[company.company_id] = company.requests
        self.reading += company.requests
        self.unread += not company.requests

    def begin(self, company_id: int, name: str) -> Begun:
        """Note that a company begins."""
        expected = self.to_come.pop(company_id, 0)
        self.reading -= expected
        self.unread -= not expected
        self.begun[company_id] = Begun(company_id=company_id, name=name, expected=expected)
        return self.begun[company_id]


@dataclass(slots=True, kw_only=True)
class Usual:
    """How many requests companies take, learnt from those that have ended: their requests against the expected ones."""

    expected: int = 0  # requests that companies were expected to take
    taken: int = 0  # requests that these companies took
    quiet: int = 0  # companies that were expected to take no request
    taken_by_quiet: int = 0  # requests that they took

    def learn(self, expected: int, result: CompanyResult) -> None:
        """Learn from a company that ran to its end; one that was stopped short is left out."""
        if not result.is_seen_through:
            return
        taken = result.requests.total - result.requests.apart
        if expected:
            self.expected, self.taken = self.expected + expected, self.taken + taken
        else:
            self.quiet, self.taken_by_quiet = self.quiet + 1, self.taken_by_quiet + taken

    def requests(self, expected: float, quiet: int = 0) -> float:
        """Return the requests to come: of companies with `expected` ones, and of `quiet` companies without any."""
        factor = self.taken / self.expected if self.expected else 1.0
        return expected * factor + (quiet * self.taken_by_quiet / self.quiet if self.quiet else 0.0)


class Work:
    """The work of all API keys of a run."""

    def __init__(self, scheduled: Scheduled) -> None:
        self.keys = [KeyWork(ahead=key) for key in scheduled.keys]
        self._by_account = {name: key for key in self.keys for name in key.ahead.accounts}
        self._by_company: dict[int, KeyWork] = {}
        self._usual = Usual()
        for company in scheduled.companies:
            if (key := self._by_account.get(company.account)) is not None:
                key.add(company)
                self._by_company[company.company_id] = key

    def begin(self, company_id: int, name: str) -> Begun:
        """Note that a company begins; return what is known of it from then on."""
        key = self._by_company.get(company_id)
        return Begun(company_id=company_id, name=name) if key is None else key.begin(company_id, name)

    def sent(self, account: str, company_id: int | None, kind: str) -> None:
        """Note that a request was sent."""
        key = self._by_account.get(account)
        if key is None:
            return
        key.sent += 1
        if kind not in NO_WORK:
            key.done += 1
            if company_id is not None and company_id in key.begun:
                key.begun[company_id].sent += 1

    def end(self, result: CompanyResult) -> None:
        """Note that a company has ended."""
        key = self._by_company.get(result.company_id)
        if key is None:
            return
        begun = key.begun.pop(result.company_id, None)
        if begun is None:
            begun = key.begin(result.company_id, result.name)
            del key.begun[result.company_id]
        key.done += 1
        self._usual.learn(begun.expected, result)

    def requests_left(self, key: KeyWork) -> float:
        """Return how many requests of a key are still to come, roughly."""
        usual = self._usual
        begun = sum(one.left(usual.requests(one.expected, not one.expected)) for one in key.begun.values())
        return usual.requests(key.reading, key.unread) + begun

    def units_left(self, key: KeyWork) -> float:
        """Return how many units of work of a key are still to come, roughly."""
        return self.requests_left(key) + len(key.to_come) + len(key.begun)
