"""What the API user of each account may see. Each part has the time when it was last listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_json, to_text
from engine.model.directory import Directory, VisibleAccount, VisibleCompany, VisibleLocation

FIND = "select id, at, locations_at, accounts_at from directories where origin = ? and account = ?"
REMEMBER = """
    insert into directories (origin, account, at, locations_at, accounts_at) values (?, ?, ?, ?, ?)
    on conflict (origin, account) do update set
        at = excluded.at,
        locations_at = coalesce(excluded.locations_at, directories.locations_at),
        accounts_at = coalesce(excluded.accounts_at, directories.accounts_at)
"""

READ_COMPANIES = "select id, name, locations, plan from directory_companies where directory = ? order by position"
READ_SHOWN = """
    select id, name, locations, plan from directory_companies
    where directory = ? and id in (select value from json_each(?)) order by position
"""
FORGET_COMPANIES = "delete from directory_companies where directory = ?"
PUT_COMPANY = """
    insert into directory_companies (directory, position, id, name, locations, plan) values (?, ?, ?, ?, ?, ?)
"""

READ_LOCATIONS = """
    select id, name, company, location_group from directory_locations where directory = ? order by position
"""
FORGET_LOCATIONS = "delete from directory_locations where directory = ?"
PUT_LOCATION = """
    insert into directory_locations (directory, position, id, name, company, location_group) values (?, ?, ?, ?, ?, ?)
"""

READ_ACCOUNTS = "select id, name, companies, locations from directory_accounts where directory = ? order by position"
FORGET_ACCOUNTS = "delete from directory_accounts where directory = ?"
PUT_ACCOUNT = """
    insert into directory_accounts (directory, position, id, name, companies, locations) values (?, ?, ?, ?, ?, ?)
"""


def read(connection: Connection, origin: str, account: str) -> Directory | None:
    """Return an account's directory, each part in the order in which it was listed; None: it was never read."""
    found = connection.execute(FIND, (origin, account)).fetchone()
    if found is None:
        return None
    number, at, locations_at, accounts_at = found
    companies = connection.execute(READ_COMPANIES, (number,))
    locations = connection.execute(READ_LOCATIONS, (number,))
    accounts = connection.execute(READ_ACCOUNTS, (number,))
    return Directory(
        at=from_text(at),
        rest_at=None if locations_at is None or accounts_at is None else from_text(min(locations_at, accounts_at)),
        companies=tuple(map(VisibleCompany._make, companies)),
        locations=None if locations_at is None else tuple(map(VisibleLocation._make, locations)),
        accounts=None if accounts_at is None else tuple(map(VisibleAccount._make, accounts)),
    )


def shown(connection: Connection, origin: str, account: str, companies: Collection[int]) -> Directory | None:
    """Return these companies of an account's directory; None: it was never read."""
    found = connection.execute(FIND, (origin, account)).fetchone()
    if found is None:
        return None
    number, at, *_ = found
    rows = connection.execute(READ_SHOWN, (number, to_json(sorted(companies))))
    return Directory(at=from_text(at), companies=tuple(map(VisibleCompany._make, rows)))


def remember(connection: Connection, origin: str, account: str, directory: Directory) -> None:
    """Replace an account's directory; parts that were not read (None) keep their entries and their time."""
    locations_at = None if directory.locations is None else to_text(directory.at)
    accounts_at = None if directory.accounts is None else to_text(directory.at)
    connection.execute(REMEMBER, (origin, account, to_text(directory.at), locations_at, accounts_at))
    number, *_ = connection.execute(FIND, (origin, account)).fetchone()
    _replace(connection, FORGET_COMPANIES, PUT_COMPANY, number, directory.companies)
    if directory.locations is not None:
        _replace(connection, FORGET_LOCATIONS, PUT_LOCATION, number, directory.locations)
    if directory.accounts is not None:
        _replace(connection, FORGET_ACCOUNTS, PUT_ACCOUNT, number, directory.accounts)


def _replace(connection: Connection, forget: str, put: str, number: int, entries: Iterable[tuple[object, ...]]) -> None:
    """Replace one part of a directory; entries are numbered in the order in which they were listed."""
    connection.execute(forget, (number,))
    connection.executemany(put, ((number, position, *entry) for position, entry in enumerate(entries)))
