"""What `dimsync map guess` prints: lines of a settings file, with everything else as comments."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import TextWrapper

from engine.cli.show.preview import MOST, WIDTH, counts, faults, left_out, totals
from engine.cli.show.toml import table
from engine.model.wanted import Wanted
from engine.observe.terminal import safe
from engine.sources.guess.propose import Guess

GUESS_SCHEMA = "dimsync.guess/1"


def preset_lines(file: Path, presets: Sequence[str], wanted: Wanted) -> Iterator[str]:
    """Yield the preset to use, as lines of a settings file. No presets: the file can be read without a mapping."""
    what = f"all columns of the preset {presets[0]}" if presets else "the columns of dimensions, and needs no mapping"
    yield from _comments(f"{file} has {what}.")
    yield from _comments(totals(wanted))
    for each in wanted.left_out_by[:MOST]:
        yield from _comments(f"  left out: {left_out(each)}")
    for fault in faults(wanted):
        yield from _comments(f"  invalid: {fault}")
    if len(presets) > 1:
        yield from _comments(f"It also has those of {', '.join(presets[1:])}: which list it is, you alone know.")
    if presets:
        yield from _comments("In the company, or in [fleet]:")
        yield f'mapping = "{presets[0]}"'
        yield from _next("look at its rows", _preview(file, presets[0]))


def preset_json(file: Path, presets: Sequence[str], wanted: Wanted) -> dict[str, object]:
    """Return the same as a document."""
    return {
        "schema": GUESS_SCHEMA,
        "file": str(file),
        "preset": presets[0] if presets else None,
        "other_presets": list(presets[1:]),
        "mapping": None,
        "toml": f'mapping = "{presets[0]}"\n' if presets else "",
        "doubts": [],
        **counts(wanted),
    }


def guess_lines(file: Path, name: str, made: Guess, wanted: Wanted | None, trouble: str) -> Iterator[str]:
    """Yield a proposed mapping as lines of a settings file; doubts are comments."""
    yield from _comments(f"Proposed for {file} from its header and values; no preset has these columns.")
    for doubt in made.doubts:
        yield from _comments(f"doubt: {doubt}")
    yield from table(("mapping", name), made.settings, WIDTH)
    whose = "" if made.company_id is None else f", for company {made.company_id}"
    yield from _comments(f"With it{whose}: {trouble if wanted is None else totals(wanted)}")
    yield from _next(
        "paste this into dimsync.toml, then look at its rows",
        _preview(file, name) + ("" if made.company_id is None else f" --company {made.company_id}"),
    )


def guess_json(file: Path, name: str, made: Guess, wanted: Wanted | None, trouble: str) -> dict[str, object]:
    """Return the same as a document."""
    return {
        "schema": GUESS_SCHEMA,
        "file": str(file),
        "preset": None,
        "other_presets": [],
        "mapping": dict(made.settings),
        "toml": "".join(f"{line}\n" for line in table(("mapping", name), made.settings, WIDTH)),
        "doubts": [*made.doubts, *([trouble] if trouble else [])],
        **({} if wanted is None else counts(wanted)),
    }


def _preview(file: Path, mapping: str) -> str:
    return f"dimsync map preview {shlex.quote(str(file))} --mapping {mapping}"


def _next(what: str, command: str) -> Iterator[str]:
    """Yield what to do next; the command has a line of its own, so that it can be copied."""
    yield f"# next: {what}:"
    yield f"#   {safe(command)}"


def _comments(text: str) -> Iterator[str]:
    wrapper = TextWrapper(
        WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False, break_on_hyphens=False
    )
    yield from wrapper.wrap(safe(text))
