"""The benchmarks work: floor and engine leave the same rows behind, and the counters count."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from benchmarks import exports, hostile
from benchmarks.data import Shape, base_rows, credentials, wanted_rows
from benchmarks.distributed_tables import render_distributed
from benchmarks.economy import Month
from benchmarks.figures import render_figures
from benchmarks.headline import CHANGING, calendar, month
from benchmarks.headline_tables import LISTERS, headline_table, month_of, summary
from benchmarks.lateness import lateness, render_stalls, stalled
from benchmarks.launch import Ended, ProgramFailed, Run, Server, launch, serving, surroundings
from benchmarks.measure import Result, Spread, load, measure
from benchmarks.readers import ours, ours_alone
from benchmarks.readers.hostile import look
from benchmarks.reading import WITHOUT
from benchmarks.reading_tables import render_reading
from benchmarks.request_cost import IN_FLIGHT, KINDS, LAYERS, Measure
from benchmarks.server import Api
from benchmarks.speed import c_calls, compare, instructions
from benchmarks.stage import Stage, must_have_left
from benchmarks.stalls import MOST, SERVICE, Figures, beyond, cases, measured_enough
from benchmarks.tables import render_limits, table
from benchmarks.ticks import Ticks, counted, p999_ms
from benchmarks.workloads import ACCOUNTS, FULL_LISTING, HEADLINES
from tests.nursery import ROOT, Nursery

RESULTS = ROOT / "benchmarks/results"


@pytest.fixture(scope="module")
def server(nursery: Nursery) -> Iterator[Server]:
    """One server for all tests. Programs are forked, but for the floor: what it trusts is settled by an import."""

    def forked(module: str, *words: str, env: Mapping[str, str], out: Path, errors: Path) -> Ended:
        if module == "benchmarks.programs.floor":
            return launch(module, *words, env=env, out=out, errors=errors)
        env = {"SSL_CERT_FILE": os.devnull, **env}  # the machine's certificates take long to load
        with out.open("wb") as stdout, errors.open("wb") as stderr:
            began = monotonic()
            process = nursery.start(module, *words, cwd=ROOT, stdout=stdout, stderr=stderr, env=env)
            return Ended(process.wait(), monotonic() - began, process.cpu_s)

    with serving(forked) as server:
        yield server


def test_the_engine_and_the_floor_leave_the_same_rows_behind(server: Server, tmp_path: Path) -> None:
    quick = replace(FULL_LISTING.quickly(), watches_stalls=False)
    result = measure(quick, server, ["floor", "ours"])  # checks the rows after each program

    runs = result.rounds[0]
    assert runs["floor"].checksum == runs["ours"].checksum
    assert runs["ours"].requests["bulk"] == runs["floor"].requests["bulk"]
    assert runs["ours"].report["pushed"] == 6 * (60 + 30)

    result.save(tmp_path)
    assert load(tmp_path / "full-listing.json").rounds == result.rounds
    assert "dimsync" in table(result)


def test_a_program_is_a_process_of_its_own_and_its_end_is_told(tmp_path: Path) -> None:
    out, errors = tmp_path / "out", tmp_path / "errors"
    words = (json.dumps(Shape(2, 3)), str(tmp_path / "sources"))
    ended = launch("benchmarks.sources", *words, env=surroundings(), out=out, errors=errors)
    assert (ended.code, json.loads(out.read_text())[0], ended.cpu_s > 0) == (0, 6, True)
    again = launch("benchmarks.sources", *words, env=surroundings(), out=out, errors=errors)
    assert (again.code, "FileExistsError" in errors.read_text()) == (1, True)


def test_a_program_that_leaves_other_rows_does_not_count() -> None:
    must_have_left((3, 7), _run(1.0), "it")
    with pytest.raises(ProgramFailed, match="it left other rows than wanted: 3 where 3 should be"):
        must_have_left((3, 8), _run(1.0), "it")


def test_ratios_are_those_within_one_round() -> None:
    rounds = [{"floor": _run(1.0), "ours": _run(2.0)}, {"floor": _run(4.0), "ours": _run(12.0)}]
    result = Result(workload=FULL_LISTING, machine={}, rounds=rounds)
    assert result.ratio("ours", lambda run: run.wall_s) == Spread(2.5, 2.0, 3.0)


def test_accounts_have_one_to_five_companies_of_500_to_2000_rows() -> None:
    shares = [len(companies) for companies in ACCOUNTS.accounts.values()]
    assert (len(shares), min(shares), max(shares), sum(shares)) == (300, 1, 5, 900)
    sizes = [ACCOUNTS.rows_of(company) for company in ACCOUNTS.ids]
    assert 500 <= min(sizes) < 510
    assert 1_990 < max(sizes) <= 2_000
    assert sum(sizes) == ACCOUNTS.wanted == 1_127_570
    keys = {credentials(account)["api_key"] for account in ACCOUNTS.accounts}
    assert len(keys) == 300


NIGHTS = [("headline-changed", ["floor", "ours", "ours_command"], 0), ("headline-verify", ["ours"], 1)]


@pytest.mark.parametrize(("name", "programs", "listed_before"), NIGHTS)
def test_a_fleet_of_many_accounts_is_synced_over_tls_and_within_the_vendors_limits(
    server: Server, tmp_path: Path, name: str, programs: list[str], listed_before: int
) -> None:
    work = next(work for work in HEADLINES if work.name == name).quickly()
    quick = replace(work, watches_stalls=False, watches_peers=False, latency_s=0.0, listed_before=listed_before)
    result = measure(quick, server, programs)

    runs = result.rounds[0]
    accounts, companies = 10, 30
    changed = sum(1 for company in quick.shape.ids if _changes(quick.shape, company))
    pages = sum(-(-quick.shape.rows_of(company) // 100) for company in quick.shape.ids)
    listed = {"headline-changed": companies, "headline-verify": pages}[name]  # a day later, each company is probed
    asked = {"token": accounts, "directory": accounts, "list": listed, "bulk": changed}
    for program in programs:
        assert runs[program].requests == asked | ({"list": pages} if program == "floor" else {})

    result.save(tmp_path)
    assert result.workload.title in headline_table(result, {})
    assert "| peak memory of the process, MiB |" in render_figures(tmp_path)


def _changes(shape: Shape, company: int) -> bool:
    return list(base_rows(shape, company)) != list(wanted_rows(shape, company))


def test_a_company_is_refused_under_another_accounts_key() -> None:
    api = Api()
    shape = Shape(15, 1, shared_out=True)
    stage = {"shape": shape, "filled": True, "latency_s": 0.0, "page_size": 100}
    api.answer(b"POST", b"/_bench/reset", b"", json.dumps(stage).encode())
    listing = b"/v1/dimensions?ottimate_company_id=%d&page=1&limit=100" % shape.ids[0]
    assert b"200 OK" in api.answer(b"GET", listing, b"key-racc_1", b"")
    assert b"403" in api.answer(b"GET", listing, b"key-racc_2", b"")


def test_a_sequential_program_is_scaled_up_from_the_part_of_the_fleet_that_it_was_run_on() -> None:
    work = replace(HEADLINES[0], programs=("floor", "requests_loop"))
    slow = replace(_run(50.0), requests={"list": 1_200}, share=0.1, report={"peak_bytes": 2**20})
    floor = replace(_run(10.0), requests={"list": 12_000}, report={"peak_bytes": 2**20}, busiest_key=66)
    result = Result(workload=work, machine={}, rounds=[{"floor": floor, "requests_loop": slow}])
    text = headline_table(result, {})
    assert "| requests, sequential * | 12,000 | 360,000 | - | 500 (500 to 500) | 10.0 (10.0 to 10.0) |" in text
    assert "1,200 requests in 50.0 (50.0 to 50.0) s" in text
    assert "| 66 (0.7%) |" in text


def test_the_summary_sets_ours_beside_the_programs_that_list_every_day() -> None:
    floor = replace(_run(10.0), requests={"list": 100}, report={"peak_bytes": 2**20, "longest_stall_s": 0.004})
    ours = replace(floor, wall_s=20.0, cpu_s=3.0, requests={"list": 30})
    peers = dict.fromkeys(LISTERS, floor)
    work = replace(HEADLINES[0], programs=("floor", "ours", *LISTERS))
    runs = {"floor": floor, "ours": ours, "ours_watched": ours} | peers
    text = summary([Result(workload=work, machine={}, rounds=[runs])], {})
    assert "900 requests in 30 such days, where a program without a ledger sends 3,000 (30%)" in text
    assert "20 s (dimsync, library), 10 s (requests, 64 threads)" in text
    assert "3 x the CPU of the floor, 3 x that of requests, 64 threads" in text
    assert "late by at most 4 ms" in text


def test_a_month_of_ours_is_counted_by_the_server_day_by_day(server: Server) -> None:
    days = calendar(Shape(2, 5), 3, changing=True)["days"]
    assert [day[0]["changed"] for day in days] == [[(1001, turn), (1002, turn)] for turn in range(3)]
    found = month(server, quick=True)
    for name, changing in CHANGING.items():
        assert found[name]["total"] == [30 + 10 + 10 + (30 if changing else 0)] * 2  # probes, tokens, directories, rows
        assert found[name]["busiest_key"] == [5 + 2 + (5 if changing else 0)] * 2
    run = replace(_run(1.0), requests={"list": 1})
    result = Result(workload=HEADLINES[0], machine={}, rounds=[{"ours": run}])
    assert month_of(result, "ours", found) == 50 * 30


def test_how_late_the_loop_is_has_a_line_for_each_case_and_way(server: Server, tmp_path: Path) -> None:
    chosen = list(cases(60))
    assert [len(chosen), len(SERVICE)] == [4, 4]
    found = lateness(server, chosen[:1], runs=1, enough=0, ways=["asyncio, batches", "uvloop, single rows"])
    (tmp_path / "stalls.json").write_text(json.dumps(found), encoding="utf-8")
    text = render_stalls(tmp_path)
    assert "| first load | asyncio, batches | " in text
    assert "| first load | uvloop, single rows | " in text
    assert "event loop late at most" in render_figures(tmp_path)


def test_a_case_whose_event_loop_was_held_up_for_too_long_is_told(tmp_path: Path) -> None:
    quiet, once = _held({"0.5": 1_000}), _held({"0.5": 1_000, "20.1": 1})
    assert beyond([quiet, _held({"0.5": 1_000, "20.0": 1})]) == "p99.9 18.0 > 10 ms"
    assert beyond([*[quiet] * 20, once]) == "longest 20.1 > 20 ms"  # in any of its runs
    assert beyond([_held({"0.5": 3_000, "10.0": 4})]) == ""
    assert beyond([_held({"0.5": 1_000, "12.0": 2})]) == "p99.9 12.0 > 10 ms"
    assert beyond([*[_held({"0.5": 1_000})] * 9, _held({"0.5": 1_000, "12.0": 2})]) == ""  # over the ticks of all runs
    found = {"cases": [{"case": "unchanged", "way": "uvloop, batches", "runs": [quiet._asdict(), once._asdict()]}]}
    assert stalled(tmp_path) == []
    (tmp_path / "stalls.json").write_text(json.dumps(found), encoding="utf-8")
    assert stalled(tmp_path) == ["unchanged, uvloop, batches: longest 20.1 > 20 ms, p99.9 18.1 > 10 ms"]


def _held(ticks: Ticks) -> Figures:
    """Return the figures of a run with this many ticks, by how late they were."""
    return Figures(longest=max(map(float, ticks)), longest_work=1.0, ticks=ticks, work_ticks={"0.0": 1}, bytes_row=0.0)


def test_a_case_is_run_until_there_are_enough_ticks() -> None:
    class Staged(Stage):
        def __init__(self, ticks: int) -> None:
            self._ticks = {"0.5": ticks}
            self.workload = next(cases(60))

        def run(self, program: str, **options: Any) -> Run:
            assert (program, options["uvloop"]) == ("ours", False)
            told = {"longest_stall_s": 0.0, "longest_work_s": 0.0, "stall_ticks": self._ticks, "work_ticks": {}}
            return replace(_run(1.0), report={**told, "peak_bytes": 0, "ready_bytes": 0})

    for ticks, runs, expected in ((5_000, 3, 3), (800, 3, 4), (800, 5, 5), (100, 3, MOST), (100, 10, 10)):
        assert len(measured_enough(Staged(ticks), "asyncio, batches", runs=runs)) == expected


def test_a_late_tick_stands_for_those_that_were_due_while_the_loop_was_held() -> None:
    assert counted([-0.001, 0.0, 0.00004, 0.0031, 0.0031]) == {"0.0": 2, "0.1": 1, "3.1": 2}
    assert p999_ms([]) == 0.0
    assert p999_ms([{"0.1": 900, "9.0": 1}]) == 9.0  # fewer than 1,000 ticks: the latest
    assert p999_ms([{"0.1": 997, "5.0": 1, "9.0": 2}], plain=True) == 9.0
    assert p999_ms([{"0.1": 1_998, "5.0": 1, "9.0": 2}], plain=True) == 5.0
    assert p999_ms([{"0.1": 1_998, "9.0": 1}, {"0.1": 1_000}], plain=True) == 0.1  # of both runs together
    assert p999_ms([{"0.1": 1_998, "9.0": 1}, {"0.1": 1_000}]) == 6.0  # with ticks of 8, 7, ... and 1 ms


def _run(wall_s: float) -> Run:
    return Run(wall_s=wall_s, cpu_s=1.0, first_request_s=None, requests={}, rows=3, checksum=7)


def test_instructions_and_calls_are_counted_alike_each_time() -> None:
    def work() -> list[str]:
        return [str(number) for number in range(100)]

    assert instructions(work) == instructions(work) > 300
    assert c_calls(lambda: [len("a") for _ in range(100)]) >= 100


def test_a_stage_that_costs_more_than_recorded_is_told() -> None:
    recorded = {"match": {"instructions": 10_000}}
    assert compare({"match": {"instructions": 10_200}}, recorded) == []
    assert "10,000 -> 10,500 (+5.0%" in compare({"match": {"instructions": 10_500}}, recorded)[0]
    assert "not recorded" in compare({"diff": {"instructions": 1}}, recorded)[0]


def test_the_cost_of_a_request_is_measured_in_every_layer(server: Server) -> None:
    small = Measure(requests=64, rounds=1)
    costs = [small.cost_us(server, layer, kind, IN_FLIGHT[-1]) for layer in LAYERS for kind in KINDS]
    assert all(cost_us > 0 for cost_us in costs)


def test_a_month_without_a_ledger_lists_every_company_in_every_sync() -> None:
    month = Month(shape=Shape(300, 500), days=2, changing=40, growing=10, syncs=24)
    assert month.theirs(100) == 24 * 1_500 + 40
    steps = [step for day in month.calendar()["days"] for step in day]
    assert len(steps) == 48
    assert sum(len(step["changed"]) for step in steps) == 80
    assert sum(len(step["grown"]) for step in steps) == 20


def test_the_limits_that_were_measured_make_tables() -> None:
    text = render_limits(RESULTS)
    assert [
        text.count(f"| {rate} | {companies} |") for rate in ("10", "50", "500", "1,000") for companies in (1, 300)
    ] == [1] * 8
    assert "| **adaptive** |" in text


@pytest.mark.parametrize("kind", exports.KINDS)
def test_our_readings_make_all_fields_of_the_right_rows(tmp_path: Path, kind: str) -> None:
    path = exports.write(tmp_path, kind, 4_000)
    right = exports.checksum(exports.wanted(4_000))
    for program in (ours, ours_alone):
        count, rows = program.rows(kind, path, True)
        assert (count, exports.checksum(rows)) == (3_600, right)


@pytest.mark.parametrize("case", hostile.CASES, ids=lambda case: case.file)
def test_a_file_of_hostile_kind_is_read_or_refused(tmp_path: Path, case: hostile.Case) -> None:
    path = tmp_path / case.file
    case.write(path, 0.002)
    found = asyncio.run(look(path))
    assert found.keys() & {"refused", "read"}


def test_workers_that_were_measured_kept_to_the_limits_and_make_a_table() -> None:
    runs = json.loads((RESULTS / "distributed.json").read_text(encoding="utf-8"))["runs"]
    text = render_distributed(RESULTS)
    assert text.count(": equal |") == len(runs) > 0
    assert all(key["worst"] <= key["most"] for run in runs for key in run["keys"].values())
    assert all(key["share"] >= 0.9 for run in runs if run["workers"] == 4 for key in run["keys"].values())


def test_readings_that_were_measured_make_a_table() -> None:
    found = json.loads((RESULTS / "reading.json").read_text(encoding="utf-8"))
    text = render_reading(RESULTS)
    kinds = found["kinds"]
    assert text.count("rows* |") == text.count("| **dimsync**, rows kept |") == len(kinds) > 0
    assert text.count("| dlt, rows thrown away |") == len([kind for kind in kinds if ("dlt_rows", kind) not in WITHOUT])
    assert all(f"| {case['title']} |" in text for case in found["hostile"])
