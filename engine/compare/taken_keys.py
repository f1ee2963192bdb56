"""Updates that give a remote row the type and ERP id that another remote row has: there could be two of one thing."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from engine.compare.labels import is_retyped
from engine.compare.remote_view import RemoteView
from engine.model.change import Change, Hold, Plan, change_table, together, where
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, by_natural_key, natural_key, told


def hold_taken(plan: Plan, view: RemoteView, whole: Plan | None = None) -> Plan:
    """Hold updates to a type and ERP id that another remote row has, unless the plan changes that row's, too.

    A row that is held keeps its own type and ERP id; so a row that was to take those is held as well, and so on.
    `whole`: the plan for all rows, if this one is for some of them.
    """
    moves = _moving(plan, view)
    if not moves:
        return plan
    elsewhere = {} if whole is None else _moving(whole, view)
    bearers = by_natural_key(view.having({natural_key(change.row) for change in moves.values()}))
    holds = list(plan.holds)
    while blocked := _blocked(moves, bearers):
        holds += [_taken(moves.pop(remote_id).row, other, elsewhere) for remote_id, other in blocked.items()]
    staying = {hold.key for hold in holds}
    return replace(
        plan,
        updates=where(plan.updates, lambda key: key not in staying),
        canaries=where(plan.canaries, lambda key: key not in staying),
        reverts=tuple(key for key in plan.reverts if key not in staying),
        holds=tuple(sorted(holds)),
    )


def _moving(plan: Plan, view: RemoteView) -> dict[str, Change]:
    """Return the updates by which remote rows get another natural key, by the ids of those rows."""
    changes = change_table(together(plan.updates, plan.canaries), view.resource)
    fields = changes.column("fields")  # most updates change the same few fields
    moving = {names for names in set(fields) if not names or view.resource.identifies(names)}
    some = (changes[at] for at, names in enumerate(fields) if names in moving) if moving else ()
    return {change.remote_id: change for change in some if change.remote_id is not None and _moves(change, view)}


def _moves(change: Change, view: RemoteView) -> bool:
    """Return whether an update gives a remote row another natural key.

    An update without a list of changed fields is sent again: it moves its row if that has another natural key now.
    """
    if change.fields:
        return change.moves
    there = view.rows.get(change.remote_id or "")
    if there is None:
        return False
    identifier = change.row.resource.identifier
    return getattr(change.row, identifier) != getattr(there, identifier) or is_retyped(change.row, there)


def _blocked(moves: Mapping[str, Change], bearers: Mapping[NaturalKey, list[RemoteRow]]) -> dict[str, str]:
    """Return rows that would take the type and ERP id of a row that keeps them: their ids, with that row's id."""
    found = {}
    for remote_id, change in moves.items():
        for other in (remote.id for remote in bearers.get(natural_key(change.row), ())):
            if other != remote_id and (other not in moves or natural_key(moves[other].row) == natural_key(change.row)):
                found[remote_id] = other
    return found


def _taken(row: Dimension, other: str, elsewhere: Container[str]) -> Hold:
    what, its_own = told(row), f"give each its own {row.resource.natural_words}"
    if other in elsewhere:
        text = f"it would become {what}, which {other} is until its row is sent, too: `dimsync sync` sends both"
        return Hold(row.key, "ambiguous", text)
    text = f"it would become {what}, and {other} is that in Ottimate already: {its_own}"
    return Hold(row.key, "ambiguous", text)
