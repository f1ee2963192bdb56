"""Several workers on one fleet as a picture: requests of each second, and what each key sent of its rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from benchmarks.distributed_tables import NAME

COLOURS = ("#b0b7bf", "#4a6fa5", "#1f6f50")
LIMIT = "#c0392b"


def draw_distributed(folder: Path) -> Any:
    """Return the figure; None where it was not measured."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    figure, (course, keys) = plt.subplots(1, 2, figsize=(11, 4))
    course.axhline(sum(found["fleet"]["rates"]), color=LIMIT, linewidth=1, label="all keys' rates together")
    in_memory = [run for run in found["runs"] if run["place"] == "memory"]
    for run, colour in zip(in_memory, COLOURS, strict=False):
        label = f"{run['workers']} workers" if run["workers"] > 1 else "1 worker"
        course.plot(run["course"], color=colour, label=label)
        shares = [100 * key["share"] for key in run["keys"].values()]
        keys.plot(range(1, len(shares) + 1), shares, "o-", color=colour, label=label)
    course.set_xlabel("s")
    course.set_ylabel("requests in each second")
    course.set_ylim(bottom=0)
    course.legend(fontsize=8, loc="lower left")
    keys.axhline(90, color=LIMIT, linewidth=1, linestyle="--", label="90 %")
    keys.set_ylim(0, 105)
    keys.set_xlabel("API key, slowest first")
    keys.set_ylabel("sent, % of its rate")
    keys.legend(fontsize=8, loc="lower left")
    return figure
