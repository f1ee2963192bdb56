"""What an operator looks at in the morning: who needs somebody, what waits by itself, what is in order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.cli.desk.account_trouble import AccountTrouble, accounts_in_trouble, is_of_account
from engine.cli.desk.due import Overdue
from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import CALM, CauseGroup, grouped, is_of_run
from engine.cli.desk.swapped import Swapped, swapped_pairs, without_swapped
from engine.model.balance import ExitCode, worst
from engine.model.outcome import Problem
from engine.model.quota import QuotaDay
from engine.model.result import CompanyResult, LastSync
from engine.model.settings import NamedCompany
from engine.model.standing import CLOCKS_APART, RunTimes, Standing, lies_ahead

DAY = timedelta(days=1)
"""Where companies are synced one by one, what happened within this time counts as the last sync."""

FEW_RUNS = 2
"""If the companies' last syncs are of this many runs or fewer, the last run is shown as a sync of all companies."""

NEARLY_USED = 0.8
"""An API key is shown once this share of its day's requests is used."""


class Configured(NamedTuple):
    """A company of the settings, and how it ended in its last sync."""

    where: NamedCompany
    name: str
    last: LastSync | None  # None: it was never synced
    told: CompanyResult | None
    rests_until: datetime | None  # it is not read again before then, unless its source changes


def is_near_its_end(day: QuotaDay) -> bool:
    """Return whether most of a key's day is used, or the API says that all of it is."""
    return day.closed_until is not None or day.used >= NEARLY_USED * day.usable


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Morning:
    """How things stand at `now`. Without a `repr`, for the reason that `RunResult` names."""

    now: datetime
    last: RunTimes | None  # the sync that finished last
    running: tuple[RunTimes, ...]
    died: tuple[RunTimes, ...]
    problems: tuple[Problem, ...]  # of the last sync as a whole
    companies: tuple[Configured, ...]
    causes: tuple[CauseGroup, ...]
    own_causes: tuple[CauseGroup, ...]  # without what is told of pairs and accounts
    swapped: tuple[Swapped, ...]  # companies that have each other's files
    accounts: tuple[AccountTrouble, ...]
    keys: tuple[QuotaDay, ...]
    overdue: tuple[Overdue, ...] = ()  # companies that no sync has taken up since they were due
    is_one_by_one: bool = False  # the last sync was of one company, and the others' last ones are of many runs

    @property
    def new_from(self) -> datetime | None:
        """From when on problems are new: the end of the last sync, or a day ago where companies are synced one by one.

        None: none is.
        """
        if self.is_one_by_one:
            return self.now - DAY
        return self.last.finished_at if self.last is not None else None

    @property
    def fresh(self) -> int:
        """How many companies a sync has ended with within a day."""
        ended = [each.last.at for each in self.companies if each.last is not None]
        return sum(at > self.now - DAY and not lies_ahead(at, self.now) for at in ended)

    @property
    def stalest(self) -> Configured | None:
        """The company whose last sync is the longest ago, where that is more than a day."""
        synced = [(each.last.at, each.where, each) for each in self.companies if each.last is not None]
        at, _, one = min(synced, default=(self.now, None, None), key=lambda found: found[:2])
        return one if at <= self.now - DAY else None

    @property
    def new(self) -> list[CauseGroup]:
        """The companies' own causes that need a person and that no run had shown before `new_from`."""
        return [each for each in self.own_causes if each.needs_person and each.is_new]

    @property
    def known(self) -> list[CauseGroup]:
        """The companies' own causes that need a person and that were known before `new_from`."""
        return [each for each in self.own_causes if each.needs_person and not each.is_new]

    def is_new(self, pair: Swapped) -> bool:
        """Return whether no run had shown both of a pair before `new_from`."""
        return is_of_run(pair.since, self.new_from)

    @property
    def waiting(self) -> list[CauseGroup]:
        """The causes that wait for nobody."""
        return [each for each in self.causes if each.gravity in CALM]

    @property
    def never(self) -> list[Configured]:
        """The companies that no sync has finished with yet."""
        return [each for each in self.companies if each.last is None]

    @property
    def resting(self) -> list[datetime]:
        """Until when companies rest, the soonest first."""
        return sorted(each.rests_until for each in self.companies if each.rests_until is not None)

    @property
    def in_order(self) -> int:
        """How many companies their last sync left without trouble."""
        return sum(each.told is not None and each.told.exit_code == ExitCode.DONE for each in self.companies)

    @property
    def age(self) -> timedelta | None:
        """How long ago the last sync finished; None: none did."""
        return None if self.last is None or self.last.finished_at is None else self.now - self.last.finished_at

    def is_silent(self, max_age_s: float) -> bool:
        """Whether the last finished sync is older than that, or of an unknown age, or a run since then has died."""
        return self.age is None or not -CLOCKS_APART <= self.age <= timedelta(seconds=max_age_s) or bool(self.died)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that the companies' last states, and the last sync as a whole, call for."""
        codes = [each.told.exit_code for each in self.companies if each.told is not None]
        return worst([*codes, *(gravity(each.code) for each in self.problems)])


def morning(
    standing: Standing,
    companies: Iterable[tuple[NamedCompany, str]],
    keys: Iterable[QuotaDay],
    now: datetime,
) -> Morning:
    """Return how things stand with the companies of the settings."""
    found = tuple(_configured(where, name, standing, standing.rests.get(where), now) for where, name in companies)
    shown = Morning(
        now=now,
        last=standing.last,
        running=standing.running,
        died=standing.died,
        problems=standing.problems,
        companies=(),
        causes=(),
        own_causes=(),
        swapped=(),
        accounts=(),
        keys=tuple(keys),
        is_one_by_one=_is_one_by_one(standing.last, found),
    )
    return of_companies(shown, found)


def _is_one_by_one(last: RunTimes | None, companies: Iterable[Configured]) -> bool:
    """Return whether the last sync was of one company alone, and the others' are of other runs: as workers do it."""
    runs = [each.last.run_id for each in companies if each.last is not None]
    return last is not None and len(set(runs)) > FEW_RUNS and runs.count(last.run_id) <= 1


def of_companies(shown: Morning, companies: tuple[Configured, ...]) -> Morning:
    """Return how things stand with these companies alone."""
    run_at = shown.new_from
    told = [each.told for each in companies if each.told is not None]
    causes, pairs = grouped(told, run_at=run_at), swapped_pairs(told)
    apart = grouped(without_swapped(told, pairs), run_at=run_at) if pairs else causes
    return replace(
        shown,
        companies=companies,
        causes=tuple(causes),
        own_causes=tuple(each for each in apart if not is_of_account(each)),
        swapped=tuple(pairs),
        accounts=tuple(accounts_in_trouble(causes)),
    )


def _configured(
    where: NamedCompany, name: str, standing: Standing, rests_until: datetime | None, now: datetime
) -> Configured:
    last, told = standing.syncs.get(where), standing.companies.get(where)
    is_resting = rests_until is not None and rests_until > now and told is not None and told.exit_code != ExitCode.DONE
    return Configured(where, name or (last.name if last else ""), last, told, rests_until if is_resting else None)
