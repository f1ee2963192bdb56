"""Accounts whose credentials are refused or missing: told once for all of an account's companies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.cli.desk.grouping import CauseGroup, Told
from engine.model.balance import ExitCode

WORDS = {"api_key": "API key", "client_id": "client_id", "client_secret": "client_secret"}
"""Credentials, as a message and as people call them."""

MISSING = "has no credentials: "
"""Stands in the message on credentials that are not there."""


class AccountTrouble(NamedTuple):
    """One account that is stopped."""

    account: str
    message: str  # what one of its companies tells
    waiting: int  # how many of its companies do
    is_new: bool  # no run had shown it before the last one
    since: datetime | None


def is_of_account(cause: CauseGroup) -> bool:
    """Return whether a cause is an account's, and not its companies'."""
    return cause.gravity is ExitCode.AUTHENTICATION


def accounts_in_trouble(causes: Iterable[CauseGroup]) -> list[AccountTrouble]:
    """Return the accounts that causes tell of, in the order of their names."""
    told: dict[str, list[tuple[Told, bool]]] = {}
    for cause in causes:
        for each in cause.told if is_of_account(cause) else ():
            told.setdefault(each.company.account, []).append((each, cause.is_new))
    return [_trouble(account, found) for account, found in sorted(told.items())]


def _trouble(account: str, told: Sequence[tuple[Told, bool]]) -> AccountTrouble:
    times = [each.problem.since for each, _ in told if each.problem.since is not None]
    return AccountTrouble(
        account=account,
        message=told[0][0].problem.message,
        waiting=len({each.company.company_id for each, _ in told}),
        is_new=all(is_new for _, is_new in told),
        since=min(times, default=None),
    )


def told_refusal(trouble: AccountTrouble, references: Mapping[str, str]) -> str:
    """Return what is wrong, with the places of the secrets that it is about. `references`: by key, as `env:NAME`."""
    _, is_missing, what = trouble.message.partition(MISSING)
    if is_missing:
        return what
    keys = [key for key in WORDS if key in trouble.message]
    if not keys:
        return trouble.message.partition("; ")[0]
    *most, last = [WORDS[key] for key in keys]
    places = ", ".join(references[key] for key in keys if key in references)
    return f"{', '.join(most)}{' or ' if most else ''}{last} refused" + (f" ({places})" if places else "")


def remedy_words(trouble: AccountTrouble, references: Mapping[str, str]) -> str:
    """Return what to do before the next sync."""
    if MISSING in trouble.message:
        return "set it, then:"
    if [key for key in WORDS if key in trouble.message] != ["api_key"]:
        return "put that right, then:"
    place = "variable" if references.get("api_key", "").startswith("env:") else "file"
    return f"new key in that {place}, then:"
