"""Results as plots, SVG and PNG, beside their JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.distributed_plot import draw_distributed
from benchmarks.headline_plot import draw_headline
from benchmarks.measure import FLOOR, load
from benchmarks.tables import TITLES

OURS, THEIRS, BASE, LIMIT = "#1f6f50", "#b0b7bf", "#4a6fa5", "#c0392b"

mpl.rcParams["svg.hashsalt"] = "dimsync"  # the same picture is the same file


def draw(folder: Path) -> None:
    """Draw what there are results for."""
    if (headline := draw_headline(folder)) is not None:
        _save(headline, folder, "headline")
    if (workers := draw_distributed(folder)) is not None:
        _save(workers, folder, "distributed")
    if (folder / "economy.json").exists():
        _economy(folder)
    for name, figure in (("full-listing", "cpu_s"), ("latency-20ms", "wall_s")):
        if (folder / f"{name}.json").exists():
            _bars(folder, name, figure)
    if (folder / "limits.json").exists():
        _widths(folder)
    axes = [path.stem.removeprefix("growth-") for path in sorted(folder.glob("growth-*.json"))]
    if axes:
        _growth(folder, axes)


def _save(figure: Any, folder: Path, name: str) -> None:
    figure.tight_layout()
    for ending in ("svg", "png"):
        figure.savefig(folder / f"{name}.{ending}", dpi=120, metadata={"Date": None} if ending == "svg" else None)
    plt.close(figure)


def _economy(folder: Path) -> None:
    """Draw the headline: requests of each day of a month, against the quota."""
    found = json.loads((folder / "economy.json").read_text(encoding="utf-8"))
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    for panel, name in zip(panels, ("daily", "hourly"), strict=True):
        month = found[name]
        days = range(1, len(month["ours"]) + 1)
        panel.plot(days, [month["theirs_20"]] * len(days), color=THEIRS, linestyle="--", label="no ledger, pages of 20")
        panel.plot(days, [month["theirs_100"]] * len(days), color=THEIRS, label="no ledger, pages of 100")
        panel.plot(days, month["ours"], color=OURS, linewidth=2.5, label="dimsync")
        panel.axhline(found["quota"], color=LIMIT, linewidth=1, label="quota of the API key")
        panel.set_yscale("log")
        panel.set_title(f"{month['companies']} companies of {month['rows']} rows, synced {name}")
        panel.set_xlabel("day")
    panels[0].set_ylabel("requests a day")
    panels[1].legend(loc="best", fontsize=8)
    _save(figure, folder, "economy")


def _bars(folder: Path, name: str, wanted: str) -> None:
    """Draw a workload's programs as bars with their spread."""
    result = load(folder / f"{name}.json")
    programs = result.programs
    spreads = [result.spread(program, lambda run: float(getattr(run, wanted))) for program in programs]
    medians = [spread.median for spread in spreads]
    errors = [
        [spread.median - spread.least for spread in spreads],
        [spread.most - spread.median for spread in spreads],
    ]
    colours = [BASE if program == FLOOR else OURS if program.startswith("ours") else THEIRS for program in programs]
    figure, panel = plt.subplots(figsize=(8, 0.5 * len(programs) + 1.4))
    titles = [TITLES[program].replace("*", "") for program in programs]
    bars = panel.barh(titles, medians, xerr=errors, color=colours, capsize=3)
    panel.bar_label(bars, fmt="%.2f", padding=6, fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel({"cpu_s": "processor seconds, whole process", "wall_s": "seconds, whole process"}[wanted])
    panel.set_title(result.workload.title, fontsize=10)
    _save(figure, folder, name)


def _growth(folder: Path, axes: list[str]) -> None:
    """Draw the growth curves: cost a row where something grows, time where the network is slow."""
    figure, panels = plt.subplots(1, len(axes), figsize=(3.6 * len(axes), 3.4), squeeze=False)
    for panel, axis in zip(panels[0], axes, strict=True):
        points = json.loads((folder / f"growth-{axis}.json").read_text(encoding="utf-8"))["points"]
        figure_of = "us_row" if axis in {"rows", "companies"} else "wall_s"
        for program, colour in ((FLOOR, BASE), ("ours", OURS)):
            heights = [point[program][figure_of] for point in points]
            label = "floor" if program == FLOOR else "dimsync"
            panel.plot([point["at"] for point in points], heights, "o-", color=colour, label=label)
        unit = {"rows": "rows a company", "latency": "latency, ms", "concurrency": "requests in flight"}
        panel.set_xlabel(unit.get(axis, axis))
        panel.set_ylabel("CPU us a row" if figure_of == "us_row" else "wall s")
        panel.set_ylim(bottom=0)
        panel.legend(fontsize=8)
    _save(figure, folder, "growth")


def _widths(folder: Path) -> None:
    """Draw the course of the adaptive width, against the best fixed one of each phase."""
    found = json.loads((folder / "limits.json").read_text(encoding="utf-8"))["widths"]
    figure, panels = plt.subplots(len(found), 1, figsize=(9, 3 * len(found)), sharex=True, squeeze=False)
    for panel, (name, each) in zip(panels[:, 0], found.items(), strict=True):
        phase_s, course = each["setup"]["phase_s"], each["runs"]["adaptive"]["course"]
        times = [tick["at_s"] for tick in course]
        for phase, (capacity, best) in enumerate(zip(each["setup"]["capacities"], each["best"], strict=True)):
            begin, end, label = phase * phase_s, (phase + 1) * phase_s, "" if phase else "best fixed width"
            panel.hlines(best, begin, end, colors=LIMIT, linestyles="--", label=label)
            panel.text(begin + 0.1, 4, f"capacity {capacity}", fontsize=8)
        panel.plot(times, [tick["per_s"] for tick in course], color=OURS, label="dimsync, answers a second")
        panel.plot([], [], color=BASE, linewidth=1, label="requests out (right)")
        out = panel.twinx()
        out.step(times, [tick["out"] for tick in course], color=BASE, linewidth=1, where="post")
        out.set_ylim(0, 80)
        panel.set_ylim(bottom=0)
        panel.set_title(f"a server that {name} what is beyond its capacity", fontsize=10)
    panels[-1, 0].set_xlabel("s")
    panels[0, 0].legend(fontsize=8, loc="lower right")
    _save(figure, folder, "limits")
