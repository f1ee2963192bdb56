"""The guard `wrong-client`: three signs that a source holds another client's rows. Pure.

How much each sign proves depends on what is known of the companies: `tests/unit/test_swapped_source.py` has a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from engine.guards.approved_plan import has_passed
from engine.guards.volume import Violation
from engine.model.breath import sliced
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow
from engine.model.resource import Resource
from engine.model.row_record import SETTLED, remote_id_of
from engine.model.settings import Guards
from engine.model.sketch import Sketch, alike
from engine.model.table import FEW, Keyed, Table

Charts = Sequence[tuple[int, Sketch]]
"""What other companies' rows look like, by company id."""

WRONG_CLIENT = "wrong-client"

_OWNER = re.compile(r"([1-9][0-9]{0,18})[:_/|]")  # a company id and a separator, at the beginning of a key
_NAMED = re.compile(r"\bkeys begin with (?P<keyed>\d+), the id of|\brows are company (?P<charted>\d+)'s\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A company's source, and what is known when it is asked whose rows it holds."""

    company_id: int
    rows: Sequence[Dimension]  # of the source
    plan: Plan
    record: CompanyRecord
    remotes: Keyed[RemoteRow]  # rows in Ottimate by id, as listed or as the ledger knows them
    others: Collection[int] = field(default=frozenset())  # ids of the other configured companies


def owner_named(message: str) -> int | None:
    """Return the id of the company whose rows the source holds, as the guard's message says; None: it names none."""
    found = _NAMED.search(message)
    return int(found["keyed"] or found["charted"]) if found else None


def is_plainly_own(asked: Asked, guards: Guards) -> bool:
    """Return whether at least half of the source's rows are unchanged since an earlier good run."""
    plan, rows = asked.plan, len(asked.rows)
    is_known = asked.record.state.last_good_rows is not None and plan.unchanged * 2 >= rows
    return is_known and plan.matched >= guards.wrong_client_overlap * min(rows, len(asked.remotes))


def whose(asked: Asked, charts: Charts, fresh: Charts, guards: Guards) -> Violation | None:
    """Return a violation when one of the three signs shows that the source is another client's. O(rows).

    `charts`, `fresh`: as `another_chart` takes them.
    """
    return (
        foreign_keys(asked, guards) or another_chart(asked, charts, fresh, guards) or nothing_in_common(asked, guards)
    )


def foreign_keys(asked: Asked, guards: Guards) -> Violation | None:
    """Return a violation when nearly all keys begin with the id of one other company, and none with this company's.

    There is none when the ledger knows half of the keys as this company's, whatever they begin with.
    """
    if asked.record.state.last_good_rows is not None and asked.plan.unchanged * 2 >= len(asked.rows):
        return None  # at least half of its rows are known
    keys = asked.record.resource.wanted_table(asked.rows).column("key")
    begun = Counter(found[1] for part in sliced(keys, FEW) for key in part if (found := _OWNER.match(key)))
    if not begun or str(asked.company_id) in begun:
        return None
    ((number, count),) = begun.most_common(1)
    if count <= guards.wrong_client_other_share * len(keys) or int(number) not in asked.others:
        return None
    if _known_keys(keys, asked.record) * 2 >= len(keys):
        return None
    text = f"{count:,} of the source's {len(keys):,} keys begin with {number}, the id of another company"
    return Violation(WRONG_CLIENT, f"{text}, and none with its own: has its file been swapped?")


def _known_keys(keys: Iterable[str], record: CompanyRecord) -> int:
    """Return how many keys the ledger knows as the company's: sent or confirmed, or adopted in a run that was good."""
    if record.state.last_good_rows is not None:
        return sum(map(record.rows.__contains__, keys))
    found = filter(None, map(record.rows.get, keys))
    return sum(known.confirmed or not known.outcome_known for known in found)


def another_chart(asked: Asked, charts: Charts, fresh: Charts, guards: Guards) -> Violation | None:
    """Return a violation where few of the source's rows are the company's, and nearly all are another company's.

    `charts`: of companies whose rows are known, by an earlier good run or a listing. `fresh`: of sources that this run
    has read for companies without an earlier good run; these do not prove whose rows they are. A company with few rows
    of its own is let through with a short list, and with rows that several other companies have, too: franchises share
    a template.
    """
    if not asked.plan.size or not charts or asked.plan.unchanged * 2 >= len(asked.rows):
        return None
    own, share = _own(asked)
    if share >= guards.wrong_client_own_share:
        return None
    over = guards.wrong_client_other_share
    if not (found := alike(asked.rows, charts, over, asked.record.resource)):
        return None
    if own < guards.wrong_client_rows:
        if len(asked.rows) <= guards.wrong_client_rows:
            return None
        others = alike(asked.rows, fresh, over, asked.record.resource)
        companies = {each.company_id for each in (*found, *others)}
        if len(companies) > 1:
            return None
    whose = f"company {found[0].company_id}'s, and few are this one's"
    text = f"about {found[0].share:.0%} of the source's rows are {whose}"
    return Violation(WRONG_CLIENT, f"{text}: has its file been swapped?")


def _own(asked: Asked) -> tuple[int, float]:
    """Return how many rows the company is known to have, and the share of the source's rows that are among them.

    These are rows that were acknowledged or listed, and rows of a plan that passed the guards, of which a run may have
    sent some. If no such plan is remembered, the ledger has only the key of a row that was sent and never answered.
    """
    entries, passed = asked.record.entries.table, asked.record.state.passed
    identifier, names = asked.record.resource.identifier, asked.record.resource.traits
    own = {traits for traits, each in zip(entries.columns(*names), entries.column(identifier), strict=True) if each}
    own.update(asked.remotes.table.columns(*names))
    lost = {key for key, flags in entries.columns("key", "flags") if not flags & SETTLED}
    nameless = sum(not each for key, each in entries.columns("key", identifier) if key in lost)
    was_sent = has_passed(passed)
    rows = asked.record.resource.wanted_table(asked.rows)
    count = sum(
        traits in own or (key in lost if passed is None else was_sent(rows[position]))
        for position, (key, traits) in enumerate(zip(rows.column("key"), rows.columns(*names), strict=True))
    )
    return len(own) + nameless, count / len(rows) if rows else 1.0


def nothing_in_common(asked: Asked, guards: Guards) -> Violation | None:
    """Return a violation when hardly any row of the source is in Ottimate, among the types that both sides have."""
    fewest = min(len(asked.rows), len(asked.remotes))
    if not asked.plan.size or asked.plan.matched >= guards.wrong_client_overlap * fewest:
        return None
    resource = asked.record.resource
    wanted, remotes = resource.wanted_table(asked.rows), asked.remotes.table
    if resource.kind:
        kinds = set(wanted.columns(*resource.kind)) & set(remotes.columns(*resource.kind))
        wanted, remotes = _of_kinds(wanted, resource, kinds), _of_kinds(remotes, resource, kinds)
    rows, there = wanted, remotes
    fewest = min(len(rows), len(there))
    if fewest < max(1, guards.wrong_client_rows):
        return None
    natural = set(there.columns(*resource.natural_key))
    listed, ids = set(there.column("key")), set(there.column("id"))
    known = asked.record.rows
    matched = sum(
        key in listed or own in natural or (key in known and remote_id_of(key, known[key]) in ids)
        for key, own in zip(rows.column("key"), rows.columns(*resource.natural_key), strict=True)
    )
    if matched >= guards.wrong_client_overlap * fewest:
        return None
    ours, theirs = f"the source's {len(rows):,} rows", f"the {len(there):,} that Ottimate has of these types"
    text = f"only {matched:,} of {ours} are among {theirs}"
    return Violation(WRONG_CLIENT, f"{text}: is it this company's file?")


def _of_kinds(table: Table[Any], resource: Resource, kinds: AbstractSet[NaturalKey]) -> Table[Any]:
    """Return the rows that are of one of these kinds."""
    return table.take([at for at, each in enumerate(table.columns(*resource.kind)) if each in kinds])
