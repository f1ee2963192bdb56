"""One notice for all files of `[fleet]` whose companies no list names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.outcome import Problem

MOST_IDS = 10
"""Company ids that the notice names."""


class Unlisted(NamedTuple):
    """Such files in words."""

    found: str
    todo: str


def told_unlisted(company_ids: Sequence[int]) -> Unlisted:
    """Return what is said of files of these companies, at least one, which are left out."""
    more = f" and {len(company_ids) - MOST_IDS:,} more" if len(company_ids) > MOST_IDS else ""
    shown = ", ".join(map(str, company_ids[:MOST_IDS]))
    of = "1 file is of a company" if len(company_ids) == 1 else f"{len(company_ids):,} files are of companies"
    return Unlisted(
        found=f"{of} that no list names ({shown}{more}), and left out",
        todo=f"list them in the companies file, or, if they have left: gone = [{shown}] under [fleet]",
    )


def unlisted_files(company_ids: Sequence[int]) -> tuple[Problem, ...]:
    """Return the notice on files of these companies; without any, none."""
    if not company_ids:
        return ()
    told = told_unlisted(company_ids)
    return (Problem(code="unlisted-files", message=f"{told.found}: {told.todo}"),)
