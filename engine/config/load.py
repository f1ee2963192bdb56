"""Read `dimsync.toml`, the companies file and the environment into frozen settings, or report all their faults."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from engine.config.company_sources import made_source
from engine.config.entries import Entry
from engine.config.explain import explain
from engine.config.faults import ConfigFaults, Fault, unknown
from engine.config.levels import (
    Levels,
    Setting,
    company_levels,
    guard_levels,
    guards_of,
    limits_levels,
    limits_of,
    merged,
    verify_levels,
    verify_of,
)
from engine.config.references import reference_faults
from engine.config.schema import CompanySection, Document, MappingSection
from engine.config.sources import database, finds_companies, written_sources
from engine.config.targets import Target
from engine.config.values import Surroundings
from engine.config.wording import worded
from engine.config.written import Written, written_companies
from engine.errors import ConfigError
from engine.model.schedule import Schedule
from engine.model.settings import Account, Api, Company, Settings
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS
from engine.sources.several import Several
from engine.sources.sharing import AbsentSource, shared
from engine.sources.written import KEYS, column_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a settings file says."""

    path: Path
    settings: Settings
    companies: tuple[Company, ...]  # those of the settings file, of the companies file, and of the fleet by id
    mappings: Mapping[int, tuple[str, ...]]  # company id -> names of its sources' mappings, where they have any
    erps: Mapping[int, tuple[str, ...]]  # company id -> ERPs of the presets that its mappings start from, where they do
    groups: Mapping[int, tuple[str, ...]]  # company id -> its groups, where it has any
    levels: Mapping[int, Levels]  # company id -> the places that decide its settings; see `explained`
    schedules: Mapping[int, Schedule]  # company id -> when it is due for `sync --due`, where it has a schedule
    strays: tuple[str, ...] = ()  # a message for each file that is ignored but was probably meant
    unlisted: tuple[int, ...] = ()  # companies that no list names and that have a file, which is left out
    fleet: str = ""  # the fleet's template as a path; empty: no file makes a company
    gone: frozenset[int] = frozenset()  # ids of companies that have left the fleet for good
    unset: tuple[Fault, ...] = ()  # secrets that are not there; each stops its account alone, which has a `fault`
    notify: tuple[Target, ...] = ()  # who is told of trouble and recovery; a webhook that lacks has a `fault`
    document: Document | None = None
    written: Written | None = None


class ListedSource(NamedTuple):
    """A source as it is written in one place, and how many companies have it from there."""

    source: str
    mapping: str | None
    optional: bool
    origin: str  # as in `Setting`
    companies: int = 0


def load(path: Path, env: Mapping[str, str], *, needs_secrets: bool = True) -> Configured:
    """Read and check a settings file. Raises `ConfigFaults` with every fault; secrets never show in it.

    Where other accounts have all of theirs, a secret that is not there is a fault of its account (`Account.fault`,
    `Configured.unset`), and not raised. Without `needs_secrets` a reference stands in the place of the secret that it
    refers to, which may be missing.
    """
    raw = _parse(path)
    faults: list[Fault] = [*_dotted(path, raw)]
    written = written_companies(path, raw)
    raw = _with_presets(raw, written.entries)
    api = raw.get("api")
    contract = api.get("contract", "guide") if isinstance(api, dict) else "guide"
    around = Surroundings(folder=path.parent, env=env, contract=str(contract), needs_secrets=needs_secrets)
    document, unsound = _document(path, raw, around)
    faults += unsound
    unset: list[Fault] = []
    if document is not None and unsound and _has_sound_account(document):
        faults, unset = [fault for fault in faults if fault not in unsound], unsound
    if document is not None:
        faults += _twice(path, document)
    faults += [*written.faults, *reference_faults(path, raw, written.entries, written.found.ids)]
    if faults or document is None:
        raise ConfigFaults([*unset, *faults])
    return _configured(path, document, written, tuple(unset))


def _document(path: Path, raw: Mapping[str, Any], around: Surroundings) -> tuple[Document | None, list[Fault]]:
    """Return the file, and all of its faults; None: it has others than secrets that are not there."""
    try:
        return Document.model_validate(raw, context={"around": around}), []
    except ValidationError as error:
        faults = [worded(path, detail) for detail in error.errors(include_url=False, include_input=False)]
    try:
        return Document.model_validate(raw, context={"around": replace(around, lets_secrets_lack=True)}), faults
    except ValidationError:
        return None, faults


def _has_sound_account(document: Document) -> bool:
    """Return whether an account has all of its credentials."""
    sections = document.accounts.values()
    return any(not (one.api_key.fault or one.client_id.fault or one.client_secret.fault) for one in sections)


def _twice(path: Path, document: Document) -> Iterator[Fault]:
    """Yield a fault for each second name of one account: each name would get the account's full quota."""
    for (first, one), (second, other) in combinations(document.accounts.items(), 2):
        for key in ("api_key", "account_id"):
            if getattr(one, key) == getattr(other, key):
                yield Fault(
                    path,
                    f"accounts.{second}.{key}",
                    f"is that of [accounts.{first}], too: one account stands under one name",
                )


