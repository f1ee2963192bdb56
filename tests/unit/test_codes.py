"""The registry of codes is complete and says nothing that is not so: the engine's own source is asked."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import click
import pytest

from engine.cli.codes import CODES
from engine.cli.codes.code import Code
from engine.cli.codes.companies import COMPANIES
from engine.cli.codes.exits import EXITS
from engine.cli.codes.lookups import LOOKUPS
from engine.cli.codes.rows import ROWS
from engine.cli.codes.runs import RUNS
from engine.cli.codes.source_rows import SOURCE_ROWS
from engine.cli.main import VERBS, command_of
from engine.cli.show.advice import WORDS, Typed, advice
from engine.guards.registry import ALLOWABLE, COMPANY_GUARDS, REGISTRY
from engine.model.balance import Balance, ExitCode, State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult
from engine.sandbox.access import Credentials
from engine.sources.presets import PRESETS
from tests.tables import each_of
from tests.unit.codes_in_source import constants, handed_in, of_classes, text_of, trees

ROOT = Path(__file__).parents[2]
PAGES = "\n".join(path.read_text("utf-8") for path in (ROOT / "README.md", *(ROOT / "engine" / "help").glob("*.md")))
ENTRIES = each_of(CODES)
EXIT_CODES = {str(int(code)) for code in ExitCode}

SINKS = {
    "Problem": (0, "code"),
    "Ending": (0, "code"),
    "Hold": (1, "slug"),
    "Violation": (0, "slug"),
    "Broken": (0, "code"),
    "Fault": (0, "code"),
    "problem": (0, "code"),
    "stop": (0, "code"),
    "_outsized": (0, "slug"),
    "recount": (2, "code"),
    "Finding": (0, "code"),
}
"""What is called with a code: at which place, under which name."""

HANDED_ON = {
    "code": set[str](),  # by `RowCounts.problem` and `endings.stop`, whose calls are sinks
    "slug": set[str](),  # by `_outsized`, and of a `Violation`
    "self.code": set[str](),  # no code: the exit code of `Run.stop`, which bears the name of `endings.stop`
    "hold.slug": set[str](),
    "row.code": set[str](),  # of a `Broken`
    "faults[0].code": set[str](),
    "code_of(reason)": set[str](),  # of an `Ending` or an error class
    "STOPPED.code": set[str](),  # of an `Ending`
    "STALLED.code": set[str](),
    "NO_ROOM.code": set[str](),
    "str(one.state)": set[str](),  # of a company in a saved plan that says no more of itself
    "problem.code": set[str](),  # of a saved plan's problem, which was one of a run
    "result.column.value": {"rejected", "uncertain"},
    "document['code']": set[str](),  # of a problem of an earlier run, as the journal keeps it
    "answer": set[str](),  # no code: `net.http.answer.problem` judges it, and bears the name of `RowCounts.problem`
}
"""What is no literal where a code is wanted, and the codes that come in there and nowhere else."""

NEVER_TOLD = {
    "held": "what the endings of guards have in common: each problem bears its guard's own slug",
    "unsafe-plan": "the base class, which nothing raises",
}

VERBS_TO_COME = {"apply", "check", "explain", "ledger", "rekey", "retry"}


def _told() -> tuple[set[str], set[str]]:
    """Return the codes that the engine's source names, and what it hands in as a code that cannot be read."""
    found = trees()
    texts = constants(found)
    codes: set[str] = set()
    riddles: set[str] = set()
    for expression in (each for tree in found for each in (*handed_in(tree, SINKS), *of_classes(tree))):
        unparsed = ast.unparse(expression)
        if (text := text_of(expression, texts)) is not None:
            codes.add(text)
        elif unparsed in HANDED_ON:
            codes |= HANDED_ON[unparsed]
        else:
            riddles.add(unparsed)
    return codes, riddles


def test_each_code_of_the_engine_has_an_entry_and_each_entry_a_code() -> None:
    told, riddles = _told()
    assert not riddles, "name these in HANDED_ON, with the codes that come in there"
    assert NEVER_TOLD.keys() <= told
    reachable = (told | {guard.slug for guard in REGISTRY} | EXIT_CODES) - NEVER_TOLD.keys()
    assert reachable - CODES.keys() == set(), "without an entry"
    assert CODES.keys() - reachable == set(), "nothing comes to this"


def test_each_exit_code_has_an_entry() -> None:
    assert [entry.code for entry in EXITS] == [str(int(code)) for code in ExitCode]


