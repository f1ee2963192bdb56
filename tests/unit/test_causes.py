"""Problems by cause: what is taken out of their words, how they are grouped, and what is typed against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.codes import CODES
from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import UNTOLD, CauseGroup, grouped
from engine.cli.desk.moments import clock, since_words, span
from engine.cli.desk.remedy import remedy, remedy_for
from engine.cli.main import command_of
from engine.model.balance import ExitCode, State
from engine.model.cause import cause_of, mark_of
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from tests.tables import each_of
from tests.unit.model_server import STEADY
from tests.unit.test_render import balance, company

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


def problem(message: str, code: str = "source", **more: object) -> Problem:
    return Problem(code=code, message=message, **more)  # type: ignore[arg-type]


ALIKE: dict[str, tuple[Problem, Problem]] = {
    "figures": (problem("214 of 1,026 rows would be created"), problem("31 of 99 rows would be created")),
    "one and several": (problem("1 row was pushed and is left"), problem("7 rows were pushed and are left")),
    "a word that ends in y": (problem("1 company is held"), problem("3 companies are held")),
    "file names": (problem("exports/1101.csv: no such file"), problem("exports/west/1102.csv: no such file")),
    "file names in a sentence": (problem("the file accounts.csv is torn"), problem("the file other.CSV is torn")),
    "the problem's own file": (
        problem("Kontenplan is torn", file="Kontenplan"),
        problem("Konto is torn", file="Konto"),
    ),
    "the row's own key": (problem("acc is taken", key="acc"), problem("dept is taken", key="dept")),
    "quoted names": (problem("it is 'Rent' there"), problem("it is 'Mike's place' there")),
    "what stands in brackets": (problem("refused (403)"), problem("refused (unknown host)")),
    "commands": (problem("let it pass: `dimsync sync -c a`"), problem("let it pass: `dimsync sync -c b`")),
    "times": (problem("until 2026-11-27 07:00 UTC"), problem("until 2026-12-01 13:30 UTC")),
    "a refusal that is told again": (
        problem("name: too long", "rejected", key="k1"),
        problem(
            "refused at 2026-11-20 07:00 UTC and unchanged since, so not sent again for a day: name: too long",
            "rejected",
            key="k1",
        ),
    ),
    "when it is tried again": (
        problem("the key is refused", "authentication"),
        problem("the key is refused; tried again from 2026-11-27 07:00 UTC", "authentication"),
    ),
    "verbs": (problem("1 is torn"), problem("2 are torn")),
    "enumerations": (problem("rows 1, 2 and 3 collide"), problem("rows 7 and 8 collide")),
}


@each_of(list(ALIKE))
def test_particulars_make_no_other_cause(name: str) -> None:
    one, other = ALIKE[name]
    assert cause_of(one) == cause_of(other)


DIFFERENT: dict[str, tuple[Problem, Problem]] = {
    "another code": (problem("no", "source"), problem("no", "missing-source")),
    "other words": (problem("exports/1.csv: no such file"), problem("exports/1.csv: not UTF-8")),
    "a server's words": (problem("name: too long", "rejected"), problem("code: too long", "rejected")),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_words_or_another_code_are_another_cause(name: str) -> None:
    one, other = DIFFERENT[name]
    assert cause_of(one) != cause_of(other)


def test_a_companys_name_is_no_part_of_the_cause() -> None:
    one, other = problem("Harbor Grill is empty"), problem("Red Oak is empty")
    assert cause_of(one, "Harbor Grill") == cause_of(other, "Red Oak")


def test_a_row_is_known_again_by_code_and_key_and_a_company_by_its_cause() -> None:
    told_later = problem("refused at 07:00 and unchanged since: too long", "rejected", key="k1")
    assert mark_of(problem("too long", "rejected", key="k1")) == mark_of(told_later)
    assert mark_of(problem("too long", "rejected", key="k1")) != mark_of(problem("too long", "rejected", key="k2"))
    assert mark_of(problem("2 rows are torn")) == mark_of(problem("1 row is torn"))
    assert mark_of(problem("k1")) != mark_of(problem("k1", key="k1"))


GRAVITY: Mapping[ExitCode, Sequence[str]] = {
    ExitCode.FAILED: ("source", "missing-source", "out-of-scope", "refused", "unbalanced", "ledger"),
    ExitCode.USAGE: ("certificate", "wrong-contract"),
    ExitCode.UNCERTAIN: ("uncertain", "not-listed", "batch-unfinished"),
    ExitCode.AUTHENTICATION: ("authentication",),
    ExitCode.STALE: ("stale", "applied"),
    ExitCode.HELD: ("mass-create", "look-alike", "key-unconfirmed", "tenant-leak", "key-mismatch", "fleet"),
    ExitCode.REJECTED: ("rejected", "duplicate-key", "not-applied", "stored-otherwise", "unknown-company"),
    ExitCode.STOPPED: ("quota", "throttled", "budget", "stopped", "host-down", "deadline", "overwritten"),
    ExitCode.LOCKED: ("locked",),
    ExitCode.DONE: ("resting", "code-filled", "not-observable", "landed", "miscounted", "directory", "new-ledger"),
}


def test_each_code_calls_for_the_exit_code_that_its_help_names() -> None:
    told = {code: gravity(code) for codes in GRAVITY.values() for code in codes}
    assert told == {code: exit_code for exit_code, codes in GRAVITY.items() for code in codes}


def test_a_problem_is_never_graver_than_how_its_company_ended() -> None:
    held = company(1, State.PARTIAL, 4, problems=(problem("not there", "not-listed", key="k"),))
    (group,) = grouped([held])
    assert group.gravity is ExitCode.HELD


def test_a_company_that_needs_a_person_and_tells_no_problem_is_told_all_the_same() -> None:
    (group,) = grouped([company(1, State.FAILED, 1), company(2), company(3, State.DEFERRED, 5)])
    assert (group.code, [each.company_id for each in group.companies]) == ("failed", [1])


def test_the_gravest_cause_comes_first_then_what_is_new_then_the_most_companies() -> None:
    old, new = NOW - timedelta(days=3), NOW
    companies = [
        company(1, State.HELD, 4, problems=(problem("3 rows", "mass-create", since=old), problem("rests", "resting"))),
        company(2, State.HELD, 4, problems=(problem("5 rows", "mass-create", since=old),)),
        company(3, State.HELD, 4, problems=(problem("cut", "shrunken-source", since=new),)),
        company(4, State.FAILED, 1, problems=(problem("gone", "missing-source", since=old),)),
        company(5, State.DEFERRED, 5, problems=(problem("used up", "quota", since=old),)),
    ]
    groups = grouped(companies, run_at=NOW)
    assert [group.code for group in groups] == ["missing-source", "shrunken-source", "mass-create", "quota", "resting"]
    assert [group.needs_person for group in groups] == [True, True, True, False, False]
    assert [group.is_new for group in groups] == [False, True, False, False, False]


def test_a_group_counts_companies_and_rows_and_new_ones_are_told_apart() -> None:
    old = NOW - timedelta(days=3)
    rows = (
        problem("no", "rejected", key="a", since=old),
        problem("no", "rejected", key="b", since=NOW),
        problem("no", "rejected", key="c", since=NOW),
    )
    new, known = grouped([company(1, State.PARTIAL, 3, problems=rows)], run_at=NOW)
    assert (len(new.companies), new.rows, new.since, new.is_new) == (1, 2, NOW, True)
    assert (len(known.companies), known.rows, known.since, known.is_new) == (1, 1, old, False)
    assert (new.example.problem.key, known.example.problem.key) == ("b", "a")
    held = company(2, State.HELD, 4, balance=balance(held=40), problems=(problem("many", "mass-create"),))
    assert grouped([held])[0].rows == 40


codes = st.sampled_from([*CODES, "of-somebody-else"])
problems = st.builds(
    Problem,
    code=codes,
    message=st.sampled_from(["1 row", "7 rows", "exports/1.csv: torn", "'x' is y", ""]),
    key=st.none() | st.sampled_from(["k1", "k2"]),
    since=st.none() | st.sampled_from([NOW, NOW - timedelta(days=1)]),
)
companies_in_trouble = st.lists(
    st.builds(
        company,
        st.integers(1, 300),
        st.sampled_from(State),
        st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 10]),
        problems=st.lists(problems, max_size=5).map(tuple),
    ),
    max_size=8,
    unique_by=lambda each: each.company_id,
)


@STEADY
@given(companies_in_trouble)
def test_every_problem_is_in_exactly_one_cause_and_counts_add_up(companies: list[CompanyResult]) -> None:
    groups = grouped(companies, run_at=NOW)
    told = [each for group in groups for each in group.told if each.problem.message != UNTOLD]
    assert len(told) == sum(len(each.problems) for each in companies)
    assert sum(len(group.told) for group in groups if group.is_new) == sum(
        each.since == NOW for company in companies for each in company.problems
    )
    for group in groups:
        assert len(group.companies) == len({each.company.company_id for each in group.told})
        assert all(each.problem.code == group.code for each in group.told)
    asking = {one.company_id for group in groups if group.needs_person for one in group.companies}
    assert {one.company_id for one in companies if one.exit_code not in {0, 5, 9}} == asking


def group_of(code: str, *company_ids: int, key: str | None = None) -> CauseGroup:
    (group,) = grouped([company(each, State.HELD, 4, problems=(problem("no", code, key=key),)) for each in company_ids])
    return group


REMEDIES: dict[str, tuple[CauseGroup, str]] = {
    "a guard": (group_of("mass-create", 7), "dimsync sync --select company:7 --allow mass-create:7"),
    "a guard of two companies": (
        group_of("mass-create", 7, 8),
        "dimsync sync --select company:7 --select company:8 --allow mass-create:7 --allow mass-create:8",
    ),
    "a guard of a group": (
        group_of("key-unconfirmed", 1, 2, 3, 4, key="k"),
        "dimsync sync --select group:new --allow canary:group:new",
    ),
    "a guard of many": (group_of("left-out", 5, 6, 7, 8), "dimsync sync --select company:5 --allow left-out:5"),
    "a file": (group_of("source", 5, 6), "dimsync sync --select company:5 --select company:6"),
    "many files": (group_of("source", 5, 6, 7, 8), "dimsync sync"),
    "keys": (group_of("key-shift", 5, key="k"), "dimsync rekey 5"),
    "refused rows": (group_of("rejected", 5, key="k"), "dimsync sync --select company:5"),
    "a code of somebody else's": (group_of("of-somebody-else", 5), "dimsync status"),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_cause_has_one_remedy_to_paste(name: str) -> None:
    group, command = REMEDIES[name]
    assert (
        remedy(group, {1: ("new", "all"), 2: ("new", "all"), 3: ("all", "new"), 4: ("all", "new"), 9: ("all",)})
        == command
    )


def test_two_files_that_are_swapped_with_each_other_are_swapped_back_and_not_let_pass() -> None:
    companies = [
        company(number, State.HELD, 4, problems=(Problem(code="wrong-client", message=f"rows are company {owner}'s"),))
        for number, owner in ((1105, 1107), (1107, 1105))
    ]
    (group,) = grouped(companies)
    assert remedy(group, {}) == "dimsync sync --select company:1105 --select company:1107"


def test_a_remedy_names_the_settings_file_and_is_quoted() -> None:
    told = remedy(group_of("mass-create", 7, 8), {7: ("my group",), 8: ("my group",)}, config="my fleet.toml")
    assert told == "dimsync sync -c 'my fleet.toml' --select 'group:my group' --allow 'mass-create:group:my group'"


def test_every_code_has_a_remedy_without_a_placeholder_of_a_company() -> None:
    for code in CODES:
        found = grouped([company(7, State.HELD, 4, problems=(problem("no", code),))])
        words = remedy(next(group for group in found if group.code == code), {}).split()
        assert words[0] == "dimsync"
        assert not [word for word in words if word.endswith("ID")]


def test_no_remedy_names_the_settings_file_to_a_verb_that_takes_none() -> None:
    for code in CODES:
        _, verb, *rest = remedy_for(code, [7], config="other.toml").split()
        takes_it = any("-c" in option.opts for option in command_of(verb).params)
        assert (rest[:2] == ["-c", "other.toml"]) is takes_it, code


SPANS = {0: "0 s", 47: "47 s", 61: "1 min", 7_200: "2 h", 7_500: "2 h 5 min", 61_200: "17 h", 260_000: "3 days"}


def test_spans_and_moments_are_told_as_people_say_them() -> None:
    assert {seconds: span(timedelta(seconds=seconds)) for seconds in SPANS} == SPANS
    assert clock(NOW - timedelta(hours=2), NOW) == "05:00"
    assert clock(NOW - timedelta(days=3), NOW) == "Nov 24 07:00"
    assert clock(NOW - timedelta(days=400), NOW) == "2025-10-23 07:00"
    assert since_words(NOW, NOW, is_new=True) == "NEW"
    assert since_words(NOW - timedelta(days=3), NOW, is_new=False) == "since Nov 24 07:00"
    assert since_words(None, NOW, is_new=False) == ""
