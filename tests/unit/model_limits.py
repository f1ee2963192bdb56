"""What workers share of an API key, in memory and in virtual time: as the database has it, in the plainest form."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import TypeVar

from engine.errors import LedgerError
from engine.model.shared_limits import Ask, KeptToken, KeyName, Lease, News
from engine.net.limits.shared import Hear

T = TypeVar("T")

KEY = KeyName("https://api.example.com", "key-1")


class ModelLimits:
    """One key's permits, seats and pause. Each answer takes `takes_s`, or `takes_s()`."""

    def __init__(self, takes_s: Callable[[], float] = lambda: 0.001) -> None:
        self.takes_s = takes_s
        self.is_away = False
        self.is_silent = False
        self.late_s = 0.0  # by how much an answer is late
        self.asks: list[Ask] = []
        self.keys: list[KeyName] = []  # of the asks
        self.errands = dict[str, str]()
        self.kept: KeptToken | None = None
        self._next_s = 0.0
        self._paused_until_s = 0.0
        self._seats = dict[str, tuple[int, int]]()  # wanted and had, by worker
        self._watchers = dict[str, Hear]()

    def lease(self, key: KeyName, ask: Ask) -> Future[Lease]:
        self.keys.append(key)
        self.asks.append(ask)
        return self._answer(lambda: self._lease(ask))

    def _lease(self, ask: Ask) -> Lease:
        now_s = get_running_loop().time()
        pause_s = max(0.0, self._paused_until_s - now_s)
        given = 0 if pause_s else ask.permits
        first_s = max(self._next_s, now_s)
        self._next_s = first_s + given * ask.interval_s
        others = sum(had for worker, (_, had) in self._seats.items() if worker != ask.worker)
        wanted = sum(wants for worker, (wants, _) in self._seats.items() if worker != ask.worker) + ask.wants
        fair = ask.wants if wanted <= ask.most else max(1, ask.most // len({*self._seats, ask.worker}))
        seats = max(0, min(ask.wants, fair, ask.most - others))
        self._seats[ask.worker] = (ask.wants, max(seats, ask.out))
        return Lease(
            permits=given,
            at_s=inf,  # not known yet
            wait_s=first_s - now_s,
            pause_s=pause_s,
            seats=seats,
            is_contended=wanted > ask.most,
        )

    def pause(self, key: KeyName, seconds: float) -> Future[None]:
        assert key == KEY
        self._paused_until_s = max(self._paused_until_s, get_running_loop().time() + seconds)
        return self._answer(lambda: self.tell(News(pause_s=seconds)))

    def forget(self) -> None:
        """Be as a database that crashed and was there again at once, and has forgotten the last permits."""
        self._next_s = 0.0
        self.tell(News(is_lost=True))

    def tell(self, news: News) -> None:
        for hear in tuple(self._watchers.values()):
            hear(news)

    def watch(self, _key: KeyName, worker: str, hear: Hear) -> None:
        self._watchers[worker] = hear

    def leave(self, _key: KeyName, worker: str) -> Future[None]:
        self._watchers.pop(worker, None)
        self._seats.pop(worker, None)
        return self._answer(lambda: None)

    def token(self, _key: KeyName) -> Future[KeptToken | None]:
        return self._answer(lambda: self.kept)

    def keep_token(self, _key: KeyName, sealed: bytes, usable_s: float) -> Future[int]:
        number = 1 if self.kept is None else self.kept.number + 1
        self.kept = KeptToken(number=number, sealed=sealed, usable_s=usable_s)
        return self._answer(lambda: number)

    def take_turn(self, what: str, worker: str, bound_s: float) -> Future[float]:
        return self._answer(lambda: 0.0 if self.errands.setdefault(what, worker) == worker else bound_s)

    def end_turn(self, what: str, worker: str) -> Future[None]:
        assert self.errands.pop(what) == worker
        return self._answer(lambda: None)

    def _answer(self, make: Callable[[], T]) -> Future[T]:
        loop = get_running_loop()
        answer: Future[T] = loop.create_future()

        def deliver(made: T) -> None:
            if self.is_away:
                answer.set_exception(LedgerError("the database is away"))
            elif not answer.cancelled():
                at_s = loop.time() - self.late_s
                answer.set_result(replace(made, at_s=at_s) if isinstance(made, Lease) else made)

        def decide(back_s: float) -> None:
            loop.call_later(back_s, deliver, make())

        if not self.is_silent:
            way_s = self.takes_s() / 2
            loop.call_later(way_s, decide, way_s)
        return answer
