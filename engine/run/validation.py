"""What an engine refuses before anything is begun: settings, companies, plans and allowances that cannot work."""

from __future__ import annotations

from collections.abc import Iterable

from engine.documents.plan_file import plan_digest
from engine.errors import ConfigError
from engine.guards.registry import ALLOWABLE
from engine.model.saved_plan import SavedPlan
from engine.model.settings import Allow, Company, Settings
from engine.wire.contracts import DIALECTS
from engine.wire.dialect import Dialect


def sound_allowances(allow: Iterable[Allow], companies: Iterable[Company]) -> frozenset[Allow]:
    """Return what is allowed. Raises `ConfigError` for what cannot be allowed, or a company that is not in the run."""
    allowed, ids = frozenset(allow), {company.id for company in companies}
    for one in sorted(allowed, key=str):
        if one.slug not in ALLOWABLE:
            raise ConfigError(f"{one.slug!r} cannot be allowed; what can be: {', '.join(ALLOWABLE)}")
        if (one.company_id is None) != (one.slug == "fleet"):
            raise ConfigError(f"--allow {one}: `fleet` is for the whole run, and all others are for a company")
        if one.company_id is not None and one.company_id not in ids:
            raise ConfigError(f"--allow {one}: there is no such company in this run")
    return allowed


def sound_dialect(settings: Settings) -> Dialect:
    """Return the contract's dialect. Raises `ConfigError` for an unknown contract."""
    if settings.api.contract not in DIALECTS:
        raise ConfigError(f"api.contract is {settings.api.contract!r}; it must be {' or '.join(sorted(DIALECTS))}")
    return DIALECTS[settings.api.contract]


def refuse_twice(companies: list[Company]) -> None:
    """Refuse a company that is named twice: two pipelines of one run must not write it."""
    seen: set[int] = set()
    for company in companies:
        if company.id in seen:
            raise ConfigError(f"company {company.id} is named twice in this run")
        seen.add(company.id)


def refuse_foreign(saved: SavedPlan, origin: str, contract: str) -> None:
    """Refuse a plan that was made for another API or in another contract."""
    if (saved.origin, saved.contract) != (origin, contract):
        told = f"the plan was made for {saved.origin} in the contract {saved.contract!r}"
        raise ConfigError(f"{told}, and the settings say {origin} and {contract!r}: make a new one")


def refuse_unapproved(saved: SavedPlan, approved: str | None) -> None:
    """Refuse another plan than the one that was approved, by its digest. None: nobody approves plans."""
    if approved is not None and plan_digest(saved) != approved:
        text = f"the plan {saved.plan_id} is not the one that was approved: its digest is {plan_digest(saved)}"
        raise ConfigError(f"{text}, and {approved} was approved; show this one to the person who approves")
