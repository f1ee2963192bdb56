"""What every company of a run shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.ledger.base import Ledger
from engine.model.settings import Allow, Guards, Verify
from engine.net.channel import Emit
from engine.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A run's own things, as its companies are handed them."""

    run_id: str
    origin: str
    dialect: Dialect
    ledger: Ledger
    verify: Verify
    guards: Guards
    allowed: frozenset[Allow]
    writes: bool  # False: `plan`
    fresh: bool  # a company that rests after a failed reading is read all the same
    now: Callable[[], datetime]
    emit: Emit
