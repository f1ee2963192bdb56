"""How many requests at once: what their answers say of it, as a pure function of values.

More while all goes well: twice as many where no bound is known, by ones near a known one. Fewer when the server says so
or does not answer, and half or less when answers come late as a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

START = 8
"""Requests at once of a key that nothing is known of."""

KEEPS = {"timeout": 0.5, "HTTP 408": 0.5, "HTTP 504": 0.5, "HTTP 429": 0.7}
KEEP = 0.85
"""What is left after each kind of trouble. A refusal at the edge of what a server bears costs little, so that the mean
stays above nine tenths of it; a timeout tells late, and of far too many."""

TROUBLES = frozenset({408, 429, 502, 503, 504})
"""Statuses that speak of load. A 500 speaks of one request."""

SLOW = 2.0
SLOWISH = 1.5
DEEPEST = 0.25
"""Answers that take this many times what they take at best: too many at once; and no more than there are. At least a
quarter is left: it may be a mistake."""

FAST_S = 0.05
"""Answers that are faster at best count as if they took this long: a few ms more are noise."""

PATIENCE = 8
"""Flights without trouble, right below where trouble was twice, before that is tried again: it costs a refusal."""

DOUBT = 32
"""Flights of somewhat late answers, before it is tried whether fewer at once would make them faster."""

ENOUGH = 16
FEW = 4
"""So many answers are looked at together, as times scatter; fewer than the second of one kind say nothing of it."""

SAME = 0.85
"""With fewer at once, answers that still take as long, give or take so much, are not late because of us. If they take
longer yet, it is only getting worse."""

Kind = tuple[str, int]
"""Requests whose times compare: what they ask for, and the bits of the count of bytes that were moved for it."""


@dataclass(slots=True, kw_only=True)
class Flight:
    """What came of the requests that left since the last decision: about as many as were out together."""

    since_s: float
    least: int = 1  # answers to decide on
    most: int = 0  # out at once
    answers: int = 0
    trouble: str = ""  # the first that came up: the flight is over then
    trouble_at: int = 0  # so many were out when the request left that met it
    times: list[tuple[Kind, float]] = field(default_factory=list)  # of good answers, those of flights before first

    def add(self, kind: Kind, sent_at_s: float, took_s: float, out: int, trouble: str) -> None:
        """Take in one answer, or that there was none. What left before the flight began says nothing new."""
        if sent_at_s < self.since_s:
            return
        self.answers += 1
        if not trouble:
            self.times.append((kind, took_s))
        elif not self.trouble:
            self.trouble, self.trouble_at = trouble, out

    @property
    def is_over(self) -> bool:
        """Whether there is something to decide on: half of what was out is answered, or there was trouble."""
        return bool(self.trouble) or (self.answers >= self.least and 2 * self.answers >= self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Fewer places because answers were late: the next ones show whether that was the reason."""

    slowness: float  # before
    places: int  # before


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """How many requests of a key may be out at once, and what led to it."""

    places: int
    ceiling: int
    mark: int | None = None  # where there was trouble last; None: not known, or disproved
    bests: Mapping[Kind, float] = field(default_factory=dict)  # seconds that a kind takes when it goes well
    slowness: float = 1.0  # of answers, when it was last looked at: how many times as long as at best
    trial: Trial | None = None
    patience: int = 0  # flights to spend right below the mark
    held: int = 0  # flights in which answers were too late for more, and not late enough for fewer
    reason: str = ""  # of the last change


def at_first(ceiling: int) -> Width:
    """Return the width of a key that nothing was sent with yet."""
    return Width(places=min(START, ceiling), ceiling=ceiling)


def trouble_of(status: int | None, *, timed_out: bool = False) -> str:
    """Return what an answer's status says against so many at once; `None`: there was no answer. Empty: nothing."""
    if status is None:
        return "timeout" if timed_out else "connection lost"
    return f"HTTP {status}" if status in TROUBLES else ""


