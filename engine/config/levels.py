"""Which place decides a company's settings: company > group (a later one wins) > mapping > account > defaults.

`[fleet]` comes after the groups. It gives companies their files, account, mapping, groups and schedule, but no other
settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from engine.config.entries import Entry
from engine.config.fleet import expand
from engine.config.schedules import DEFAULT_ZONE, zone
from engine.config.schema import (
    CompanySection,
    Document,
    GuardSection,
    LimitsSection,
    Section,
    TreatmentSection,
    VerifySection,
)
from engine.config.sources import SourceText
from engine.model.schedule import Schedule
from engine.model.settings import Adopt, Guards, Limits, Verify, VerifyMode

S_co = TypeVar("S_co", bound=Section, covariant=True)

DEFAULT = "default"
FLEET = "[fleet]"

SWITCHES = {"write": True, "relabel": False, "shares_source": False}
"""The values of switches that no place gives."""

FIELDS = {
    "verify_after": "verify_after_s",
    "probe_after": "probe_after_s",
    "timeout": "timeout_s",
    "server_timeout": "server_timeout_s",
}
"""Key of the settings file -> field of `model.settings`, where the names differ: those of durations."""


class Setting(NamedTuple):
    """One value of a company as the settings file spells it, and the place that decided it. Never a secret."""

    key: str  # "verify.verify_after"
    value: str  # "7d"
    origin: str  # "[groups.west]", "companies[3]", "line 5 of companies.csv", "default"


class Level(NamedTuple, Generic[S_co]):
    """One place that may give values. `None` in its section means "not given"."""

    origin: str
    section: S_co


class Given(NamedTuple):
    """A value and the place that gave it."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The places that decide for one company. In each tuple, the first place that gives a value wins."""

    entry: Entry
    belonging: tuple[Level[Section], ...]  # company, groups, fleet: name, account, sources, mapping, groups, schedule
    treatment: tuple[Level[TreatmentSection], ...]  # company, groups, mappings, account: the `SWITCHES`
    own_verify: tuple[Level[VerifySection], ...]  # `verify` of company, groups, mapping, account
    verify: tuple[Level[VerifySection], ...]  # those of `own_verify`, then `[verify]`
    own_guard: tuple[Level[GuardSection], ...]
    guard: tuple[Level[GuardSection], ...]
    limits: tuple[Level[LimitsSection], ...]  # account, `[limits]`
    account: str  # the company's account; it need not name one if there is only one

    @property
    def company_id(self) -> int:
        """The company's id."""
        number: int = self.entry.values["id"]
        return number

    @property
    def given_sources(self) -> Given:
        """The company's sources as they are written, as `SourceText`s, and the place of the list."""
        for level in self.belonging:
            if (sources := _sources_of(level.section)) is not None:
                return Given(sources, level.origin)
        return Given((), DEFAULT)  # `reference_faults` checks that there is one

    @property
    def written_sources(self) -> tuple[SourceText, ...]:
        """The company's sources as they are written."""
        sources: tuple[SourceText, ...] = self.given_sources.value
        return sources

    @property
    def sources(self) -> tuple[SourceText, ...]:
        """The company's sources, with its id in the place of its field."""
        return tuple(one._replace(text=expand(one.text, self.company_id)) for one in self.written_sources)

    def mapping_of(self, source: SourceText) -> str | None:
        """Return the name of a source's mapping: its own, else the company's; None: it has none."""
        name: str | None = source.mapping or self.belongs("mapping")
        return name

    @property
    def mapping_names(self) -> tuple[str, ...]:
        """The names of the mappings that the company's sources have, each once."""
        names = (self.mapping_of(source) for source in self.written_sources)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def belongs(self, key: str) -> Any:
        """Return a company's name, account, mapping or groups; None: not given."""
        given = first(self.belonging, key)
        return None if given is None else given.value

    @property
    def timing(self) -> tuple[str, Given] | None:
        """The key of the company's schedule, `every` or `cron`, and its value; None: it has no schedule."""
        for level in self.belonging:
            for key in ("every", "cron"):
                if (given := first((level,), key)) is not None:
                    return key, given
        return None

    @property
    def zone_name(self) -> Given:
        """The name of the time zone whose clock `cron` means."""
        return first(self.belonging, "timezone") or Given(DEFAULT_ZONE, DEFAULT)

    @property
    def schedule(self) -> Schedule | None:
        """When the company is to be synced; None: in each run."""
        if (timing := self.timing) is None:
            return None
        key, given = timing
        if key == "every":
            return Schedule(every_s=given.value)
        return Schedule(cron=given.value, zone=zone(self.zone_name.value))

    def switch(self, key: str) -> Given:
        """Return the value of a switch, such as `write`."""
        levels = self._sharing if key == "shares_source" else self.treatment
        return first(levels, key) or Given(SWITCHES[key], DEFAULT)

    @property
    def _sharing(self) -> Sequence[Level[TreatmentSection]]:
        """The places that decide whether sources are shared: a mapping that says so speaks for its own sources."""
        own = {f"[mapping.{self.mapping_of(source)}]" for source in self.written_sources}
        said = {level.origin for level in self.treatment if level.section.shares_source and level.origin in own}
        return self.treatment if said == own else [level for level in self.treatment if level.origin not in said]


