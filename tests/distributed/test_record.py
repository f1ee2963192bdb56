"""What the proofs rest on: the record finds what it is there to find."""

from __future__ import annotations

import pytest

from benchmarks.rig.fleet import Fleet
from benchmarks.rig.record import Record, interleaved, most_in_a_second, used


def test_a_company_that_two_runs_write_at_once_is_noted() -> None:
    record = Record()
    with (
        record.request("k", "run-1.1001.1", 0.0),
        record.request("k", "run-1.1001.2", 0.1),
        record.request("k", "run-2.1002.1", 0.2),
        record.request("k", None, 0.3),
    ):
        pass
    with record.request("k", "run-2.1001.1", 0.4):
        pass
    assert record.overlaps == []
    with record.request("k", "run-2.1001.2", 0.5), record.request("k", "run-3.1001.1", 0.6):
        pass
    assert record.overlaps == [(1001, "run-2", "run-3", 0.6)]
    assert record.writes[1001] == {"run-1": [0.0, 0.1], "run-2": [0.4, 0.5], "run-3": [0.6]}
    assert len(record.arrivals["k"]) == 7


def test_a_company_that_two_runs_write_by_turns_is_found() -> None:
    writes = {1: {"a": [0.0, 1.0], "b": [2.0]}, 2: {"b": [2.0, 3.0], "a": [0.0, 2.5]}}
    assert interleaved(writes) == [(2, "a", "b")]


@pytest.mark.parametrize(
    ("times", "most"),
    [([], 0), ([0.0], 1), ([0.0, 1.0], 1), ([0.0, 0.999], 2), ([0.0, 0.5, 0.9, 1.2, 1.45, 2.4], 4)],
)
def test_the_fullest_second_is_found_wherever_it_begins(times: list[float], most: int) -> None:
    assert most_in_a_second(times) == most


def test_the_use_of_a_key_is_told_against_its_rate() -> None:
    use = used([0.2, 0.0, 0.1, 0.3], 10.0)
    assert (use.requests, use.worst, use.most, round(use.share, 9)) == (4, 4, 11.0, 1.0)
    assert used([], 10.0).share == 0.0
    assert used([], 100.0).most == 105.0


def test_a_fleets_keys_bear_no_more_than_300_requests_a_second_and_have_work_for_equally_long() -> None:
    fleet = Fleet(companies=500, keys=20)
    assert (min(fleet.rates), max(fleet.rates), sum(fleet.rates)) == (10, 20, 253)
    first, *_, last = fleet.ids[:20]
    assert [fleet.number_of(company) for company in (first, last)] == [1, 20]
    assert len(fleet.rows(last)) / len(fleet.rows(first)) == 2.0
