"""Files of `[fleet]` whose companies no list names: clients that were taken off it, while their files still arrive."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.config.entries import Entry
from engine.config.fleet import Found
from engine.config.references import has_account


def takes_listed_alone(raw: Mapping[str, Any], entries: Sequence[Entry], in_file: Collection[Entry]) -> bool:
    """Return whether the lists say which companies there are, so that a file of another company makes none.

    They do where there is a companies file, and where nothing would say the account of a company that is not listed.
    `entries`: all companies that are listed. `in_file`: those of the companies file.
    """
    accounts, fleet = raw.get("accounts"), raw.get("fleet")
    has_several = isinstance(accounts, dict) and len(accounts) > 1
    of_fleet = fleet if isinstance(fleet, dict) else {}
    return bool(in_file) or (bool(entries) and has_several and not has_account({}, of_fleet, raw))


def without_unlisted(found: Found, entries: Sequence[Entry], gone: Collection[object]) -> Found:
    """Return what was found, with listed companies only; `unlisted` has the others, but for those in `gone`."""
    listed = {entry.values.get("id") for entry in entries}
    return replace(
        found,
        ids=tuple(number for number in found.ids if number in listed),
        unlisted=tuple(number for number in found.ids if number not in listed and number not in gone),
    )
