"""What an engine refuses before anything is begun: settings, companies, plans and allowances that cannot work."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from engine.errors import ConfigError
from engine.guards.registry import ALLOWABLE
from engine.model.saved_plan import SavedPlan
from engine.model.settings import Account, Allow, Company, Settings
from engine.wire.contracts import DIALECTS
from engine.wire.dialect import Dialect


def sound_allowances(allow: Iterable[Allow], companies: Iterable[Company]) -> frozenset[Allow]:
    """Return what is allowed. Raises `ConfigError` for what cannot be, or for a company that is not in the run."""
    allowed, ids = frozenset(allow), {company.id for company in companies}
    for one in sorted(allowed, key=str):
        if one.slug not in ALLOWABLE:
            raise ConfigError(f"{one.slug!r} cannot be allowed; what can be: {', '.join(ALLOWABLE)}")
        if (one.company_id is None) != (one.slug == "fleet"):
            raise ConfigError(f"--allow {one}: `fleet` is for the whole run, and all others are for a company")
        if one.company_id is not None and one.company_id not in ids:
            raise ConfigError(f"--allow {one}: there is no such company in this run")
    return allowed


def sound_accounts(settings: Settings) -> dict[str, Account]:
    """Return the accounts by name. Raises `ConfigError` for two of one key, and for credentials that cannot be sent."""
    accounts = {account.name: account for account in settings.accounts}
    if len(accounts) != len(settings.accounts) or not accounts:
        raise ConfigError("settings need at least one account, and each under its own name")
    for one, other in combinations(settings.accounts, 2):
        for field in ("api_key", "account_id"):
            if getattr(one, field) == getattr(other, field):
                text = (
                    f"accounts {one.name!r} and {other.name!r} have one {field}: its quota and its rows would be two's"
                )
                raise ConfigError(f"{text}; name it once, and give its companies that account")
    for account in settings.accounts:
        if account.fault:
            continue  # what stands in the place of its credentials is not sent
        for name in ("api_key", "client_id", "client_secret"):
            text = getattr(account, name).reveal()
            if not text or not text.isascii() or not text.isprintable() or text != text.strip():
                raise ConfigError(
                    f"{name} of account {account.name!r} is empty, or holds what no HTTP header can carry"
                )
    return accounts


def sound_dialect(settings: Settings) -> Dialect:
    """Return the contract's dialect. Raises `ConfigError` for one that nobody knows."""
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
