"""The ledger's notes on a company as a whole, and the number (`scope`) that its rows in other tables have."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import asked_json, from_text, optional_instant, optional_text, to_json, to_text
from engine.model.company_record import KEY_MISMATCH, CompanyState
from engine.model.dimension import DIMENSIONS
from engine.model.listing import Certificate
from engine.model.row_history import Generation
from engine.model.settings import AccountCompany, CompanyKey
from engine.model.wanted import LeftOut

FIND = "select id from scopes where origin = ? and account = ? and company_id = ?"
ADD = "insert into scopes (origin, account, company_id) values (?, ?, ?)"
STATE = """
    listed_at, checked_at, remote_count, failures, retry_at, failed_source, failure, failure_message, last_good_rows,
    passed, clean, clean_rows, clean_adopted, clean_left_out, clean_source, clean_listing, listed_before
"""
READ_NOTES = f"""
    select id, (select max(at) from intents where scope = scopes.id), lost_at, generation = listed_generation, {STATE}
    from scopes where origin = ? and account = ? and company_id = ?
"""  # noqa: S608  our own columns
READ_STATES = f"select account, company_id, {STATE} from scopes where origin = ?"  # noqa: S608  our own columns
READ_STATES_OF = f"""
    select account, company_id, {STATE} from json_each(?2) as asked cross join scopes
    where origin = ?1 and account = json_extract(asked.value, '$[0]') and company_id = json_extract(asked.value, '$[1]')
"""  # noqa: S608  our own columns; `cross join`: the companies asked for come first, and each is found by the index
LISTED = """
    update scopes
    set listed_before = case
            when listed_at is null or listed_by is ?6 then listed_before
            else json_array(listed_at, json_extract(listed_before, '$[0]'))
        end,
        listed_by = ?6,
        listed_at = ?1, checked_at = ?1, certificate = ?2, remote_count = ?3, listed_generation = generation,
        failures = 0, retry_at = null, failed_source = null,
        failure_message = case when failure = ?5 then failure_message end,
        failure = case when failure = ?5 then failure end
    where id = ?4
"""  # a key mismatch stays: a listing does not show where keys lead
CHECKED = "update scopes set checked_at = ? where id = ?"
NOTE = """
    update scopes
    set failures = ?, retry_at = ?, failed_source = ?, failure = ?, failure_message = ?, last_good_rows = ?
    where id = ?
"""
CHANGED = """
    update scopes
    set generation = generation + 1, changed_by = ?,
        remote_count = remote_count + ?, lost_at = coalesce(?, lost_at),
        clean = null, clean_rows = null, clean_adopted = null, clean_left_out = null, clean_source = null,
        clean_listing = null
    where id = ?
"""  # a `remote_count` of null stays null
CLEAN = """
    update scopes
    set clean_listing = case when ?5 = x'' and clean is ?1 and clean_listing is not null then clean_listing else ?5 end,
        clean = ?1, clean_rows = ?2, clean_adopted = ?3, clean_left_out = ?4, clean_source = ?6, lost_at = null
    where id = ?7 and not exists (select 1 from intents where scope = scopes.id)
"""  # a listing that left nothing to do still does until the source changes, or what is known of the company
UNCLEAN = """
    update scopes
    set clean = null, clean_rows = null, clean_adopted = null, clean_left_out = null, clean_source = null,
        clean_listing = null
    where id = ? and clean is not null
"""
GENERATION = "select generation, changed_by from scopes where origin = ? and account = ? and company_id = ?"
KNOWN = "select account, company_id from scopes where origin = ? order by account, company_id"
PASSED = "update scopes set passed = ? where id = ?"
SKETCHES = """
    select account, company_id, rows, marks from sketches join scopes on id = scope
    where origin = ? order by account, company_id
"""
SKETCH = "insert or replace into sketches (scope, rows, marks) values (?, ?, ?)"
UNLISTED = "update scopes set clean_listing = null where id = ? and clean_listing is not null"


class Notes(NamedTuple):
    """What `scopes` holds of a company, and whether it has an open intent."""

    scope_id: int
    left_over: datetime | None  # of the newest open intent; None: there is none
    lost_at: datetime | None  # the last send whose answer never came
    is_as_listed: bool  # what is known has not changed since the last whole listing
    state: CompanyState


def identity(company_key: CompanyKey) -> tuple[str, str, int]:
    """Return the columns by which a scope is found. Another resource's scopes have an origin that ends in its name."""
    resource = company_key.resource
    origin = company_key.origin if resource is DIMENSIONS else f"{company_key.origin}#{resource.name}"
    return origin, company_key.account, company_key.company_id


def find(connection: Connection, company_key: CompanyKey) -> int | None:
    """Return the scope's number; None: nothing was ever written for the company."""
    found = connection.execute(FIND, identity(company_key)).fetchone()
    return None if found is None else int(found[0])


def number(connection: Connection, company_key: CompanyKey) -> int:
    """Return the scope's number; a new scope gets one."""
    found = find(connection, company_key)
    if found is None:
        connection.execute(ADD, identity(company_key))
        (found,) = connection.execute(FIND, identity(company_key)).fetchone()
    return int(found)


def to_change(connection: Connection, company_key: CompanyKey) -> int:
    """Return the scope's number, and delete the note that nothing was to do: what is known is about to change."""
    scope_id = number(connection, company_key)
    connection.execute(UNCLEAN, (scope_id,))
    return scope_id


