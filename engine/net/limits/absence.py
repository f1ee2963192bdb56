"""A database that does not answer: when to ask it again, and when to give up waiting for it. Times are arguments."""

from __future__ import annotations

from engine.errors import LedgerError

AGAIN_S = 0.25
AGAIN_LONGEST_S = 2.0
"""Waits double between these two while asking fails."""

PATIENCE_S = 30.0
"""After so long in vain, requests fail; each later one tries anew. A restart of a database takes less."""


class Absence:
    """What is known of one worker's questions."""

    def __init__(self) -> None:
        self.again_s = 0.0  # not to be asked before this
        self._asked_s: float | None = None  # when the question was asked that awaits its answer; None: none does
        self._since_s: float | None = None  # when the first was asked that failed since the last good answer
        self._error: BaseException | None = None

    def asked(self, now_s: float) -> None:
        """Note that a question was asked."""
        self._asked_s = now_s

    def answered(self) -> None:
        """Note that it was answered."""
        self._asked_s = self._since_s = None

    def failed(self, error: BaseException, now_s: float) -> None:
        """Note that it failed."""
        self._since_s = self._asked_s if self._since_s is None else self._since_s
        self._asked_s, self._error = None, error
        away_s = now_s - (now_s if self._since_s is None else self._since_s)
        self.again_s = now_s + min(AGAIN_LONGEST_S, max(AGAIN_S, away_s))

    def ensure_short(self, now_s: float) -> None:
        """Raise `LedgerError` if the database was away for too long, or has not answered for as long."""
        why, since_s = "it does not answer", self._asked_s
        if since_s is None and now_s < self.again_s:
            why, since_s = str(self._error), self._since_s
        if since_s is not None and now_s - since_s >= PATIENCE_S:
            raise LedgerError(
                f"Nothing was sent for {PATIENCE_S:g} s, as the ledger's database could not be asked for leave, which"
                f" all workers of an API key need: {why}"
            )
