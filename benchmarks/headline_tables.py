"""The headline's tables: what each program asks of the API first, then what it costs to run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.economy import QUOTA
from benchmarks.headline import DAYS, MONTH
from benchmarks.launch import Run
from benchmarks.measure import FLOOR, WATCHED, Result, Spread, load
from benchmarks.tables import MIB, TITLES, cell, measured
from benchmarks.workloads import HEADLINES

NONE = "-"

LISTERS = ("requests_threads", "httpx_gather", "requests_loop")
"""Programs without a ledger that the summary tells of: each lists every company every day."""

HEADS = (
    "program",
    "requests a day",
    "in 30 such days",
    f"busiest key's day, of {QUOTA:,}",
    "wall s",
    "CPU s",
    "CPU, x floor",
    "peak MiB",
    "loop late by ms, p99.9",
    "at most",
)


def render_headline(folder: Path) -> str:
    """Return the headline's tables, one for each of its workloads; empty where none was measured."""
    results = [load(path) for each in HEADLINES if (path := folder / f"{each.name}.json").exists()]
    if not results:
        return ""
    path = folder / f"{MONTH}.json"
    months = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tables = (headline_table(each, months) for each in results)
    return "\n\n".join([measured(results[0].machine), summary(results, months), *tables])


def summary(results: list[Result], months: dict[str, Any]) -> str:
    """Return a sentence for each workload: ours beside a program that lists everything, and beside the floor."""
    return "\n".join(_sentence(each, months) for each in results if {FLOOR, "ours", *LISTERS} <= set(each.programs))


def _sentence(result: Result, months: dict[str, Any]) -> str:
    ours, theirs = (month_of(result, program, months) for program in ("ours", LISTERS[0]))
    beside = [f"{result.ratio('ours', _cpu, peer).median:.2g} x that of {title_of(result, peer)}" for peer in LISTERS]
    wall = [
        f"{result.spread(program, _wall).median:,.0f} s ({title_of(result, program).replace('*', '')})"
        for program in ("ours", *LISTERS)
    ]
    return (
        f"- **{result.workload.title}**: {ours:,.0f} requests in 30 such days, where a program without a ledger sends"
        f" {theirs:,.0f} ({ours / theirs:.0%}). A night takes {', '.join(wall)}. dimsync uses"
        f" {result.ratio('ours', _cpu).median:.2g} x the CPU of the floor, {', '.join(beside)}; it holds"
        f" {result.spread('ours', _peak).median:.0f} MiB, and its event loop was late by at most"
        f" {_longest(result):.0f} ms."
    )


def _longest(result: Result) -> float:
    watched = f"ours{WATCHED}"
    return max((runs[watched].report["longest_stall_s"] * 1000 for runs in result.rounds if watched in runs), default=0)


def _wall(run: Run) -> float:
    return run.wall_s / run.share


def _cpu(run: Run) -> float:
    return run.cpu_s / run.share


def _peak(run: Run) -> float:
    return float(run.report["peak_bytes"]) / MIB


def headline_table(result: Result, months: dict[str, Any]) -> str:
    """Return one workload's table. `months`: what `benchmarks.headline` has found, if it was run."""
    work = result.workload
    rounds = len(result.rounds)
    told = (
        f"`scripts/bench {work.name}` · {len(work.shape.accounts)} accounts, {work.shape.companies} companies,"
        f" {work.shape.wanted:,} rows; TLS, {work.latency_s * 1000:g} ms latency · median (least to most) of {rounds}"
        f" round{'s' if rounds > 1 else ''}"
    )
    lines = [f"### {work.title}", "", told, "", f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    lines += [f"| {' | '.join(_cells(result, program, months.get(work.name)))} |" for program in result.programs]
    return "\n".join([*lines, *_part(result)])


def title_of(result: Result, program: str) -> str:
    """Return a program's title, with as many threads as it had."""
    return TITLES[program].replace("16", str(result.workload.concurrency))


def day_of(result: Result, program: str) -> float:
    """Return the requests of a program on one such day, of the whole fleet."""
    return result.spread(program, lambda run: sum(run.requests.values()) / run.share).median


def month_of(result: Result, program: str, months: dict[str, Any]) -> float:
    """Return the requests of thirty such days; ours as they were counted, where the days were simulated."""
    found = months.get(result.workload.name)
    if found and program.startswith("ours"):
        return float(sum(found["total"]) / len(found["total"]) * DAYS)
    return day_of(result, program) * DAYS


def _cells(result: Result, program: str, counted: dict[str, Any] | None) -> Iterator[str]:
    """Yield a program's line. `counted`: the days of a month with ours."""
    months = {result.workload.name: counted} if counted else {}
    title = title_of(result, program)
    yield f"{title} *" if _is_sampled(result, program) else title
    yield f"{day_of(result, program):,.0f}"
    yield f"{month_of(result, program, months):,.0f}"
    yield _busiest(result, program, counted)
    yield cell(result.spread(program, _wall))
    yield cell(result.spread(program, _cpu))
    yield cell(result.ratio(program, _cpu)) if FLOOR in result.programs else ""
    yield f"{result.spread(program, _peak).median:.0f}"
    yield from _lateness(result, f"{program}{WATCHED}")


def _busiest(result: Result, program: str, counted: dict[str, Any] | None) -> str:
    """Return the most requests of one key on one day; nothing where the busiest key may not have been measured."""
    if _is_sampled(result, program):
        return NONE
    keys = [runs[program].busiest_key for runs in result.rounds]
    if counted and program.startswith("ours"):
        keys += counted["busiest_key"]
    return f"{max(keys):,} ({max(keys) / QUOTA:.1%})"


def _lateness(result: Result, watched: str) -> Iterator[str]:
    for name in ("p999_stall_s", "longest_stall_s"):
        runs = [runs[watched] for runs in result.rounds if watched in runs]
        yield cell(Spread.of([run.report[name] * 1000 for run in runs])) if runs else NONE


def _is_sampled(result: Result, program: str) -> bool:
    return result.rounds[0][program].share < 1


def _part(result: Result) -> Iterator[str]:
    """Yield the note to the star: which programs ran on a part of the fleet only, and how long that took."""
    sampled = [program for program in result.programs if _is_sampled(result, program)]
    if not sampled:
        return
    share = result.rounds[0][sampled[0]].share
    took = ", ".join(f"{TITLES[program]} {_took(result, program)}" for program in sampled)
    yield ""
    yield (
        f"\\* sends one request after another. It was run on {share:.1%} of the rows; requests, wall and CPU are scaled"
        f" up to the whole fleet. What was measured: {took}."
    )


def _took(result: Result, program: str) -> str:
    def wall(run: Run) -> float:
        return run.wall_s

    def asked(run: Run) -> float:
        return sum(run.requests.values())

    return f"{asked(result.rounds[0][program]):,.0f} requests in {cell(result.spread(program, wall))} s"
