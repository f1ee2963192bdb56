"""Outcomes that all rows of one chunk share, with their messages."""

from __future__ import annotations

from engine.model.outcome import Chunk, Column, ItemResult
from engine.send.split import REFUSED_ALONE

REPEATED = "sent again after a lost answer, under a key that nothing had confirmed: the answer proves nothing"

ENDED = "the run ended before its answer came"


def unproven(result: ItemResult) -> ItemResult:
    """Return an outcome, unknown where a repeated send was answered with an update: the first one may have created."""
    if result.column is not Column.UPDATED:
        return result
    return result._replace(column=Column.UNCERTAIN, remote_id=None, message=REPEATED)


def unsent(words: str) -> str:
    """Return the message of rows that are refused without being sent alone."""
    return f"not sent alone: {REFUSED_ALONE} rows of this company were, and each was refused so: {words}"


def refused(chunk: Chunk, words: str, *, is_lost: bool) -> tuple[ItemResult, ...]:
    """Return rows that were refused; of unknown outcome where an earlier send, without an answer, may have landed."""
    if is_lost:
        return all_rows(chunk, Column.UNCERTAIN, f"sent before without an answer, then refused: {words}")
    return all_rows(chunk, Column.REJECTED, words)


def all_rows(chunk: Chunk, column: Column, message: str) -> tuple[ItemResult, ...]:
    """Return one outcome for each row."""
    return tuple(ItemResult(change, column, None, message) for change in chunk.changes)
