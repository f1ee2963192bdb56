"""The companies as they are written: in the settings file, in the companies file, or by names of the fleet's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.companies import read_companies
from engine.config.entries import Entry
from engine.config.faults import Fault
from engine.config.fleet import Found, find_all, fleet_template, without_gone
from engine.config.sources import finds_companies, written_sources
from engine.config.unlisted import takes_listed_alone, without_unlisted
from engine.sources.files import split_sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The companies as they are written, and the faults of that writing."""

    entries: tuple[Entry, ...]  # those of the settings file, then those of the companies file
    found: Found
    faults: tuple[Fault, ...]
    is_list_complete: bool = False  # no file makes a company that is not listed
    absent: tuple[int, ...] = ()  # ids of companies of the fleet whose files are missing now


def written_companies(path: Path, raw: Mapping[str, Any]) -> Written:
    """Collect the companies from all places that the settings file names, ignoring those with faults."""
    faults: list[Fault] = []
    listed = raw.get("companies")
    entries = [
        Entry(path, f"companies[{index}]", company)
        for index, company in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(company, dict)
    ]
    in_file: list[Entry] = []
    if isinstance(name := raw.get("companies_file"), str) and name:
        in_file, faults = read_companies(path.parent / name)
        entries += in_file
    section = raw.get("fleet")
    fleet = section if isinstance(section, dict) else {}
    found = _found(path.parent, fleet)
    faults += [Fault(path, "fleet.source", message) for message in found.faults]
    named = fleet.get("gone")
    gone = named if isinstance(named, list) else []
    faults += _gone_and_listed(path, gone, entries)
    is_complete = takes_listed_alone(raw, entries, in_file)
    found = without_unlisted(found, entries, gone) if is_complete else without_gone(found, gone)
    return Written(entries=tuple(entries), found=found, faults=tuple(faults), is_list_complete=is_complete)


def _gone_and_listed(path: Path, gone: Sequence[object], entries: Sequence[Entry]) -> Iterator[Fault]:
    """Yield a fault for each company that is named as gone and is also configured."""
    listed = {entry.values.get("id"): entry for entry in entries if type(entry.values.get("id")) is int}
    for index, number in enumerate(gone):
        if (entry := listed.get(number)) is not None:
            yield Fault(path, f"fleet.gone[{index}]", f"{number} is also listed, in {entry.seen_from(path)}")


def _found(folder: Path, fleet: Mapping[str, Any]) -> Found:
    """Return what the fleet's templates find; nothing for faulty ones: these are faults of their section."""
    texts = [split_sheet(source.text)[0] for _, source in written_sources(fleet) if finds_companies(source.text)]
    try:
        templates = list(dict.fromkeys(map(fleet_template, texts)))
    except ValueError:
        return Found()
    return find_all(folder, templates) if templates else Found()