def with_absent(configured: Configured, ids: Collection[int]) -> Configured:
    """Return the settings with companies of the fleet added whose files are missing, so that no run forgets them."""
    document, written = configured.document, configured.written
    if not ids or document is None or written is None:
        return configured
    return _configured(configured.path, document, replace(written, absent=tuple(sorted(ids))), configured.unset)


def source_problems(configured: Configured) -> list[Fault]:
    """Return faults of sources: missing ones, those of several companies, and files that were probably meant for one.

    `load` does not raise for these: a run fails the companies concerned, and ignores the files. Opens no connection.
    """
    absent = [
        _source_place(configured, company.id, place, message)
        for company in configured.companies
        for place, message in _absences(company)
    ]
    unset = {fault.key.removesuffix(".url") for fault in configured.unset}  # told as faults of the settings
    absent = [fault for fault in absent if fault.key not in unset]
    absent += [
        _source_place(configured, number, 0, str(error)) for number, error in shared(configured.companies).items()
    ]
    strays = [Fault(configured.path, "fleet.source", stray) for stray in configured.strays]
    return [*dict.fromkeys(absent), *strays]


def _absences(company: Company) -> Iterator[tuple[int, str]]:
    """Yield why sources of a company cannot be read, as far as opening them shows, each with its place in the list."""
    source = company.source
    if isinstance(source, AbsentSource):
        yield 0, str(source.refusal(company.id))
    for place, part in enumerate(source.parts if isinstance(source, Several) else (source,)):
        tell: Callable[[], str | None] | None = getattr(part, "absence", None)
        if tell is not None and (message := tell()) is not None:
            yield place, message


def _source_place(configured: Configured, company_id: int, place: int, message: str) -> Fault:
    """Return a source's fault at the place to correct: for a database its own section, for a file the company."""
    levels = configured.levels[company_id]
    name = database(levels.sources[place].text)
    if name is None:
        return levels.entry.fault("source", message)
    return Fault(configured.path, f"databases.{name}", message)


def listed_sources(configured: Configured) -> list[ListedSource]:
    """Return each source as it is written, once for all companies that have it from one place."""
    companies: Counter[ListedSource] = Counter()
    for levels in configured.levels.values():
        for source in levels.written_sources:
            mapping = levels.mapping_of(source)
            origin = levels.given_sources.origin
            companies[ListedSource(source.text, mapping, source.is_optional, origin)] += 1
    return [source._replace(companies=count) for source, count in companies.items()]


