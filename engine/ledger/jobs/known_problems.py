"""Which problems of companies finished runs have shown, and since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import asked_json, from_text, to_text
from engine.model.known import THE_RUN, Known, Shown, known_after, known_of_run
from engine.model.result import RunResult
from engine.model.settings import NamedCompany

MARK_BYTES = 8

READ = "select account, company_id, code, since, shown_at, marks from known_problems where origin = ?"
READ_OF = """
    select account, company_id, code, since, shown_at, marks from json_each(?2) as asked cross join known_problems
    where origin = ?1 and account = json_extract(asked.value, '$[0]') and company_id = json_extract(asked.value, '$[1]')
"""
FORGET = "delete from known_problems where origin = ? and account = ? and company_id = ?"
ADD = """
    insert into known_problems (origin, account, company_id, code, since, shown_at, marks) values (?, ?, ?, ?, ?, ?, ?)
"""
FORGET_OLD = "delete from known_problems where shown_at < ?"


def read(connection: Connection, origin: str, companies: Collection[NamedCompany] | None) -> Known:
    """Return what is known of problems at an origin, by company and mark.

    `companies`: only these, and runs as a whole; None: all companies.
    """
    if companies is None:
        found = connection.execute(READ, (origin,))
    else:
        found = connection.execute(READ_OF, (origin, asked_json({*companies, THE_RUN})))
    known: dict[NamedCompany, dict[bytes, Shown]] = {}
    for account, company_id, code, since, shown_at, marks in found:
        shown = Shown(code, from_text(since), from_text(shown_at))
        of = known.setdefault(NamedCompany(account, company_id), {})
        of.update(dict.fromkeys(_split(marks), shown))
    return known


def note(connection: Connection, result: RunResult, origin: str) -> None:
    """Take over what a run that sent rows has shown, and forget what it has shown to be over."""
    known = read(connection, origin, [NamedCompany(each.account, each.company_id) for each in result.companies])
    at = result.finished_at
    for company in result.companies:
        where = NamedCompany(company.account, company.company_id)
        before = known.get(where, {})
        if before or company.problems:
            _replace(connection, origin, where, before, known_after(company, before, at))
    before = known.get(THE_RUN, {})
    _replace(connection, origin, THE_RUN, before, known_of_run(result, before))


def _replace(
    connection: Connection,
    origin: str,
    where: NamedCompany,
    before: Mapping[bytes, Shown],
    after: Mapping[bytes, Shown],
) -> None:
    if after == before:
        return
    connection.execute(FORGET, (origin, *where))
    marks: dict[Shown, list[bytes]] = {}
    for mark, shown in after.items():
        marks.setdefault(shown, []).append(mark)
    connection.executemany(ADD, [(origin, *where, *_columns(shown, of)) for shown, of in sorted(marks.items())])


def _columns(shown: Shown, marks: Iterable[bytes]) -> tuple[object, ...]:
    return shown.code, to_text(shown.since), to_text(shown.at), b"".join(sorted(marks))


def _split(marks: bytes) -> Iterator[bytes]:
    return (marks[start : start + MARK_BYTES] for start in range(0, len(marks), MARK_BYTES))
