"""The sections of the settings file as pydantic models. `load` turns them into the values of `model.settings`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo

from engine.config import schedules, targets
from engine.config.faults import unknown
from engine.config.sources import source_text
from engine.config.values import (
    Surroundings,
    address,
    duration,
    ledger_url,
    secret,
    size,
)
from engine.model.settings import Secret
from engine.model.settings_rules import COMPANY_IDS
from engine.sources import written
from engine.sources.expressions import expression
from engine.sources.filters import row_test
from engine.sources.presets import PRESETS
from engine.sources.rows import COLUMNS
from engine.wire.contracts import DIALECTS

if TYPE_CHECKING:
    Contract = str
else:
    Contract = Literal[tuple(DIALECTS)]


def _around(info: ValidationInfo) -> Surroundings:
    around: Surroundings = info.context["around"]  # type: ignore[index]  # `load` always gives a context
    return around


def _resolved(read: Callable[[object, Surroundings], Any]) -> PlainValidator:
    """Return a validator for values whose meaning depends on their surroundings."""

    def validate(value: object, info: ValidationInfo) -> Any:
        return read(value, _around(info))

    return PlainValidator(validate)


def _chunk_rows(rows: int, info: ValidationInfo) -> int:
    contract = _around(info).contract
    if contract in DIALECTS and rows > DIALECTS[contract].most_rows:
        raise ValueError(f"{rows} is too many: at most {DIALECTS[contract].most_rows} under the {contract} contract")
    return rows


def _column(name: str) -> str:
    if name not in COLUMNS:
        raise ValueError(f"{name!r} is not a column of dimensions; {unknown(name, COLUMNS)}")
    return name


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; {unknown(name, PRESETS)}")
    return name


Duration: TypeAlias = Annotated[float, PlainValidator(duration)]
Size: TypeAlias = Annotated[int, PlainValidator(size)]
Address: TypeAlias = Annotated[str, PlainValidator(address)]
Credential: TypeAlias = Annotated[Secret, _resolved(secret)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Rows: TypeAlias = Annotated[int, Field(ge=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """The base of all sections: unknown keys are errors, and no value is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class ApiSection(Section):
    """`[api]`."""

    base_url: Address | None = None
    contract: Contract = "guide"
    token_url: Address | None = None
    api_version: Text | None = None
    scope: Text | None = None


class LimitsSection(Section):
    """`[limits]`, which apply to each API key, and `limits` of an account, which override single keys of it."""

    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    requests_per_day: Count | None = None
    reserve_per_day: Annotated[int, Field(ge=0)] | None = None
    max_concurrency: Count | None = None
    page_size: Annotated[int, Field(ge=1, le=1_000)] | None = None
    chunk_rows: Annotated[int, Field(ge=1), AfterValidator(_chunk_rows)] | None = None
    chunk_bytes: Size | None = None
    timeout: Duration | None = None
    server_timeout: Duration | None = None
    max_attempts: Count | None = None


class VerifySection(Section):
    """`[verify]`, and `verify` of a company, group, mapping or account. A missing key is taken from the next level."""

    mode: Literal["auto", "full", "probe", "none"] | None = None
    verify_after: Duration | None = None
    probe_after: Duration | None = None


class GuardSection(Section):
    """`[guard]`, and `guard` of a company, group, mapping or account. A missing key is taken from the next level."""

    mass_create_share: Share | None = None
    mass_create_rows: Rows | None = None
    mass_update_share: Share | None = None
    mass_update_rows: Rows | None = None
    min_rows: Rows | None = None
    shrink_share: Share | None = None
    wrong_client_own_share: Share | None = None
    wrong_client_other_share: Share | None = None
    wrong_client_overlap: Share | None = None
    wrong_client_rows: Rows | None = None
    left_out_share: Share | None = None
    left_out_usual_share: Share | None = None
    decimal_ids_rows: Rows | None = None
    adopt: Literal["trust", "push", "hold"] | None = None


class RunGuardSection(GuardSection):
    """`[guard]` itself, which also has a guard of the run as a whole."""

    fleet_share: Share | None = None


class TreatmentSection(Section):
    """The settings that a company, a group, a mapping and an account may each give."""

    write: bool | None = None
    relabel: bool | None = None
    shares_source: bool | None = None
    verify: VerifySection = VerifySection()
    guard: GuardSection = GuardSection()


class AccountSection(TreatmentSection):
    """`[accounts.NAME]`."""

    account_id: Text
    api_key: Credential
    client_id: Credential
    client_secret: Credential
    limits: LimitsSection = LimitsSection()


KEPT_AT_LEAST_S = 7 * 86_400.0
"""The least time for which runs are kept: a run that is still going on must never be forgotten."""


class LedgerSection(Section):
    """`[ledger]`."""

    url: Annotated[str, _resolved(ledger_url), Field(validate_default=True)] = "sqlite:///dimsync.db"
    keep: Annotated[Duration, Field(ge=KEPT_AT_LEAST_S)] = 400 * 86_400.0


class DatabaseSection(Section):
    """`[databases.NAME]`: the source of companies with `source = "sql:NAME"`."""

    url: Credential
    query: Text


