"""`dimsync help`: what a code means, why it comes, and what to type next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib import resources
from shutil import get_terminal_size
from textwrap import TextWrapper

import click

from engine.cli.codes import CODES
from engine.cli.codes.code import Code
from engine.cli.main import VERBS
from engine.cli.options import output_option
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.observe.terminal import brief

SCHEMA = "dimsync.codes/1"

TOPICS = frozenset({"agreement", "scheduling", "sources"})
"""Topics that are not codes; each has a page in `engine/help`."""

MARK = re.compile(r"^<!-- .* -->\n", re.MULTILINE)
"""A line of a page that is for tests, and not shown."""

BOUNDLESS = 10_000
"""Width of output that is no terminal: lines are not wrapped, so that they can be searched."""

NARROWEST = 40
INDENT = 8  # width of the labels


@click.command()
@click.argument("code", required=False)
@output_option("table", "json")
def help(*, code: str | None, output: str) -> int:  # noqa: A001  the verb's name
    """Tell what a CODE means: one of a problem, a guard, or an exit code. Without one, list all.

    `dimsync help agreement` tells when a row is in order, `dimsync help sources` how to name and map what an ERP gives,
    `dimsync help scheduling` how to run syncs on a schedule and who is told of trouble.

    In what to do next, ID stands for the company's id and KEY for the row's key.
    """
    if code in TOPICS and output == "table":
        text = resources.files("engine").joinpath("help", f"{code}.md").read_text("utf-8")
        deliver_texts(iter([MARK.sub("", text)]))
        return 0
    codes = [_found(code)] if code is not None else list(CODES.values())
    if output == "json":
        deliver_texts(iter([dump({"schema": SCHEMA, "codes": [each._asdict() for each in codes]}, indent=2)]))
        return 0
    width = max(NARROWEST, get_terminal_size((BOUNDLESS, 0)).columns)
    lines = _listed(codes, width) if code is None else _told(codes[0], width)
    deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return 0


def _found(code: str) -> Code:
    """Return the entry of a code, or raise `UsageError` that names similar codes."""
    if code in CODES:
        return CODES[code]
    near = get_close_matches(code, CODES)
    if code in VERBS:
        advice = f"`dimsync {code} --help` tells of that verb"
    elif near:
        advice = f"is it {' or '.join(near)}?"
    else:
        advice = "`dimsync help` lists all"
    raise click.UsageError(f"there is no code {code!r}; {advice}")


def _listed(codes: Iterable[Code], width: int) -> Iterator[str]:
    """Yield a line for each code; one that is too long for the terminal is cut and ends with an ellipsis."""
    from engine.cli.show.table import columns  # noqa: PLC0415  it brings rich, which `--help` does not need

    for line in columns(("CODE", "CAUSE"), [(each.code, each.cause) for each in codes]):
        yield brief(line, width)


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
