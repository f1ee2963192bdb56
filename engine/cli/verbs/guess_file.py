"""Carry out `dimsync map guess`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import anyio

from engine.cli.show.output import deliver_texts, dump
from engine.cli.show.proposal import guess_json, guess_lines, preset_json, preset_lines
from engine.errors import ConfigError, SourceError
from engine.model.balance import ExitCode
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.guess.first_rows import head_of
from engine.sources.guess.head import Head
from engine.sources.guess.propose import Guess, guess, likely_list
from engine.sources.presets import PRESETS
from engine.sources.written import column_map
from engine.wire.guide import DIALECT

COMPANY = 1
"""The id that stands in keys: no company is asked for."""


class Fitting(NamedTuple):
    """A map that can read a file, and what it makes of it."""

    preset: str | None  # None: the file needs no mapping
    wanted: Wanted


def propose(file: Path, name: str, output: str) -> int:
    """Print the mapping that a file seems to need, and return the exit code. Raises `SourceError`, `OSError`."""
    return anyio.run(_propose, file, name, output)


async def _propose(file: Path, name: str, output: str) -> int:
    head = head_of(str(file))
    fits = [each async for each in fitting(file, head)]
    if fits:
        presets, wanted = [each.preset for each in fits if each.preset is not None], fits[0].wanted
        document, lines = preset_json(file, presets, wanted), preset_lines(file, presets, wanted)
    else:
        made = guess(head, file.name)
        if made is None:
            raise SourceError(
                f"{file}: none of its columns seems to hold ids or names: {', '.join(head.columns)}", file=str(file)
            )
        tried, trouble = await _tried(file, made)
        document, lines = guess_json(file, name, made, tried, trouble), guess_lines(file, name, made, tried, trouble)
    deliver_texts(iter([dump(document, indent=2)]) if output == "json" else lines)
    return ExitCode.DONE


async def fitting(file: Path, head: Head) -> AsyncIterator[Fitting]:
    """Yield no mapping alone if that will do; else the presets whose columns are all in the file.

    Those of one list come before those of several in one file, those that read most of the file's columns before
    others, and then those of the list that the file seems to be.
    """
    type_code = likely_list(head, file.name)
    if (wanted := await _read(FileSource(file))) is not None:
        yield Fitting(None, wanted)
        return

    def rank(name: str) -> tuple[bool, int, bool, str]:
        mapping = PRESETS[name]
        return (
            "." not in name,
            -len(set(head.columns).intersection(mapping.names())),
            mapping.type_code != type_code,
            name,
        )

    for name in sorted(PRESETS, key=rank):
        if (wanted := await _read(FileSource(file, PRESETS[name]))) is not None:
            yield Fitting(name, wanted)


async def _tried(file: Path, made: Guess) -> tuple[Wanted | None, str]:
    """Return what a proposed mapping makes of the file; or None, and why it cannot be read so."""
    try:
        source = FileSource(file, column_map(made.settings))
        return await read(source, company_id=made.company_id or COMPANY, type_codes=DIALECT.type_codes), ""
    except (SourceError, ConfigError) as error:
        return None, str(error)


async def _read(source: FileSource) -> Wanted | None:
    """Return what a source gives; None: it cannot be read so, or gives nothing to send."""
    try:
        wanted = await read(source, company_id=COMPANY, type_codes=DIALECT.type_codes)
    except SourceError:
        return None
    return wanted if wanted.rows else None
