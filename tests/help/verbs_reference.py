"""The table of all verbs and their options, as Markdown, made from the commands themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

import click

from engine.cli.main import VERBS, command_of

WIDTH = 120
"""Characters of a line of Markdown."""

MANY = 3
"""Verbs that an option belongs to, and is explained once for all."""


class Option(NamedTuple):
    """One option as a reader is told of it."""

    written: str  # "-q, --quiet", "--budget N"
    text: str


class Command(NamedTuple):
    """A verb, or a verb of a verb."""

    name: str  # "ledger backup"
    usage: str  # what stands behind `dimsync`: "ledger backup FILE"
    text: str
    options: tuple[Option, ...]


def commands() -> Iterator[Command]:
    """Yield all verbs in the order of `dimsync --help`, each with its own verbs behind it."""
    for verb in VERBS:
        command = command_of(verb)
        yield _command(verb, command)
        if isinstance(command, click.Group):
            yield from (_command(f"{verb} {name}", inner) for name, inner in sorted(command.commands.items()))


def reference() -> str:
    """Return the table of all verbs, their options, and those that many verbs have, as Markdown."""
    every = tuple(commands())
    counts = Counter(option for command in every for option in command.options)
    shared = {option for option, count in counts.items() if count >= MANY}
    lines = ["## All verbs", "", "| verb | what it does |", "|---|---|"]
    lines += [f"| `{_cell(command.usage)}` | {_cell(command.text)} |" for command in every]
    lines += ["", "## Options of many verbs", "", *_table(dict.fromkeys(each for each in counts if each in shared))]
    for command in every:
        if command.options:
            lines += ["", f"## `dimsync {command.name}`", "", *_options(command, shared)]
    return "\n".join(lines)


def _options(command: Command, shared: set[Option]) -> Iterator[str]:
    own = [option for option in command.options if option not in shared]
    also = [f"`{option.written}`" for option in command.options if option in shared]
    yield from _table(own) if own else ()
    if also:
        yield from ("",) if own else ()
        yield from wrap(f"{'Also' if own else 'Options'}: {', '.join(also)}.", WIDTH, break_on_hyphens=False)


def _table(options: list[Option] | dict[Option, None]) -> Iterator[str]:
    yield from ("| option | what it does |", "|---|---|")
    for option in options:
        yield f"| `{_cell(option.written)}` | {_cell(option.text)} |"


def _cell(text: str) -> str:
    """Return a text for a cell of a table: a bar would end the cell, also in code."""
    return " ".join(text.split()).replace("|", "\\|")


def _command(name: str, command: click.Command) -> Command:
    context = click.Context(command, info_name=name)
    arguments = [
        parameter.make_metavar(context) for parameter in command.params if isinstance(parameter, click.Argument)
    ]
    shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    options = tuple(_option(each, context) for each in shown)
    text = VERBS[name][1] if name in VERBS else (command.help or "").partition("\n\n")[0]
    return Command(name, " ".join((name, *arguments)), text, options)


def _option(option: click.Option, context: click.Context) -> Option:
    """Return an option with its value's name, and its default where `--help` shows one."""
    value = "" if option.is_flag else f" {_value(option, context)}"
    has_default = option.show_default and option.default is not None
    default = f" Default: `{option.default}`." if has_default else ""
    return Option(f"{', '.join(option.opts)}{value}", f"{option.help or ''}{default}")


def _value(option: click.Option, context: click.Context) -> str:
    named = option.make_metavar(context)
    return {"INTEGER RANGE": "N", "INTEGER": "N", "FLOAT RANGE": "N", "PATH": "FILE"}.get(named, named)
