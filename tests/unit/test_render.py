from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from rich.cells import cell_len

from engine.cli.demo_run.truth import Truth
from engine.cli.demo_run.verdict import ACTS, Act, Verdict, naive, print_verdict
from engine.cli.show.advice import WORDS, Typed
from engine.cli.show.cost import Cost
from engine.cli.show.output import dump, run_texts
from engine.cli.show.render import print_run
from engine.model.balance import Balance, ExitCode, State, add, worst
from engine.model.listing import Certificate
from engine.model.outcome import Problem
from engine.model.result import AccountDay, CompanyResult, Requests, RunResult
from engine.observe.terminal import brief, figures, safe, trouble
from engine.sandbox.fleet import make_fleet
from tests.result_schema import SCHEMA
from tests.tables import each_of

MOMENT = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
TYPED = Typed(verb="sync", config="dimsync.toml")


def balance(**columns: int) -> Balance:
    zero = dict.fromkeys(
        ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid", "adopted"), 0
    )
    rows = sum(count for column, count in columns.items() if column != "adopted")
    return Balance(**{**zero, **columns}, source_rows=rows)


def company(company_id: int, state: State = State.UNCHANGED, code: int = 0, **more: object) -> CompanyResult:
    fields: dict[str, object] = {
        "name": f"Harbor Grill {company_id}",
        "account": "main",
        "balance": balance(unchanged=800),
    }
    return CompanyResult(company_id=company_id, state=state, exit_code=code, **{**fields, **more})  # type: ignore[arg-type]


def run(companies: Sequence[CompanyResult], verb: str = "sync") -> RunResult:
    requests = Requests.sum([Requests(token=1), *(one.requests for one in companies)])
    return RunResult(
        run_id="20261120T070000Z-0badcafe",
        verb=verb,
        started_at=MOMENT,
        finished_at=MOMENT,
        elapsed_s=41.2,
        exit_code=worst(one.exit_code for one in companies),
        totals=add(one.balance for one in companies),
        requests=requests,
        companies=tuple(companies),
    )


def screen(result: RunResult, typed: Typed = TYPED, width: int = 80) -> str:
    stream = io.StringIO()
    print_run(stream, result, typed, width)
    return stream.getvalue()


def fleet_of_300() -> RunResult:
    held = company(
        1203,
        State.HELD,
        4,
        name="Chez Zoë & 東京 Ramen, Grand Boulevard Hospitality Group LLC",
        balance=balance(unchanged=812, held=214),
        problems=(
            Problem(
                code="incomplete-listing",
                message="read 3 times and never whole: 1,026 rows declared, 1,020 different rows seen on 11 pages "
                "(6 repeats); nothing is written",
            ),
        ),
    )
    failed = company(
        1250,
        State.FAILED,
        1,
        balance=Balance(),
        problems=(
            Problem(
                code="source", message="exports/1250.csv, line 12, byte 7: 0xE9 is not UTF-8: save the file as UTF-8"
            ),
        ),
    )
    partial = company(
        1299,
        State.PARTIAL,
        3,
        balance=balance(unchanged=400, created=12, updated=3, rejected=30),
        requests=Requests(list=5, bulk=1, retry=2),
        certificate=Certificate(declared=400, declared_last=400, unique=400, rows=400, pages=4),
        verified_at=MOMENT,
        evidence="listing",
        problems=tuple(
            Problem(code="rejected", key=f"acc-{n}", message="name: too long", file="exports/1299.csv", line=n + 2)
            for n in range(30)
        ),
    )
    special = {1203: held, 1250: failed, 1299: partial}
    calm = [
        company(n, State.SYNCED, balance=balance(unchanged=700, created=2, updated=5)) if n % 27 == 0 else company(n)
        for n in range(1001, 1301)
        if n not in special
    ]
    return run([*calm, *special.values()])


def test_three_troubled_companies_among_300_fit_one_screen_and_come_first() -> None:
    text = screen(fleet_of_300())
    lines = text.splitlines()
    assert lines[0] == "3 companies need a person"
    assert len(lines) <= 24
    assert all(cell_len(line) <= 80 for line in lines)
    for needed in ("1203", "1250", "1299", "# 214", "not read", "and 2", "11 synced", "286 unchanged"):
        assert needed in text
    assert lines[-1].startswith("exit 1 ")


def test_the_trial_balance_is_one_line_that_adds_up() -> None:
    text = screen(run([company(1, balance=balance(unchanged=7, created=2)), company(2, balance=balance(unchanged=1))]))
    assert "rows      10 = 8 unchanged + 2 created\n" in text
    assert "requests  0, and 1 for tokens" in text


