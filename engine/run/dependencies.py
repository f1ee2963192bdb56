"""What an engine hands to each of its runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from engine.ledger.protocols import Ledger
from engine.model.outcome import Problem
from engine.model.settings import Account, Settings
from engine.net.http.exchange import Transport
from engine.net.key import Key
from engine.observe.telemetry import Telemetry
from engine.run.shared_sources import SharedSources
from engine.run.sketches import EarlierSources
from engine.run.tasks import RunHost
from engine.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Settings, and the parts that a run works with."""

    settings: Settings
    dialect: Dialect
    transport: Callable[[Account], Transport]
    key: Callable[[Account], Key]  # the same one for all runs
    host: RunHost  # keeps the run until it has ended
    shared: SharedSources
    earlier_sources: EarlierSources
    notices: list[Problem]  # for the result of the run that ends first
    ledger: Ledger
    now: Callable[[], datetime]
    rng: Random
    telemetry: Telemetry | None = None
