"""Which companies a command is about: `--select` and `--exclude`."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from click import UsageError

from engine.model.settings import Company

SHOWN = 10
"""Known ids that an error names where none is near."""


def pick(companies: Sequence[Company], select: Sequence[str], exclude: Sequence[str]) -> list[Company]:
    """Return the union of what `select` names (if nothing: all) without what `exclude` names, in the order given.

    Raises `UsageError` with every selector that is not understood or names no company, and when nothing is left.
    """
    known = {str(company.id): company for company in companies}
    faults = [fault for text in (*select, *exclude) if (fault := _fault(text, known)) is not None]
    if faults:
        raise UsageError("\n".join(faults))
    wanted = {_id(text) for text in select} or set(known)
    left = wanted - {_id(text) for text in exclude}
    if not left:
        raise UsageError("the selectors leave no company")
    return [company for company in companies if str(company.id) in left]


def _id(text: str) -> str:
    return text.removeprefix("company:").strip()


def _fault(text: str, known: dict[str, Company]) -> str | None:
    """Return what is wrong with a selector; None: nothing."""
    if not text.startswith("company:"):
        return f"{text!r} is not a selector: understood is company:ID, such as company:{next(iter(known), '123')}"
    wanted = _id(text)
    if wanted in known:
        return None
    near = get_close_matches(wanted, known, n=3)
    if near:
        return f"there is no company {wanted!r}; did you mean {' or '.join(f'company:{one}' for one in near)}?"
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"there is no company {wanted!r}; there are {', '.join(list(known)[:SHOWN])}{more}"
