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
    """`[api]`: where the API is, and how it is spoken to."""

    base_url: Address | None = None
    """The address that all paths begin with. `http://` is refused except on this machine. Example: `base_url =
    "https://api.ottimate.com/v1"`."""
    contract: Contract = "guide"
    """Which of the vendor's two contracts is written; what is read is understood in both: `dimsync help running`.
    Example: `contract = "reference"`."""
    token_url: Address | None = None
    """Where access tokens come from. Without it: `base_url` with `/oauth/token` behind it. Example: `token_url =
    "https://auth.example.com/oauth/token"`."""
    api_version: Text | None = None
    """What each request says in its header `X-API-Version`. Example: `api_version = "1.0.0"`."""
    scope: Text | None = None
    """What an access token is asked for. Example: `scope = "accounts.can_access_dashboard"`."""


class LimitsSection(Section):
    """`[limits]`: what each API key may use. An account may have its own `limits`, which override single keys."""

    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The most requests a second, of all processes together where the ledger is in Postgres. Example:
    `requests_per_second = 100`."""
    requests_per_day: Count | None = None
    """The API key's quota: requests a day, from 00:00 UTC on, tokens included. Example: `requests_per_day = 50000`."""
    reserve_per_day: Annotated[int, Field(ge=0)] | None = None
    """Of these, requests that dimsync leaves to the client's other integrations. Example: `reserve_per_day = 2000`."""
    max_concurrency: Count | None = None
    """The most requests that are under way at once, of all processes together where the ledger is in Postgres. How many
    there are is found out from below: more while all goes well, fewer when it does not. Example:
    `max_concurrency = 16`."""
    page_size: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """Rows of a page of a listing. More than 100 are asked for once for each API key, and used when the server
    grants them. Example: `page_size = 500`."""
    chunk_rows: Annotated[int, Field(ge=1), AfterValidator(_chunk_rows)] | None = None
    """The most rows of one bulk request: up to 1,000 under the guide contract, 100 under reference. Example:
    `chunk_rows = 50`."""
    chunk_bytes: Size | None = None
    """The most bytes of one bulk request. Example: `chunk_bytes = "500kB"`."""
    timeout: Duration | None = None
    """How long one request may take. Example: `timeout = "60s"`."""
    server_timeout: Duration | None = None
    """How long the server may still work on a request that nobody waits for any more. Rows whose outcome is unknown
    are not looked at before that. Example: `server_timeout = "29s"`."""
    max_attempts: Count | None = None
    """How often one request may be sent while its outcome is not known, the first time included. Example:
    `max_attempts = 3`."""


class VerifySection(Section):
    """`[verify]`: when a company is read although the ledger knows its rows.

    A company, group, mapping or account may have its own `verify`; what it does not give is taken from the next place.
    """

    mode: Literal["auto", "full", "probe", "none"] | None = None
    """`auto`: read what is due; `full`: list every company in each run; `probe`: compare row counts; `none`:
    believe the ledger. Example: `mode = "full"`."""
    verify_after: Duration | None = None
    """A company is listed when its last whole listing is older; varied by 30 % from company to company, so that not
    all are due on one day. Example: `verify_after = "30d"`."""
    probe_after: Duration | None = None
    """A company is probed (one request: do the row counts agree?) when it was neither listed nor probed for that
    long. Example: `probe_after = "12h"`."""


