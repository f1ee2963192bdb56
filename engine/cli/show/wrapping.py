"""Texts in lines that fit a terminal: wrapped, hanging under a label, or cut."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

LABEL = 10  # width of the labels in front of the totals


def hang(label: str, text: str, width: int, *, style: str = "") -> list[Text]:
    """Return a text behind its label, wrapped so that all lines begin behind the label."""
    lines = wrap(text, " " * LABEL, width)
    head = Text(f"{label:<{LABEL}}", style="bold")
    lines[0] = head.append_text(lines[0][LABEL:])
    for line in lines:
        line.stylize(style)
    return lines


def wrap(text: str, indent: str, width: int) -> list[Text]:
    """Return the text in lines of `width` cells that begin with `indent`; words that are too long are broken."""
    folded = Text(text).wrap(RULER, max(20, width - len(indent)), overflow="fold")
    return [Text(f"{indent}{line.plain.rstrip()}") for line in folded] or [Text(indent)]


RULER = Console(file=None, force_terminal=False, width=80, _environ={})  # rich wraps text by a console's rules


def fit(name: str, cells: int) -> str:
    """Return a name in exactly `cells` terminal cells; a longer one is cut and ends with an ellipsis."""
    return set_cell_size(name, cells) if cell_len(name) <= cells else f"{set_cell_size(name, cells - 1)}…"
