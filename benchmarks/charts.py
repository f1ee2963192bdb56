"""The course of the adaptive width as an SVG, drawn without a library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

WIDE, HIGH, GAP = 640, 200, 70
OURS, OUT, BEST = "#1f6f50", "#4a6fa5", "#c0392b"


def width_chart(found: Mapping[str, Any]) -> str:
    """Return one panel for each kind of server: answers a second against the best fixed width, and requests out."""
    panels = [_panel(name, each, GAP // 2 + n * (HIGH + GAP)) for n, (name, each) in enumerate(found.items())]
    size = f'width="{WIDE + 2 * GAP}" height="{len(panels) * (HIGH + GAP) + GAP // 2}"'
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{paper}{"".join(panels)}</svg>\n'


def _panel(name: str, found: Mapping[str, Any], top: int) -> str:
    setup, course = found["setup"], found["runs"]["adaptive"]["course"]
    phase_s: float = setup["phase_s"]
    phases = len(setup["capacities"])
    most: float = max(*(tick["per_s"] for tick in course), *found["best"], 1.0)
    most_out = max(64, *(tick["out"] for tick in course))

    def x(at_s: float) -> float:
        return GAP + at_s / (phase_s * phases) * WIDE

    def y(value: float, of: float) -> float:
        return top + HIGH * (1 - value / of)

    def parts() -> Iterator[str]:
        yield f'<rect x="{GAP}" y="{top}" width="{WIDE}" height="{HIGH}" fill="none" stroke="#ccc"/>'
        yield f'<text x="{GAP}" y="{top - 6}">a server that {name} what is beyond its capacity</text>'
        for phase, (capacity, best) in enumerate(zip(setup["capacities"], found["best"], strict=True)):
            begin, end, level = x(phase * phase_s), x((phase + 1) * phase_s), y(best, most)
            yield _line(begin, level, end, level, BEST, 'stroke-dasharray="6 4"')
            yield f'<text x="{begin + 4:.0f}" y="{top + HIGH + 15}">capacity {capacity}</text>'
        for colour, column, of in ((OUT, "out", most_out), (OURS, "per_s", most)):
            for one, two in pairwise(course):
                yield _line(x(one["at_s"]), y(one[column], of), x(two["at_s"]), y(two[column], of), colour)
        for n, (colour, text) in enumerate(
            ((OURS, f"answers/s, to {most:.0f}"), (BEST, "best fixed width"), (OUT, f"requests out, to {most_out:.0f}"))
        ):
            yield f'<text x="{GAP + 200 + n * 160}" y="{top + HIGH + 32}" fill="{colour}">{text}</text>'

    return "".join(parts())


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="1.5" {more}/>'
