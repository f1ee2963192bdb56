"""Try out keys that nothing has confirmed: first a few rows of each type, alone; if one fails, the others are held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from engine.model.change import Change
from engine.model.company_record import KEY_MISMATCH
from engine.model.dimension import kind_words
from engine.model.outcome import Chunk, Column, ItemResult
from engine.run.delivery import Delivery
from engine.run.endings import HELD, Stop, stop
from engine.run.safety_notes import mismatch
from engine.send.chunks import Cut
from engine.send.settled import SettledChunk

UNPROVEN = "the rows of its type that were tried first did not show that their keys lead where they should"


async def try_out(delivery: Delivery, canaries: Sequence[Change]) -> Stop | None:
    """Send rows of unconfirmed key, type by type: one alone, then 10, then 100 at a time; a failure holds the rest.

    Returns why nothing more may be sent for the company, if the outcome of one of them cannot be found out.
    """
    company, notes, has_missed = delivery.company, delivery.notes, False
    for rows in by_type(canaries):
        left = rows
        for size in rounds(len(rows), company.chunk_rows):
            tried, left = left[:size], left[size:]
            heard = await delivery.try_out(_chunk(tried, company.cut))
            results = list(chain.from_iterable(settled.results for settled in heard if not settled.is_unsent))
            has_missed = has_missed or _has_missed(results)
            if notes.unexpected_creates or not _are_confirmed(tried, results, heard):
                break
        company.counts.record([ItemResult(change, Column.HELD, None, UNPROVEN) for change in left])
        if has_missed or notes.unexpected_creates:
            break
    is_harmless = not has_missed
    if delivery.lost and not notes.unexpected_creates:
        is_harmless = await delivery.judge() and is_harmless
    if is_harmless:
        return None
    await notes.keys_led_nowhere(0)
    return stop(KEY_MISMATCH, mismatch(0), HELD)


def by_type(canaries: Sequence[Change]) -> list[list[Change]]:
    """Return the rows of each type, in the order in which types and rows come."""
    found: dict[str, list[Change]] = {}
    for change in canaries:
        found.setdefault(kind_words(change.row), []).append(change)
    return list(found.values())


def rounds(rows: int, most: int) -> Iterator[int]:
    """Yield how many rows of unconfirmed key are tried out at a time: 1, then 10, then 100s."""
    size = 1
    while rows > 0:
        yield min(size, rows)
        rows, size = rows - size, min(size * 10, most)


def _chunk(changes: Sequence[Change], cut: Cut) -> Chunk:
    return cut.chunk(changes, [cut.encode(change.sent) for change in changes])


def _has_missed(results: Sequence[ItemResult]) -> bool:
    """Return whether a key led to another row than it was matched with."""
    return any(
        result.column is Column.UPDATED and result.remote_id not in {None, result.change.remote_id}
        for result in results
    )


def _are_confirmed(tried: Sequence[Change], results: Sequence[ItemResult], heard: Sequence[SettledChunk]) -> bool:
    """Return whether answers confirm all keys.

    They do if each row was updated, at its first send, under the id that it was matched with. If several rows were sent
    and some share a name, the answer need not give their ids. An answer to a repeated send proves nothing.
    """
    own = all(
        result.column is Column.UPDATED
        and (result.remote_id == result.change.remote_id or (result.remote_id is None and len(tried) > 1))
        for result in results
    )
    return own and len(results) == len(tried) and not any(settled.is_repeated for settled in heard)
