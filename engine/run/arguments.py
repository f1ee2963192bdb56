"""What a program hands to the engine: values of another kind are refused in words, before anything is begun."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import TypeVar

from engine.errors import ConfigError
from engine.model.dimension import Dimension
from engine.model.result import RunResult
from engine.model.saved_plan import SavedPlan
from engine.model.settings import Account, Allow, Company, Settings

T = TypeVar("T")

COMPANY = "a Company: Company(id=123, source=rows)"
ROW = f"a Dimension: Dimension({', '.join(Dimension._fields)})"
ALLOW = 'an Allow: Allow("mass-create", 123)'
ACCOUNT = 'an Account: Account(name="main", account_id="racc_...", credentials=provider)'
RESULT = "a RunResult: await engine.plan(companies)"
PLAN = "a SavedPlan, as `Engine.saved_plan` and `read_plan` return it"
SETTINGS = "a Settings: Settings(accounts=(account,))"


def companies_of(companies: Iterable[Company]) -> list[Company]:
    """Return the companies of a call. Raises `ConfigError` for an item that is no company."""
    return _each(companies, Company, "companies", COMPANY)


def company_of(company: Company) -> Company:
    """Return the company of a call. Raises `ConfigError` if it is none."""
    return _one(company, Company, "the company", COMPANY)


def rows_of(rows: Iterable[Dimension]) -> list[Dimension]:
    """Return the rows of a call. Raises `ConfigError` for an item that is no row, and for a key that is no text."""
    given = _each(rows, Dimension, "rows", ROW)
    for place, row in enumerate(given, start=1):
        if not isinstance(row.key, str):
            raise ConfigError(f"rows: item {place}: its key is of type {_kind(row.key)}: it must be text")
    return given


def allowances_of(allow: Iterable[Allow]) -> list[Allow]:
    """Return what a person lets pass. Raises `ConfigError` for an item that is no `Allow`."""
    return _each(allow, Allow, "allow", ALLOW)


def plan_of(saved: SavedPlan) -> SavedPlan:
    """Return a plan that is to be carried out. Raises `ConfigError` if it is none."""
    return _one(saved, SavedPlan, "the plan", PLAN)


def account_of(account: Account) -> Account:
    """Return an account that is to be added. Raises `ConfigError` if it is none."""
    return _one(account, Account, "the account", ACCOUNT)


def result_of(result: RunResult) -> RunResult:
    """Return the result of a run. Raises `ConfigError` if it is none, such as a run that was not awaited."""
    return _one(result, RunResult, "the result", RESULT)


def settings_of(settings: Settings) -> Settings:
    """Return an engine's settings. Raises `ConfigError` if they are none."""
    return _one(settings, Settings, "settings", SETTINGS)


def refuse_other_parts(session: object, ledger: object) -> None:
    """Refuse a session that is not aiohttp's, and a ledger that is not open. None: the engine brings its own."""
    send = getattr(session, "request", None)
    if session is not None and (not callable(send) or iscoroutinefunction(send)):
        told = f"session is of type {_kind(session)}: it must be an aiohttp.ClientSession"
        raise ConfigError(f"{told}, or None, and the engine opens its own")
    if ledger is not None and not callable(getattr(ledger, "lock", None)):
        told = f"ledger is of type {_kind(ledger)}: it must be an open ledger, `await open_ledger(url)`"
        raise ConfigError(f"{told}; an address goes into Settings(ledger_url=...)")


def _one(value: T, kind: type[T], name: str, wanted: str) -> T:
    if not isinstance(value, kind):
        raise ConfigError(f"{name} is of type {_kind(value)}: it must be {wanted}")
    return value


def _each(values: Iterable[T], kind: type[T], name: str, wanted: str) -> list[T]:
    if isinstance(values, kind) or not isinstance(values, Iterable):
        raise ConfigError(f"{name} is of type {_kind(values)}: it must be a list, each item {wanted}")
    return [_one(value, kind, f"{name}: item {place}", wanted) for place, value in enumerate(values, start=1)]


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