class GuardSection(Section):
    """`[guard]`: when a company is held for a person (`dimsync help guards`).

    A company, group, mapping or account may have its own `guard`; what it does not give is taken from the next place.
    """

    mass_create_share: Share | None = None
    """`mass-create` holds a plan that creates more than this share of the company's rows, and more than
    `mass_create_rows`. Example: `mass_create_share = 0.5`."""
    mass_create_rows: Rows | None = None
    """The most rows that a plan may create without a look at the share. Example: `mass_create_rows = 100`."""
    mass_update_share: Share | None = None
    """`mass-update` holds a plan that changes more than this share of the company's rows, and more than
    `mass_update_rows`. Example: `mass_update_share = 0.5`."""
    mass_update_rows: Rows | None = None
    """The most rows that a plan may change without a look at the share. Example: `mass_update_rows = 100`."""
    min_rows: Rows | None = None
    """A company with fewer rows in Ottimate is still being loaded: `mass-create` and `mass-update` do not look at
    it. Example: `min_rows = 20`."""
    shrink_share: Share | None = None
    """`shrunken-source` holds a source that has less than this share of the rows of its last good run. Example:
    `shrink_share = 0.8`."""
    wrong_client_own_share: Share | None = None
    """`wrong-client` holds a source of whose rows less than this share are the company's ... Example:
    `wrong_client_own_share = 0.4`."""
    wrong_client_other_share: Share | None = None
    """... and more than this share are another company's, or have keys that begin with another company's id.
    Example: `wrong_client_other_share = 0.95`."""
    wrong_client_overlap: Share | None = None
    """`wrong-client` also holds a source when less than this share of the smaller side (source or Ottimate) is
    matched. Example: `wrong_client_overlap = 0.05`."""
    wrong_client_rows: Rows | None = None
    """Rows that each side must have before the overlap is judged. Example: `wrong_client_rows = 20`."""
    left_out_share: Share | None = None
    """`left-out` holds a source of whose rows the mapping leaves out more than this share ... Example:
    `left_out_share = 0.7`."""
    left_out_usual_share: Share | None = None
    """... and left out less than this share at the last good run. Example: `left_out_usual_share = 0.2`."""
    decimal_ids_rows: Rows | None = None
    """Rows that a source must have before `decimal-ids` judges ids that all end in `.0`. Example: `decimal_ids_rows
    = 10`."""
    adopt: Literal["trust", "push", "hold"] | None = None
    """What becomes of rows that were in Ottimate before, whose key nothing has confirmed. `trust`: equal ones are
    taken over, those that differ are held; `push`: those that differ are sent, canaries first; `hold`: equal ones
    are held, too. Example: `adopt = "push"`."""


class RunGuardSection(GuardSection):
    """`[guard]` alone: a guard of the run as a whole."""

    fleet_share: Share | None = None
    """`fleet` stops a run when more than this share of its companies are held. Without it, none does. A run of one
    company, as `dimsync worker` makes them, it never stops. Example: `fleet_share = 0.3`."""


class TreatmentSection(Section):
    """What a company, a group, a mapping and an account may each say."""

    write: bool | None = None
    """`false`: the company is read-only: it is planned and checked, and never written. Example: `write = false`."""
    relabel: bool | None = None
    """`true`: the type's label is compared and sent, too; else the client's own label is kept. Example: `relabel =
    true`."""
    shares_source: bool | None = None
    """`true`: several companies may name the same file or query. Otherwise each of them fails as `shared-source`.
    Example: `shares_source = true`."""
    verify: VerifySection = VerifySection()
    guard: GuardSection = GuardSection()


class AccountSection(TreatmentSection):
    """`[accounts.NAME]`: one client account of the API, with one API key and its daily quota."""

    account_id: Text
    """The account's id in Ottimate. Example: `account_id = "racc_1"`."""
    api_key: Credential
    """Where its API key is found. Example: `api_key = "env:OTTIMATE_API_KEY"`."""
    client_id: Credential
    """Where its OAuth client id is found. Example: `client_id = "file:/run/secrets/client_id"`."""
    client_secret: Credential
    """Where its OAuth client secret is found. Example: `client_secret = "env:OTTIMATE_CLIENT_SECRET"`."""
    limits: LimitsSection = LimitsSection()


KEPT_AT_LEAST_S = 7 * 86_400.0
"""The least time for which runs are kept: a run that is still going on must never be forgotten."""


class LedgerSection(Section):
    """`[ledger]`: the file, or the database, that remembers what was sent and acknowledged (`dimsync help backup`)."""

    url: Annotated[str, _resolved(ledger_url), Field(validate_default=True)] = "sqlite:///dimsync.db"
    """Where the file is, relative to the settings. Or a Postgres database, which several machines share, as in
    `postgresql://dimsync@db.example.com/dimsync`; its password is in `PGPASSWORD` or `~/.pgpass`, never in the URL.
    Example: `url = "sqlite:////var/lib/dimsync/dimsync.db"`."""
    keep: Annotated[Duration, Field(ge=KEPT_AT_LEAST_S)] = 400 * 86_400.0
    """Runs and attempts that are older are forgotten; at least 7 days. What is known of rows is always kept.
    Example: `keep = "90d"`."""


