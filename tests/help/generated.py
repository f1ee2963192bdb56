"""The pages of help that are partly made from the program: what stands above the mark is written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.help import guards_reference, settings_reference, verbs_reference
from tests.nursery import ROOT

FOLDER = ROOT / "engine" / "help"

MARK = "<!-- from here on: written by scripts/help-pages -->\n"

PAGES: dict[str, Callable[[], str]] = {
    "guards": guards_reference.reference,
    "settings": settings_reference.reference,
    "verbs": verbs_reference.reference,
}
"""What makes the part of each page below its mark."""


def path_of(topic: str) -> Path:
    """Return the file of a page."""
    return FOLDER / f"{topic}.md"


def made(topic: str) -> str:
    """Return a page with its lower part as the program is now."""
    head, mark, _ = path_of(topic).read_text("utf-8").partition(MARK)
    assert mark, f"{topic}.md has lost its line {MARK!r}"
    return f"{head}{mark}\n{PAGES[topic]().rstrip()}\n"
