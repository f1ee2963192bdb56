"""Who decides what for a company: company > group (a later one wins) > mapping > account > defaults.

`[fleet]` comes after the groups: it tells where files are and what companies belong to, not how they are treated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from engine.config.entries import Entry
from engine.config.fleet import expand
from engine.config.schema import (
    CompanySection,
    Document,
    GuardSection,
    LimitsSection,
    Section,
    TreatmentSection,
    VerifySection,
)
from engine.model.settings import Adopt, Guards, Limits, Verify, VerifyMode

S_co = TypeVar("S_co", bound=Section, covariant=True)

DEFAULT = "default"
FLEET = "[fleet]"

SWITCHES = {"write": True, "relabel": False, "shares_source": False}
"""How a company is treated that nobody says anything of."""

FIELDS = {
    "verify_after": "verify_after_s",
    "probe_after": "probe_after_s",
    "timeout": "timeout_s",
    "server_timeout": "server_timeout_s",
}
"""Keys of the settings file -> fields of our values, where they differ: durations."""


class Setting(NamedTuple):
    """One value of a company as people write it, and the place that decided it: never a secret."""

    key: str  # "verify.verify_after"
    value: str  # "7d"
    origin: str  # "[groups.west]", "companies[3]", "line 5 of companies.csv", "default"


class Level(NamedTuple, Generic[S_co]):
    """One place that may give values; `None` in its section is "not given"."""

    origin: str
    section: S_co


class Given(NamedTuple):
    """A value and the place that gave it."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The places that decide for one company. In each field, what stands first wins."""

    entry: Entry
    belonging: tuple[Level[Section], ...]  # company, groups, fleet: its name, account, source, mapping and groups
    treatment: tuple[Level[TreatmentSection], ...]  # company, groups, mapping, account: the `SWITCHES`
    own_verify: tuple[Level[VerifySection], ...]  # the same ones' `verify`
    verify: tuple[Level[VerifySection], ...]  # the same, then `[verify]`
    own_guard: tuple[Level[GuardSection], ...]
    guard: tuple[Level[GuardSection], ...]
    limits: tuple[Level[LimitsSection], ...]  # account, `[limits]`
    account: str  # the one that it has although it may name none

    @property
    def company_id(self) -> int:
        """The company's id."""
        number: int = self.entry.values["id"]
        return number

    @property
    def source(self) -> Given:
        """The company's source, as it is written or as the fleet's template gives it."""
        text, origin = first(self.belonging, "source") or Given("", DEFAULT)  # `reference_faults` saw that there is one
        return Given(expand(text, self.company_id) if origin == FLEET else text, origin)

    def belongs(self, key: str) -> Any:
        """Return a value that tells what the company belongs to; None: not given."""
        given = first(self.belonging, key)
        return None if given is None else given.value

    def switch(self, key: str) -> Given:
        """Return a value that tells how the company is treated."""
        return first(self.treatment, key) or Given(SWITCHES[key], DEFAULT)


def company_levels(document: Document, path: Path, entry: Entry, section: CompanySection) -> Levels:
    """Return who decides for a company; `path` is the settings file's. The document is sound, its references too."""
    own = Level(entry.seen_from(path), section)
    fleet = [] if document.fleet is None else [Level(FLEET, document.fleet)]
    named = first((own, *fleet), "groups")
    groups = [Level(f"[groups.{name}]", document.groups[name]) for name in reversed(named.value if named else ())]
    belonging: tuple[Level[Section], ...] = (own, *groups, *fleet)
    mapping, account = first(belonging, "mapping"), first(belonging, "account")
    account_name = account.value if account else next(iter(document.accounts))
    treatment: list[Level[TreatmentSection]] = [own, *groups]
    if mapping:
        treatment.append(Level(f"[mapping.{mapping.value}]", document.mapping[mapping.value]))
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


def verify_levels(document: Document) -> tuple[Level[VerifySection], ...]:
    """Return who decides how a run verifies."""
    return (Level("[verify]", document.verify),)


def guard_levels(document: Document) -> tuple[Level[GuardSection], ...]:
    """Return who decides when a run's companies are held."""
    return (Level("[guard]", document.guard),)


def limits_levels(document: Document, account: str) -> tuple[Level[LimitsSection], ...]:
    """Return who decides what an account's key may use."""
    return (
        Level(f"[accounts.{account}.limits]", document.accounts[account].limits),
        Level("[limits]", document.limits),
    )


def first(levels: Sequence[Level[Section]], key: str) -> Given | None:
    """Return what the first level that gives a key gives; None: none does."""
    for level in levels:
        if (value := getattr(level.section, key, None)) is not None:
            return Given(value, level.origin)
    return None


def merged(levels: Sequence[Level[Section]]) -> dict[str, Given]:
    """Return what the levels, all of one kind of section, give; each key by itself."""
    keys = dict.fromkeys(key for level in levels for key in level.section.model_fields_set)
    return {key: given for key in keys if (given := first(levels, key)) is not None}


def limits_of(levels: Sequence[Level[LimitsSection]]) -> Limits:
    """Return the limits that levels of `limits` sections make."""
    return Limits(**{FIELDS.get(key, key): given.value for key, given in merged(levels).items()})


def verify_of(levels: Sequence[Level[VerifySection]]) -> Verify:
    """Return what levels of `verify` sections make."""
    given: dict[str, Any] = {FIELDS.get(key, key): given.value for key, given in merged(levels).items()}
    if "mode" in given:
        given["mode"] = VerifyMode(given["mode"])
    return Verify(**given)


def guards_of(levels: Sequence[Level[GuardSection]]) -> Guards:
    """Return what levels of `guard` sections make."""
    given: dict[str, Any] = {key: value.value for key, value in merged(levels).items() if key != "fleet_share"}
    if "adopt" in given:
        given["adopt"] = Adopt(given["adopt"])
    return Guards(**given)
