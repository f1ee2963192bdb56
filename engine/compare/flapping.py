"""Flapping rows: the engine pushes the source's values, and somebody in Ottimate changes them back each time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import chain

from engine.compare.matching import Pair
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow

FLAPS = 3
FLAP_DAYS = 14
"""A row that was changed back this often, within this number of days or in four listings in a row, is held instead."""


def flapping(record: CompanyRecord, now: datetime) -> frozenset[str]:
    """Return the keys of rows that are held the next time somebody has changed them.

    They were pushed back twice within 14 days, or after two of the last three listings: the next push would be the
    third. Pushes that lie in the future, because the clock was set back since, are not counted.
    """
    past = [(key, at) for key, at in record.reverts if at <= now]
    lately = Counter(key for key, at in past if now - at < timedelta(days=FLAP_DAYS))
    listings = [at for at in (record.state.listed_at, *record.state.listed_before) if at is not None]
    after = {(key, next((n for n, listed in enumerate(listings) if listed <= at), None)) for key, at in past}
    by_listing = Counter(key for key, listing in after if listing is not None)
    return frozenset(key for key, count in chain(lately.items(), by_listing.items()) if count >= FLAPS - 1)


def is_revert(pair: Pair, fields: tuple[str, ...]) -> bool:
    """Return whether all that differs was changed in Ottimate: the source is as it was when it was acknowledged."""
    row, _, _, known = pair
    if known is None or not fields or ("code" in fields and not known.code_known):
        return False
    before = known.row
    for name in fields:  # noqa: SIM110  a third of the time of `all` of a generator, for each changed row
        if getattr(row, name) != getattr(before, name):
            return False
    return True


def flapping_hold(row: Dimension, remote: RemoteRow, fields: tuple[str, ...]) -> Hold:
    """Return the hold of a row that flaps."""
    changes = ", ".join(f"{name} {getattr(remote, name)!r} -> {getattr(row, name)!r}" for name in fields)
    lately = f"{FLAP_DAYS} days, or in {FLAPS + 1} listings"
    text = f"somebody changed {remote.id} back for the {FLAPS}rd time in {lately} ({changes}): agree with them"
    return Hold(row.key, "flapping", text)
