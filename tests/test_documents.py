"""What the pages for developers name is there: files, functions and rooms."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tables import each_of

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "engine" / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WAY = re.findall(r"`([\w/]+\.py)` `(\w+)`", ARCHITECTURE)
PATHS = re.findall(
    r"`((?:engine|tests|scripts|sandbox|wire|run|send|net|compare|guards|ledger|cli|sources|model)/[\w/.-]*)`",
    ARCHITECTURE,
)


@each_of(WAY)
def test_the_way_of_a_row_names_what_is_there(file: str, name: str) -> None:
    text = (ROOT / "engine" / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:class|def|async def) {name}\b", text, re.MULTILINE)


def test_paths_lead_somewhere() -> None:
    assert len(WAY) >= 20
    for path in PATHS:
        assert (ROOT / path).exists() or (ROOT / "engine" / path).exists(), path
    for command in re.findall(r"\bscripts/[\w-]+|tests/[\w/]+(?:\.py)?", CONTRIBUTING):
        assert (ROOT / command).exists(), command


def test_the_rooms_are_those_that_are_there() -> None:
    rooms = ARCHITECTURE.partition("## The rooms")[2].partition("## Words")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", rooms, re.MULTILINE))
    there = {each.name for each in (ROOT / "engine").iterdir() if (each / "__init__.py").exists()}
    assert told == there
