"""What has happened in a run so far, counted event by event."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from engine.model.balance import ExitCode
from engine.model.cause import Cause, cause_of
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    PageRead,
    Parked,
    Planned,
    RequestSent,
    RunStarted,
    Scheduled,
    SourceRead,
    Waiting,
    WidthChanged,
)
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from engine.observe.ahead import Begun, KeyWork, Work
from engine.observe.pace import KeyLeft, Pace, left_s
from engine.observe.view import AtWork, Causes, Day, News, Trouble, View, Wait

RATE_OVER_S = 4.0
"""The request rate is the mean over this many seconds."""

LOOK_EVERY_S = 1.0
"""Estimates are renewed after this many seconds, so that people can read them."""

RELAPSE_S = 10.0
"""A pause that begins this soon after another one is taken as a sign that pauses will go on."""

MOST_AT_WORK = 12
"""How many companies at work a view shows: those that have been at work longest."""


@dataclass(slots=True, kw_only=True)
class _Counts:
    """What is counted as it happens."""

    companies: int = 0
    finished: int = 0
    rows: int = 0  # of sources
    listed: int = 0  # rows
    written: int = 0  # rows
    requests: int = 0


class _Pause(NamedTuple):
    """Who waits, and until when."""

    account: str
    company_id: int | None  # None: the whole account
    reason: str
    until: float
    is_relapse: bool = False  # it began soon after the last pause: such pauses are part of the pace

    @property
    def kind(self) -> str:
        return "account" if self.company_id is None else "company"

    @property
    def name(self) -> str:
        return self.account if self.company_id is None else str(self.company_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """The last estimates."""

    share: float = 0.0
    left_s: float | None = None
    needed: int | None = None
    ceiling: float | None = None
    day: Day | None = None


class Tally:
    """Counts a run's events, and tells how it stands. For one thread. Times are seconds, all on one clock."""

    def __init__(self, title: str, causes: Causes, began: float) -> None:
        self._title = title
        self._causes = causes
        self._began = began
        self._counts = _Counts()
        self._work: Work | None = None  # None: what lies ahead is not known yet
        self._paces: list[Pace] = []  # of the keys of `_work`
        self._begun: dict[int, Begun] = {}
        self._pauses: dict[tuple[str, int | None], _Pause] = {}
        self._parked: dict[str, str] = {}  # account -> reason
        self._widths: dict[str, int] = {}  # account -> requests that may be out at once
        self._troubles: dict[tuple[ExitCode, Cause], Trouble] = {}
        self._samples: deque[tuple[float, int]] = deque([(began, 0)])  # (moment, requests until then)
        self._ahead = _Ahead()
        self._looked_at: float | None = None

    def take(self, event: Event, now: float) -> list[News]:
        """Count an event; return the causes and reasons that no earlier event has shown."""
        match event:
            case RequestSent():
                self._counts.requests += 1
                if self._work is not None:
                    self._work.sent(event.account, event.company_id, event.kind)
            case CompanyFinished():
                return self._end(event.result)
            case CompanyStarted():
                self._begin(event.company_id, event.name)
            case SourceRead() | PageRead() | Planned() | ChunkSettled():
                self._follow(event)
            case RunStarted():
                self._counts.companies = event.companies
            case Scheduled():
                self._work = Work(event)
                self._paces = [Pace(now) for _ in event.keys]
            case Waiting(kind="throttle" | "landing"):
                self._pause(event, now)
            case WidthChanged():
                self._widths[event.account] = event.places
            case Parked():
                return self._park(event)
            case _:
                pass
        return []

    def _begin(self, company_id: int, name: str) -> None:
        work = self._work
        begun = Begun(company_id=company_id, name=name) if work is None else work.begin(company_id, name)
        self._begun[company_id] = begun

    def _follow(self, event: SourceRead | PageRead | Planned | ChunkSettled) -> None:
        if isinstance(event, SourceRead):
            self._counts.rows += event.rows
        elif isinstance(event, PageRead):
            self._counts.listed += event.rows
        elif isinstance(event, ChunkSettled):
            self._counts.written += event.created + event.updated
        if (begun := self._begun.get(event.company_id)) is not None:
            begun.take(event)

    def _pause(self, event: Waiting, now: float) -> None:
        who = event.account, event.company_id
        last = self._pauses.get(who)
        is_relapse = last is not None and (last.is_relapse if now < last.until else now - last.until < RELAPSE_S)
        self._pauses[who] = _Pause(*who, event.reason, now + event.seconds, is_relapse)

    def _park(self, event: Parked) -> list[News]:
        known = {_cause(reason) for reason in self._parked.values()}
        self._parked[event.account] = event.reason
        return [] if _cause(event.reason) in known else [Wait("account", event.account, 1, None, event.reason)]

    def _end(self, result: CompanyResult) -> list[News]:
        self._counts.finished += 1
        self._begun.pop(result.company_id, None)
        if self._work is not None:
            self._work.end(result)
        new: list[News] = []
        for told in self._causes(result):
            kind = told.gravity, told.cause
            if (known := self._troubles.get(kind)) is not None:
                self._troubles[kind] = known._replace(companies=known.companies + 1)
                continue
            company = result.company_id, result.name, result.account
            trouble = Trouble(told.gravity, told.cause.code, 1, *company, told.problem.message)
            self._troubles[kind] = trouble
            new.append(trouble)
        return new

    def view(self, now: float) -> View:
        """Return how the run stands."""
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._ahead = self._look_ahead(now)
        ahead, counts = self._ahead, self._counts
        return View(
            title=self._title,
            companies=counts.companies,
            finished=counts.finished,
            rows=counts.rows,
            listed=counts.listed,
            written=counts.written,
            elapsed_s=now - self._began,
            share=ahead.share,
            left_s=ahead.left_s,
            requests=self._counts.requests,
            needed=ahead.needed,
            per_second=self._rate(now),
            ceiling=ahead.ceiling,
            at_once=sum(self._widths.values()),
            day=ahead.day,
            at_work=tuple(
                AtWork(one.company_id, one.name, one.step) for one in islice(self._begun.values(), MOST_AT_WORK)
            ),
            begun=len(self._begun),
            waits=tuple(self._waits(now)),
            troubles=tuple(sorted(self._troubles.values(), key=lambda one: -one.companies)),
        )

    def _rate(self, now: float) -> float | None:
        self._samples.append((now, self._counts.requests))
        while len(self._samples) > 2 and self._samples[1][0] <= now - RATE_OVER_S:
            self._samples.popleft()
        since, before = self._samples[0]
        return (self._counts.requests - before) / (now - since) if now - since > 0.5 else None

    def _look_ahead(self, now: float) -> _Ahead:
        work = self._work
        if work is None:
            return _Ahead()
        keys = [key for key in work.keys if not self._parked.keys() >= set(key.ahead.accounts)]
        left = [self._left(work, key, pace, now) for key, pace in zip(work.keys, self._paces, strict=True)]
        units = sum(work.units_left(key) for key in keys)
        done = sum(key.done for key in work.keys)
        requests = sum(work.requests_left(key) for key in keys)
        seconds = left_s(left)
        return _Ahead(
            share=max(self._ahead.share, done / (done + units) if done + units else 0.0),
            left_s=seconds,
            needed=self._counts.requests + round(requests) if seconds is not None else None,
            ceiling=sum(key.ahead.per_second for key in keys) or None,
            day=_day(work, keys),
        )

    def _left(self, work: Work, key: KeyWork, pace: Pace, now: float) -> KeyLeft:
        """Return what a key has left to do: nothing, once its account was stopped."""
        pauses = [pause for each in key.ahead.accounts if (pause := self._pauses.get((each, None))) is not None]
        pauses = [pause for pause in pauses if pause.until > now]
        pace.note(key.done, now, is_paused=any(not pause.is_relapse for pause in pauses))
        if self._parked.keys() >= set(key.ahead.accounts):
            return KeyLeft(0.0, None)
        pause_s = max((pause.until - now for pause in pauses), default=0.0)
        return KeyLeft(work.units_left(key) * _affordable(work, key), pace.per_second, pause_s, pace.is_stalled)

    def _waits(self, now: float) -> Iterator[Wait]:
        """Yield who waits now, by reason, the longest wait first; then the accounts that were stopped."""
        pauses = [pause for pause in self._pauses.values() if pause.until > now and pause.account not in self._parked]
        found: dict[tuple[str, str], Wait] = {}
        for pause in sorted(pauses, key=lambda one: -one.until):
            _add(found, Wait(pause.kind, pause.name, 1, pause.until - now, pause.reason))
        stopped: dict[tuple[str, str], Wait] = {}
        for account, reason in self._parked.items():
            _add(stopped, Wait("account", account, 1, None, reason))
        yield from found.values()
        yield from stopped.values()


def _add(found: dict[tuple[str, str], Wait], wait: Wait) -> None:
    """Add a wait to the waits for the same reason; the first of them is the one that is named."""
    kind = wait.kind, _cause(wait.reason)
    known = found.get(kind)
    found[kind] = wait if known is None else known._replace(number=known.number + 1)


@lru_cache(2_048)
def _cause(reason: str) -> str:
    """Return a reason without its figures and names, to tell equal reasons. Cached: it is asked for in each frame."""
    return cause_of(Problem(code="throttled", message=reason)).words


def _affordable(work: Work, key: KeyWork) -> float:
    """Return the share of a key's requests that its day still allows: then its work ends for today."""
    requests = work.requests_left(key)
    return min(1.0, key.left_today / requests) if requests else 1.0


def _day(work: Work, keys: list[KeyWork]) -> Day | None:
    """Return what is left of the day of all keys together, and how much some of them will lack."""
    if not keys:
        return None
    left = sum(key.left_today for key in keys)
    short = sum(max(0.0, work.requests_left(key) - key.left_today) for key in keys)
    return Day(left, sum(key.ahead.usable for key in keys), len(keys), round(short))
