"""The benchmarks work: floor and engine leave the same rows behind, and the counters count."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import exports, hostile
from benchmarks.data import Shape
from benchmarks.economy import Month
from benchmarks.launch import ProgramFailed, Run, serving
from benchmarks.measure import Result, Spread, load, measure
from benchmarks.readers import ours, ours_alone
from benchmarks.readers.hostile import look
from benchmarks.reading import WITHOUT
from benchmarks.reading_tables import render_reading
from benchmarks.request_cost import IN_FLIGHT, KINDS, LAYERS, Measure
from benchmarks.speed import c_calls, compare, instructions
from benchmarks.stage import must_have_left
from benchmarks.tables import render_limits, table
from benchmarks.workloads import FULL_LISTING

RESULTS = Path(__file__).parent.parent / "benchmarks/results"


def test_the_engine_and_the_floor_leave_the_same_rows_behind(tmp_path: Path) -> None:
    quick = replace(FULL_LISTING.quickly(), watches_stalls=False)
    with serving() as server:
        result = measure(quick, server, ["floor", "ours"])  # checks the rows after each program

        runs = result.rounds[0]
        assert runs["floor"].checksum == runs["ours"].checksum
        assert runs["ours"].requests["bulk"] == runs["floor"].requests["bulk"]
        assert runs["ours"].report["pushed"] == 6 * (60 + 30)

        result.save(tmp_path)
        assert load(tmp_path / "full-listing.json").rounds == result.rounds
        assert "dimsync" in table(result)


def test_a_program_that_leaves_other_rows_does_not_count() -> None:
    must_have_left((3, 7), _run(1.0), "it")
    with pytest.raises(ProgramFailed, match="it left other rows than wanted: 3 where 3 should be"):
        must_have_left((3, 8), _run(1.0), "it")


def test_ratios_are_those_within_one_round() -> None:
    rounds = [{"floor": _run(1.0), "ours": _run(2.0)}, {"floor": _run(4.0), "ours": _run(12.0)}]
    result = Result(workload=FULL_LISTING, machine={}, rounds=rounds)
    assert result.ratio("ours", lambda run: run.wall_s) == Spread(2.5, 2.0, 3.0)


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


def test_the_cost_of_a_request_is_measured_in_every_layer() -> None:
    small = Measure(requests=64, rounds=1)
    with serving() as server:
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


def test_readings_that_were_measured_make_a_table() -> None:
    found = json.loads((RESULTS / "reading.json").read_text(encoding="utf-8"))
    text = render_reading(RESULTS)
    kinds = found["kinds"]
    assert text.count("rows* |") == text.count("| **dimsync**, rows kept |") == len(kinds) > 0
    assert text.count("| dlt, rows thrown away |") == len([kind for kind in kinds if ("dlt_rows", kind) not in WITHOUT])
    assert all(f"| {case['title']} |" in text for case in found["hostile"])