def after(width: Width, flight: Flight) -> Width:
    """Return the width to go on with after a flight. Cases: trouble, a trial's end, late answers, more."""
    if flight.trouble:
        met_at = flight.trouble_at if width.places // 2 < flight.trouble_at < width.places else width.places
        return _fewer(width, met_at, KEEPS.get(flight.trouble, KEEP), flight.trouble)
    if len(flight.times) >= ENOUGH:
        width = _timed(width, flight.times)
    if width.slowness <= SLOWISH:
        return _more(width, flight)
    return replace(width, held=width.held + 1) if width.held < DOUBT else _on_trial(width, 0.5)


def next_flight(flight: Flight, now_s: float, *, before: int, places: int) -> Flight:
    """Return the flight after one: with the times of its last answers, unless there are fewer `places` than `before`.

    Where so little is out that a few answers are half of it, there is nothing to decide that could not wait for `FEW`.
    """
    times = [] if places < before else flight.times[-ENOUGH:]
    return Flight(since_s=now_s, least=max(1, min(FEW, places // 2)), times=times)


def _timed(width: Width, times: Sequence[tuple[Kind, float]]) -> Width:
    """Return the width as the times of answers want it: fewer when they are long, as before when that was no help.

    A quarter of the answers is faster than `usual`: new connections and single slow requests do not count. Each kind
    is compared with its own best.
    """
    by_kind: dict[Kind, list[float]] = {}
    for kind, took_s in times:
        by_kind.setdefault(kind, []).append(took_s)
    counts = {kind: len(each) for kind, each in by_kind.items() if len(each) >= FEW}
    usual = {kind: sorted(by_kind[kind])[count // 4] for kind, count in counts.items()}
    bests = {**width.bests, **{kind: min(took, width.bests.get(kind, took)) for kind, took in usual.items()}}
    took = sum(usual[kind] * count for kind, count in counts.items())
    slowness = took / sum(max(FAST_S, bests[kind]) * count for kind, count in counts.items()) if counts else 1.0
    trial, width = width.trial, replace(width, bests=bests, slowness=slowness, trial=None)
    is_no_help = trial is not None and SAME < slowness / trial.slowness < 1 / SAME
    if is_no_help or width.places == 1:
        places = width.places if trial is None else max(width.places, trial.places)
        reason = "answers take longer by themselves" if is_no_help else width.reason
        return replace(width, places=places, bests={**bests, **usual}, slowness=1.0, reason=reason)
    # So many are left that none would have to queue, if it is queueing.
    return _on_trial(width, max(DEEPEST, 1 / slowness)) if slowness > SLOW else width


def _on_trial(width: Width, keep: float) -> Width:
    fewer = _fewer(width, width.places, keep, f"answers take {width.slowness:.1f} times as long")
    return replace(fewer, patience=0, trial=Trial(slowness=width.slowness, places=width.places))


def _fewer(width: Width, mark: int, keep: float, reason: str) -> Width:
    places = max(1, min(mark - 1, round(mark * keep)))
    patience = PATIENCE if mark == width.mark else 0  # twice at one place is a bound, else it may have been chance
    return replace(width, places=places, mark=mark, trial=None, patience=patience, held=0, reason=reason)


def _more(width: Width, flight: Flight) -> Width:
    """Return one more place, or a quarter of the way back to where trouble was; twice as many where none is known.

    No more where four fifths were enough.
    """
    width = replace(width, held=0)
    if 5 * flight.most < 4 * width.places or width.places == width.ceiling:
        return width
    if width.places + 1 == width.mark and width.patience:
        return replace(width, patience=width.patience - 1)
    is_disproved = width.mark is not None and width.places > 1.25 * width.mark + 1
    mark = None if is_disproved else width.mark
    places = width.places * 2 if mark is None else width.places + max(1, (mark - width.places) // 4)
    return replace(width, places=min(places, width.ceiling), mark=mark, reason="answers come in time")
