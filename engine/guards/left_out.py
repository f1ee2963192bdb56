"""The guard `left-out`: a filter that leaves out what it kept at the last good run. Pure.

If an export begins to spell a value another way (`No` for `F`), a filter may leave out rows that it kept before. No row
has a fault then, so that nothing else would show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from engine.guards.volume import Violation
from engine.model.settings import Guards
from engine.model.wanted import GoodCounts, SourceCounts, Wanted, paired, tell_left_out


def left_out(wanted: Wanted, before: GoodCounts | None, guards: Guards) -> tuple[Violation, ...]:
    """Return a violation when the mapping leaves out what it kept at the last good run; `before` None: there was none.

    1. Every row of a type that had some is left out. Rows of a type that is not known may be of any type.
    2. More than `left_out_share` of a source is left out, of which less than `left_out_usual_share` was.
    """
    if before is None or not wanted.left_out:
        return ()
    now = wanted.counts
    found = [*_lost_types(wanted, now, before), *_gutted_sources(now.sources, before.sources, guards)]
    if not found:
        return ()
    return (Violation("left-out", f"{'; '.join(found)} (left out: {tell_left_out(wanted.left_out_by)})"),)


def _lost_types(wanted: Wanted, now: GoodCounts, before: GoodCounts) -> Iterator[str]:
    rows: Counter[str | None] = Counter()
    for reason in wanted.left_out_by:
        rows[reason.type_code] += reason.rows
    for type_code, kept in before.kept.items():
        is_lost = bool(rows[type_code]) or rows[None] >= kept
        if kept and is_lost and not now.kept.get(type_code):
            yield f"the mapping leaves out every row of type {type_code}, and kept {kept:,} at the last good run"


def _gutted_sources(now: Sequence[SourceCounts], before: Sequence[SourceCounts], guards: Guards) -> Iterator[str]:
    for source, earlier in paired(now, before):
        is_most = source.left_out > guards.left_out_share * source.read_rows
        if is_most and earlier.left_out < guards.left_out_usual_share * earlier.read_rows:
            name = f"{source.name}: " if source.name else ""
            yield (
                f"{name}the mapping leaves out {source.left_out:,} of {source.read_rows:,} rows, and left out"
                f" {earlier.left_out:,} of {earlier.read_rows:,} at the last good run: over"
                f" {guards.left_out_share:.0%}, where it was under {guards.left_out_usual_share:.0%}"
            )