def company_levels(document: Document, path: Path, entry: Entry, section: CompanySection) -> Levels:
    """Return the places that decide for a company. `path`: of the settings file. The document must have no faults."""
    own = Level(entry.seen_from(path), section)
    fleet = [] if document.fleet is None else [Level(FLEET, document.fleet)]
    named = first((own, *fleet), "groups")
    groups = [Level(f"[groups.{name}]", document.groups[name]) for name in reversed(named.value if named else ())]
    belonging: tuple[Level[Section], ...] = (own, *groups, *fleet)
    account = first(belonging, "account")
    account_name = account.value if account else next(iter(document.accounts))
    treatment: list[Level[TreatmentSection]] = [own, *groups]
    treatment += [
        Level(f"[mapping.{name}]", document.mapping[name]) for name in _mappings(belonging) if name in document.mapping
    ]
    treatment.append(Level(f"[accounts.{account_name}]", document.accounts[account_name]))
    own_verify = tuple(Level(level.origin, level.section.verify) for level in treatment)
    own_guard = tuple(Level(level.origin, level.section.guard) for level in treatment)
    return Levels(
        entry=entry,
        belonging=belonging,
        treatment=tuple(treatment),
        own_verify=own_verify,
        verify=(*own_verify, *verify_levels(document)),
        own_guard=own_guard,
        guard=(*own_guard, *guard_levels(document)),
        limits=limits_levels(document, account_name),
        account=account_name,
    )


def _sources_of(section: Section) -> tuple[SourceText, ...] | None:
    """Return the sources that a section gives; None: it gives none. `source` is the list of one."""
    if (listed := getattr(section, "sources", None)) is not None:
        return tuple(SourceText(one.source, one.mapping, one.optional) for one in listed)
    text = getattr(section, "source", None)
    return None if text is None else (SourceText(text),)


def _mappings(belonging: Sequence[Level[Section]]) -> list[str]:
    """Return the names of the company's mapping and of those of its sources, each once, in this order."""
    own = first(belonging, "mapping")
    lists = (sources for level in belonging if (sources := _sources_of(level.section)) is not None)
    named = [own.value] if own else []
    named += [source.mapping for source in next(lists, ()) if source.mapping is not None]
    return list(dict.fromkeys(named))


def verify_levels(document: Document) -> tuple[Level[VerifySection], ...]:
    """Return the places that decide how a run verifies."""
    return (Level("[verify]", document.verify),)


def guard_levels(document: Document) -> tuple[Level[GuardSection], ...]:
    """Return the places that decide when companies are held."""
    return (Level("[guard]", document.guard),)


def limits_levels(document: Document, account: str) -> tuple[Level[LimitsSection], ...]:
    """Return the places that decide the limits of an account's API key."""
    return (
        Level(f"[accounts.{account}.limits]", document.accounts[account].limits),
        Level("[limits]", document.limits),
    )


def first(levels: Sequence[Level[Section]], key: str) -> Given | None:
    """Return the value of the first level that gives a key; None: none does."""
    for level in levels:
        if (value := getattr(level.section, key, None)) is not None:
            return Given(value, level.origin)
    return None


def merged(levels: Sequence[Level[Section]]) -> dict[str, Given]:
    """Return the value of each key that any level gives. All levels are of one kind of section."""
    keys = dict.fromkeys(key for level in levels for key in level.section.model_fields_set)
    return {key: given for key in keys if (given := first(levels, key)) is not None}


def limits_of(levels: Sequence[Level[LimitsSection]]) -> Limits:
    """Return limits from levels of `limits` sections."""
    return Limits(**{FIELDS.get(key, key): given.value for key, given in merged(levels).items()})


def verify_of(levels: Sequence[Level[VerifySection]]) -> Verify:
    """Return a `Verify` from levels of `verify` sections."""
    given: dict[str, Any] = {FIELDS.get(key, key): given.value for key, given in merged(levels).items()}
    if "mode" in given:
        given["mode"] = VerifyMode(given["mode"])
    return Verify(**given)


def guards_of(levels: Sequence[Level[GuardSection]]) -> Guards:
    """Return `Guards` from levels of `guard` sections."""
    given: dict[str, Any] = {key: value.value for key, value in merged(levels).items() if key != "fleet_share"}
    if "adopt" in given:
        given["adopt"] = Adopt(given["adopt"])
    return Guards(**given)
