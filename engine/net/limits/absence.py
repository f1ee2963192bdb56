"""A database that does not answer: when to ask it again, and when to give up waiting for it. Times are arguments."""

from __future__ import annotations

from engine.errors import LedgerError

AGAIN_S = 0.25
AGAIN_LONGEST_S = 2.0
"""While the database fails, the seconds until it is asked again double between these two."""

PATIENCE_S = 30.0
"""After so many seconds without an answer, requests fail; each later one tries anew. A database restarts in less."""


class Absence:
    """How long the database has left one worker's questions unanswered."""

    def __init__(self) -> None:
        self.again_s = 0.0  # the database is not to be asked before this moment
        self._asked_s: float | None = None  # when the question was asked that awaits its answer; None: none does
        self._since_s: float | None = None  # when the first question that failed since the last answer was asked
        self._error: BaseException | None = None

    def asked(self, now_s: float) -> None:
        """Note that a question was asked."""
        self._asked_s = now_s

    def answered(self) -> None:
        """Note that the question was answered."""
        self._asked_s = self._since_s = None

    def failed(self, error: BaseException, now_s: float) -> None:
        """Note that the question failed."""
        self._since_s = self._asked_s if self._since_s is None else self._since_s
        self._asked_s, self._error = None, error
        away_s = now_s - (now_s if self._since_s is None else self._since_s)
        self.again_s = now_s + min(AGAIN_LONGEST_S, max(AGAIN_S, away_s))

    def ensure_short(self, now_s: float) -> None:
        """Raise `LedgerError` if the database has been away, or has not answered, for `PATIENCE_S`."""
        why, since_s = "it does not answer", self._asked_s
        if since_s is None and now_s < self.again_s:
            why, since_s = str(self._error), self._since_s
        if since_s is not None and now_s - since_s >= PATIENCE_S:
            raise LedgerError(
                f"Nothing was sent for {PATIENCE_S:g} s, as the ledger's database could not be asked for leave, which"
                f" all workers of an API key need: {why}"
            )
