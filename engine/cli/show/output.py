"""Writing to standard output, which carries the result and nothing else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from errno import EBADF
from typing import TextIO

import click

from engine.cli.streams import mute
from engine.model.result import RunResult, company_json, run_json

_UNUSUAL = re.compile(r"[^\n -~]")


def dump(document: object, *, indent: int | None = None) -> str:
    """Return a document as JSON. Characters that are not printable are escaped, so it is safe to show in a terminal."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return _UNUSUAL.sub(lambda char: char[0] if char[0].isprintable() else json.dumps(char[0])[1:-1], text)


def run_texts(result: RunResult, output: str) -> Iterator[str]:
    """Yield a result as one JSON document, or as NDJSON: a line for each company, the totals last."""
    if output == "json":
        yield dump(run_json(result), indent=2)
        return
    for company in result.companies:
        yield dump(company_json(company))
    yield dump({name: value for name, value in run_json(result).items() if name != "companies"})


class Unprinted(click.ClickException):
    """The run is done, but its result could not be printed: exit 1, unless the run's own exit code is worse."""


def deliver(write: Callable[[TextIO], None]) -> None:
    """Call `write` with standard output, and flush it. A reader that has left (a broken pipe) is no error.

    Raises `Unprinted` when the disk is full or the stream is closed, so that nobody takes half a result for the whole.
    """
    try:
        write(sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        mute()
    except OSError as error:
        mute()
        why = "it is closed" if error.errno == EBADF else error.strerror
        raise Unprinted(f"the result could not be written to standard output: {why}") from error


def deliver_texts(texts: Iterator[str]) -> None:
    """Write each text and a line end to standard output, as UTF-8 in every locale."""

    def write(stream: TextIO) -> None:
        for text in texts:
            stream.buffer.write(f"{text}\n".encode())

    deliver(write)
