"""Rows that the server refused lately and that have not changed since: sending them again would only cost requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from engine.model.change import Change, Plan
from engine.model.dimension import fingerprint
from engine.model.known import Rejection

REST = timedelta(hours=24)
"""How long a refused row rests while it is unchanged (DESIGN section 6)."""


def withhold(
    plan: Plan, rejections: Mapping[str, Rejection], now: datetime
) -> tuple[Plan, list[tuple[Change, Rejection]]]:
    """Return the plan without the rows that rest, and those rows: they count as rejected.

    A clock that went back ends the rest.
    """
    if not rejections:
        return plan, []
    resting: list[tuple[Change, Rejection]] = []

    def awake(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        kept = []
        for change in changes:
            rejection = rejections.get(change.row.key)
            if (
                rejection
                and timedelta() <= now - rejection.at < REST
                and rejection.fingerprint == fingerprint(change.sent)
            ):
                resting.append((change, rejection))
            else:
                kept.append(change)
        return tuple(kept)

    creates, updates, canaries = awake(plan.creates), awake(plan.updates), awake(plan.canaries)
    return replace(plan, creates=creates, updates=updates, canaries=canaries), resting
