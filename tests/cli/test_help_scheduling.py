"""The help page on scheduling: its settings are loaded, its commands are typed, its message is one that is sent."""

from __future__ import annotations

import json
import re
import shlex
from configparser import ConfigParser
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from textwrap import dedent

import click
import pytest

from engine.cli.codes import CODES
from engine.cli.main import command_of
from engine.cli.notices.making import after_run
from engine.cli.notices.message import document
from engine.cli.show.pages import topics
from engine.config import load
from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.result import Recovered
from engine.model.schedule import cron_fault
from tests.cli.conftest import Here
from tests.tables import each_of
from tests.unit.settings_file import ACCOUNT, ENV
from tests.unit.test_render import balance, company, run

PAGE = resources.files("engine").joinpath("help", "scheduling.md").read_text("utf-8")
INDENTED = r"<!-- test: {} -->\n((?:    .*\n|\n)+)"
CRON = [
    line.split(maxsplit=5) for text in re.findall(INDENTED.format("cron"), PAGE) for line in text.split("\n") if line
]
UNITS = [dedent(text) for text in re.findall(INDENTED.format("unit"), PAGE)]
SETTINGS = re.findall(r"<!-- test: settings -->\n```toml\n(.*?)```", PAGE, flags=re.DOTALL)
AT = datetime(2026, 11, 30, 5, 0, 47, tzinfo=UTC)


def typed(line: str) -> None:
    """Check that a command line of the page is one that the program takes."""
    words = shlex.split(line.partition(">")[0])
    place = next(number for number, word in enumerate(words) if Path(word).name == "dimsync")
    verb, *rest = words[place + 1 :]
    command_of(verb).make_context(verb, rest)


def test_the_page_is_a_topic_of_help_without_its_marks(here: Here) -> None:
    told = here("help", "scheduling")
    assert (told.returncode, told.stderr) == (0, "")
    assert "<!--" not in told.stdout
    assert told.stdout.startswith("# Syncs on a schedule, and who is told of trouble\n")
    assert set(re.findall(r"dimsync help ([a-z-]+)", PAGE)) <= {*CODES, *topics()}


def test_each_example_is_tested_but_that_of_kubernetes() -> None:
    assert (len(CRON), len(UNITS), len(SETTINGS)) == (3, 2, 2)
    assert PAGE.count("```toml\n") == len(SETTINGS)
    assert "## Kubernetes (an example, not tested here)" in PAGE


@pytest.mark.parametrize("line", CRON, ids=[line[5] for line in CRON])
def test_each_cron_line_is_one(line: list[str]) -> None:
    assert cron_fault(" ".join(line[:5])) is None
    before, command = line[5].split(" && ")
    assert before == "cd /srv/dimsync"
    typed(command)


@each_of(sorted(set(re.findall(r"`(dimsync [^`]+)`", PAGE))))
def test_each_command_in_the_text_is_one(command: str) -> None:
    typed(command)


@pytest.mark.parametrize("text", UNITS, ids=["service", "timer"])
def test_each_unit_is_one(text: str) -> None:
    unit = ConfigParser(interpolation=None)
    unit.read_string(text)
    if "Service" in unit:
        typed(unit["Service"]["ExecStart"])
    else:
        assert unit["Timer"]["OnCalendar"] == "*:0/10"


def test_the_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "1.csv").touch()
    path = tmp_path / "dimsync.toml"
    path.write_text(ACCOUNT + "\n".join(SETTINGS), encoding="utf-8")
    hooks = {"SLACK_WEBHOOK": "https://hooks.slack.com/services/T/B/x", "MONITOR_URL": "https://monitor.test/x"}
    found = load(path, {**ENV, **hooks})
    assert set(found.schedules) == {1}
    assert [target.format for target in found.notify] == ["slack", "teams", "json", "json"]
    assert [fault.key for fault in found.unset] == ["notify[1].webhook"], "the file is not here"


def test_the_message_is_what_is_sent() -> None:
    held = [
        replace(
            company(number, State.HELD, 4, evidence="listing", balance=balance(held=held)),
            name=name,
            problems=(Problem(code="mass-update", message=message, since=AT),),
        )
        for number, name, held, message in (
            (1105, "Red Oak", 214, "would change 214 rows where 230 are: over 30% of them"),
            (1107, "Fig & Olive", 198, "would change 198 rows where 200 are: over 30% of them"),
        )
    ]
    over = (Recovered("main", 1101, "Harbor Grill", "missing-source", datetime(2026, 11, 27, 5, 0, 31, tzinfo=UTC)),)
    result = replace(run(held), finished_at=AT, exit_code=4, run_id="20261130T050000Z-1c2d3e4f", recovered=over)
    (text,) = re.findall(r"<!-- test: message -->\n```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert json.loads(text) == document(after_run(result, {}, "dimsync.toml"))


def test_a_command_that_is_not_one_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        typed("dimsync sync --soon")
