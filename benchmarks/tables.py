"""Results as tables in Markdown, written between the markers of README.md, so that figures are never typed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import FLOOR, Result, Spread, load, without_ledger_writes, work_cpu
from benchmarks.workloads import AXES, WORKLOADS

README = Path(__file__).with_name("README.md")
MIB = 2**20

MODELS = {"bucket": "token bucket", "fixed": "fixed window", "sliding": "sliding window"}

TITLES = {
    "floor": "floor (aiohttp + orjson)",
    "ours": "**dimsync**, library",
    "ours_command": "**dimsync**, command",
    "requests_loop": "requests, sequential",
    "requests_threads": "requests, 16 threads",
    "httpx_gather": "httpx + gather",
    "dlt_destination": "dlt destination",
    "singer_pipe": "Singer SDK",
}


def render(folder: Path) -> str:
    """Return all tables of the results in a folder."""
    parts = [_machine(folder)]
    for workload in WORKLOADS:
        path = folder / f"{workload.name}.json"
        if path.exists():
            parts.append(table(load(path)))
    parts += [_growth(folder, axis) for axis in AXES if (folder / f"growth-{axis}.json").exists()]
    if (folder / "economy.json").exists():
        parts.append(_economy(json.loads((folder / "economy.json").read_text(encoding="utf-8"))))
    return "\n\n".join(part for part in parts if part)


def render_limits(folder: Path) -> str:
    """Return the tables of how closely a server's limits are kept; empty when they were not measured."""
    path = folder / "limits.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    return f"{measured(found['machine'])}\n\n{_rates(found['rates'])}\n\n{_widths(found['widths'])}"


def update_readme(sections: Mapping[str, str]) -> None:
    """Put tables into the README, between the markers of their sections."""
    text = README.read_text(encoding="utf-8")
    for name, tables in sections.items():
        begin, end = f"<!-- {name}: written by scripts/bench -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n\n{tables}\n\n{end}{after}"
    README.write_text(text, encoding="utf-8")


def table(result: Result) -> str:
    """Return one workload's table."""
    work = result.workload
    rows = work.shape.wanted
    has_floor = FLOOR in result.programs
    told = (
        f"`scripts/bench {work.name}` · {rows:,} wanted rows, pages of {work.page_size}, chunks of {work.chunk_rows}, "
        f"{work.concurrency} requests in flight, {work.latency_s * 1000:g} ms latency · {len(result.rounds)} rounds, "
        "median (least to most)"
    )
    lines = [
        f"### {work.title}",
        "",
        told,
        "",
        "| program | requests | wall s | CPU s | us/row | CPU, x floor | wall, x floor | peak MiB | first request s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for program in result.programs:
        cells = [
            TITLES[program],
            f"{_requests(result, program):,.0f}",
            cell(result.spread(program, lambda run: run.wall_s)),
            cell(result.spread(program, lambda run: run.cpu_s)),
            cell(result.spread(program, lambda run: work_cpu(run) / rows * 1e6)),
            cell(result.ratio(program, lambda run: run.cpu_s)) if has_floor else "",
            cell(result.ratio(program, lambda run: run.wall_s)) if has_floor else "",
            f"{result.spread(program, lambda run: run.report['peak_bytes'] / MIB).median:.0f}",
            _first(result, program),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_ours(result)])


def _ours(result: Result) -> Iterable[str]:
    """Yield figures that only our program has: the ledger's share, and the longest stall."""
    if "ours" not in result.programs:
        return
    rows = result.workload.shape.wanted
    pushed = result.rounds[0]["ours"].report["pushed"]
    yield ""
    said = []
    if FLOOR in result.programs:
        ratio = result.ratio("ours", without_ledger_writes)
        own = result.spread("ours", lambda run: without_ledger_writes(run) / rows * 1e6)
        said.append(f"without start-up and ledger writes {cell(own)} us a row, {cell(ratio)} x floor")
    if pushed:
        cost = result.spread("ours", lambda run: run.report["ledger_write_s"] / pushed * 1e6)
        said.append(f"ledger writes {cell(cost)} us of CPU a pushed row ({pushed:,} pushed)")
    speed = result.spread("ours", lambda run: sum(run.requests.values()) / run.report["work_wall_s"])
    said.append(f"{speed.median:,.0f} requests/s ({speed.least:,.0f} to {speed.most:,.0f})")
    memory = result.spread("ours", lambda run: (run.report["peak_bytes"] - run.report["ready_bytes"]) / rows)
    if result.workload.shape.companies == 1:
        said.append(f"memory above the start {memory.median:.0f} B a row")
    if "ours_watched" in result.rounds[0]:
        stall = result.spread("ours_watched", lambda run: run.report["longest_stall_s"] * 1000)
        said.append(f"longest stall of the event loop {cell(stall)} ms")
    yield f"dimsync as a library: {'; '.join(said)}."


