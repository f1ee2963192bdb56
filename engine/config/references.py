"""Faults between sections. They are found in the file as it is written, so that other faults do not hide them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config.entries import Entry
from engine.config.faults import Fault, unknown
from engine.config.sources import database, finds_companies, written_sources
from engine.model.settings import Limits
from engine.sources.presets import PRESETS


def reference_faults(
    path: Path, raw: Mapping[str, Any], entries: Sequence[Entry], found: Collection[int]
) -> Iterator[Fault]:
    """Yield the faults between the sections of a settings file, and between them and its companies.

    `entries`: the companies that are written down. `found`: ids of the fleet's files.
    """
    groups = _table(raw, "groups")
    common = [Entry(path, f"groups.{name}", values) for name, values in groups.items() if isinstance(values, dict)]
    yield from _repeats(entries)
    yield from _unnamed(path, (*common, Entry(path, "fleet", _table(raw, "fleet")), *entries), raw)
    yield from _accountless(path, raw, entries, found)
    fleet = Entry(path, "fleet", _table(raw, "fleet"))
    for entry in (*common, fleet, *entries):
        if {"source", "sources"} <= entry.values.keys():
            yield entry.fault("sources", "excludes `source`, which is a list of one: keep one of them")
    if "fleet" in raw:
        yield from _fleet_faults(fleet, raw, is_listed=bool(entries))
    else:
        yield from (
            entry.fault("source", "is required: there is no [fleet]")
            for entry in entries
            if not any(map(_gives_sources, (entry.values, *_groups_of(entry.values, {}, raw))))
            and not _has_unknown_group(entry.values, {}, raw)
        )
    if not (raw.get("companies") or "companies_file" in raw or "fleet" in raw):
        yield Fault(path, "companies", "is required, unless there is a companies_file or a [fleet]")
    yield from _reserves(path, raw)


def _gives_sources(values: Mapping[str, Any]) -> bool:
    return "source" in values or "sources" in values


def _fleet_faults(fleet: Entry, raw: Mapping[str, Any], *, is_listed: bool) -> Iterator[Fault]:
    """Yield the fault of a `[fleet]` that neither finds companies nor deals rows out to those that are listed."""
    written = list(written_sources(fleet.values))
    if not _gives_sources(fleet.values):
        yield fleet.fault("source", "is required")
    if not written or any(finds_companies(source.text) for _, source in written):
        return
    key = "source" if "source" in fleet.values else "sources"
    if not any(_names_companies(source.mapping or fleet.values.get("mapping"), raw) for _, source in written):
        text = f"{written[0][1].text!r} must hold {{company_id}} exactly once, to tell which companies there are"
        yield fleet.fault(key, f"{text}; or its mapping names each row's: company_column")
    elif not is_listed:
        yield fleet.fault(key, "tells of no company by itself: list the companies in [[companies]] or a companies_file")


def _names_companies(mapping: object, raw: Mapping[str, Any]) -> bool:
    """Return whether a mapping has a column with the company of each row."""
    return isinstance(mapping, str) and "company_column" in _table(_table(raw, "mapping"), mapping)


def _table(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a section; an empty one if it is missing or is no table."""
    section = raw.get(key)
    return section if isinstance(section, dict) else {}


