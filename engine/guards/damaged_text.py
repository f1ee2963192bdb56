"""The guards `decimal-ids` and `mangled-text`: what a spreadsheet or a wrong encoding has done to a source. Pure.

Only values that would be sent are looked at, and of these only values that neither ledger nor listing has: a person who
lets them pass has to do so once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from engine.guards.volume import Violation
from engine.model.breath import sliced
from engine.model.change import Change, Plan, change_table
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, dimension_table, fingerprint
from engine.model.resource import Resource
from engine.model.settings import Guards
from engine.model.table import FEW, Keyed, gathered, positions_of
from engine.model.wanted import Wanted

_OF_LATIN_WORDS = re.compile(
    "[\u0080-\u017f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u0300-\u0304\u0306-\u0308\u030a-\u030c\u0323\u0327\u0328"
    "\u1e00-\u1eff\u2000-\u2bff]"
)
"""Characters that words mix with ASCII letters: European, Romanian and Vietnamese letters, accents, signs."""

_SHOWN = 60  # characters of a value that a message shows


class _Text(NamedTuple):
    at: int  # the position of its change in the plan
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
    if len(wanted.rows) < max(1, guards.decimal_ids_rows):
        return
    identifier = wanted.rows[0].resource.identifier
    ids = dimension_table(wanted.rows).column(identifier)
    if not all(map(_is_decimal, ids)):
        return
    if new := _unknown(_to_send(plan, record, _decimal, identifiers_alone=True), record, remotes):
        yield Violation(
            "decimal-ids",
            f"all {len(ids):,} ids of the source end in '.0': a spreadsheet may have made decimal numbers of them;"
            f" {_first(new[0], wanted)}",
        )


def _is_decimal(text: str) -> bool:
    return text.endswith(".0")


def _decimal(texts: Sequence[str]) -> Sequence[int]:
    return positions_of(map(_is_decimal, texts), len(texts))


def _mangled(plan: Plan, wanted: Wanted, record: CompanyRecord, remotes: Keyed[RemoteRow]) -> Iterator[Violation]:
    if new := _unknown(_to_send(plan, record, _mangled_texts), record, remotes):
        count = f"{len(new):,} {'text is' if len(new) == 1 else 'texts are'}"
        meant = _shown(unmangled(new[0].value) or "")
        yield Violation(
            "mangled-text",
            f"{count} UTF-8 that was read in another encoding; {_first(new[0], wanted)}, which is probably {meant}",
        )


def _mangled_texts(texts: Sequence[str]) -> Sequence[int]:
    found: list[int] = []
    for number, part in enumerate(sliced(texts, FEW)):
        if not "".join(part).isascii():  # as most are: then none of them is
            found += [at for at, text in enumerate(part, number * FEW) if unmangled(text) is not None]
    return found


def unmangled(text: str) -> str | None:
    """Return what a text was before its UTF-8 was read as cp1252; None: that did not happen to it.

    That the bytes are UTF-8 is no proof: those of "NESCAFÉ®" and of "KNÍŽKA" are, but what they would mean are letters
    that no word mixes with Latin ones.
    """
    if text.isascii():
        return None
    try:
        meant = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
    return meant if any(map(_is_sensible, meant, f" {meant}", f"{meant[1:]} ")) else None


def _is_sensible(char: str, before: str, after: str) -> bool:
    """Return whether a character beyond ASCII makes sense between its neighbours."""
    if char.isascii():
        return False
    is_alone = not any(beside.isascii() and beside.isalpha() for beside in (before, after))
    return is_alone or _OF_LATIN_WORDS.match(char) is not None


def _to_send(
    plan: Plan,
    record: CompanyRecord,
    find: Callable[[Sequence[str]], Sequence[int]],
    *,
    identifiers_alone: bool = False,
) -> list[_Text]:
    """Return the damaged texts that the plan would send and that are news: identifiers, or texts of any field.

    `find`: returns the positions of damaged texts. A row that was refused as it is does not count: somebody has let it
    pass before.
    """
    if not plan.size:
        return []
    resource = plan.changes[0].row.resource
    changes = change_table(plan.changes, resource)
    found = []
    for field in (resource.identifier,) if identifiers_alone else _text_fields(resource):
        texts = gathered(text or "" for text in changes.column(field))
        for at in find(texts):
            change = changes[at]
            is_news = not change.fields or field in change.fields  # of a row of unknown state, each field is sent
            if is_news and not _was_refused(change, record):
                found.append(_Text(at, change.row, field, texts[at]))
    return sorted(found, key=attrgetter("at"))


def _text_fields(resource: Resource) -> tuple[str, ...]:
    """Return the fields that a client's own text stands in: all that are compared but kind and label."""
    return (*(name for name in resource.compared_names if name in resource.spelled), resource.identifier)


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
    return f"the first is {place}{text.row.resource.columns[text.field]} {_shown(text.value)} of row {_shown(key)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
