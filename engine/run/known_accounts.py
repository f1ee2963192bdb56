"""The accounts that an engine knows: those of its settings, and those that are added while it is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from engine.errors import ConfigError
from engine.model.settings import SECRETS, Account


class KnownAccounts:
    """Accounts by name. Each API key and each account id belongs to one of them: its quota and its rows are one's."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        """Take the accounts of the settings. Raises `ConfigError` as `add` does."""
        self._by_name: dict[str, Account] = {}
        for account in accounts:
            self.add(account)

    def add(self, account: Account) -> None:
        """Take one more account; to take an equal one again changes nothing.

        Raises `ConfigError` for another account with a known name, account id or API key, and for credentials that
        cannot be sent.
        """
        known = self._by_name.get(account.name)
        if known == account:
            return
        if known is not None:
            others = ", ".join(each.name for each in fields(Account) if _differ(known, account, each.name))
            raise ConfigError(
                f"there is an account {account.name!r} with other values ({others}): each needs its own name;"
                " credentials that change come from one provider, Account(credentials=...); a function that is made"
                " anew for each job is a different one each time: give all accounts the same one"
            )
        for other in self._by_name.values():
            if field := _shared(account, other):
                raise ConfigError(_one_of_two(account, other, field))
        if not account.fault and (fault := unsendable(account)):
            raise ConfigError(fault)
        self._by_name[account.name] = account

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._by_name.values()))

    @property
    def names(self) -> dict[str, str]:
        """The accounts' names by their ids."""
        return {account.account_id: account.name for account in self._by_name.values()}

    def one(self, name: str | None, who: str) -> Account:
        """Return an account by its name, or the only one for None. Raises `ConfigError`, with `who` asks for it."""
        if name is None and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        if name is None or name not in self._by_name:
            there = ", ".join(sorted(self._by_name)) or "none yet (`Engine.add_account`)"
            named = "no account" if name is None else f"the account {name!r}"
            raise ConfigError(f"{who} names {named}; there are: {there}")
        return self._by_name[name]


def given_credentials_fault(account: Account, others: Iterable[Account]) -> str:
    """Return why what a provider gave cannot be used; empty: it can. `others`: with their credentials, where known."""
    for other in others:
        if other.name != account.name and not other.fault and other.api_key == account.api_key:
            return _one_of_two(account, other, "api_key")
    return unsendable(account)


def unsendable(account: Account) -> str:
    """Return which credential no HTTP header can carry, without showing it; empty: none."""
    for name in SECRETS:
        text = getattr(account, name).reveal()
        if not text or not text.isascii() or not text.isprintable() or text != text.strip():
            return f"{name} of account {account.name!r} is empty, or holds what no HTTP header can carry"
    return ""


def _differ(one: Account, other: Account, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _shared(one: Account, other: Account) -> str:
    """Return the field that two accounts have in common and must not; empty: none. An API key may not be known yet."""
    if one.account_id == other.account_id:
        return "account_id"
    has_provider = one.credentials is not None or other.credentials is not None
    if has_provider and (one.fault or other.fault):
        return ""
    return "api_key" if one.api_key == other.api_key else ""


def _one_of_two(one: Account, other: Account, field: str) -> str:
    text = f"accounts {one.name!r} and {other.name!r} have one {field}, whose quota and rows belong to one account"
    return f"{text}; name it once, and give its companies that account"
