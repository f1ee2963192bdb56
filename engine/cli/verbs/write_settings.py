"""Carry out `init`: ask the API, look through the exports, write the settings, and say what is missing."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from engine.cli.first_settings.found import Found
from engine.cli.first_settings.matching import Seen, by_company, match
from engine.cli.first_settings.reading import Readable, Reader, families
from engine.cli.first_settings.told import told, why_nothing
from engine.cli.first_settings.writing import Export, First, Planned, References, companies_text, settings_text
from engine.cli.show.output import deliver
from engine.config import load
from engine.config.faults import unknown
from engine.config.values import Surroundings, address, secret
from engine.errors import AccountParked, ConfigError, EngineError, plain
from engine.model.balance import ExitCode
from engine.model.settings import Account, Api, Secret, Settings
from engine.run.engine import Engine
from engine.sources.files import SUFFIXES
from engine.sources.presets import presets
from engine.wire.contracts import DIALECTS

COMPANIES_FILE = "companies.csv"
LEDGER = "dimsync.db"
"""The ledger's file, beside the settings, as it is where the settings name none."""

UNKNOWN_ID = "unknown"
"""Stands for an account's id until the API has told it."""

DEPTH = 3
"""Folders below the folder of exports that are looked into, itself included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command line of `dimsync init`, with the answers to its questions."""

    config: Path
    exports: Path
    erp: str | None
    base_url: str
    contract: str
    account: str
    account_id: str | None
    api_key: str | None
    client_id: str | None
    client_secret: str | None
    accounts: Path | None


def write_settings(asked: Asked) -> int:
    """Write the settings, say what was found and what is missing, and return the exit code.

    Raises `ConfigError` where nothing could be written, and the API's error where no account could be asked.
    """
    written = (asked.config, asked.config.with_name(COMPANIES_FILE))
    _refuse_existing(written)
    erp = _family(asked.erp)
    others = (*written, *filter(None, [asked.accounts]))
    files = _files(asked.exports, but={file.resolve() for file in others})
    found = anyio.run(_find, asked, erp, files)
    exports = Path(os.path.relpath(asked.exports, asked.config.parent)).as_posix()
    first = First(
        base_url=asked.base_url,
        contract=asked.contract,
        accounts=found.accounts,
        companies=tuple(_planned(found)),
        exports=exports,
        companies_file=COMPANIES_FILE,
    )
    if not first.companies:
        raise ConfigError(
            "\n".join(
                [
                    "nothing was written: no company has an export; put files with companies' ids in their names there",
                    *why_nothing(found, exports),
                ]
            )
        )
    _write(dict(zip(written, (settings_text(first), companies_text(first)), strict=True)))
    load(asked.config, os.environ)  # what was written has to be what a run can read
    lines = told(first, found, asked.config)
    deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return ExitCode.DONE


def _refuse_existing(files: Sequence[Path]) -> None:
    there = [str(file) for file in files if os.path.lexists(file)]
    if there:
        raise ConfigError(
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already, and nothing was written;"
            " move what is there aside, or name another file with --config"
        )


def _write(texts: Mapping[Path, str]) -> None:
    """Write new files; one that appeared meanwhile is not overwritten. Raises `OSError`, and leaves none behind."""
    done = []
    try:
        for file, text in texts.items():
            with file.open("x", encoding="utf-8", newline="") as stream:
                done.append(file)
                stream.write(text)
    except OSError:
        for file in done:
            file.unlink(missing_ok=True)
        raise


def _family(erp: str | None) -> str | None:
    """Return the family of presets that an ERP's name means. Raises `ConfigError` if there are no presets for it."""
    if erp is None:
        return None
    known = {**{preset.name: preset.family for preset in presets().values()}, **{name: name for name in families()}}
    if erp not in known:
        raise ConfigError(f"--erp {erp}: there are no presets for it; {unknown(erp, families())}; or leave --erp out")
    return known[erp]


def _files(folder: Path, but: Collection[Path]) -> list[str]:
    """Return the files of a folder that can be read as exports, by path. Raises `ConfigError` where there is none."""
    if not folder.is_dir():
        raise ConfigError(f"--exports {folder}: there is no such folder; name the one that holds the ERP's exports")
    found = [
        path.relative_to(folder)
        for depth in range(1, DEPTH + 1)
        for path in sorted(folder.glob("/".join("*" * depth)))
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.resolve() not in but
    ]
    return [path.as_posix() for path in found if not any(part.startswith((".", "~")) for part in path.parts)]


