"""What runs did to single rows, and what the journal keeps of the runs: the facts that a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from engine.model.dimension import Dimension


class KeptRun(NamedTuple):
    """A finished run as the journal keeps it."""

    run_id: str
    verb: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    allowed: tuple[str, ...]  # guards that were allowed: "mass-create:123"
    document: Mapping[str, Any]  # `dimsync.result/1`, with those companies alone that have something to tell


class SentRow(NamedTuple):
    """A row that a run sent, with its last outcome in that run."""

    run_id: str
    at: datetime  # when the outcome was written down
    key: str  # as the source calls it
    outcome: str  # a value of `Column`
    remote_id: str | None
    message: str  # the server's words, or why the outcome is not known; empty: none
    fields: tuple[tuple[str, str | None, str | None], ...]  # (name, before, after); empty: a create, or sent again
    undid: bool  # whether it undid what somebody had changed in Ottimate
    row: Dimension | None  # as the ledger knows it now; None: it does not
