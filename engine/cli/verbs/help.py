"""`dimsync help`: pages on topics; what a code means, why it comes, and what to type next."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from shutil import get_terminal_size
from textwrap import TextWrapper

import click

from engine.cli.codes import CODES
from engine.cli.codes.code import Code
from engine.cli.main import VERBS
from engine.cli.options import output_option
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.pages import page, title, topics
from engine.observe.terminal import brief

SCHEMA = "dimsync.codes/1"

PAGE_SCHEMA = "dimsync.page/1"

BOUNDLESS = 10_000
"""Width of output that is no terminal: lines are not wrapped, so that they can be searched."""

NARROWEST = 40
INDENT = 8  # width of the labels


@click.command()
@click.argument("topic", required=False, metavar="[TOPIC|CODE]")
@output_option("table", "json")
def help(*, topic: str | None, output: str) -> int:  # noqa: A001  the verb's name
    """Show the page on TOPIC, or tell what a CODE means: that of a problem, a guard or an exit. Without one, list all.

    In what to do next, ID stands for the company's id and KEY for the row's key. Written to a file or a pipe, a page is
    Markdown.
    """
    if topic in topics():
        _show_page(str(topic), output)
        return 0
    codes = [_found(topic)] if topic is not None else list(CODES.values())
    if output == "json":
        deliver_texts(iter([dump({"schema": SCHEMA, "codes": [each._asdict() for each in codes]}, indent=2)]))
        return 0
    lines = _all(codes, _width()) if topic is None else _told(codes[0], _width())
    deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return 0


def _width() -> int:
    return max(NARROWEST, get_terminal_size((BOUNDLESS, 0)).columns)


def _show_page(topic: str, output: str) -> None:
    """Print a page: laid out for a terminal, else as it is written."""
    text, width = page(topic), _width()
    if output == "json":
        document = {"schema": PAGE_SCHEMA, "topic": topic, "title": title(topic), "text": text}
        deliver_texts(iter([dump(document, indent=2)]))
    elif width == BOUNDLESS:
        deliver_texts(iter([text.rstrip("\n")]))
    else:
        from engine.cli.show.page import page_lines  # noqa: PLC0415  it brings rich, which other help does not need

        lines = page_lines(text, width, is_terminal=sys.stdout.isatty())
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))


def _found(code: str) -> Code:
    """Return the entry of a code, or raise `UsageError` that names similar topics and codes."""
    if code in CODES:
        return CODES[code]
    near = get_close_matches(code, [*topics(), *CODES])
    if code in VERBS:
        advice = f"`dimsync {code} --help` tells of that verb"
    elif near:
        advice = f"is it {' or '.join(near)}?"
    else:
        advice = "`dimsync help` lists all"
    raise click.UsageError(f"there is no topic or code {code!r}; {advice}")


def _all(codes: Iterable[Code], width: int) -> Iterator[str]:
    """Yield a line for each topic and each code; one that is too long for the terminal is cut and ends with "…"."""
    from engine.cli.show.table import columns  # noqa: PLC0415  it brings rich, which `--help` does not need

    for line in columns(("TOPIC", "WHAT IT TELLS"), [(topic, title(topic)) for topic in topics()]):
        yield brief(line, width)
    yield ""
    for line in columns(("CODE", "CAUSE"), [(each.code, each.cause) for each in codes]):
        yield brief(line, width)
    yield ""
    yield "`dimsync help TOPIC` shows a page, `dimsync help CODE` why a code comes and what to type."


def _told(code: Code, width: int) -> Iterator[str]:
    """Yield the explanation of one code, wrapped; a command is never broken, so that it can be copied."""
    yield code.code
    for label, text in (("cause", code.cause), ("effect", code.effect), ("next", code.next)):
        whole = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\xa0"), text)
        first, later = f"{f'  {label}':<{INDENT + 2}}", " " * (INDENT + 2)
        lines = TextWrapper(
            width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
        )
        yield from (line.replace("\xa0", " ") for line in lines.wrap(whole))