def _repeats(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Yield a fault for each repeated company id, which names its first place."""
    first: dict[int, Entry] = {}
    for entry in entries:
        number = entry.values.get("id")
        if type(number) is int and (earlier := first.setdefault(number, entry)) is not entry:
            place = earlier.seen_from(entry.file)
            advice = "a company has several files in one list: sources = [{ source = ..., mapping = ... }, ...]"
            yield entry.fault("id", f"{number} is already the id of {place}; {advice}")


def _unnamed(path: Path, entries: Sequence[Entry], raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each section that is named and missing, at the first place that names it."""
    places: dict[tuple[str, str], list[tuple[Entry, str]]] = {}
    for entry in entries:
        for key, section, name in _names(entry):
            if (section, name) not in places and _is_there(section, name, raw):
                continue
            places.setdefault((section, name), []).append((entry, key))
    for (section, name), named in places.items():
        known = _table(raw, section)
        hint = unknown(name, {*known, *PRESETS} if "." in name and section == "mapping" else known)
        (first, key), (last, _) = named[0], named[-1]
        more = f"; {len(named):,} places name it, the last is {last.seen_from(path)}" if len(named) > 1 else ""
        yield first.fault(key, f"there is no [{section}.{name}]; {hint}{more}")


def _is_there(section: str, name: str, raw: Mapping[str, Any]) -> bool:
    """Return whether a section is there, or is not to be missed: a file without any accounts is one fault."""
    known = raw.get(section, None if section == "accounts" else {})
    return not isinstance(known, dict) or name in known


def _names(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield the sections that an entry names, each with the entry's key: (key, section, name)."""
    groups = entry.values.get("groups")
    named = [("account", "accounts", entry.values.get("account")), ("mapping", "mapping", entry.values.get("mapping"))]
    named += [("groups", "groups", name) for name in (groups if isinstance(groups, list) else ())]
    for key, source in written_sources(entry.values):
        named.append((key, "databases", database(source.text) or None))
        named.append((f"{key.removesuffix('source')}mapping", "mapping", source.mapping))
    yield from ((key, section, name) for key, section, name in named if isinstance(name, str))


def _accountless(
    path: Path, raw: Mapping[str, Any], entries: Sequence[Entry], found: Collection[int]
) -> Iterator[Fault]:
    """Yield a fault for each company without an account, where there are several accounts."""
    accounts, fleet = raw.get("accounts"), _table(raw, "fleet")
    if not isinstance(accounts, dict) or len(accounts) < 2:
        return
    there = f"there are {', '.join(sorted(accounts))}"
    for entry in entries:
        if not has_account(entry.values, fleet, raw):
            yield entry.fault("account", f"is required: {there}")
    unlisted = set(found) - {entry.values.get("id") for entry in entries}
    if unlisted and not entries and not has_account({}, fleet, raw):
        yield Fault(
            path, "fleet.account", f"is required for company {min(unlisted)} and all that no list names: {there}"
        )


def has_account(values: Mapping[str, Any], fleet: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Return whether a company, one of its groups or the fleet names an account. Bad names are faults of their own."""
    named = any("account" in one for one in (values, fleet, *_groups_of(values, fleet, raw)))
    return named or _has_unknown_group(values, fleet, raw)


def _has_unknown_group(values: Mapping[str, Any], fleet: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Return whether a group is named that is missing: what it would give is not missed besides."""
    named = values.get("groups", fleet.get("groups"))
    known = _table(raw, "groups")
    return any(isinstance(name, str) and name not in known for name in (named if isinstance(named, list) else ()))


def _groups_of(values: Mapping[str, Any], fleet: Mapping[str, Any], raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the groups of a company, or of the fleet where the company names none."""
    named = values.get("groups", fleet.get("groups"))
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return [_table(_table(raw, "groups"), name) for name in names]


def _reserves(path: Path, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each `reserve_per_day` that leaves no requests: in `[limits]`, and in limits of accounts."""
    accounts = {name: _table(_table(raw, "accounts"), name) for name in _table(raw, "accounts")}
    own = {f"accounts.{name}.limits": _table(account, "limits") for name, account in accounts.items()}
    parts = {"requests_per_day", "reserve_per_day"}
    places = {place if parts & set(values) else "limits": values for place, values in own.items()} or {"limits": {}}
    for place, values in places.items():
        given = {**_table(raw, "limits"), **values}
        per_day = given.get("requests_per_day", Limits().requests_per_day)
        reserve = given.get("reserve_per_day", Limits().reserve_per_day)
        if type(per_day) is int and type(reserve) is int and per_day >= 1 and reserve >= per_day:
            message = f"{reserve} takes all of requests_per_day = {per_day}: it must be smaller"
            yield Fault(path, f"{place}.reserve_per_day", message)
