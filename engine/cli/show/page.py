"""A page of help for a terminal: Markdown in lines that fit, tables in columns, code never broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

WIDEST = 100
"""Columns of the widest page: longer lines of prose are hard to read."""

THEME = Theme({"markdown.code": "cyan", "markdown.h2": "bold", "markdown.table.border": "dim"})
"""Styles that are readable on light and dark terminals."""

UNDERLINED = {"h1": "=", "h2": "-"}

GAP = 3
"""Columns of a terminal that a table's column may need besides its text."""

UNBROKEN = "\ue000"
"""Stands for a space at which no line is broken: a character that no page has, and that rich takes for a letter."""

LONGEST = 66
LONGEST_IN_TABLE = 30
"""Characters of code up to which it is kept on one line."""


class _Title(Heading):
    """A heading at the left, underlined so that it is seen without colours, too."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text
        if line := UNDERLINED.get(self.tag):
            yield Text(line * min(cell_len(self.text.plain), options.max_width), style=self.style_name)


class _Code(CodeBlock):
    """Code, moved in by four columns; its lines are never broken."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Text(f"    {line}".rstrip(), no_wrap=True, overflow="ignore", style="bold")


class _Table(TableElement):
    """A table whose cells are broken where they must, and never cut."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = self.header.row.cells if self.header is not None and self.header.row is not None else []
        rows = [[cell.content for cell in row.cells] for row in (self.body.rows if self.body is not None else [])]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=any(cell.content for cell in head))
        for place, cell in enumerate(head):
            words = (word for row in rows for word in row[place].plain.split(" "))
            least = min(max(map(cell_len, words), default=1), options.max_width // len(head) - GAP)
            table.add_column(cell.content, overflow="fold", min_width=least)
        for row in rows:
            table.add_row(*row)
        yield table


class _Page(Markdown):
    """Markdown with our own titles, code and tables."""

    elements = Markdown.elements | {
        "heading_open": _Title,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
    }


def page_lines(text: str, width: int, *, is_terminal: bool) -> Iterator[str]:
    """Yield a Markdown text as lines of at most `width` columns; code may be wider. Colours for a terminal only."""
    page = _Page(text, hyperlinks=False)
    _keep_code(page.parsed)
    console = Console(
        width=min(width, WIDEST),
        highlight=False,
        emoji=False,
        theme=THEME,
        force_terminal=None if is_terminal else False,
    )
    with console.capture() as shown:
        console.print(page, crop=False)
    yield from (line.replace(UNBROKEN, " ").rstrip() for line in shown.get().splitlines())


def _keep_code(tokens: Iterable[Token], longest: int = LONGEST) -> None:
    """Put the backticks back around code in a sentence: without colours it looks like other words.

    Code of up to `longest` characters is kept on one line.
    """
    for token in tokens:
        if token.type in {"table_open", "table_close"}:
            longest = LONGEST_IN_TABLE if token.type == "table_open" else LONGEST
        elif token.type == "code_inline":
            code = token.content if len(token.content) > longest else token.content.replace(" ", UNBROKEN)
            token.content = f"`{code}`"
        _keep_code(token.children or (), longest)