def explained(configured: Configured, company_id: int) -> tuple[Setting, ...]:
    """Return every setting of a configured company with its origin. Raises `KeyError` for any other company."""
    return tuple(explain(configured.levels[company_id]))


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors of Windows begin files with a mark
    except RecursionError:
        raise ConfigFaults([Fault(path, "", "is nested too deeply to be settings")]) from None
    except OSError as error:
        raise ConfigFaults([Fault(path, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigFaults([Fault(path, "", f"byte {error.start + 1} is not UTF-8: save the file as UTF-8")]) from None
    except ValueError as error:  # bad TOML, or a number with more digits than Python converts
        raise ConfigFaults([Fault(path, "", f"not TOML: {error}")]) from None


def _levels(path: Path, document: Document, written: Written) -> Iterator[Levels]:
    """Yield the places that decide for each company, in the order of the companies."""
    sections = iter(document.companies)
    for entry in written.entries:
        section = next(sections, None) or CompanySection.model_construct(**entry.values)  # cells have been checked
        yield company_levels(document, path, entry, section)
    listed = {entry.values["id"] for entry in written.entries}
    for number in (*written.found.ids, *written.absent):
        if number not in listed:
            section = CompanySection.model_construct(id=number)
            yield company_levels(document, path, Entry(path, "fleet", {"id": number}), section)


def _configured(path: Path, document: Document, written: Written, unset: tuple[Fault, ...]) -> Configured:
    maps = {name: _column_map(section) for name, section in document.mapping.items()}
    presets = {name: section.preset for name, section in document.mapping.items() if section.preset is not None}
    levels = {one.company_id: one for one in _levels(path, document, written)}
    mappings = {number: names for number, one in levels.items() if (names := one.mapping_names)}
    erps = {
        number: tuple(presets[name].partition(".")[0] for name in names if name in presets)
        for number, names in mappings.items()
    }
    return Configured(
        path=path,
        settings=Settings(
            accounts=tuple(
                Account(
                    name=name,
                    account_id=section.account_id,
                    api_key=section.api_key,
                    client_id=section.client_id,
                    client_secret=section.client_secret,
                    limits=limits_of(limits_levels(document, name)),
                )
                for name, section in document.accounts.items()
            ),
            api=Api(**document.api.model_dump(exclude_none=True)),
            verify=verify_of(verify_levels(document)),
            guards=guards_of(guard_levels(document)),
            fleet_share=document.guard.fleet_share,
            ledger_url=document.ledger.url,
            ledger_keep_s=document.ledger.keep,
        ),
        companies=tuple(
            _company(one, path, maps, document, is_absent=number in written.absent) for number, one in levels.items()
        ),
        mappings=mappings,
        erps={number: tuple(dict.fromkeys(names)) for number, names in erps.items() if names},
        groups={number: tuple(names) for number, one in levels.items() if (names := one.belongs("groups"))},
        levels=levels,
        schedules={number: schedule for number, one in levels.items() if (schedule := one.schedule) is not None},
        strays=written.found.strays,
        unlisted=written.found.unlisted,
        fleet="" if written.is_list_complete else _fleet(path, document),
        gone=frozenset(document.fleet.gone if document.fleet else ()),
        unset=unset,
        notify=tuple(_targets(path, document)),
        document=document,
        written=written,
    )


def _targets(path: Path, document: Document) -> Iterator[Target]:
    for index, section in enumerate(document.notify):
        yield Target(
            key=f"notify[{index}]",
            on=frozenset(section.on),
            webhook=section.webhook,
            format=section.format or "json",
            command=section.command or (),
            folder=path.parent.absolute(),
        )


def _fleet(path: Path, document: Document) -> str:
    """Return the fleet's templates as absolute paths, so that they do not depend on the working directory."""
    if document.fleet is None:
        return ""
    texts = [one.source for one in document.fleet.sources or ()] or [document.fleet.source or ""]
    return " ".join(str(path.parent.absolute() / text) for text in texts if finds_companies(text))


def _company(
    levels: Levels, path: Path, maps: Mapping[str, ColumnMap], document: Document, *, is_absent: bool
) -> Company:
    made = made_source(levels, path.parent, maps, document, is_absent=is_absent)
    return Company(
        id=levels.company_id,
        source=made.source,
        name=levels.belongs("name") or "",
        account=levels.belongs("account"),
        write=levels.switch("write").value,
        relabel=levels.switch("relabel").value,
        shares_source=levels.switch("shares_source").value,
        verify=verify_of(levels.verify) if merged(levels.own_verify) else None,
        guards=guards_of(levels.guard) if merged(levels.own_guard) else None,
        settings=made.settings,
        fleet=_fleet(path, document) if levels.entry.place == "fleet" else "",
    )


def _column_map(section: MappingSection) -> ColumnMap:
    """Return a mapping's column map: that of its preset, with the mapping's own values in place of the preset's."""
    base = None if section.preset is None else PRESETS[section.preset]
    given = {key for key in section.model_fields_set if key in KEYS and getattr(section, key) is not None}
    return column_map({key: getattr(section, key) for key in given}, base)


def map_named(path: Path, name: str) -> ColumnMap:
    """Return the map of `[mapping.NAME]` of a settings file, else of the preset of this name. The rest is not checked.

    Raises `ConfigFaults`, and `ConfigError` if there is neither.
    """
    raw = _parse(path) if path.exists() else {}
    mappings = raw.get("mapping")
    sections = mappings if isinstance(mappings, dict) else {}
    if name in sections:
        around = Surroundings(folder=path.parent, env={}, contract="guide", needs_secrets=False)
        try:
            return _column_map(MappingSection.model_validate(sections[name], context={"around": around}))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            for detail in details:
                detail["loc"] = ("mapping", name, *detail["loc"])
            raise ConfigFaults([worded(path, detail) for detail in details]) from None
    if name in PRESETS:
        return PRESETS[name]
    hint = unknown(name, {*sections, *PRESETS})
    raise ConfigError(f"there is no [mapping.{name}] in {path}, and no preset of this name; {hint}")


def _with_presets(raw: Mapping[str, Any], entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the file with a mapping for each preset that a company, a group or the fleet names as its mapping."""
    groups, mappings = raw.get("groups"), raw.get("mapping", {})
    sections = (raw.get("fleet"), *(groups.values() if isinstance(groups, dict) else ()))
    users = [*(entry.values for entry in entries), *(user for user in sections if isinstance(user, dict))]
    named = {user.get("mapping") for user in users if isinstance(user.get("mapping"), str)}
    named |= {source.mapping for user in users for _, source in written_sources(user)}
    if not isinstance(mappings, dict):
        return {**raw}
    presets = {name: {"preset": name} for name in named if isinstance(name, str) and name in PRESETS}
    return {**raw, "mapping": {**presets, **mappings}} if presets else {**raw}


def _dotted(path: Path, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each mapping whose name has a dot: such names are those of presets."""
    mappings = raw.get("mapping")
    for name in mappings if isinstance(mappings, dict) else ():
        if "." in name:
            yield Fault(path, f"mapping.{name}", "the name of a mapping has no dot: names with one are presets'")