def test_a_balance_that_does_not_add_up_is_cried_out() -> None:
    wrong = replace(balance(unchanged=7), source_rows=8)
    assert "DOES NOT ADD UP" in screen(run([company(1, State.FAILED, 1, balance=wrong)]))


def test_companies_that_met_the_same_thing_are_one_line_with_all_their_ids() -> None:
    parked = Problem(code="authentication", message="the API key is refused (403)")
    text = screen(run([company(n, State.DEFERRED, 8, problems=(parked,)) for n in range(1, 101)]))
    lines = text.splitlines()
    assert lines[:2] == ["100 companies need a person", "refused    authentication  100 companies"]
    assert text.count("the API key is refused") == 1
    assert lines[2] == "    companies of account main: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 89 more"
    assert lines[4] == "    once that is put right: dimsync sync --select account:main"


def test_deferred_companies_need_nobody_and_say_why() -> None:
    quota = Problem(code="quota", message="today's requests are used up")
    text = screen(run([company(1), *(company(n, State.DEFERRED, 5, problems=(quota,)) for n in (2, 3))]))
    assert "person" not in text
    assert "2 deferred" in text
    assert "2 companies: quota: today's requests are used up" in text
    assert "to go on: dimsync sync" in text


def test_a_plan_lists_what_it_would_change_and_the_command_that_does_it() -> None:
    changed = company(12, State.SYNCED, balance=balance(unchanged=9, created=1, updated=2))
    typed = Typed(verb="plan", config="my fleet.toml", select=("company:12",))
    text = screen(run([company(11), changed], verb="plan"), typed)
    assert text.startswith("would change  12  Harbor Grill 12  = 9  + 1  ~ 2\n")
    assert "dimsync sync -c 'my fleet.toml' --select company:12" in text


def written(cost: Cost, *days: AccountDay) -> str:
    """Return what a plan says of its cost."""
    stream = io.StringIO()
    print_run(stream, replace(run([company(1)], verb="plan"), days=days), TYPED, 200, cost=cost)
    (line,) = [line for line in stream.getvalue().splitlines() if line.startswith("to write")]
    return line.removeprefix("to write").strip()


def test_a_plan_tells_requests_time_and_what_the_day_has_left() -> None:
    day, other = AccountDay("main", 100, 9_000), AccountDay("west", 9_500, 9_000)
    cost = Cost(bulk=1_519, probe=60, list=0, unread=0, seconds=29.6)
    assert written(cost, day) == "1,579 requests = 60 probe + 1,519 bulk, some 30 s; 8,900 left today"
    assert written(Cost(bulk=1, probe=0, list=0, unread=0, seconds=0.2)) == "1 request"
    assert written(replace(cost, probe=0, list=3, unread=1), day, other) == (
        "1,522 requests = 3 list + 1,519 bulk, some 30 s, and for 1 company not looked at;"
        " 8,900 left today of main; 0 left today of west"
    )
    assert "to write" not in screen(run([company(1)]))


def test_every_exit_code_of_a_run_has_its_advice() -> None:
    assert set(WORDS) == set(ExitCode) - {ExitCode.DONE}  # which has words of its own
    for code in WORDS:
        text = screen(replace(run([company(1)]), exit_code=code))
        assert f"exit {int(code)}" in text


HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe \r\n\x9b2J [bold]x[/bold] :smile: \ud800"


def test_safe_leaves_no_character_that_a_terminal_obeys() -> None:
    assert safe(HOSTILE).isprintable()
    assert safe("Chez Zoë, 東京") == "Chez Zoë, 東京"
    assert safe("a\x1b[2J") == r"a\x1b[2J"


@each_of("\u202a\u202e\u2066\u2069\u200e\u061c\u200b\u200d\u2060\ufeff\u00ad\u2028\u2029\u00a0\U000e0041")
def test_safe_shows_what_nobody_would_see(char: str) -> None:
    """What turns a line around, takes no place or breaks it: bidi controls, zero-width characters, separators, tags."""
    assert safe(f"a{char}b") == f"a{ascii(char)[1:-1]}b"


def test_brief_counts_escapes_and_shows_that_it_cut() -> None:
    assert brief("x" * 80, 80) == "x" * 80
    assert brief("x" * 81, 80) == f"{'x' * 79}…"
    assert brief("\x1b" * 30, 80) == r"\x1b" * 19 + r"\x1" + "…"


