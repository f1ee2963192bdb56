"""What a person may be shown of a run that is under way, as it stood at one moment: plain, frozen values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.model.balance import ExitCode
from engine.model.cause import Cause
from engine.model.outcome import Problem
from engine.model.result import CompanyResult


class Told(NamedTuple):
    """A cause that a company has, how grave it is there, and the problem that shows it."""

    gravity: ExitCode
    cause: Cause
    problem: Problem


Causes: TypeAlias = Callable[[CompanyResult], Iterable[Told]]
"""Returns the causes of trouble of a company that has ended, each once; nothing, if all is in order."""


class Trouble(NamedTuple):
    """A cause, and how many of the companies that have ended have it."""

    gravity: ExitCode
    code: str
    companies: int
    company_id: int  # of the first of them
    name: str  # of the first of them
    account: str  # of the first of them
    message: str  # of the first of them


class Wait(NamedTuple):
    """Accounts, or companies, that wait for one reason."""

    kind: str  # "account" or "company"
    name: str  # of the first of them
    number: int
    seconds: float | None  # until the last of them goes on; None: not in this run
    reason: str


News: TypeAlias = Trouble | Wait
"""What an event shows for the first time: a cause that no company had, or a reason to stop that no account had."""


class AtWork(NamedTuple):
    """A company that has begun and not ended."""

    company_id: int
    name: str
    step: str  # what is done with it, such as "listing 1,200 of 2,000 rows"


class Day(NamedTuple):
    """What is left of the day of all API keys of a run, as far as this run knows: other programs may use them."""

    left: int  # requests
    usable: int  # requests
    keys: int
    short: int  # requests that the run will lack, roughly; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run as it stands. None in a field: not known yet."""

    title: str
    elapsed_s: float = 0.0
    share: float = 0.0  # of the work, companies and requests together
    left_s: float | None = None  # seconds until the end, roughly
    companies: int = 0
    finished: int = 0
    rows: int = 0  # of the sources that were read
    listed: int = 0  # rows
    written: int = 0  # rows
    requests: int = 0
    needed: int | None = None  # requests until the end, those that were sent included, roughly
    per_second: float | None = None  # requests, in the last seconds
    ceiling: float | None = None  # requests a second that the limits of the keys allow
    at_once: int = 0  # requests that may be out at once; 0: as set
    day: Day | None = None
    begun: int = 0  # companies at work
    at_work: tuple[AtWork, ...] = ()  # the first of them, in the order in which they began
    waits: tuple[Wait, ...] = ()
    troubles: tuple[Trouble, ...] = ()  # the most companies first
