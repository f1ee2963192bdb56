"""What the README shows is what happens: its commands run, its program is executed, its tables are whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import pytest

from engine.cli.main import VERBS, command_of
from engine.cli.show.pages import topics
from engine.model.balance import SEVERITY
from engine.sandbox.access import Credentials
from engine.sandbox.server import Options, Sandbox
from tests.help.test_page_blocks import BLOCKS as PAGE_BLOCKS
from tests.nursery import ROOT, Nursery, environment
from tests.tables import each_of

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- test: (\S+) -->\n```\w*\n(.*?)```", README, flags=re.DOTALL))
CREDENTIALS = Credentials(account_id="racc_1")
ENVIRONMENT = {
    "OTTIMATE_API_KEY": CREDENTIALS.api_key,
    "OTTIMATE_CLIENT_ID": CREDENTIALS.client_id,
    "OTTIMATE_CLIENT_SECRET": CREDENTIALS.client_secret,
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Options(accounts=(CREDENTIALS,))) as running:
        running.service.place(123)
        running.service.place(124)
        yield running


def test_it_is_short_enough_to_be_read_at_once() -> None:
    assert len(README.splitlines()) < 200


def test_the_blocks_are_there() -> None:
    assert set(BLOCKS) == {"cron", "environment", "first", "library"}
    assert {name for name in ENVIRONMENT if name in BLOCKS["environment"]} == set(ENVIRONMENT)


async def test_the_first_five_minutes_go_as_pasted(sandbox: Sandbox, nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    for name in ("exports/123.csv", "exports/124.csv"):
        (tmp_path / name).write_text(PAGE_BLOCKS[name], encoding="utf-8")
    for line in BLOCKS["first"].splitlines():
        program, verb, *arguments = line.split("#")[0].split()
        assert program == "dimsync"
        where = ["--base-url", sandbox.base_url] if verb == "init" else []
        done = await asyncio.to_thread(
            nursery.run, "engine", verb, *arguments, *where, cwd=tmp_path, env=environment(**ENVIRONMENT)
        )
        assert done.returncode == 0, f"{line}\n{done.stdout.decode()}\n{done.stderr.decode()}"
    stored = {n: sorted(row.values.key or "" for row in sandbox.tenant.companies[n].rows) for n in (123, 124)}
    assert stored == {
        123: ["123:account:0100", "123:account:0200", "123:department:D-7"],
        124: ["124:account:211", "124:department:7"],
    }


def test_the_lines_of_the_scheduler_are_understood() -> None:
    lines = BLOCKS["cron"].splitlines()
    for line in lines:
        *when, folder, typed = re.fullmatch(r"(\d+) (\d+) (\*) (\*) (\*)  cd (\S+) && (dimsync .*)", line).groups()  # type: ignore[union-attr]  # else the test fails
        assert (len(when), folder) == (5, "/srv/dimsync")
        _, verb, *words = typed.split()
        command = command_of(verb)
        if isinstance(command, click.Group):
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
    assert len(lines) == 3


async def test_the_library_program_works_as_pasted(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program: dict[str, Any] = {}
    exec(BLOCKS["library"], program)  # noqa: S102  the README's own text
    await program["main"](sandbox.base_url, CREDENTIALS.api_key, CREDENTIALS.client_id, CREDENTIALS.client_secret)
    assert len(sandbox.tenant.companies[123].rows) == 1


def test_every_reachable_exit_code_is_told() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", README, flags=re.MULTILINE)
    assert {int(code) for cell in rows for code in cell.split(",")} == set(SEVERITY)


def test_every_topic_of_help_is_named() -> None:
    table = README.partition("| `dimsync help` |")[2].partition("\n\n")[0]
    named = {word for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for word in re.findall(r"`(\w+)`", row)}
    assert named == set(topics())


@each_of(list(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    command = command_of(verb)
    text = command.get_help(click.Context(command, info_name=f"dimsync {verb}"))
    assert text.startswith(f"Usage: dimsync {verb}")
    assert command.help