def options(verb: str) -> set[str]:
    """Return all options that a verb, or one of its own verbs, understands."""
    command = command_of(verb)
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return {option for each in (command, *inner) for parameter in each.params for option in parameter.opts}


@each_of(product([code for code in ExitCode if code in WORDS], ["sync", "plan", "check", "apply", "retry"]))
def test_what_is_to_be_typed_next_is_understood(code: ExitCode, verb: str) -> None:
    """A company rests: `--fresh` is named where there is such an option, and only there."""
    resting = CompanyResult(
        company_id=1,
        name="",
        account="main",
        state=State.FAILED,
        exit_code=int(code),
        problems=(Problem(code="resting", message=""),),
    )
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    result = RunResult(
        run_id="",
        verb=verb,
        started_at=moment,
        finished_at=moment,
        elapsed_s=0.0,
        exit_code=int(code),
        totals=Balance(),
        requests=Requests(),
        companies=(resting,),
    )
    _, command = advice(result, Typed(verb=verb, config="other.toml", select=("group:a",), plan_file="plan.json"))
    _, typed, *_ = command.split()
    assert set(re.findall(r"--[a-z-]+", command)) <= options(typed), command
    assert ("--fresh" in command) <= (typed in {"sync", "plan"})


def test_no_code_has_two_entries() -> None:
    entries = [*(guard.slug for guard in REGISTRY)]
    entries += [each.code for each in (*SOURCE_ROWS, *ROWS, *COMPANIES, *RUNS, *LOOKUPS, *EXITS)]
    assert sorted(entries) == sorted(CODES)


def test_codes_are_listed_by_level() -> None:
    listed = list(CODES)
    levels = ["duplicate-key", "ambiguous", "rejected", "mass-create", "fleet", "source", "ledger", "0"]
    assert [listed.index(code) for code in levels] == sorted(listed.index(code) for code in levels)
    assert listed.index("not-applied") == listed.index("stored-otherwise") + 1
    assert listed.index("deadline") == listed.index("fleet") - 1


@ENTRIES
def test_the_texts_are_sentences(entry: Code) -> None:
    for text in entry[1:]:
        assert re.match(r"[A-Z]", text)
        assert text.endswith(".")
        assert text.isascii()
        assert "  " not in text
        assert text.count("`") % 2 == 0


@ENTRIES
def test_the_commands_are_commands(entry: Code) -> None:
    text = " ".join(entry[1:])
    assert set(re.findall(r"dimsync ([a-z]+)", text)) <= VERBS.keys() | VERBS_TO_COME
    commands = re.findall(r"`(dimsync[^`]*)`", text)
    assert len(commands) == text.count("dimsync")
    assert {word for command in commands for word in re.findall(r"[A-Z]+", command)} <= {"ID", "KEY", "FILE"}
    assert set(re.findall(r"--allow ([a-z-]+)", text)) <= set(ALLOWABLE)
    for command in commands:
        _, *verb = command.split()
        known = options(verb[0]) if verb else {"--help"}
        assert set(re.findall(r"--[a-z-]+", command)) <= known, command


@ENTRIES
def test_the_exit_codes_named_are_exit_codes(entry: Code) -> None:
    assert set(re.findall(r"exit (\d+)", " ".join(entry[1:]))) <= EXIT_CODES


@each_of(ALLOWABLE)
def test_what_may_be_allowed_says_how(slug: str) -> None:
    assert re.search(rf"`dimsync sync [^`]*--allow {slug}(:ID)?`", CODES[slug].next)


@pytest.mark.parametrize("slug", sorted(COMPANY_GUARDS - set(ALLOWABLE)))
def test_what_may_not_be_allowed_says_so(slug: str) -> None:
    assert "No `--allow` helps." in CODES[slug].effect
    assert "--fresh" in CODES[slug].next


def test_what_the_readme_and_the_pages_of_help_name_has_an_entry() -> None:
    made_up = {Credentials().api_key, Credentials().client_id, Credentials().client_secret, "dimsync-work"}
    presets = {part for name in PRESETS for part in (name, name.partition(".")[2])}
    slugs = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGES)) - made_up - presets
    slugs |= set(re.findall(r"--allow ([a-z-]+)", PAGES))
    assert slugs >= {"mass-create", "out-of-scope", "key-mismatch", "canary"}
    assert slugs <= CODES.keys()