async def _find(asked: Asked, erp: str | None, files: Sequence[str]) -> Found:
    """Ask the API what each key's user sees, and read the files that are a company's."""
    found = await _seen(asked)
    matches = match(files, found.seen)
    reader = Reader(erp, DIALECTS[asked.contract].type_codes)
    readable: dict[str, Readable] = {}
    unreadable: dict[str, str] = {}
    for each in matches.found:
        result = await reader.read(asked.exports / each.file)
        if isinstance(result, str):
            unreadable[each.file] = result
        else:
            readable[each.file] = result
    return replace(found, matches=matches, readable=readable, unreadable=unreadable)


async def _seen(asked: Asked) -> Found:
    """Return the companies that the accounts' users see. One that is seen by two is the first one's."""
    ledger = f"sqlite:///{asked.config.with_name(LEDGER).absolute()}"
    accounts: list[References] = []
    seen: dict[int, Seen] = {}
    trouble: dict[str, EngineError] = {}
    for references in _accounts(asked):
        account = _account(references, asked)
        settings = Settings(accounts=(account,), api=_api(asked), ledger_url=ledger)
        try:
            with plain():
                accounts.append(await _with_id(references, settings))
                account = replace(account, account_id=accounts[-1].account_id)
                async with Engine(replace(settings, accounts=(account,))) as engine:
                    directory = await engine.visible()
            for company in directory.companies:
                seen.setdefault(company.id, Seen(references.name, company.id, company.name))
        except AccountParked as parked:
            trouble[references.name] = parked.reason
        except EngineError as error:
            trouble[references.name] = error
    if len(trouble) == 1 and not accounts:
        raise next(iter(trouble.values()))
    named = {account.name for account in accounts}
    words = {name: str(error).removeprefix(f"account {name} ") for name, error in trouble.items()}
    words |= {name: f"{text}; it is left out" for name, text in words.items() if name not in named}
    companies = sorted(seen.values(), key=lambda each: (each.account, each.id))
    return Found(accounts=tuple(accounts), seen=tuple(companies), trouble=words)


async def _with_id(references: References, settings: Settings) -> References:
    """Return an account with its id, which the API tells where its credentials reach one account alone."""
    if references.account_id:
        return references
    async with Engine(settings) as engine:
        reached = await engine.reached()
    if len(reached) == 1:
        return references._replace(account_id=reached[0].id)
    ids = ", ".join(f"{each.id} ({each.name})" for each in reached[:10]) or "none"
    raise ConfigError(f"the credentials reach {len(reached)} accounts, {ids}: name one with --account-id")


def _api(asked: Asked) -> Api:
    if asked.contract not in DIALECTS:
        raise ConfigError(f"--contract {asked.contract}: write {' or '.join(sorted(DIALECTS))}")
    try:
        return Api(base_url=address(asked.base_url), contract=asked.contract)
    except ValueError as error:
        raise ConfigError(f"--base-url: {error}") from error


def _account(references: References, asked: Asked) -> Account:
    """Return an account with its secrets. Raises `ConfigError` for what is no reference to a secret.

    A reference that leads nowhere gives a secret with that fault.
    """
    around = Surroundings(folder=asked.config.parent, env=os.environ, contract=asked.contract, lets_secrets_lack=True)

    def resolved(name: str) -> Secret:
        try:
            return secret(getattr(references, name), around)
        except ValueError as error:
            raise ConfigError(f"{name} of account {references.name}: {error}") from error

    return Account(
        name=references.name,
        account_id=references.account_id or UNKNOWN_ID,
        api_key=resolved("api_key"),
        client_id=resolved("client_id"),
        client_secret=resolved("client_secret"),
    )


def _accounts(asked: Asked) -> Iterator[References]:
    """Yield the accounts of the command line, or of the file that it names. Raises `ConfigError`."""
    if asked.accounts is None:
        secrets = (asked.api_key or "", asked.client_id or "", asked.client_secret or "")
        yield References(asked.account, asked.account_id or "", *secrets)
        return
    with asked.accounts.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        columns = set(rows.fieldnames or ())
        if lacking := [name for name in References._fields if name not in columns and name != "account_id"]:
            raise ConfigError(f"{asked.accounts}: there is no column {', '.join(lacking)}")
        for row in rows:
            yield References(*((row.get(name) or "").strip() for name in References._fields))


def _planned(found: Found) -> Iterator[Planned]:
    """Yield the companies whose files can all be read: with some of them left out, it would seem to have shrunk."""
    for company, files in by_company(found.matches.found):
        if all(each.file in found.readable for each in files):
            yield Planned(company, tuple(Export(each, found.readable[each.file].how) for each in files))
