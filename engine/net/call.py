"""One request that may be sent several times, and the counts of requests that were sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.model.result import Requests
from engine.model.settings import Account
from engine.net.http.exchange import Answer
from engine.net.retry import Policy

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Spent:
    """Counts requests by kind while they are sent; a repeat counts as `retry`."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, requests: int = 1) -> None:
        """Count requests of a kind; a negative number takes back what never left."""
        self.counts[kind] = self.counts.get(kind, 0) + requests

    def requests(self) -> Requests:
        """Return the counts so far."""
        return Requests(**self.counts)


@dataclass(slots=True, kw_only=True, eq=False)
class Call(Generic[T]):
    """One request that may be sent several times, and what is known of it meanwhile."""

    kind: str  # a field of `Requests`
    method: str
    path: str  # below the base URL, or a whole URL; encoded
    read: Callable[[Answer], T]  # decodes a 2xx; raises `BadAnswer`
    policy: Policy
    spent: Spent
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    company_id: int | None = None
    bearer: bool = True  # False: the token call itself
    used: Account | None = None  # with the credentials that it was last sent with
    sends: int = 0  # all, those answered 401 or 429 included
    attempts: int = 0  # sends that ended without a known outcome
    timeouts: int = 0  # of these, sends that got no answer in time
    waits: int = 0  # 503 answers that named a time to wait
    senseless: int = 0  # answers that were JSON, but not of the agreed shape
    said: str = ""  # the words of the last 500 or 502
    alike: int = 0  # how many answers in a row had these words
    first_sent_at_s: float = 0.0  # on the event loop's clock
    is_witness: bool = False  # sent once, to learn whose trouble another request has met
    exposed: bool = False  # it was sent, and its outcome is not known
    is_lost: bool = False  # the answer to a send is missing, or does not tell the outcome; a 503 tells: not done
    sent_at_s: float = 0.0  # when it was last sent, on the event loop's clock
    status: int | None = None  # of the last answer
    request_id: str | None = None  # the server's name for the last request that it answered with one
    before_repeat: Callable[[], Awaitable[None]] | None = None  # done before the same bytes are sent again
