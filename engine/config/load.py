"""Read `dimsync.toml` and the environment into frozen settings, or tell everything that is wrong with them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.config.faults import ConfigFaults, Fault, key_path, unknown
from engine.config.schema import SECTIONS, CompanySection, Document, MappingSection, VerifySection
from engine.config.values import Surroundings
from engine.model.settings import Account, Api, Company, Limits, Settings, Verify, VerifyMode
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a settings file says."""

    path: Path
    settings: Settings
    companies: tuple[Company, ...]  # in the file's order; each source is a `FileSource`
    mappings: Mapping[int, str]  # company id -> name of its mapping, where it has one
    erps: Mapping[int, str]  # company id -> preset that its mapping starts from, where it does


def load(path: Path, env: Mapping[str, str]) -> Configured:
    """Read and check a settings file. Raises `ConfigFaults` with every fault; secrets never show in it."""
    raw = _parse(path)
    api = raw.get("api")
    contract = api.get("contract", "guide") if isinstance(api, dict) else "guide"
    around = Surroundings(folder=path.parent, env=env, contract=str(contract))
    faults: list[Fault] = []
    document = None
    try:
        document = Document.model_validate(raw, context={"around": around})
    except ValidationError as error:
        faults += [_fault(path, detail) for detail in error.errors(include_url=False, include_input=False)]
    faults += [Fault(path, key, message) for key, message in _references(raw)]
    if faults or document is None:
        raise ConfigFaults(faults) from None
    return _configured(path, document)


def source_problems(configured: Configured) -> list[Fault]:
    """Return the sources that are not there to be read. A run fails those companies alone, so `load` lets them pass."""
    faults = []
    for index, company in enumerate(configured.companies):
        if isinstance(company.source, FileSource) and (message := company.source.absence()) is not None:
            faults.append(Fault(configured.path, f"companies[{index}].source", message))
    return faults


WORDS = {
    "model_type": "is a section: write its keys below a [header], or in braces",
    "dict_type": "is a table: write its keys below a [header], or in braces",
    "list_type": "is a list: write it in square brackets",
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "string_type": "must be text, in quotes",
}
"""Our words for what pydantic calls by its own terms."""


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigFaults([Fault(path, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigFaults([Fault(path, "", f"byte {error.start + 1} is not UTF-8: save the file as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigFaults([Fault(path, "", f"not TOML: {error}")]) from None


def _fault(path: Path, detail: ErrorDetails) -> Fault:
    """Return pydantic's error in our words. Its `input` stays out: it may be a secret."""
    place = tuple(part for part in detail["loc"] if part not in {"str", "list[str]", "[key]"})
    message = detail["msg"]
    if detail["type"] == "extra_forbidden":
        message = f"unknown key; {_nearest(place)}"
    elif detail["type"] == "missing":
        message = "is required"
    elif detail["type"] in WORDS:
        message = WORDS[detail["type"]]
    elif detail["type"] == "value_error":
        message = str(detail["ctx"]["error"])
    return Fault(path, key_path(place), message[:1].lower() + message[1:] if message.startswith("Input") else message)


def _nearest(place: tuple[str | int, ...]) -> str:
    """Return a hint at what an unknown key may have been meant to be."""
    *parents, key = place
    for pattern, section in SECTIONS.items():
        if len(pattern) == len(parents) and all(one in {"*", two} for one, two in zip(pattern, parents, strict=True)):
            return unknown(str(key), section.model_fields)
    return "it has no place here"


def _references(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong between sections, from the raw file: so it is found whatever else is wrong."""
    accounts, mappings, companies = raw.get("accounts"), raw.get("mapping", {}), raw.get("companies")
    if not isinstance(companies, list):
        return
    first: dict[int, int] = {}
    for index, company in enumerate(companies):
        if not isinstance(company, dict):
            continue
        number, account, mapping = company.get("id"), company.get("account"), company.get("mapping")
        if isinstance(number, int) and (earlier := first.setdefault(number, index)) != index:
            yield f"companies[{index}].id", f"{number} is already the id of companies[{earlier}]"
        if isinstance(accounts, dict):
            if account is None and len(accounts) > 1:
                yield f"companies[{index}].account", f"is required: there are {', '.join(sorted(accounts))}"
            if isinstance(account, str) and account not in accounts:
                yield f"companies[{index}].account", f"there is no [accounts.{account}]; {unknown(account, accounts)}"
        if isinstance(mapping, str) and isinstance(mappings, dict) and mapping not in mappings:
            yield f"companies[{index}].mapping", f"there is no [mapping.{mapping}]; {unknown(mapping, mappings)}"


def _configured(path: Path, document: Document) -> Configured:
    given = document.limits.model_dump()
    timeouts = {"timeout_s": given.pop("timeout"), "server_timeout_s": given.pop("server_timeout")}
    limits = Limits(**timeouts, **given)
    verify = _verify(Verify(), document.verify)
    maps = {name: _column_map(section) for name, section in document.mapping.items()}
    erps = {name: section.preset for name, section in document.mapping.items() if section.preset is not None}
    named = {company.id: company.mapping for company in document.companies if company.mapping is not None}
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
                    limits=limits,
                )
                for name, section in document.accounts.items()
            ),
            api=Api(**document.api.model_dump(exclude_none=True)),
            verify=verify,
            ledger_url=document.ledger.url,
        ),
        companies=tuple(_company(section, path.parent, maps, verify) for section in document.companies),
        mappings=named,
        erps={company_id: erps[name] for company_id, name in named.items() if name in erps},
    )


def _company(section: CompanySection, folder: Path, maps: Mapping[str, ColumnMap], verify: Verify) -> Company:
    return Company(
        id=section.id,
        source=FileSource(folder / section.source, maps[section.mapping] if section.mapping is not None else None),
        name=section.name,
        account=section.account,
        write=section.write,
        relabel=section.relabel,
        verify=_verify(verify, section.verify) if section.verify.model_fields_set else None,
    )


def _verify(base: Verify, section: VerifySection) -> Verify:
    """Return `base` with what a section gives."""
    return Verify(
        mode=base.mode if section.mode is None else VerifyMode(section.mode),
        verify_after_s=base.verify_after_s if section.verify_after is None else section.verify_after,
        probe_after_s=base.probe_after_s if section.probe_after is None else section.probe_after,
    )


def _column_map(section: MappingSection) -> ColumnMap:
    """Return a mapping's column map: its preset's, with what it gives itself."""
    base = ColumnMap() if section.preset is None else PRESETS[section.preset]
    return replace(
        base,
        columns={**base.columns, **section.columns},
        type_code=section.type_code,
        type_label=section.type,
        type_codes={**base.type_codes, **section.type_codes},
        labels={**base.labels, **section.labels},
        key=base.key if section.key is None else section.key,
        where=base.where if section.where is None else section.where,
    )