def test_names_and_keys_of_ten_thousand_characters_leave_the_screen_as_it_is() -> None:
    problems = tuple(Problem(code="rejected", key=f"{n}{'k' * 10_000}", message="no") for n in range(3))
    bad = company(7, State.PARTIAL, 3, name="n" * 10_000, problems=problems)
    text = screen(run([bad]))
    assert len(text.splitlines()) <= 24
    assert text.count("…: no") == 3
    assert len(trouble(bad)) < 300


def test_hostile_names_are_shown_escaped_and_markup_is_text() -> None:
    problem = Problem(code="rejected", key=HOSTILE, message=HOSTILE, file=HOSTILE, line=3)
    bad = company(7, State.PARTIAL, 3, name=HOSTILE, account=HOSTILE, problems=(problem,))
    for width in (40, 80, 200):
        text = screen(run([bad]), width=width)
        assert all(line.isprintable() for line in text.splitlines())
    text = screen(run([bad]), width=400)
    assert "[bold]x[/bold] :smile:" in text
    assert r"\x1b[31mred" in text
    assert trouble(bad).isprintable()


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_ids_are_never_cut(width: int) -> None:
    big = company(123456789012345, State.FAILED, 1, problems=(Problem(code="failed", message="no " * 50),))
    assert "123456789012345" in screen(run([big]), width=width)


def test_figures_count_by_glyph() -> None:
    all_of_it = replace(
        balance(unchanged=1, created=2, updated=3, rejected=4, invalid=5, uncertain=6, held=7, deferred=8), orphans=9
    )
    assert figures(all_of_it) == "= 1  + 2  ~ 3  - 9  ! 9  ? 6  # 7  8 deferred"
    assert figures(Balance()) == "not read"
    assert figures(balance()) == "no rows"


def test_one_orphan_is_told_in_the_singular() -> None:
    one = company(7, State.UNCHANGED, 0, balance=replace(balance(unchanged=2), remote_rows=3, matched=2, orphans=1))
    assert "3 = 2 matched + 1 orphan\n" in screen(run([one]))


def test_json_is_what_the_schema_says_and_any_text_survives() -> None:
    result = fleet_of_300()
    result = replace(result, companies=(*result.companies, company(5, name=HOSTILE)))
    (text,) = run_texts(result, "json")
    text.encode()  # a lone surrogate would not go out as UTF-8
    assert all(line.isprintable() for line in text.splitlines())
    document = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["companies"][-1]["name"] == HOSTILE
    assert document["companies"][-4]["name"].startswith("Chez") or "Chez Zoë & 東京" in text


def test_ndjson_is_the_same_document_by_lines() -> None:
    result = fleet_of_300()
    (whole,) = run_texts(result, "json")
    *companies, last = [json.loads(line) for line in run_texts(result, "ndjson")]
    assert {**last, "companies": companies} == json.loads(whole)


def test_the_schema_refuses_what_it_does_not_know() -> None:
    (text,) = run_texts(run([company(1)]), "json")
    document = json.loads(text)
    document["companies"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_dump_escapes_beyond_the_basic_plane_as_json_does() -> None:
    tag = "\U000e0041"
    assert json.loads(dump({"x": tag})) == {"x": tag}
    assert tag not in dump({"x": tag})


def test_a_demo_is_a_screen_of_80_columns_and_tells_what_does_not_agree() -> None:
    fleet = make_fleet(200, seed=7)
    acts = tuple(Act(name=name, result=run([company(1)]), naive=naive(fleet, fleet)) for name in ACTS)
    truth = Truth(
        rows_wanted=163_478,
        rows_stored=163_478,
        rows_equal=163_478,
        keys_twice=0,
        requests=3,
        quota_used=3,
        throttled=0,
    )
    wrong_client = Problem(code="wrong-client", message="another client's")
    held = [company(one, state=State.HELD, problems=(wrong_client,), requests=Requests()) for one in (1, 2)]
    swapped = replace(run(held), requests=Requests())
    verdict = Verdict(companies=200, rows=163_478, quota=10_000, acts=acts, swapped=swapped, truth=truth)
    stream = io.StringIO()
    print_verdict(stream, verdict)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert lines[-1] == "exit 0: all of it agrees"

    wrong = replace(truth, rows_equal=163_477, keys_twice=1, requests=4)
    verdict = replace(verdict, truth=wrong)
    assert (len(verdict.faults), verdict.exit_code) == (3, 1)
    written = replace(swapped, companies=(replace(held[0], state=State.SYNCED), held[1]))
    assert len(replace(verdict, swapped=written).faults) == 4
    assert replace(verdict, stopped=ExitCode.INTERRUPTED).exit_code == 130
