"""Rows that are to be created, and are there already: they are held, and what is there stays as it is."""

from __future__ import annotations

from dataclasses import replace

from engine.model.change import Change, Hold, Plan, together


def hold_existing(plan: Plan) -> Plan:
    """Return the plan with a hold in the place of each update."""
    updates = together(plan.updates, plan.canaries)
    if not updates:
        return plan
    holds = sorted((*plan.holds, *map(_exists, updates)))
    return replace(plan, updates=(), canaries=(), reverts=(), again={}, holds=tuple(holds))


def _exists(change: Change) -> Hold:
    told = ", ".join(f"{name} {old!r}" for name, old, _ in change.moves_to if old is not None)
    text = f"it was to be created, and is there already as {change.remote_id}{' with ' + told if told else ''}"
    return Hold(change.row.key, "exists", f"{text}: use `upsert` to change it")
