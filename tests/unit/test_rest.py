"""A company that could not be read is left alone for an hour, then six, then a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.compare.backoff import failed_again, is_resting, source_digest
from engine.model.company_record import CompanyState
from tests.unit.model_server import NOW, dim, source

WANTED = source(dim("k1", "1"), dim("k2", "2"))
SECOND = timedelta(seconds=1)


def failed(times: int, state: CompanyState | None = None) -> CompanyState:
    state = state or CompanyState()
    for _ in range(times):
        state = failed_again(state, WANTED, "incomplete-listing", "5 declared, 4 seen", NOW)
    return state


@pytest.mark.parametrize(("times", "hours"), [(1, 1), (2, 6), (3, 23.5), (4, 23.5), (40, 23.5)])
def test_each_failure_makes_the_rest_longer(times: int, hours: float) -> None:
    state, rest = failed(times), timedelta(hours=hours)

    assert state.failures == times
    assert is_resting(state, WANTED, NOW)
    assert is_resting(state, WANTED, NOW + rest - SECOND)
    assert not is_resting(state, WANTED, NOW + rest + SECOND)


def test_a_company_without_failures_does_not_rest() -> None:
    assert not is_resting(CompanyState(), WANTED, NOW)


def test_another_source_ends_the_rest() -> None:
    assert not is_resting(failed(3), source(dim("k1", "1"), dim("k2", "2", "New")), NOW)
    assert not is_resting(failed(3), source(dim("k1", "1")), NOW)


def test_the_order_of_the_source_does_not() -> None:
    assert is_resting(failed(1), source(*reversed(WANTED.rows)), NOW)


def test_the_state_and_its_reason_are_kept() -> None:
    state = failed(2, CompanyState(last_good_rows=17))

    assert (state.failure, state.failure_message) == ("incomplete-listing", "5 declared, 4 seen")
    assert state.last_good_rows == 17


def test_a_clock_that_went_far_back_ends_the_rest() -> None:
    assert not is_resting(failed(1), WANTED, NOW - timedelta(days=30))


def test_the_digest_of_a_source_depends_on_each_field() -> None:
    row = dim("k1", "1", code="c")
    rows = [row, *(row._replace(**{field: "other"}) for field in row._fields), row._replace(code=None)]

    assert len({source_digest(source(each)) for each in rows}) == len(rows)
    assert source_digest(source(row, row)) != source_digest(source(row))
