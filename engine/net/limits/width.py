"""How many requests may be out at once (the width), decided from their answers by pure functions.

While all goes well, the width grows: it doubles while no bound is known, and grows by single steps near a known bound.
It shrinks when the server refuses or does not answer, and by half or more when most answers come late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

START = 8
"""The width of a key of which nothing is known."""

KEEPS = {"timeout": 0.5, "HTTP 408": 0.5, "HTTP 504": 0.5, "HTTP 429": 0.7}
KEEP = 0.85
"""Share of the width that is left after each kind of trouble. A refusal just above what a server bears takes little, so
that the mean stays above nine tenths of that; a timeout comes late, and means that far too many were out."""

TROUBLES = frozenset({408, 429, 502, 503, 504})
"""Statuses that mean load. A 500 is about one request."""

SLOW = 2.0
SLOWISH = 1.5
DEEPEST = 0.25
"""Answers that take `SLOW` times their best time: too many are out. `SLOWISH`: the width does not grow. At least a
quarter of the width (`DEEPEST`) is left, as the judgement may be wrong."""

FAST_S = 0.05
"""A best time below this counts as this: differences of a few ms are noise."""

PATIENCE = 8
"""Where trouble came twice at one width, flights without trouble right below it before it is tried again."""

DOUBT = 32
"""Flights of somewhat late answers before fewer at once are tried, to see whether answers become faster."""

ENOUGH = 16
FEW = 4
"""Times are judged over `ENOUGH` answers, as they scatter; a kind with fewer than `FEW` of them is left out."""

SAME = 0.85
"""Latency that stays within 15 % although fewer are out: we are not the cause. If it has risen, the server is getting
slower by itself."""

Kind = tuple[str, int]
"""Requests whose times can be compared: the kind of call, and the bit length of the number of bytes moved."""


@dataclass(slots=True, kw_only=True)
class Flight:
    """How the requests ended that left since the last decision: about as many as were out together."""

    since_s: float
    least: int = 1  # answers needed to decide
    most: int = 0  # out at once
    answers: int = 0
    trouble: str = ""  # the first that came up; it ends the flight
    trouble_at: int = 0  # how many were out when the request left that met the trouble
    times: list[tuple[Kind, float]] = field(default_factory=list)  # of good answers, earlier flights' first

    def add(self, kind: Kind, sent_at_s: float, took_s: float, out: int, trouble: str) -> None:
        """Add one answer, or its absence. A request that left before the flight began is not counted."""
        if sent_at_s < self.since_s:
            return
        self.answers += 1
        if not trouble:
            self.times.append((kind, took_s))
        elif not self.trouble:
            self.trouble, self.trouble_at = trouble, out

    @property
    def is_over(self) -> bool:
        """Whether to decide now: half of the requests that were out are answered, or there was trouble."""
        return bool(self.trouble) or (self.answers >= self.least and 2 * self.answers >= self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The width was lowered because answers were late; the next answers show whether that helps."""

    slowness: float  # before
    places: int  # before


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """How many requests of a key may be out at once, and what led to it."""

    places: int
    ceiling: int
    mark: int | None = None  # the width at which trouble came last; None: not known, or disproved
    bests: Mapping[Kind, float] = field(default_factory=dict)  # seconds that a kind takes when it goes well
    slowness: float = 1.0  # how many times their best time answers took when last judged
    trial: Trial | None = None
    patience: int = 0  # flights left to spend right below the mark
    held: int = 0  # flights with answers too late to grow, and not late enough to shrink
    reason: str = ""  # of the last change


def at_first(ceiling: int) -> Width:
    """Return the width of a key before its first request."""
    return Width(places=min(START, ceiling), ceiling=ceiling)


def trouble_of(status: int | None, *, timed_out: bool = False) -> str:
    """Return the trouble that speaks for fewer at once, empty: none. `status` None: there was no answer."""
    if status is None:
        return "timeout" if timed_out else "connection lost"
    return f"HTTP {status}" if status in TROUBLES else ""


def after(width: Width, flight: Flight) -> Width:
    """Return the width after a flight. Cases in order: trouble; late answers (or a trial's end); more."""
    if flight.trouble:
        met_at = flight.trouble_at if width.places // 2 < flight.trouble_at < width.places else width.places
        return _fewer(width, met_at, KEEPS.get(flight.trouble, KEEP), flight.trouble)
    if len(flight.times) >= ENOUGH:
        width = _timed(width, flight.times)
    if width.slowness <= SLOWISH:
        return _more(width, flight)
    return replace(width, held=width.held + 1) if width.held < DOUBT else _on_trial(width, 0.5)


def next_flight(flight: Flight, now_s: float, *, before: int, places: int) -> Flight:
    """Return the next flight. It keeps the times of the last answers, unless the width was lowered since.

    It needs `FEW` answers at least (or half of a smaller width): with less, there is nothing worth deciding.
    """
    times = [] if places < before else flight.times[-ENOUGH:]
    return Flight(since_s=now_s, least=max(1, min(FEW, places // 2)), times=times)


def _timed(width: Width, times: Sequence[tuple[Kind, float]]) -> Width:
    """Return the width as the times of answers call for: fewer if they are long, the former one if fewer did not help.

    `usual` is the lower quartile, so that new connections and single slow requests do not count. Each kind is compared
    with its own best time.
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
    # If answers are late because requests queue at the server, this leaves as many as need not queue.
    return _on_trial(width, max(DEEPEST, 1 / slowness)) if slowness > SLOW else width


def _on_trial(width: Width, keep: float) -> Width:
    fewer = _fewer(width, width.places, keep, f"answers take {width.slowness:.1f} times as long")
    return replace(fewer, patience=0, trial=Trial(slowness=width.slowness, places=width.places))


def _fewer(width: Width, mark: int, keep: float, reason: str) -> Width:
    places = max(1, min(mark - 1, round(mark * keep)))
    patience = PATIENCE if mark == width.mark else 0  # trouble twice at one width is a bound; once may be chance
    return replace(width, places=places, mark=mark, trial=None, patience=patience, held=0, reason=reason)


def _more(width: Width, flight: Flight) -> Width:
    """Return a larger width: doubled if no trouble is known, else by a quarter of the way to the mark, at least by one.

    It stays as it is while less than four fifths of it are used.
    """
    width = replace(width, held=0) if width.held else width
    if 5 * flight.most < 4 * width.places or width.places == width.ceiling:
        return width
    if width.places + 1 == width.mark and width.patience:
        return replace(width, patience=width.patience - 1)
    is_disproved = width.mark is not None and width.places > 1.25 * width.mark + 1
    mark = None if is_disproved else width.mark
    places = width.places * 2 if mark is None else width.places + max(1, (mark - width.places) // 4)
    return replace(width, places=min(places, width.ceiling), mark=mark, reason="answers come in time")