class MappingSection(TreatmentSection):
    """`[mapping.NAME]`: how an ERP's export is read. A missing key is taken from the preset."""

    preset: Annotated[str, AfterValidator(_preset)] | None = None
    columns: dict[Annotated[str, AfterValidator(_column)], Annotated[Any, PlainValidator(expression)]] = {}
    type_code: Annotated[str, PlainValidator(written.text)] | None = None
    type: Annotated[str, PlainValidator(written.text)] | None = None
    type_codes: dict[str, Text] = {}
    labels: dict[str, Text] = {}
    key: Annotated[str, PlainValidator(written.key)] | None = None
    where: dict[str, Annotated[Any, PlainValidator(row_test)]] | None = None
    company_column: Annotated[str, PlainValidator(written.text)] | None = None
    header: Annotated[int, PlainValidator(written.header)] | None = None
    encoding: Annotated[str, PlainValidator(written.encoding)] | None = None
    delimiter: Annotated[str, PlainValidator(written.delimiter)] | None = None
    rows: Annotated[str, PlainValidator(written.path)] | None = None
    numbers_as_ids: bool | None = None
    min_age: Duration | None = None
    max_age: Duration | None = None


class SourceSection(Section):
    """One entry of `sources` in a company, a group or `[fleet]`."""

    source: Annotated[str, AfterValidator(source_text)]
    mapping: Text | None = None
    optional: bool = False


SourceList: TypeAlias = Annotated[list[SourceSection], Field(min_length=1)]


class ScheduleSection(Section):
    """When companies are due for `sync --due`: in a company, a group or `[fleet]`."""

    every: Annotated[float, PlainValidator(schedules.every)] | None = None
    cron: Annotated[str, PlainValidator(schedules.cron)] | None = None
    timezone: Annotated[str, PlainValidator(schedules.zone_name)] | None = None


class GroupSection(TreatmentSection, ScheduleSection):
    """`[groups.NAME]`: what its companies have in common."""

    source: Annotated[str, AfterValidator(source_text)] | None = None
    sources: SourceList | None = None
    account: Text | None = None
    mapping: Text | None = None


class CompanySection(TreatmentSection, ScheduleSection):
    """`[[companies]]`."""

    id: Annotated[int, Field(ge=1, lt=COMPANY_IDS)]
    source: Annotated[str, AfterValidator(source_text)] | None = None
    sources: SourceList | None = None
    name: str | None = None
    account: Text | None = None
    mapping: Text | None = None
    groups: list[Text] | None = None


class FleetSection(ScheduleSection):
    """`[fleet]`: where companies' files are, and values for companies that do not give their own."""

    source: Annotated[str, AfterValidator(source_text)] | None = None
    sources: SourceList | None = None
    account: Text | None = None
    mapping: Text | None = None
    groups: list[Text] | None = None
    gone: list[Annotated[int, Field(ge=1, lt=COMPANY_IDS)]] = []


class NotifySection(Section):
    """`[[notify]]`: who is told of trouble and of recovery."""

    on: Annotated[list[Literal["trouble", "recovery"]], Field(min_length=1)] = ["trouble", "recovery"]
    webhook: Annotated[Secret, _resolved(targets.webhook)] | None = None
    format: Literal["json", "slack", "teams"] | None = None
    command: Annotated[tuple[str, ...], PlainValidator(targets.command)] | None = None


class Document(Section):
    """The whole file."""

    accounts: Annotated[dict[str, AccountSection], Field(min_length=1)]
    companies: list[CompanySection] = []
    companies_file: Text | None = None
    fleet: FleetSection | None = None
    groups: dict[str, GroupSection] = {}
    mapping: dict[str, MappingSection] = {}
    databases: dict[str, DatabaseSection] = {}
    notify: list[NotifySection] = []
    api: ApiSection = ApiSection()
    limits: LimitsSection = LimitsSection()
    verify: VerifySection = VerifySection()
    guard: RunGuardSection = RunGuardSection()
    ledger: Annotated[LedgerSection, Field(validate_default=True)] = {}  # type: ignore[assignment]  # so that a missing section is validated like a given one


SECTIONS: dict[tuple[str, ...], type[Section]] = {
    (): Document,
    ("api",): ApiSection,
    ("accounts", "*"): AccountSection,
    ("accounts", "*", "limits"): LimitsSection,
    ("limits",): LimitsSection,
    ("verify",): VerifySection,
    ("guard",): RunGuardSection,
    ("ledger",): LedgerSection,
    ("databases", "*"): DatabaseSection,
    ("mapping", "*"): MappingSection,
    ("notify", "*"): NotifySection,
    ("groups", "*"): GroupSection,
    ("fleet",): FleetSection,
    ("companies", "*"): CompanySection,
    ("fleet", "sources", "*"): SourceSection,
    **{(place, "*", "sources", "*"): SourceSection for place in ("groups", "companies")},
    **{(place, "*", "verify"): VerifySection for place in ("accounts", "mapping", "groups", "companies")},
    **{(place, "*", "guard"): GuardSection for place in ("accounts", "mapping", "groups", "companies")},
}
"""The path of each section: `*` stands for a name or an index."""
