"""What notifications say, and that hostile names stay text in every form and no form grows too large."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.notices import slack, teams
from engine.cli.notices.making import after_run, of_the_whole
from engine.cli.notices.message import MOST_TOLD, Message, document, fitted
from engine.cli.notices.round import of_round, read, trouble_of, was_told_lately, written
from engine.cli.notices.sending import FORMS
from engine.cli.notices.telling import harmless
from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Recovered, RunResult
from engine.model.standing import RunTimes
from tests.tables import each_of
from tests.unit.model_server import steady
from tests.unit.test_render import company, run

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=3)
HOSTILE = (
    "<!channel> <https://evil.test|Pay> @here *b* `x` [Pay](https://evil.test) <at>all</at> {{DATE(2026)}}"
    " & \x1b[2J\u202e"
)


def problem(code: str, message: str = "words", *, since: datetime | None = NOW, key: str | None = None) -> Problem:
    return Problem(code=code, message=message, since=since, key=key)


def failed(company_id: int, *problems: Problem, name: str = "Harbor Grill") -> CompanyResult:
    return replace(company(company_id, State.FAILED, 1, problems=problems), name=name)


def ended(*companies: CompanyResult, problems: tuple[Problem, ...] = (), over: tuple[Recovered, ...] = ()) -> RunResult:
    return replace(run(list(companies)), finished_at=NOW, problems=problems, recovered=over)


def told(result: RunResult, config: str = "dimsync.toml") -> Message:
    return after_run(result, {}, config)


def recovered(company_id: int, code: str, since: datetime = BEFORE) -> Recovered:
    return Recovered("main", company_id, "Red Oak", code, since)


def shown(message: Message) -> list[tuple[str, int]]:
    return [(each.code, each.count) for each in message.trouble]


# What is told


def test_one_cause_of_many_companies_is_told_once() -> None:
    result = ended(*(failed(n, problem("source", f"cannot read {n}.csv")) for n in range(1, 31)))
    message = told(result)
    (cause,) = message.trouble
    assert (cause.code, cause.count, len(cause.companies), cause.who) == ("source", 30, 20, "30 companies")
    assert cause.example == "1: cannot read 1.csv"
    assert message.title == "dimsync sync: 30 companies need a person"
    assert message.footer.endswith("exit 1; all of it: dimsync status")


@pytest.mark.parametrize(
    ("company_result", "is_told"),
    [
        pytest.param(failed(1, problem("source")), True, id="new"),
        pytest.param(failed(1, problem("source", since=BEFORE)), False, id="known"),
        pytest.param(failed(1, problem("source", since=None)), True, id="the ledger could not tell"),
        pytest.param(failed(1), True, id="failed without a word"),
        pytest.param(company(1, State.DEFERRED, 5, problems=(problem("quota"),)), False, id="waits for nobody"),
        pytest.param(company(1, problems=(problem("adopted"),)), False, id="a notice"),
        pytest.param(company(1), False, id="in order"),
    ],
)
def test_only_news_that_needs_a_person_is_told(company_result: CompanyResult, is_told: bool) -> None:
    assert told(ended(company_result)).is_empty is not is_told


def test_one_company_more_with_a_known_cause_is_told_alone() -> None:
    message = told(ended(failed(1, problem("source", since=BEFORE)), failed(2, problem("source"))))
    assert shown(message) == [("source", 1)]
    assert message.trouble[0].companies == ((2, "Harbor Grill"),)


@pytest.mark.parametrize(
    ("code", "is_told"), [("unbalanced", True), ("fleet", True), ("new-ledger", False), ("not-due", False)]
)
def test_the_run_as_a_whole(code: str, is_told: bool) -> None:
    message = told(ended(problems=(problem(code, "it does not add up"),)))
    assert bool(message.trouble) is is_told
    if is_told:
        assert (message.title, message.trouble[0].what) == (
            "dimsync sync: the run needs a person",
            "it does not add up",
        )
        assert message.trouble[0].command == f"dimsync help {code}"


def test_recovery_is_told_by_code_with_its_companies() -> None:
    over = (recovered(1, "source"), recovered(2, "source", NOW - timedelta(days=1)), recovered(2, "quota"))
    message = told(ended(over=over))
    (kind,) = message.recovered
    assert (kind.code, kind.count, kind.since) == ("source", 2, BEFORE)
    assert message.title == "dimsync sync: 2 recovered"


def test_what_to_type_names_the_settings_file() -> None:
    message = told(ended(failed(1, problem("source"))), config="/etc/my clients/dimsync.toml")
    assert "-c '/etc/my clients/dimsync.toml'" in message.trouble[0].command
    assert message.footer.endswith("dimsync status -c '/etc/my clients/dimsync.toml'")


def test_a_very_long_key_is_not_told() -> None:
    row = problem("rejected", key="k" * 60_000)
    (cause,) = told(ended(company(1, State.PARTIAL, 3, problems=(row,)))).trouble
    assert len(cause.command) <= 300
    assert len(cause.example) <= 600


def test_of_many_causes_the_gravest_are_told_and_the_others_counted() -> None:
    wordy = [failed(n, problem("source", "one " * (n + 1))) for n in range(MOST_TOLD + 7)]
    message = told(ended(*wordy))
    assert (len(message.trouble), message.more) == (MOST_TOLD, 7)
    assert "and 7 more: dimsync status" in json.dumps(slack.slack(message))
    assert "and 7 more: dimsync status" in json.dumps(teams.teams(message))
    assert document(message)["more"] == 7


def test_whatever_goes_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @harmless()
    def breaks() -> None:
        raise RuntimeError("a bug")

    breaks()
    assert capsys.readouterr().err == "Warning: nobody was notified: RuntimeError\n"


# Forms


def texts(node: Any) -> list[str]:
    """Return all strings in a document."""
    if isinstance(node, str):
        return [node]
    nodes = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for each in nodes for text in texts(each)]


def hostile() -> Message:
    result = ended(
        failed(1, problem("source", f"no file {HOSTILE}; {HOSTILE}"), name=HOSTILE),
        company(2, State.PARTIAL, 3, problems=(problem("rejected", HOSTILE, key=HOSTILE),)),
        failed(3, problem(HOSTILE, HOSTILE), name=HOSTILE),
        over=(Recovered("main", 3, HOSTILE, HOSTILE, BEFORE),),
        problems=(problem("fleet", HOSTILE),),
    )
    return told(result, config=HOSTILE)


def test_slack_sees_no_mention_no_link_and_no_formatting_in_names() -> None:
    form = slack.slack(hostile())
    for text in texts(form):
        assert "<" not in text
        assert ">" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    blocks: Any = form["blocks"]
    assert all(each["text"]["verbatim"] for each in blocks)
    for each in blocks[1:-1]:
        code = each["text"]["text"].partition("\n")[2]
        assert code.startswith("```")
        assert code.endswith("```")
        assert "`" not in code[3:-3]


def test_teams_reads_no_markdown_in_any_text() -> None:
    form: Any = teams.teams(hostile())
    (attachment,) = form["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {each["type"] for each in card["body"]} == {"RichTextBlock"}
    assert {one["type"] for each in card["body"] for one in each["inlines"]} == {"TextRun"}
    assert "entities" not in card["msteams"]
    assert not any("{{" in text or "\x1b" in text for text in texts(form))


def test_a_command_that_a_form_cannot_show_gives_way() -> None:
    message = hostile()
    (rejected,) = (each for each in message.trouble if each.code == "rejected")
    assert "`x`" in rejected.command
    blocks: Any = slack.slack(message)["blocks"]
    (block,) = (each["text"]["text"] for each in blocks if "* rejected: " in each["text"]["text"])
    assert block.endswith("once that is put right: dimsync status```")


any_text = st.text(st.sampled_from('<>&`*_~|@#[](){}"\\é€😀\u202e\x00\x1b\n\ud800a1 '), max_size=600)


@steady(30)
@given(
    st.lists(
        st.tuples(any_text, any_text, st.sampled_from(["source", "rejected", "look-alike", "x" * 5_000])), max_size=40
    )
)
def test_every_form_of_any_message_is_small_enough_and_whole(found: list[tuple[str, str, str]]) -> None:
    companies = [failed(n, problem(code, f"{n} {text}"), name=name) for n, (name, text, code) in enumerate(found)]
    over = tuple(Recovered("main", n, name, text or "x", BEFORE) for n, (name, text, _) in enumerate(found))
    message = told(ended(*companies, over=over))
    for form, most_bytes in FORMS.values():
        body = fitted(message, form, most_bytes)
        assert len(body) <= most_bytes
        assert json.loads(body)
    blocks: Any = slack.slack(message)["blocks"]
    assert len(blocks) <= 50
    assert all(1 <= len(each["text"]["text"]) <= 3_000 for each in blocks)


@each_of(range(1, 40))
def test_no_entity_is_cut_in_two(most: int) -> None:
    short = slack.cut(slack.escaped("a & b <c> d &amp; e"), most)
    assert len(short) <= most
    assert short.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0


def test_a_broken_run_and_its_end() -> None:
    broke = problem("failed", f"the disk is full {HOSTILE}", since=None)
    message = of_the_whole("broken", "dimsync sync broke", broke, NOW, "dimsync.toml", command="dimsync doctor")
    assert [each.command for each in message.trouble] == ["dimsync doctor"]
    over = of_the_whole("broken", "ends again", broke, NOW, "dimsync.toml", command="", is_over=True)
    assert (over.trouble, over.recovered[0].kind) == ((), "recovered")
    for form, _ in FORMS.values():
        assert form(message)
        assert form(over)


# Companies that workers sync one by one

LAST = RunTimes("run-9", "sync", NOW, NOW, 1)


def test_many_runs_are_one_message_and_what_was_told_is_not_told_again() -> None:
    companies = [failed(n, problem("source", f"cannot read {n}.csv", since=BEFORE)) for n in range(1, 31)]
    message = of_round(companies, {}, LAST, {}, "dimsync.toml")
    assert (message.title, shown(message)) == ("dimsync sync: 30 companies need a person", [("source", 30)])
    assert message.facts == {"verb": "sync", "run_id": "run-9", "exit_code": 1}
    assert message.footer == "30 companies; all of it: dimsync status"
    memory = trouble_of(companies, NOW)
    assert read(written(memory)) == memory
    assert of_round(companies, memory, LAST, {}, "dimsync.toml").is_empty


def test_of_the_next_runs_what_came_and_what_went_is_told() -> None:
    before = [failed(1, problem("source", since=BEFORE)), failed(2, problem("source")), failed(4, problem("source"))]
    after = [failed(1, problem("source", since=BEFORE)), company(2), failed(3, problem("source"))]
    message = of_round(after, trouble_of(before, NOW), LAST, {}, "dimsync.toml")
    assert shown(message) == [("source", 1)]
    assert [(each.code, each.companies) for each in message.recovered] == [("source", ((2, "Harbor Grill 2"),))]


def test_what_waits_for_nobody_is_not_told() -> None:
    deferred = replace(company(1, State.DEFERRED, 5), problems=(problem("host-down"), problem("quota")))
    assert of_round([deferred, company(2)], {}, LAST, {}, "dimsync.toml").is_empty


@pytest.mark.parametrize(
    ("minutes_ago", "is_lately"),
    [(None, False), (0, True), (59, True), (60, False), (-60 * 24 * 365, False)],
    ids=["never", "now", "59 min", "1 h", "by a clock that was a year ahead"],
)
def test_while_there_is_work_one_message_an_hour_is_enough(minutes_ago: int | None, is_lately: bool) -> None:
    told_at = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    assert was_told_lately(told_at, NOW) is is_lately


@pytest.mark.parametrize("text", [None, "", "nonsense", "[[1]]", '{"a": 1}'])
def test_a_memory_that_cannot_be_read_is_none(text: str | None) -> None:
    assert read(text) == {}
