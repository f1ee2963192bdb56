"""Several workers on one fleet, as a table in Markdown."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tables import measured

NAME = "distributed"
"""Of the benchmark, and of its results."""

HEAD = (
    "workers",
    "database in",
    "wall s",
    "requests/s",
    "of a key's rate: least, median",
    "worst second, of the bound",
    "requests seen / counted",
    "CPU s: workers, Postgres",
    "companies/s",
    "leases/s",
    "transactions/s",
    "nothing to do: companies/s",
    "CPU ms a company: workers, Postgres",
)


def render_distributed(folder: Path) -> str:
    """Return the table; empty when it was not measured."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    fleet, size, runs = found["fleet"], found["size"], found["runs"]
    rates = f"{fleet['keys']} API keys of {fleet['slowest']} to {fleet['fastest']} requests/s"
    told = (
        f"`scripts/bench {NAME}` · {fleet['companies']} companies of {runs[0]['rows'] // fleet['companies']} rows on"
        f" average in pages of {fleet['page_size']}, {fleet['new_rows']} of them new; {rates}, {sum(fleet['rates'])} in"
        f" all; answers {found['latency_s'] * 1000:.0f} ms late; {found['jobs']} companies at a time in each worker;"
        f" server, workers and Postgres on one machine, whose disk takes {found['disk_ms']:.1f} ms for a commit"
    )
    lines = [told, "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *map(_line, runs)]
    sizes = (
        f"In Postgres: {size['bytes_a_row']:,.0f} bytes for each row after its first load, with all indexes and what"
        f" was done; {size['bytes_a_run']:,.0f} bytes for each later run of a company that finds nothing to do."
    )
    return "\n\n".join([measured(found["machine"]), "\n".join(lines), sizes])


def _line(run: dict[str, Any]) -> str:
    busy_s, keys = run["busy_s"], run["keys"].values()
    shares = [key["share"] for key in keys]
    worst = max(keys, key=lambda key: key["worst"] / key["most"])
    exact = "equal" if run["requests"] == run["counted"] else "**differ**"
    load, nothing, companies = run["load"], run["nothing"], run["companies"]
    idle_ms = [1000 * nothing[name] / companies for name in ("workers_cpu_s", "postgres_cpu_s")]
    cells = (
        f"{run['workers']}",
        run["place"],
        f"{busy_s:.1f}",
        f"{run['requests'] / busy_s:.0f}",
        f"{min(shares):.1%}, {median(shares):.1%}",
        f"{worst['worst']} of {worst['most']:g}",
        f"{run['requests']:,} / {run['counted']:,}: {exact}",
        f"{load['workers_cpu_s']:.1f}, {load['postgres_cpu_s']:.1f}",
        f"{companies / busy_s:.1f}",
        f"{load['leases'] / busy_s:.1f}",
        f"{load['transactions'] / busy_s:.0f}",
        f"{companies / nothing['seconds']:.0f}",
        f"{idle_ms[0]:.1f}, {idle_ms[1]:.1f}",
    )
    return f"| {' | '.join(cells)} |"