class DatabaseSection(Section):
    """`[databases.NAME]`: a database that companies are read from, with `source = "sql:NAME"`."""

    url: Credential
    """Where SQLAlchemy's address of the database is found, such as `postgresql+psycopg://user:password@host/erp`.
    Example: `url = "env:ERP_DB_URL"`."""
    query: Text
    """The query that gives the rows; `:company_id` is the company. It is undone after reading. Example: `query =
    "select * from dimensions where client = :company_id"`."""


class MappingSection(TreatmentSection):
    """`[mapping.NAME]`: how an ERP's export is read (`dimsync help sources`).

    What it does not give is taken from the preset.
    """

    preset: Annotated[str, AfterValidator(_preset)] | None = None
    """The mapping that ships with dimsync to start from. Example: `preset = "netsuite.accounts"`."""
    columns: dict[Annotated[str, AfterValidator(_column)], Annotated[Any, PlainValidator(expression)]] = {}
    """Which column, or expression over columns, each field of a row is. Example: `columns = { erp_dimension_id =
    "Number", name = "Title" }`."""
    type_code: Annotated[str, PlainValidator(written.text)] | None = None
    """The type code of all rows. Example: `type_code = "department"`."""
    type: Annotated[str, PlainValidator(written.text)] | None = None
    """The label of that type in Ottimate. Example: `type = "Cost center"`."""
    type_codes: dict[str, Text] = {}
    """From the export's word for a type to the type code. Example: `type_codes = { Bank = "account", Dept =
    "department" }`."""
    labels: dict[str, Text] = {}
    """From a type code to its label in Ottimate. Example: `labels = { account = "GL Account" }`."""
    key: Annotated[str, PlainValidator(written.key)] | None = None
    """How a row's unique key is made. A key that was sent once stays. Example: `key =
    "{company_id}:{type_code}:{erp_dimension_id}"`."""
    where: dict[str, Annotated[Any, PlainValidator(row_test)]] | None = None
    """Which rows are taken, by column; all of the tests must pass. Example: `where = { Inactive = "No" }`."""
    company_column: Annotated[str, PlainValidator(written.text)] | None = None
    """For one file of many companies: the column that holds the id of the company whose row it is. Example:
    `company_column = "Client"`."""
    header: Annotated[int, PlainValidator(written.header)] | None = None
    """The number of the line that holds the column names. Without it: the first of 20 lines that holds all mapped
    columns. Example: `header = 4`."""
    encoding: Annotated[str, PlainValidator(written.encoding)] | None = None
    """How the text of the file is encoded. Without it: UTF-8, or UTF-16 with its mark. Example: `encoding =
    "cp1252"`."""
    delimiter: Annotated[str, PlainValidator(written.delimiter)] | None = None
    """What stands between two cells of a line. Without it: comma, semicolon or tab, whichever parts the header into
    most columns. Example: `delimiter = ";"`."""
    rows: Annotated[str, PlainValidator(written.path)] | None = None
    """The path to the list of rows in a JSON document. Example: `rows = "QueryResponse.Account"`."""
    numbers_as_ids: bool | None = None
    """`true`: whole numbers are taken for ids as they are; otherwise an id that is a number makes its row invalid.
    Example: `numbers_as_ids = true`."""
    min_age: Duration | None = None
    """A file that was written less long ago may still be growing: its company fails. Example: `min_age = "5m"`."""
    max_age: Duration | None = None
    """A file that was written longer ago is out of date: its company fails. Example: `max_age = "26h"`."""


