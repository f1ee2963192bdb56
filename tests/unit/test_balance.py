"""The trial balance and the exit codes: a run that does not add up cannot end with 0."""

from __future__ import annotations

from itertools import combinations

import pytest

from engine.model.balance import SEVERITY, Balance, ExitCode, add, row_exit_codes, worst
from tests.tables import each_of


def balance(**columns: int | None) -> Balance:
    """Return a balance of one source row for each row of the outcome columns given, nothing listed."""
    zeros = dict.fromkeys(
        ["unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid", "adopted"], 0
    )
    outcomes = {**zeros, **columns}
    rows = sum(count or 0 for column, count in outcomes.items() if column in zeros and column != "adopted")
    return Balance(**{"source_rows": rows, **outcomes})


@each_of(
    [
        (Balance(), True),  # a source that could not be read
        (balance(), True),
        (balance(unchanged=3, created=2, updated=1, rejected=1, held=1, deferred=1, uncertain=1, invalid=1), True),
        (balance(unchanged=3, source_rows=4), False),
        (balance(unchanged=3, source_rows=2), False),
        (balance(unchanged=3, held=None), False),
        (balance(unchanged=3, source_rows=None), False),
        (Balance(source_rows=0), False),
        (balance(unchanged=3, adopted=3), True),
        (balance(unchanged=3, adopted=4), False),
        (balance(unchanged=-1, created=1), False),
        (balance(unchanged=3, read_rows=5, left_out=2), True),
        (balance(unchanged=3, read_rows=3, left_out=0), True),
        (balance(unchanged=3, read_rows=5, left_out=1), False),
        (balance(unchanged=3, read_rows=5, left_out=None), False),
        (balance(unchanged=3, read_rows=None, left_out=2), False),
        (balance(unchanged=3, read_rows=2, left_out=-1), False),
        (Balance(read_rows=2, left_out=2), False),
        (balance(unchanged=1, remote_rows=3, matched=1, contested=1, orphans=1), True),
        (balance(unchanged=1, remote_rows=0, matched=0, contested=0, orphans=0), True),
        (balance(unchanged=1, remote_rows=3, matched=1, contested=1, orphans=0), False),
        (balance(unchanged=1, remote_rows=3, matched=3), False),
        (balance(unchanged=1, remote_rows=None, matched=1), False),
        (balance(unchanged=1, remote_rows=1, matched=2, contested=-1, orphans=0), False),
    ]
)
def test_whether_it_adds_up(given: Balance, adds_up: bool) -> None:
    assert given.adds_up is adds_up


def test_a_fleet_is_the_sum_of_its_companies_without_the_unknown() -> None:
    total = add(
        [
            balance(unchanged=2, remote_rows=2, matched=2, contested=0, orphans=0),
            balance(created=3),
            Balance(),
        ]
    )

    assert total == balance(unchanged=2, created=3, remote_rows=2, matched=2, contested=0, orphans=0)
    assert total.adds_up


@pytest.mark.parametrize("balances", [[], [Balance()], [Balance(), Balance()]])
def test_what_nobody_knows_stays_unknown(balances: list[Balance]) -> None:
    assert add(balances) == Balance()


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (balance(unchanged=1, created=1, updated=1), set()),
        (balance(rejected=1), {3}),
        (balance(invalid=1), {3}),
        (balance(held=1), {4}),
        (balance(uncertain=1), {10}),
        (balance(rejected=1, held=1, uncertain=1), {3, 4, 10}),
        (balance(unchanged=1, source_rows=2), {1}),
        (Balance(), set()),
    ],
)
def test_codes_that_the_columns_call_for(given: Balance, codes: set[int]) -> None:
    assert set(row_exit_codes(given)) == codes


PRECEDENCE = (2, 1, 10, 8, 7, 4, 3, 5, 9, 6, 0)


@pytest.mark.parametrize("signal", [130, 143])
def test_a_signal_speaks_before_all_others(signal: int) -> None:
    assert all(worst([code, signal]) == signal for code in PRECEDENCE)


@each_of(list(combinations(PRECEDENCE, 2)))
def test_the_graver_code_speaks(first: int, second: int) -> None:
    assert worst([first, second]) == worst([second, first]) == first


def test_the_code_of_nothing_is_done() -> None:
    assert worst([]) is ExitCode.DONE


def test_each_code_has_its_place() -> None:
    assert sorted(SEVERITY) == sorted(ExitCode)
