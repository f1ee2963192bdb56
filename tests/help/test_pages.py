"""All pages of help: they fit a terminal, what they tell to type is understood, what they refer to is there."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import click
import pytest
from rich.cells import cell_len

from engine.cli.codes import CODES
from engine.cli.main import VERBS, command_of
from engine.cli.show.page import page_lines
from engine.cli.show.pages import page, title, topics
from engine.config.schema import SECTIONS, Document
from engine.config.values import Surroundings
from engine.guards.registry import ALLOWABLE
from tests.help.generated import PAGES, made, path_of
from tests.help.settings_reference import Key, groups
from tests.nursery import ROOT
from tests.tables import each_of

NARROW = 80

UNBROKEN = {"scheduling", "screens"}
"""Pages whose code is lines for cron and JSON, which cannot be broken."""

TOPICS = pytest.mark.parametrize("topic", topics())


def commands(text: str) -> list[str]:
    """Return what a page tells to type, without comments: in blocks of code and in sentences."""
    found = re.findall(r"^\s*(?:- )?(dimsync .+)$", text, re.MULTILINE) + re.findall(r"`(dimsync [^`]+)`", text)
    return [re.split(r"\s+#|\s+>|\s+\|", each)[0] for each in found]


@TOPICS
def test_a_page_fits_a_terminal_of_80_columns(topic: str) -> None:
    lines = list(page_lines(page(topic), NARROW, is_terminal=False))
    wide = [line for line in lines if cell_len(line) > NARROW]
    assert [line for line in wide if not (topic in UNBROKEN and line.startswith("    "))] == []
    assert lines[1] == "=" * len(lines[0])
    assert not any(line.endswith(" ") for line in lines)


@TOPICS
def test_a_page_tells_what_it_is_about_in_its_title(topic: str) -> None:
    assert page(topic).startswith("# ")
    assert len(f"{max(topics(), key=len)}  {title(topic)}") <= NARROW


@TOPICS
def test_what_a_page_tells_to_type_is_understood(topic: str) -> None:
    for typed in commands(page(topic)):
        _, verb, *words = typed.split()
        if verb == "VERB" or verb.startswith("--"):
            continue
        assert verb in VERBS, typed
        command = command_of(verb)
        if words and isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= known, typed
        if verb == "help":
            assert not words or words[0] in {*topics(), *CODES, "CODE", "TOPIC"}, typed
        assert set(re.findall(r"--allow ([a-z-]+)", typed)) <= set(ALLOWABLE), typed


def test_whatever_refers_to_a_page_of_help_finds_it() -> None:
    named = set()
    for path in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("*.md"), *ROOT.glob("engine/**/*.md")]:
        named |= set(re.findall(r"dimsync help ([a-z][a-z-]*)", path.read_text("utf-8")))
    assert named - {*topics(), *CODES} == set()


@pytest.mark.parametrize("topic", PAGES)
def test_what_is_made_from_the_program_is_as_the_program_is(topic: str) -> None:
    assert path_of(topic).read_text("utf-8") == made(topic), "run scripts/help-pages"


def test_each_example_of_a_setting_is_accepted() -> None:
    each_of((group.title, key) for group in groups() for key in group.keys)(must_be_accepted)()


def must_be_accepted(title: str, key: Key) -> None:
    assert re.match(r"[A-Z`.]", key.text)
    assert key.text.endswith((".", "?"))
    values = tomllib.loads(key.example)
    assert set(values) == {key.name}, title
    around = Surroundings(folder=ROOT, env={}, contract="guide", needs_secrets=False)
    owners = [section for section in SECTIONS.values() if key.name in section.model_fields]
    accepted = [section for section in owners if _is_accepted(section, values, around)]
    assert accepted, f"{title}: {key.example}"


def _is_accepted(section: type[Any], values: dict[str, Any], around: Surroundings) -> bool:
    """Return whether a section takes the example for this key; other keys may be missing."""
    from pydantic import ValidationError  # noqa: PLC0415  read here alone

    try:
        section.model_validate(values, context={"around": around})
    except ValidationError as error:
        return not any(detail["loc"][:1] == (next(iter(values)),) for detail in error.errors())
    return True


def test_every_key_of_the_schema_is_in_the_reference() -> None:
    told = {key.name for group in groups() for key in group.keys}
    sections = {pattern[0] for pattern in SECTIONS if pattern} | {"limits", "verify", "guard"}
    every = {name for section in SECTIONS.values() for name in section.model_fields}
    assert every - told == sections - {"companies_file"} - (sections & told)
    assert set(Document.model_fields) - sections <= told
