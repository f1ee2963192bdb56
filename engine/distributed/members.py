"""The companies of the settings, each with its job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.distributed.company_job import CompanyJob
from engine.model.origin import origin_of
from engine.model.settings import Company, Settings
from engine.run.known_accounts import KnownAccounts


class Member(NamedTuple):
    """A company of the settings, and its job."""

    company: Company
    account: str  # its name in the settings
    job: CompanyJob


def members_of(settings: Settings, companies: Iterable[Company]) -> list[Member]:
    """Return companies as members. Raises `ConfigError` for one whose account the settings do not name."""
    accounts, origin = KnownAccounts(settings.accounts), origin_of(settings.api.base_url)
    found = []
    for company in companies:
        account = accounts.one(company.account, f"company {company.id}")
        job = CompanyJob(origin=origin, account_id=account.account_id, company_id=company.id, settings=company.settings)
        found.append(Member(company, account.name, job))
    return found


def in_turn(members: Iterable[Member]) -> list[Member]:
    """Return members so that accounts take turns, each account's in their order.

    Jobs are done in the order in which they are enqueued: all companies of one account in front would fill the workers
    while they wait for its API key, and other keys would be idle.
    """
    by_account: dict[str, list[Member]] = {}
    for member in members:
        by_account.setdefault(member.account, []).append(member)
    turns = [(turn, member) for each in by_account.values() for turn, member in enumerate(each)]
    return [member for _, member in sorted(turns, key=lambda one: one[0])]