def notes(connection: Connection, company_key: CompanyKey) -> Notes | None:
    """Return the notes on a company; None: nothing was ever written for it."""
    found = connection.execute(READ_NOTES, identity(company_key)).fetchone()
    if found is None:
        return None
    scope_id, left_over, lost_at, is_as_listed, *columns = found
    state = _state(*columns)
    return Notes(scope_id, optional_instant(left_over), optional_instant(lost_at), bool(is_as_listed), state)


def brief(connection: Connection, company_key: CompanyKey) -> CompanyState | None:
    """Return the notes on a company; None also where an intent is left over or an answer was lost."""
    found = notes(connection, company_key)
    return None if found is None or found.left_over or found.lost_at else found.state


def states(
    connection: Connection, origin: str, companies: Collection[AccountCompany] | None
) -> dict[AccountCompany, CompanyState]:
    """Return the notes on these companies of an origin, by account id and company id; None: on every one."""
    if companies is None:
        found = connection.execute(READ_STATES, (origin,))
    else:
        found = connection.execute(READ_STATES_OF, (origin, asked_json(companies)))
    return {AccountCompany(account, company_id): _state(*columns) for account, company_id, *columns in found}


def _state(listed_at: str | None, checked_at: str | None, remote_count: int | None, *notes: Any) -> CompanyState:
    (
        failures,
        retry_at,
        failed_source,
        failure,
        message,
        last_good_rows,
        passed,
        *clean,
        source,
        listing,
        listed_before,
    ) = notes
    return CompanyState(
        listed_at=optional_instant(listed_at),
        checked_at=optional_instant(checked_at),
        remote_count=remote_count,
        failures=failures,
        retry_at=optional_instant(retry_at),
        failed_source=failed_source,
        failure=failure,
        failure_message=message,
        last_good_rows=last_good_rows,
        passed=passed,
        clean=clean[0],
        clean_rows=clean[1],
        clean_adopted=clean[2],
        clean_left_out=tuple(LeftOut._make(reason) for reason in orjson.loads(clean[3] or "[]")),
        clean_source=source,
        clean_listing=listing,
        listed_before=tuple(from_text(at) for at in orjson.loads(listed_before or "[]") if at),
    )


def listed(connection: Connection, scope_id: int, certificate: Certificate, at: datetime, run_id: str | None) -> None:
    """Note a whole listing, and clear the notes on failures. Of several listings in one run, the last one counts."""
    values = (to_text(at), to_json(certificate), certificate.unique, scope_id, KEY_MISMATCH, run_id)
    connection.execute(LISTED, values)


def checked(connection: Connection, company_key: CompanyKey, at: datetime | None) -> None:
    """Note when a probe agreed; None: it did not."""
    scope_id = number(connection, company_key) if at else to_change(connection, company_key)
    connection.execute(CHECKED, (optional_text(at), scope_id))


def note(connection: Connection, company_key: CompanyKey, state: CompanyState) -> None:
    """Replace the notes on failures and on the last good run."""
    values = (
        state.failures,
        optional_text(state.retry_at),
        state.failed_source,
        state.failure,
        state.failure_message,
        state.last_good_rows,
    )
    connection.execute(NOTE, (*values, to_change(connection, company_key)))


def note_clean(
    connection: Connection,
    company_key: CompanyKey,
    digest: bytes,
    rows: int,
    adopted: int,
    left_out: tuple[LeftOut, ...],
    listing: bytes | None,
    source: bytes | None,
) -> None:
    """Note that nothing was to do; clear `lost_at`, as the caller waited until no lost request could still arrive."""
    reasons = to_json(list(map(tuple, left_out))) if left_out else None
    values = (digest, rows, adopted, reasons, listing, source, find(connection, company_key))
    connection.execute(CLEAN, values)


def passed(connection: Connection, company_key: CompanyKey, marks: bytes | None) -> None:
    """Remember the marks of a plan that passed the guards; None: it is finished."""
    connection.execute(PASSED, (marks, to_change(connection, company_key)))


def changed(
    connection: Connection,
    scope_id: int,
    run_id: str | None,
    *,
    created: int = 0,
    lost_at: datetime | None = None,
) -> None:
    """Count a change of what is known of a company's rows; `run_id` None: a command made it.

    `created`: the number of rows that were created. `lost_at`: when a request was sent that was never answered.
    """
    connection.execute(CHANGED, (run_id, created, optional_text(lost_at), scope_id))


def generation(connection: Connection, company_key: CompanyKey) -> Generation:
    """Return how often what is known of a company's rows has changed, and which run changed it last."""
    found = connection.execute(GENERATION, identity(company_key)).fetchone()
    return Generation() if found is None else Generation._make(found)


def known(connection: Connection, origin: str) -> list[CompanyKey]:
    """Return the companies at an origin for which anything was ever written."""
    found = connection.execute(KNOWN, (origin,))
    return [CompanyKey(origin=origin, account=account, company_id=company_id) for account, company_id in found]


def sketches(connection: Connection, origin: str) -> list[tuple[str, int, int, bytes]]:
    """Return (account, company id, rows, marks) of all sketches of an origin."""
    return list(connection.execute(SKETCHES, (origin,)))


def sketch(connection: Connection, company_key: CompanyKey, rows: int, marks: bytes) -> None:
    """Replace a company's sketch, and delete `clean_listing`: a run that ends by it makes no new sketch."""
    scope_id = number(connection, company_key)
    connection.execute(SKETCH, (scope_id, rows, marks))
    connection.execute(UNLISTED, (scope_id,))
