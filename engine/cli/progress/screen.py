"""The screen of a run that is under way. Pure: how the run stands goes in, lines come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from engine.cli.desk.gravity import rank
from engine.cli.desk.grouping import CALM
from engine.cli.desk.kinds import KIND_CELLS
from engine.cli.progress.words import (
    clock_words,
    kind_of,
    left_words,
    request_figures,
    rows_figures,
    trouble_words,
    waits,
    work_words,
)
from engine.observe.terminal import brief
from engine.observe.view import View

LABEL = 9
"""Cells of the word in front of a section."""

LONGEST_BAR = 60
SHORTEST_BAR = 6
"""Cells of the bar; where fewer are left, there is none."""

LONGEST_TITLE = 24

ASCII = str.maketrans({"━": "=", "╸": ">", "─": "-", "·": "-", "…": "~"})
"""Stand-ins for characters that some terminals cannot show."""


class Line(NamedTuple):
    """A line of the screen. `style`: a colour or "bold"; empty: plain."""

    text: str
    style: str = ""


class _Section(NamedTuple):
    """Lines behind a word."""

    label: str
    lines: Sequence[Line]
    total: int  # lines, if all were there
    most: int  # lines that are shown


def screen(view: View, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Return the lines, each of `width` cells at most, and fewer than `height`.

    Where there is too little room, the last sections lose lines first: companies at work, trouble, who waits.
    """
    if not view.companies:
        lines = [Line(f"{brief(view.title, LONGEST_TITLE)}  {clock_words(view.elapsed_s)}, opening the ledger", "bold")]
    else:
        lines = [Line(_head(view, width), "bold"), *map(Line, _figures(view, width))]
    for section in _sections(view, width - LABEL):
        lines += _shown(section, height - 1 - len(lines))
    texts = [line.text.translate(ASCII) if ascii_only else line.text for line in lines]
    cut = "~" if ascii_only else "…"
    return [Line(_fit(text, width, cut), line.style) for text, line in zip(texts, lines, strict=True)][: height - 1]


def _head(view: View, width: int) -> str:
    """Return the title, a bar, the share of the work that is done, the time that it took, and what it still takes."""
    title = brief(view.title, LONGEST_TITLE)
    left = "" if view.left_s is None else f", {left_words(view.left_s)}"
    end = f"{int(view.share * 100)}%  {clock_words(view.elapsed_s)}{left}"
    cells = min(LONGEST_BAR, width - cell_len(title) - len(end) - 4)
    return f"{title}  {end}" if cells < SHORTEST_BAR else f"{title}  {_bar(view.share, cells)}  {end}"


def _bar(share: float, cells: int) -> str:
    full = int(share * cells)
    return "━" * full + ("╸" + "─" * (cells - full - 1) if full < cells else "")


def _figures(view: View, width: int) -> list[str]:
    return [*_flow(rows_figures(view), width), *_flow(request_figures(view), width)]


def _flow(parts: Iterable[str], width: int) -> list[str]:
    """Return the parts in lines, as many in each as fit."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + 3 + cell_len(part) <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines


def _sections(view: View, cells: int) -> Iterator[_Section]:
    waiting = [Line(text, colour) for text, colour in waits(view)]
    yield _Section("waits", waiting, len(waiting), 5)
    grave = sorted((one for one in view.troubles if one.gravity not in CALM), key=lambda one: rank(one.gravity))
    told = [Line(f"{kind_of(one)[0]:<{KIND_CELLS}} {trouble_words(one)}", kind_of(one)[1]) for one in grave]
    yield _Section("trouble", told, len(told), 8)
    yield _Section("at work", [Line(work_words(one, cells)) for one in view.at_work], view.begun, 4)
    if view.companies and view.finished == view.companies:
        yield _Section("at work", [Line("writing down how the run ended")], 1, 1)


def _shown(section: _Section, room: int) -> list[Line]:
    """Return a section in `room` lines at most; the last of too many says how many more there are."""
    most = min(section.most, room)
    if not section.total or most < 1:
        return []
    lines = list(section.lines[:most])
    if section.total > len(lines):
        lines = lines[: most - 1]
        lines.append(Line(f"and {section.total - len(lines):,} more" if lines else f"{section.total:,}"))
    labels = [section.label, *[""] * (len(lines) - 1)]
    return [Line(f"{name:<{LABEL}}{line.text}", line.style) for name, line in zip(labels, lines, strict=True)]


def _fit(text: str, width: int, cut: str) -> str:
    """Return the text in `width` cells at most; a longer text is cut and ends with `cut`."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + cut
