"""The pages of help that ship with the program: `engine/help/TOPIC.md`, each with its subject as its title."""

from __future__ import annotations

import re
from importlib import resources

MARK = re.compile(r"^<!-- .* -->\n+", re.MULTILINE)
"""A line of a page that is for tests and for the scripts that write it; it is not shown."""

FOLDER = resources.files("engine").joinpath("help")


def topics() -> list[str]:
    """Return the names of all pages, sorted."""
    return sorted(each.name.removesuffix(".md") for each in FOLDER.iterdir() if each.name.endswith(".md"))


def page(topic: str) -> str:
    """Return the Markdown of one of the `topics`, without its marks."""
    return MARK.sub("", FOLDER.joinpath(f"{topic}.md").read_text("utf-8"))


def title(topic: str) -> str:
    """Return the first heading of a page."""
    return page(topic).partition("\n")[0].removeprefix("# ")
