"""The headline as a picture: what each program asks of the API in a month of days, and how long a night takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.patches import Patch

from benchmarks.headline import MONTH
from benchmarks.headline_tables import month_of, title_of
from benchmarks.measure import FLOOR, Result, load
from benchmarks.workloads import HEADLINES

OURS, THEIRS, BASE = "#1f6f50", "#b0b7bf", "#4a6fa5"
SHADES = (0.4, 0.7, 1.0)
"""How strong each workload's bars are, in the workloads' order."""

LABELS = ("nothing changed", "1 % changed", "verification: all listed")
HEIGHT = 0.27

Value = Callable[[Result, str], float]


def draw_headline(folder: Path) -> Any:
    """Return the figure; None where not all three workloads were measured."""
    paths = [folder / f"{each.name}.json" for each in HEADLINES]
    if not all(path.exists() for path in paths):
        return None
    results = [load(path) for path in paths]
    month = folder / f"{MONTH}.json"
    months = json.loads(month.read_text(encoding="utf-8")) if month.exists() else {}
    figure, panels = plt.subplots(1, 3, figsize=(12, 5.2), sharey=True)
    _bars(panels[0], results, lambda result, program: month_of(result, program, months))
    panels[0].set_title("requests in 30 such days", fontsize=10)
    _bars(panels[1], results, lambda result, program: result.spread(program, lambda run: run.wall_s / run.share).median)
    panels[1].set_title("seconds a night (ten times as many a line)", fontsize=10)
    panels[1].set_xscale("log")
    panels[1].grid(axis="x", linewidth=0.4)
    panels[0].xaxis.set_major_formatter("{x:,.0f}")
    panels[1].xaxis.set_major_formatter("{x:,.0f}")
    _bars(panels[2], results, lambda result, program: result.spread(program, lambda run: run.cpu_s / run.share).median)
    panels[2].set_title("processor seconds a night", fontsize=10)
    shown = [Patch(color=THEIRS, alpha=shade, label=label) for shade, label in zip(SHADES, LABELS, strict=True)]
    figure.legend(handles=shown, fontsize=8, loc="upper left", frameon=False)
    size = results[0].workload.shape
    title = (
        f"{len(size.accounts)} client accounts, {size.companies} companies, {size.wanted:,} rows; TLS, 40 ms latency"
    )
    figure.suptitle(title, fontsize=11)
    return figure


def _bars(panel: Any, results: list[Result], value: Value) -> None:
    """Draw a group of bars for each program, with one for each workload."""
    programs = results[0].programs
    for turn, (result, shade) in enumerate(zip(results, SHADES, strict=True)):
        places = [place + (turn - 1) * HEIGHT for place in range(len(programs))]
        values = [value(result, program) for program in programs]
        bars = panel.barh(places, values, HEIGHT, color=[_colour(each) for each in programs], alpha=shade)
        panel.bar_label(bars, labels=[_short(each) for each in values], padding=2, fontsize=6)
    panel.set_yticks(range(len(programs)), [title_of(results[0], each).replace("*", "") for each in programs])
    if not panel.yaxis_inverted():
        panel.invert_yaxis()
    panel.margins(x=0.15)


def _colour(program: str) -> str:
    return BASE if program == FLOOR else OURS if program.startswith("ours") else THEIRS


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
