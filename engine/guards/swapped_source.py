"""Whose rows a source holds: three signs that it is another client's. Pure.

What is known beforehand decides what each sign is worth; the table of cases is in `tests/unit/test_whose.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from engine.guards.volume import Violation, has_passed
from engine.model.change import Plan
from engine.model.company_record import CONFIRMED, SETTLED, CompanyRecord
from engine.model.dimension import Dimension, as_dimension
from engine.model.settings import Guards
from engine.model.sketch import Sketch, alike
from engine.model.table import Cells, bare

Charts = Sequence[tuple[int, Sketch]]
"""What other companies' rows look like, by company id."""

_OWNER = re.compile(r"([1-9][0-9]{0,18})[:_/|]")  # a company id and a separator, at the beginning of a key
_KEY, _NATURAL, _FACE = itemgetter(0), itemgetter(1, 4), itemgetter(1, 4, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A company's source, and what is known when it is asked whose rows it holds."""

    company_id: int
    rows: Sequence[Dimension]  # of the source
    plan: Plan
    record: CompanyRecord
    remotes: Mapping[str, Cells]  # rows in Ottimate by id, as listed or as the ledger knows them
    others: Collection[int] = field(default=frozenset())  # ids of the other configured companies


def is_plainly_own(asked: Asked, guards: Guards) -> bool:
    """Return whether at least half of the source's rows are unchanged since an earlier good run."""
    plan, rows = asked.plan, len(asked.rows)
    is_known = asked.record.state.last_good_rows is not None and plan.unchanged * 2 >= rows
    return is_known and plan.matched >= guards.wrong_client_overlap * min(rows, len(asked.remotes))


def whose(asked: Asked, charts: Charts, fresh: Charts, guards: Guards) -> Violation | None:
    """Return a trip when one of the three signs says that the source is another client's. O(rows).

    `charts`, `fresh`: as `another_chart` takes them.
    """
    return (
        foreign_keys(asked, guards) or another_chart(asked, charts, fresh, guards) or nothing_in_common(asked, guards)
    )


def foreign_keys(asked: Asked, guards: Guards) -> Violation | None:
    """Return a trip when nearly all keys begin with the id of one other company, and none with this company's.

    There is none when the ledger knows half of the keys as this company's, whatever they begin with.
    """
    if asked.record.state.last_good_rows is not None and asked.plan.unchanged * 2 >= len(asked.rows):
        return None  # half of its keys, and more, are known
    keys = list(map(_KEY, bare(asked.rows)))
    begun = Counter(found[1] for key in keys if (found := _OWNER.match(key)))
    if not begun or str(asked.company_id) in begun:
        return None
    ((number, count),) = begun.most_common(1)
    if count <= guards.wrong_client_other_share * len(keys) or int(number) not in asked.others:
        return None
    if _known_keys(keys, asked.record) * 2 >= len(keys):
        return None
    text = f"{count:,} of the source's {len(keys):,} keys begin with {number}, the id of another company"
    return Violation("wrong-client", f"{text}, and none with its own: has its file been swapped?")


def _known_keys(keys: Iterable[str], record: CompanyRecord) -> int:
    """Return how many keys the ledger knows as the company's: sent or confirmed, or adopted in a run that was good."""
    known = record.cells
    if record.state.last_good_rows is not None:
        return sum(map(known.__contains__, keys))
    return sum(key in known and known[key][7] & (SETTLED | CONFIRMED) != SETTLED for key in keys)


def another_chart(asked: Asked, charts: Charts, fresh: Charts, guards: Guards) -> Violation | None:
    """Return a trip where few of the source's rows are the company's, and nearly all are another company's.

    `charts`: of companies whose rows are known, by an earlier good run or a listing. `fresh`: of sources that this run
    has read for companies without an earlier good run; these do not prove whose rows they are. A company with few rows
    of its own is let through with a short list, and with rows that several other companies have, too: franchises share
    a template.
    """
    if not asked.plan.changes or not charts or asked.plan.unchanged * 2 >= len(asked.rows):
        return None
    own, share = _own(asked)
    if share >= guards.wrong_client_own_share:
        return None
    over = guards.wrong_client_other_share
    if not (found := alike(asked.rows, charts, over)):
        return None
    if own < guards.wrong_client_rows:
        if len(asked.rows) <= guards.wrong_client_rows:
            return None
        companies = {each.company_id for each in (*found, *alike(asked.rows, fresh, over))}
        if len(companies) > 1:
            return None
    whose = f"company {found[0].company_id}'s, and few are this one's"
    text = f"about {found[0].share:.0%} of the source's rows are {whose}"
    return Violation("wrong-client", f"{text}: has its file been swapped?")


def _own(asked: Asked) -> tuple[int, float]:
    """Return how many rows the company is known to have, and the share of the source's rows that are among them.

    Those that were acknowledged or listed, and those of a plan that has passed, which a run may have sent in part.
    Where none is remembered, of a row that was sent and never answered the ledger knows the key alone.
    """
    entries, passed = asked.record.cells, asked.record.state.passed
    own = {_FACE(entry) for entry in entries.values() if entry[4]}
    own.update(map(_FACE, asked.remotes.values()))
    lost = {key for key, entry in entries.items() if not entry[7] & SETTLED}
    was_sent = has_passed(passed)
    rows = bare(asked.rows)
    count = sum(
        _FACE(row) in own or (row[0] in lost if passed is None else was_sent(as_dimension(row))) for row in rows
    )
    return len(own) + sum(not entries[key][4] for key in lost), count / len(rows) if rows else 1.0


def nothing_in_common(asked: Asked, guards: Guards) -> Violation | None:
    """Return a trip when hardly any row of the source is in Ottimate, among the types that both sides have."""
    fewest = min(len(asked.rows), len(asked.remotes))
    if not asked.plan.changes or asked.plan.matched >= guards.wrong_client_overlap * fewest:
        return None
    types = set(map(itemgetter(1), bare(asked.rows))) & set(map(itemgetter(1), asked.remotes.values()))
    rows = [row for row in bare(asked.rows) if row[1] in types]
    there = {row_id: row for row_id, row in asked.remotes.items() if row[1] in types}
    fewest = min(len(rows), len(there))
    if fewest < max(1, guards.wrong_client_rows):
        return None
    listed, natural, known = {row[6] for row in there.values()}, set(map(_NATURAL, there.values())), asked.record.cells
    matched = sum(
        row[0] in listed
        or _NATURAL(row) in natural
        or (row[0] in known and (known[row[0]][6] or f"?{row[0]}") in there)  # as `linked_id` names it
        for row in rows
    )
    if matched >= guards.wrong_client_overlap * fewest:
        return None
    ours, theirs = f"the source's {len(rows):,} rows", f"the {len(there):,} that Ottimate has of these types"
    text = f"only {matched:,} of {ours} are among {theirs}"
    return Violation("wrong-client", f"{text}: is it this company's file?")
