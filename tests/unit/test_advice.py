"""The last lines of a result: what the exit code means, and a command that does what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.cli.show.advice import Typed, advice
from engine.model.balance import Balance, ExitCode, State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
SYNC = Typed(verb="sync", config="dimsync.toml")


def run(code: ExitCode, state: State, *codes: str, verb: str = "sync", held: int = 0) -> RunResult:
    """Return the result of a run of one company with these problems."""
    company = CompanyResult(
        company_id=7,
        name="",
        account="main",
        state=state,
        exit_code=code,
        balance=Balance(source_rows=held, held=held),
        problems=tuple(Problem(code=each, message="") for each in codes),
    )
    return RunResult(
        run_id="",
        verb=verb,
        started_at=MOMENT,
        finished_at=MOMENT,
        elapsed_s=0.0,
        exit_code=code,
        totals=Balance(),
        requests=Requests(),
        companies=(company,),
    )


@pytest.mark.parametrize("code", ["refused", "unavailable", "bad-answer", "out-of-scope"])
def test_a_company_that_rests_from_now_on_is_tried_again_with_fresh(code: str) -> None:
    assert advice(run(ExitCode.FAILED, State.FAILED, code), SYNC)[1] == "dimsync sync --fresh"


@pytest.mark.parametrize(
    ("typed", "failed", "command"),
    [
        (SYNC, 2, "dimsync sync --select company:7 --select company:8 --fresh"),
        (SYNC, 4, "dimsync sync --select state:failed --fresh"),
        (SYNC, 9, "dimsync sync --fresh"),
        (replace(SYNC, verb="plan"), 4, "dimsync plan --fresh"),
        (replace(SYNC, select=("group:west",)), 2, "dimsync sync --select group:west --fresh"),
        (replace(SYNC, exclude=("company:9",)), 4, "dimsync sync --exclude company:9 --fresh"),
        (replace(SYNC, allow=("fleet",)), 2, "dimsync sync --allow fleet --fresh"),
    ],
)
def test_companies_that_are_in_order_are_not_read_anew_for_those_that_failed(
    typed: Typed, failed: int, command: str
) -> None:
    """Of 300 accounts of which two have failed, --fresh would ask the others for 600 tokens and lists of companies."""
    result = run(ExitCode.FAILED, State.FAILED, "unavailable", verb=typed.verb)
    (one,) = result.companies
    fleet = [replace(one, company_id=7 + n) for n in range(failed)]
    well = [replace(one, company_id=99 + n, state=State.SYNCED, problems=()) for n in range(9 - failed)]
    assert advice(replace(result, companies=(*fleet, *well)), typed)[1] == command


@pytest.mark.parametrize("code", ["source", "shared-source", "missing-source"])
def test_a_source_that_was_put_right_needs_no_fresh(code: str) -> None:
    assert advice(run(ExitCode.FAILED, State.FAILED, code), SYNC)[1] == "dimsync sync"


def test_a_company_that_a_guard_held_rests_so_that_to_look_at_it_takes_fresh() -> None:
    result = run(ExitCode.HELD, State.HELD, "mass-create", held=60)
    assert advice(result, SYNC)[1] == "dimsync plan --select company:7 --details --fresh"


def test_rows_that_are_held_are_shown_without_fresh() -> None:
    result = run(ExitCode.HELD, State.PARTIAL, "look-alike", held=1)
    assert advice(result, SYNC)[1] == "dimsync plan --select company:7 --details"


def test_rows_that_are_not_listed_are_not_sent_by_a_retry() -> None:
    words, command = advice(run(ExitCode.UNCERTAIN, State.PARTIAL, "not-listed"), SYNC)
    assert command == "dimsync help not-listed"
    assert "does not list" in words


def test_rows_of_unknown_outcome_are_sent_by_a_retry() -> None:
    assert advice(run(ExitCode.UNCERTAIN, State.PARTIAL, "uncertain", "not-listed"), SYNC)[1] == "dimsync retry"


def test_a_certificate_is_not_the_contract() -> None:
    words, _ = advice(run(ExitCode.USAGE, State.FAILED, "certificate"), SYNC)
    assert "certificate" in words
    assert "[api]" not in words


def test_what_was_allowed_in_a_plan_is_allowed_in_the_sync_that_writes_it() -> None:
    typed = Typed(verb="plan", config="dimsync.toml", select=("company:7",), allow=("mass-create:7",))
    result = run(ExitCode.PENDING, State.SYNCED, verb="plan")
    assert advice(result, typed)[1] == "dimsync sync --select company:7 --allow mass-create:7"
