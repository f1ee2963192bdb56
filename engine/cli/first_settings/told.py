"""What `init` says: what was written, what is missing, what comes next. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import TextWrapper

from engine.cli.first_settings.found import Found
from engine.cli.first_settings.matching import Seen
from engine.cli.first_settings.writing import First
from engine.cli.show.preview import faults, totals
from engine.model.wording import counted
from engine.observe.terminal import LONGEST_NAME, brief, safe

WIDTH = 80
MOST = 10
"""Things of one kind that are shown; how many more there are is said."""


def told(first: First, found: Found, config: Path) -> Iterator[str]:
    """Yield lines for people."""
    count = len(first.companies)
    yield from _wrapped("", f"{counted(len(found.seen), 'company', 'companies')} seen, {count:,} with exports")
    yield from _wrapped("", f"rows: {totals(*(each.wanted for each in found.readable.values()))}")
    yield from _wrapped("", f"written: {config} and {first.companies_file}")
    missing = list(_missing(first, found))
    if missing:
        yield ""
        yield "To be looked at:"
        yield from missing
    yield ""
    yield "Next:"
    option = "" if config.name == "dimsync.toml" and config.parent == Path() else f" -c {config}"
    if any(not planned.doubts for planned in first.companies):
        yield f"  dimsync doctor{option}"
        yield f"  dimsync plan{option}"
        yield f"  dimsync sync{option}"
    else:
        yield from _wrapped(
            "  ", "all companies are read-only: look at their rows as said, and take write = false away"
        )


def _missing(first: First, found: Found) -> Iterator[str]:
    for account, why in found.trouble.items():
        yield from _wrapped("  ", f"account {account}: {why}")
    named = {planned.company.id for planned in first.companies}
    without = [company for company in found.seen if company.id not in named]
    if without:
        advice = f"export a file with the id in its name, and add a line to {first.companies_file}"
        yield from _several(
            f"{counted(len(without), 'company has', 'companies have')} no export: {advice}", _names(without)
        )
    unclear = [f"{first.path(file)} {why}" for file, why in found.matches.unclear.items()]
    if unclear:
        yield from _several(f"{counted(len(unclear), 'file is', 'files are')} of no company", unclear)
    broken = [f"{first.path(file)}: {why}" for file, why in found.unreadable.items()]
    if broken:
        yield from _several(f"{counted(len(broken), 'file', 'files')} cannot be read, and is left out", broken)
    yield from _doubtful(first)
    by_name = [
        f"{first.path(each.match.file)} is taken for {brief(planned.company.name, LONGEST_NAME)} ({planned.company.id})"
        for planned in first.companies
        for each in planned.exports
        if not each.match.is_by_id
    ]
    if by_name:
        yield from _several("told by the company's name, not by its id: are these right?", by_name)
    invalid = [f"{first.path(file)}: {fault}" for file, each in found.readable.items() for fault in faults(each.wanted)]
    if invalid:
        yield from _several("rows that cannot be sent", invalid)


def _doubtful(first: First) -> Iterator[str]:
    """Yield why companies are read-only, each reason once with the companies that it holds for and an example."""
    doubtful = [planned for planned in first.companies if planned.doubts]
    if not doubtful:
        return
    example = next(each for each in doubtful[0].exports if each.how.doubts)
    look = f"dimsync map preview {shlex.quote(first.path(example.match.file))}"
    text = f"{counted(len(doubtful), 'company is', 'companies are')} read-only until you have looked at the rows"
    yield from _several(text, [f"{planned.company.id}: {doubt}" for planned in doubtful for doubt in planned.doubts])
    yield from _wrapped("    ", f"look: {look}")
    yield from _wrapped("    ", f"then take away false under write in {first.companies_file}")


def _names(companies: Sequence[Seen]) -> list[str]:
    return [f"{company.id} {brief(company.name, LONGEST_NAME)}" for company in companies]


def _several(what: str, each: Sequence[str]) -> Iterator[str]:
    yield from _wrapped("  ", what)
    for text in each[:MOST]:
        yield from _wrapped("    ", text)
    if len(each) > MOST:
        yield f"    and {len(each) - MOST:,} more"


def _wrapped(indent: str, text: str) -> Iterator[str]:
    wrapper = TextWrapper(
        WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
    )
    yield from wrapper.wrap(safe(text))


def why_nothing(found: Found, exports: str) -> Iterator[str]:
    """Yield why no company could be given an export."""
    yield from (f"account {account}: {why}" for account, why in found.trouble.items())
    yield f"{counted(len(found.seen), 'company is', 'companies are')} seen: {', '.join(_names(found.seen)[:MOST])}"
    reasons = {**found.matches.unclear, **found.unreadable}
    yield from (f"{exports}/{file}: {why}" for file, why in list(reasons.items())[:MOST])
    if not reasons:
        yield f"{exports} holds no file that can be read"
