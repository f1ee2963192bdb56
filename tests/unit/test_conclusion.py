"""A run's result, from its companies' results alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.errors import LedgerError
from engine.model.balance import Balance, ExitCode, State
from engine.model.result import CompanyResult, Requests, RunResult
from engine.run.conclusion import UNBALANCED, late, not_written_down, too_many_held, with_totals

AT = datetime(2026, 1, 1, 5, tzinfo=UTC)
EMPTY = RunResult(
    run_id="r",
    verb="sync",
    started_at=AT,
    finished_at=AT,
    elapsed_s=1.0,
    exit_code=0,
    totals=Balance(),
    requests=Requests(),
)


def company(number: int, **columns: int) -> CompanyResult:
    """Return the result of a company with these columns of its balance; the others are 0."""
    counts = dict.fromkeys(
        (
            "source_rows",
            "unchanged",
            "created",
            "updated",
            "rejected",
            "held",
            "deferred",
            "uncertain",
            "invalid",
            "adopted",
        ),
        0,
    )
    return CompanyResult(
        company_id=number,
        name=f"Company {number}",
        account="main",
        state=State.SYNCED,
        exit_code=ExitCode.DONE,
        balance=Balance(**{**counts, **columns}),
        requests=Requests(bulk=1),
    )


def concluded(companies: list[CompanyResult], **changed: object) -> RunResult:
    """Return the result of a run with these companies, of which all were announced as they are told."""
    given = {"finished": companies, "spent": [], "stop_code": None} | changed
    return with_totals(EMPTY, [each.company_id for each in companies], companies, **given)  # type: ignore[arg-type]


def test_companies_are_added_up_and_requests_of_none_are_counted() -> None:
    rows = [company(1, source_rows=3, created=2, unchanged=1), company(2, source_rows=1, updated=1)]
    result = concluded(rows, spent=[Requests(token=1)])
    assert result.totals.source_rows == 4
    assert (result.requests.bulk, result.requests.token) == (2, 1)
    assert (result.exit_code, result.problems) == (0, ())


def test_the_gravest_code_of_all_companies_is_the_runs() -> None:
    held = replace(company(2), state=State.HELD, exit_code=ExitCode.HELD)
    failed = replace(company(3), state=State.FAILED, exit_code=ExitCode.FAILED)
    assert concluded([company(1), held, failed]).exit_code == ExitCode.FAILED


def test_rejected_rows_make_a_run_of_companies_that_are_done_no_success() -> None:
    assert concluded([company(1, source_rows=1, rejected=1)]).exit_code == ExitCode.REJECTED


def test_a_run_that_was_stopped_says_so_in_its_code() -> None:
    assert concluded([company(1)], stop_code=ExitCode.TERMINATED).exit_code == ExitCode.TERMINATED


@pytest.mark.parametrize(
    "finished",
    [
        pytest.param([company(1, source_rows=1, created=1)], id="a company was announced with other figures"),
        pytest.param([company(1), company(1)], id="a company was announced twice"),
    ],
)
def test_totals_that_are_not_those_of_the_announced_results_fail_the_run(finished: list[CompanyResult]) -> None:
    result = concluded([company(1)], finished=finished)
    assert (result.exit_code, result.problems) == (ExitCode.FAILED, (UNBALANCED,))


def test_totals_that_do_not_add_up_fail_the_run() -> None:
    assert concluded([company(1, source_rows=2, created=1)]).problems == (UNBALANCED,)


def test_a_result_that_the_ledger_refused_is_told_all_the_same() -> None:
    result = not_written_down(concluded([company(1, source_rows=1, created=1)]), LedgerError("disk full"))
    assert (result.exit_code, result.totals.created) == (ExitCode.FAILED, 1)
    assert "disk full" in result.problems[0].message


def test_what_stopped_a_run_is_told_with_figures_and_what_to_type() -> None:
    assert "after 2.5 s" in late(2.5).message
    message = too_many_held(31, 300).message
    assert "31 of 300" in message
    assert "--allow fleet" in message
