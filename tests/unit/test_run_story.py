"""What `history` shows of runs: one run's story, the list, and one company's runs, in any width."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from engine.cli.desk.rounds import rounds
from engine.cli.show.company_runs import company_run_lines
from engine.cli.show.run_list import run_lines
from engine.cli.show.run_names import marked, short_id
from engine.cli.show.run_story import endless_lines, story_lines
from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.result import CompanyResult, PastRun, RunResult
from engine.model.standing import RunTimes
from tests.unit.test_render import MOMENT, balance, company, run

NEW = MOMENT + timedelta(seconds=47)
HOSTILE = "\x1b[31m" + "wide \u6f22\u5b57 " * 20

TROUBLED = (
    *(
        company(n, State.FAILED, 1, problems=(Problem(code="source", message=f"{n}.csv cannot be read", since=NEW),))
        for n in range(1, 3)
    ),
    company(3, State.DEFERRED, 5, problems=(Problem(code="quota", message="all are used", since=NEW),)),
    company(4, State.SYNCED, balance=balance(created=1), problems=(Problem(code="code-filled", message="2 rows"),)),
    company(5, State.PARTIAL, 3, name=HOSTILE, problems=(Problem(code="rejected", message=HOSTILE, key="k"),)),
)


def ended(companies: tuple[CompanyResult, ...] = TROUBLED, verb: str = "sync") -> RunResult:
    return replace(run(companies, verb), finished_at=NEW)


def story(result: RunResult, companies: int, width: int = 80, *, is_newest: bool = True) -> list[str]:
    return [
        line.plain
        for line in story_lines(PastResult(result, companies), width, {}, "dimsync.toml", is_newest=is_newest)
    ]


def test_a_story_tells_when_who_was_what_and_what_to_do() -> None:
    note = Problem(code="deadline", message="stopped after 5 s")
    told = story(replace(ended(), problems=(note,), allowed=("fleet", "mass-create:3")), 300)
    assert told[:11] == [
        "sync 20261120T070000Z-0badcafe",
        "began 2026-11-20 07:00:00 UTC, ended 07:00:47 UTC, took 47 s",
        "exit 1: A company failed, or the program itself did",
        "let pass: fleet, mass-create:3",
        "",
        "3 companies needed a person",
        f"{'failed     source  2 companies':77}NEW",
        "    1 Harbor Grill 1  = 800",
        "    2 Harbor Grill 2  = 800",
        "    1: 1.csv cannot be read",
        "    once that is put right: dimsync sync --select company:1 --select company:2",
    ]
    assert "companies 300 = 295 unchanged + 1 synced + 1 partial + 2 failed + 1 deferred" in told
    assert "    1 company: quota: all are used" in told
    assert "the run   deadline: stopped after 5 s" in told
    assert "notice    1 company: code-filled: 2 rows" in told


def test_a_run_that_is_not_the_newest_says_where_to_look_instead() -> None:
    words = "Other runs were begun since; how it is now: dimsync status"
    assert (words in story(ended(), 5), words in story(ended(), 5, is_newest=False)) == (False, True)


def test_a_quiet_run_is_short() -> None:
    told = story(ended((), "check"), 2)
    assert "A check writes nothing: the figures are what a sync would have done." in told
    assert "companies 2 = 2 unchanged" in told
    assert "to change" not in "".join(told)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_screen_fits_its_width_but_for_commands(width: int) -> None:
    past = PastRun("20261120T070000Z-0badcafe", "plan", MOMENT, None, None, 12_345, 123_456, 7, 9, 1_000, HOSTILE)
    times = RunTimes(past.run_id, "sync", MOMENT, NEW, 3)
    shown = [
        *story(ended(), 300, width),
        *(line.plain for line in endless_lines(past, width, is_under_way=False)),
        *(line.plain for line in company_run_lines([CompanyInRun(times, one) for one in TROUBLED], 5, HOSTILE, width)),
        *(line.plain for line in run_lines(rounds([past]), max(80, width))),
    ]
    limit = max(80, width)
    assert all(line.isprintable() for line in shown)
    assert [line for line in shown if cell_len(line) > limit] == []


def test_an_id_of_another_form_is_shown_whole() -> None:
    assert [short_id(each) for each in ("20261120T070000Z-0badcafe", "run-1", "0badcafe")] == [
        "0badcafe",
        "run-1",
        "0badcafe",
    ]


def test_figures_of_what_wrote_nothing_stand_in_brackets() -> None:
    assert [marked("+ 40", verb) for verb in ("sync", "apply", "retry", "put", "plan", "check")] == [
        *["+ 40"] * 4,
        *["(+ 40)"] * 2,
    ]
    assert marked("", "plan") == ""