class SourceSection(Section):
    """One entry of `sources`: one of the several lists of a company."""

    source: Annotated[str, AfterValidator(source_text)]
    """The file, sheet or query; `{company_id}` stands for the id of the company. Example: `source =
    "exports/{company_id}/accounts.csv"`."""
    mapping: Text | None = None
    """The name of its mapping or preset. Without it: the company's. Example: `mapping = "netsuite.accounts"`."""
    optional: bool = False
    """`true`: the company does not fail when this file is missing. Example: `optional = true`."""


SourceList: TypeAlias = Annotated[list[SourceSection], Field(min_length=1)]


class BelongingSection(Section):
    """What a company, a group and the fleet may each say: where rows come from, and what a company belongs to."""

    source: Annotated[str, AfterValidator(source_text)] | None = None
    """The company's only file, sheet or query; in `[fleet]`, `{company_id}` makes a company of each file that is
    there. Example: `source = "exports/123.csv"`."""
    sources: SourceList | None = None
    """Its several lists, each with its own mapping; the list of the nearest place counts as a whole. Example:
    `sources = [{ source = "accounts.csv", mapping = "netsuite.accounts" }]`."""
    account: Text | None = None
    """The NAME of its `[accounts.NAME]`; may be left out where there is only one. Example: `account = "main"`."""
    mapping: Text | None = None
    """The NAME of its `[mapping.NAME]`, or of a preset. Example: `mapping = "netsuite.accounts"`."""


class ScheduleSection(Section):
    """What a company, a group and the fleet may each say of when they are due for `sync --due`."""

    every: Annotated[float, PlainValidator(schedules.every)] | None = None
    """How long after the last time it is due again (`dimsync help scheduling`). Example: `every = "1h"`."""
    cron: Annotated[str, PlainValidator(schedules.cron)] | None = None
    """When it is due, as five fields of cron. Example: `cron = "0 5 * * *"`."""
    timezone: Annotated[str, PlainValidator(schedules.zone_name)] | None = None
    """The time zone that `cron` is meant in. Example: `timezone = "America/New_York"`."""


class GroupSection(BelongingSection, TreatmentSection, ScheduleSection):
    """`[groups.NAME]`: what its companies have in common."""


class CompanySection(BelongingSection, TreatmentSection, ScheduleSection):
    """`[[companies]]`: one company."""

    id: Annotated[int, Field(ge=1, lt=COMPANY_IDS)]
    """The company's id in Ottimate. Example: `id = 123`."""
    name: str | None = None
    """What people are shown besides the id. Example: `name = "Harbor Grill"`."""
    groups: list[Text] | None = None
    """The groups that it belongs to; a later one wins over an earlier one. Example: `groups = ["west", "slow"]`."""


class FleetSection(BelongingSection, ScheduleSection):
    """`[fleet]`: where companies' files are, and values for companies that do not give their own."""

    groups: list[Text] | None = None
    """The groups of each company that names none. Example: `groups = ["west"]`."""
    gone: list[Annotated[int, Field(ge=1, lt=COMPANY_IDS)]] = []
    """Companies that have left: any other one whose file disappears fails as `missing-source`. Example: `gone =
    [1101, 1102]`."""


class NotifySection(Section):
    """`[[notify]]`: who is told of trouble and of recovery."""

    on: Annotated[list[Literal["trouble", "recovery"]], Field(min_length=1)] = ["trouble", "recovery"]
    """What is told: new trouble, and its end. Example: `on = ["trouble"]`."""
    webhook: Annotated[Secret, _resolved(targets.webhook)] | None = None
    """Where the address that takes the message is found. Example: `webhook = "env:SLACK_WEBHOOK"`."""
    format: Literal["json", "slack", "teams"] | None = None
    """How a webhook's message is shaped. Example: `format = "slack"`."""
    command: Annotated[tuple[str, ...], PlainValidator(targets.command)] | None = None
    """A program that is given the message, in the place of a webhook. Example: `command = ["notify-ops"]`."""


class Document(Section):
    """The top of the file: what stands above all sections."""

    accounts: Annotated[dict[str, AccountSection], Field(min_length=1)]
    companies: list[CompanySection] = []
    companies_file: Text | None = None
    """A CSV file with a line for each company; its columns are keys of `[[companies]]`. Example: `companies_file =
    "companies.csv"`."""
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
