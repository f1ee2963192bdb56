"""The settings file's sections, as pydantic reads them. Values become those of `model.settings` in `load`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo

from engine.config.faults import unknown
from engine.config.values import Surroundings, address, duration, ledger_url, secret, size
from engine.model.settings import Limits, Secret
from engine.sources.files import SUFFIXES
from engine.sources.mapping import key_fault
from engine.sources.presets import PRESETS
from engine.sources.rows import COLUMNS

CHUNK_ROWS = {"guide": 1_000, "reference": 100}
"""Most rows of a bulk request: the reference's stated maximum, and a ceiling of ours where the guide states none."""


def _around(info: ValidationInfo) -> Surroundings:
    around: Surroundings = info.context["around"]  # type: ignore[index]  # always handed in by `load`
    return around


def _resolved(read: Callable[[object, Surroundings], Any]) -> PlainValidator:
    """Return a validator for values that are read against their surroundings."""

    def validate(value: object, info: ValidationInfo) -> Any:
        return read(value, _around(info))

    return PlainValidator(validate)


def _chunk_rows(rows: int, info: ValidationInfo) -> int:
    contract = _around(info).contract
    if rows > CHUNK_ROWS.get(contract, rows):
        raise ValueError(f"{rows} is too many: at most {CHUNK_ROWS[contract]} under the {contract} contract")
    return rows


def _reserve(reserve: int, info: ValidationInfo) -> int:
    per_day = info.data.get("requests_per_day", reserve + 1)
    if reserve >= per_day:
        raise ValueError(f"{reserve} leaves nothing of requests_per_day = {per_day}: it must be smaller")
    return reserve


def _columns(columns: dict[str, str]) -> dict[str, str]:
    for name in columns:
        if name not in COLUMNS:
            raise ValueError(f"{name!r} is not a column of dimensions; {unknown(name, COLUMNS)}")
    return columns


def _template(template: str) -> str:
    if (fault := key_fault(template)) is not None:
        raise ValueError(fault)
    return template


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; {unknown(name, PRESETS)}")
    return name


def _source(text: str) -> str:
    if not text.lower().endswith(SUFFIXES):
        raise ValueError(f"{text!r}: files are read by their ending, one of {', '.join(SUFFIXES)}")
    return text


def _values(values: str | list[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


Duration: TypeAlias = Annotated[float, PlainValidator(duration)]
Size: TypeAlias = Annotated[int, PlainValidator(size)]
Address: TypeAlias = Annotated[str, PlainValidator(address)]
Credential: TypeAlias = Annotated[Secret, _resolved(secret)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Values: TypeAlias = Annotated[str | list[str], AfterValidator(_values)]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class ApiSection(Section):
    """`[api]`."""

    base_url: Address | None = None
    contract: Literal["guide", "reference"] = "guide"
    token_url: Address | None = None
    api_version: Text | None = None
    scope: Text | None = None


class AccountSection(Section):
    """`[accounts.NAME]`."""

    account_id: Text
    api_key: Credential
    client_id: Credential
    client_secret: Credential


class LimitsSection(Section):
    """`[limits]`, per API key."""

    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Limits().requests_per_second
    requests_per_day: Count = Limits().requests_per_day
    reserve_per_day: Annotated[int, Field(ge=0, validate_default=True), AfterValidator(_reserve)] = (
        Limits().reserve_per_day
    )
    max_concurrency: Count = Limits().max_concurrency
    page_size: Annotated[int, Field(ge=1, le=1_000)] = Limits().page_size
    chunk_rows: Annotated[int, Field(ge=1), AfterValidator(_chunk_rows)] = Limits().chunk_rows
    chunk_bytes: Size = Limits().chunk_bytes
    timeout: Duration = Limits().timeout_s
    server_timeout: Duration = Limits().server_timeout_s
    max_attempts: Count = Limits().max_attempts


class VerifySection(Section):
    """`[verify]`, and a company's `verify`. What is not given is the run's."""

    mode: Literal["auto", "full", "probe", "none"] | None = None
    verify_after: Duration | None = None
    probe_after: Duration | None = None


class LedgerSection(Section):
    """`[ledger]`."""

    url: Annotated[str, _resolved(ledger_url), Field(validate_default=True)] = "sqlite:///dimsync.db"


class MappingSection(Section):
    """`[mapping.NAME]`: how an ERP's export is read. What is not given is the preset's."""

    preset: Annotated[str, AfterValidator(_preset)] | None = None
    columns: Annotated[dict[str, Text], AfterValidator(_columns)] = {}
    type_code: Text | None = None
    type: Text | None = None
    type_codes: dict[str, Text] = {}
    labels: dict[str, Text] = {}
    key: Annotated[str, AfterValidator(_template)] | None = None
    where: dict[str, Values] | None = None


class CompanySection(Section):
    """`[[companies]]`."""

    id: Count
    source: Annotated[str, AfterValidator(_source)]
    name: str = ""
    account: Text | None = None
    mapping: Text | None = None
    write: bool = True
    relabel: bool = False
    verify: VerifySection = VerifySection()


class Document(Section):
    """The whole file."""

    accounts: Annotated[dict[str, AccountSection], Field(min_length=1)]
    companies: Annotated[list[CompanySection], Field(min_length=1)]
    api: ApiSection = ApiSection()
    limits: LimitsSection = LimitsSection.model_construct()
    verify: VerifySection = VerifySection()
    ledger: Annotated[LedgerSection, Field(validate_default=True)] = {}  # type: ignore[assignment]  # read like a given one
    mapping: dict[str, MappingSection] = {}


SECTIONS: dict[tuple[str, ...], type[Section]] = {
    (): Document,
    ("api",): ApiSection,
    ("accounts", "*"): AccountSection,
    ("limits",): LimitsSection,
    ("verify",): VerifySection,
    ("ledger",): LedgerSection,
    ("mapping", "*"): MappingSection,
    ("companies", "*"): CompanySection,
    ("companies", "*", "verify"): VerifySection,
}
"""Where each section stands: `*` is a name or an index."""
