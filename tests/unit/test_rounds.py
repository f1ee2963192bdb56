"""Runs of one company each are told together where they follow each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.cli.desk.rounds import rounds
from engine.cli.show.run_list import run_lines
from engine.model.result import PastRun
from tests.tables import each_of

FIVE = datetime(2026, 11, 30, 5, tzinfo=UTC)


def past(minute: float, *, companies: int = 1, verb: str = "sync", code: int | None = 0, allowed: str = "") -> PastRun:
    start = FIVE + timedelta(minutes=minute)
    ended = None if code is None else start
    companies = companies if ended else 0
    name = f"{start:%Y%m%dT%H%M%SZ}-{int(minute * 100):08x}"
    return PastRun(name, verb, start, ended, code, companies, 2, 1, 0, 3, allowed)


@each_of(
    [
        ("none", [], []),
        ("workers", [past(m) for m in (3, 2, 1)], [3]),
        ("two are told one by one", [past(2), past(1)], [1, 1]),
        ("a whole sync among them", [past(7), past(6), past(5), past(4, companies=300), past(3)], [3, 1, 1]),
        ("half an hour without any", [past(99), past(98), past(97), past(66), past(65), past(64)], [3, 3]),
        ("another verb", [past(4, verb="plan"), past(3), past(2), past(1)], [1, 3]),
        ("a guard was let pass", [past(4, allowed="mass-create:1"), past(3), past(2), past(1)], [1, 3]),
        ("midnight", [past(19 * 60 + m) for m in (2, 1, 0, -1, -2, -3)], [3, 3]),
        ("one under way", [past(3, code=None), past(2), past(1)], [3]),
        ("some that died", [past(4), past(3, code=None), past(2, code=None), past(1)], [4]),
        ("none that ended", [past(3, code=None), past(2, code=None), past(1, code=None)], [1, 1, 1]),
    ]
)
def test_which_runs_are_told_together(case: str, runs: list[PastRun], lengths: list[int]) -> None:
    found = rounds(runs)
    assert [len(each.runs) for each in found] == lengths, case
    assert [run for each in found for run in each.runs] == runs


def test_a_round_is_a_line_with_sums_and_the_worst_exit_code() -> None:
    runs = [past(240, companies=3), past(3, code=4), past(2, code=None), past(1, code=3)]
    lines = [line.plain for line in run_lines(rounds(runs), 80)]
    assert [line.split()[2:] for line in lines[1:3]] == [
        ["sync", "0", "3", "2", "1", "0", "00005dc0"],
        ["sync", "4", "3", "x", "1", "6", "3", "0", "..0000012c"],
    ]
    assert lines[2].startswith("2026-11-30 05:01")
    assert lines[3] == "    1 without an end: under way, or the worker died"
    assert " ".join(lines[4:]).startswith("N x 1: N runs of one company each, as workers make them, up to the one that")
    assert max(map(len, lines)) <= 80