def _growth(folder: Path, axis: str) -> str:
    points = json.loads((folder / f"growth-{axis}.json").read_text(encoding="utf-8"))["points"]
    unit = {"latency": "ms", "concurrency": "in flight"}.get(axis, axis)
    head = f"### Growth of {axis}\n\n`scripts/bench growth` · median of {points[0]['runs']} rounds\n\n"
    lines = [
        f"| {unit} | wanted rows | floor us/row | dimsync us/row | floor wall s | dimsync wall s |",
        "|---|---|---|---|---|---|",
    ]
    for point in points:
        cells = [point["floor"]["us_row"], point["ours"]["us_row"], point["floor"]["wall_s"], point["ours"]["wall_s"]]
        lines.append(f"| {point['at']:g} | {point['rows']:,} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return head + "\n".join(lines)


def _economy(found: dict[str, Any]) -> str:
    told = (
        "`scripts/bench economy` · ours counted by the server over simulated days, theirs by formula (list all"
        " companies in each sync, send a chunk for each that changed); tokens left out on both sides"
    )
    columns = ("", "syncs a day", "no ledger, pages of 20", "no ledger, pages of 100")
    own = ("**dimsync**, mean day", "dimsync, largest day", "quota")
    lines = [
        "### Requests of a month",
        "",
        told,
        "",
        f"| {' | '.join((*columns, *own))} |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in ("daily", "hourly"):
        month = found[name]
        ours = month["ours"]
        lines.append(
            f"| {name}, {month['companies']} companies of {month['rows']} rows | {month['syncs_a_day']} "
            f"| {month['theirs_20']:,} | {month['theirs_100']:,} | **{sum(ours) / len(ours):,.0f}** | {max(ours):,} "
            f"| {found['quota']:,} |"
        )
    return "\n".join(lines)


def _rates(measured: list[dict[str, Any]]) -> str:
    """Return a line for each rate and number of companies, with a pair of columns for each way to count a rate."""
    rounds = len(measured[0]["runs"])
    models = list(dict.fromkeys(row["model"] for row in measured))
    cells = {(row["rate"], row["companies"], row["model"]): _reached(row["runs"]) for row in measured}
    head = " | ".join(f"{MODELS[model]} | 429" for model in models)
    told = (
        f"`scripts/bench limits` · share of the permitted rate that was answered, median of {rounds} runs (least to"
        " most); share of the requests that were answered 429, the worst run"
    )
    lines = [
        told,
        "",
        f"| requests/s | companies | {head} |",
        f"|{'---|' * (2 + 2 * len(models))}",
    ]
    for rate, companies in dict.fromkeys((row["rate"], row["companies"]) for row in measured):
        columns = " | ".join(cells[rate, companies, model] for model in models)
        lines.append(f"| {rate:,} | {companies} | {columns} |")
    return "\n".join(lines)


def _reached(runs: list[dict[str, float]]) -> str:
    reached = Spread.of([run["reached"] for run in runs])
    refused = max(run["refused"] for run in runs)
    return f"{reached.median:.1%} ({reached.least:.1%} to {reached.most:.1%}) | {refused:.2%}"


def _widths(found: dict[str, Any]) -> str:
    """Return answers a second in each phase, by number of requests out at once, from servers that queue or shed."""
    setup = found["queues"]["setup"]
    told = (
        f"Answers a second from a server that works on {', then '.join(map(str, setup['capacities']))} requests at"
        f" once, {setup['work_s']:g} s each, for {setup['phase_s']:g} s each time, of which the first"
        f" {found['queues']['settled_s']:g} do not count"
    )
    phases = " | ".join(map(str, setup["capacities"]))
    head = " | ".join(f"{name}: {phases} | 503" for name in found)
    lines = [told, "", f"| requests out | {head} |", f"|{'---|' * (1 + len(found) * (len(setup['capacities']) + 1))}"]
    for width in found["queues"]["runs"]:
        rates = " | ".join(
            f"{' | '.join(f'{rate:.0f}' for rate in run['settled'])} | {run['refused']:.1%}"
            for run in (each["runs"][width] for each in found.values())
        )
        lines.append(f"| {'**adaptive**' if width == 'adaptive' else width} | {rates} |")
    shares = " | ".join(f"{' | '.join(f'{share:.0%}' for share in each['share_of_best'])} |" for each in found.values())
    return "\n".join([*lines, f"| adaptive, of the best fixed | {shares} |"])


def _machine(folder: Path) -> str:
    path = next(iter(sorted(folder.glob("*.json"))), None)
    machine = json.loads(path.read_text(encoding="utf-8")).get("machine", {}) if path else {}
    if not machine:
        return ""
    text = measured(machine)
    capacity = folder / "capacity.json"
    if capacity.exists():
        server = json.loads(capacity.read_text(encoding="utf-8"))
        text += (
            f"\n\nThe server alone, hammered by a client of raw bytes: {server['pages_per_s']:,.0f} pages of 100 rows a"
            f" second, or {server['chunks_per_s']:,.0f} chunks of 100."
        )
    return text


def measured(machine: dict[str, Any]) -> str:
    """Return a line about when, on what and with which versions something was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    text = f"{machine['cores']} cores, {machine['processor']}, {machine['system']}; {machine['python']}; {versions}."
    return f"Measured {machine['measured_at'][:10]} at commit {machine['commit']}: {text}"


def _requests(result: Result, program: str) -> float:
    return result.spread(program, lambda run: sum(run.requests.values())).median


def _first(result: Result, program: str) -> str:
    firsts = [run for runs in result.rounds if (run := runs[program].first_request_s) is not None]
    return f"{Spread.of(firsts).median:.2f}" if firsts else "none sent"


def cell(spread: Spread) -> str:
    """Return a figure with its spread, in as many digits as it deserves."""
    digits = 2 if spread.median < 10 else 1 if spread.median < 100 else 0
    return f"{spread.median:.{digits}f} ({spread.least:.{digits}f} to {spread.most:.{digits}f})"
