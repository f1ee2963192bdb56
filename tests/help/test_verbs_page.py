"""The page on verbs has all that `--help` shows, and `--help` has all that the page tells."""

from __future__ import annotations

import re

import click

from engine.cli.main import VERBS, cli, command_of
from tests.help.generated import path_of
from tests.help.verbs_reference import commands
from tests.tables import each_of

TEXT = path_of("verbs").read_text("utf-8")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
NAMES = [command.name for command in commands()]


def helped(name: str) -> str:
    """Return what `dimsync NAME --help` prints of its options: their column alone."""
    verb, *inner = name.split()
    command = command_of(verb)
    for each in inner:
        assert isinstance(command, click.Group)
        command = command.commands[each]
    context = click.Context(command, info_name=f"dimsync {name}", terminal_width=200)
    lines = command.get_help(context).partition("\nOptions:\n")[2].splitlines()
    return "\n".join(re.split(r"  +", line.strip())[0] for line in lines if line.startswith("  -"))


def told(name: str) -> str:
    """Return what the page tells of a verb's options: the first cells of its table, and those of many verbs."""
    section = re.split(r"^## ", TEXT.partition(f"## `dimsync {name}`\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (`-.*?`) \|", section, re.MULTILINE)
    return "\n".join([*rows, *re.findall(r"^(?:Also|Options): .*(?:\n.+)*", section, re.MULTILINE)])


@each_of(NAMES)
def test_a_verb_has_the_options_that_the_page_tells_and_no_others(name: str) -> None:
    assert set(OPTION.findall(told(name))) == set(OPTION.findall(helped(name))) - {"--help"}


def test_every_verb_of_help_has_a_row_and_every_row_a_verb() -> None:
    table = TEXT.partition("## All verbs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z]+)(?: ([a-z]+))?", table, re.MULTILINE)
    assert {verb for verb, _ in rows} == set(VERBS) == set(cli.list_commands(click.Context(cli)))
    assert [" ".join(filter(None, row)) for row in rows] == NAMES


def test_an_option_of_many_verbs_is_explained_once() -> None:
    shared = TEXT.partition("## Options of many verbs")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `(-.*?)` \|", shared, re.MULTILINE)
    for line in re.findall(r"^(?:Also|Options): (.*(?:\n.+)*)\.$", TEXT, re.MULTILINE):
        assert set(re.findall(r"`(-[^`]*)`", " ".join(line.split()))) <= {
            each.replace("\\|", "|") for each in explained
        } | set(explained)
