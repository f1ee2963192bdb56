"""Bulk sync of accounting dimensions through the Ottimate API: paginator -> diff -> workers.

    async with Engine(settings) as engine:
        result = await engine.sync(companies).result()

Names are imported when they are first used, so that `import engine` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from engine.version import __version__

if TYPE_CHECKING:
    from engine.compare.freshness import Evidence
    from engine.compare.rekey import Rekey
    from engine.compare.row_search import RowMatch
    from engine.documents.plan_file import plan_digest, read_plan, write_plan
    from engine.errors import (
        AccountParked,
        AnswerLost,
        ApiError,
        AppliedBefore,
        BadInvoice,
        BadPage,
        BatchLost,
        BudgetSpent,
        CompanyRefused,
        ConfigError,
        EngineError,
        HostDown,
        IncompleteListing,
        InFlight,
        LedgerError,
        Locked,
        MissingSource,
        OutcomeUnknown,
        OutOfScope,
        QuotaExhausted,
        Rejected,
        SharedSource,
        SourceError,
        StalePlan,
        TenantLeak,
        Throttled,
        Unauthorized,
        Unreadable,
        UnsafePlan,
        Untrusted,
        Vanished,
        WrongContract,
    )
    from engine.ledger.opening import open_ledger
    from engine.ledger.protocols import Ledger
    from engine.ledger.sql_ledger import SqlLedger
    from engine.ledger.sqlite.ledger import SqliteLedger
    from engine.model.balance import Balance, ExitCode, State
    from engine.model.change import Change, Hold
    from engine.model.difference import Difference, FieldDifference, Whose
    from engine.model.dimension import Dimension, RemoteRow
    from engine.model.directory import Directory, VisibleAccount, VisibleCompany, VisibleLocation
    from engine.model.events import (
        ChunkSettled,
        CompanyAhead,
        CompanyFinished,
        CompanyStarted,
        Event,
        KeyAhead,
        Listed,
        PageRead,
        Parked,
        Planned,
        RequestAnswered,
        RequestSent,
        RunFinished,
        RunStarted,
        Scheduled,
        SourceRead,
        Waiting,
        WidthChanged,
    )
    from engine.model.invoice import DimensionUse, Finding, Invoice, Lookup
    from engine.model.listing import Certificate, Page
    from engine.model.outcome import Problem, Reject
    from engine.model.past_run import CompanyInRun, PastResult
    from engine.model.quota import QuotaDay
    from engine.model.resting import Rejection, RestingRow
    from engine.model.result import (
        AccountDay,
        CompanyResult,
        LastSync,
        PastRun,
        Recovered,
        Requests,
        RunResult,
        run_json,
    )
    from engine.model.row_history import Generation, Life, RowAttempt
    from engine.model.row_record import Agreement, RowRecord
    from engine.model.saved_plan import CompanyPlan, PlanTotals, SavedPlan
    from engine.model.settings import (
        Account,
        Adopt,
        Allow,
        Api,
        Company,
        Credentials,
        CredentialsProvider,
        Guards,
        Limits,
        NamedCompany,
        RawRow,
        Secret,
        Settings,
        SourceRows,
        Verify,
        VerifyMode,
    )
    from engine.model.standing import RunTimes, Standing
    from engine.model.wanted import LeftOut, SourceCounts
    from engine.observe.opentelemetry import OpenTelemetry
    from engine.observe.prometheus import PrometheusMetrics
    from engine.observe.telemetry import Telemetry
    from engine.run.blocking import run_sync
    from engine.run.company_api import CompanyApi, ListedRows
    from engine.run.engine import Engine
    from engine.run.inspect import Explanation
    from engine.run.one_company import again_after_s, sync_company
    from engine.run.plan_files import load_plan, save_plan
    from engine.run.remote_rows import CompanyRows
    from engine.run.run import Pending, Run
    from engine.sources.cursors import from_cursor
    from engine.sources.files import FileSource
    from engine.sources.frames import Frame, from_frame
    from engine.sources.given import GivenRows, from_iterable
    from engine.sources.left_out_rows import LeftOutRow
    from engine.sources.mapping import ColumnMap
    from engine.sources.protocol import Source, SourceReading
    from engine.sources.several import Several
    from engine.sources.sql import SqlSource
    from engine.wire.invoices import read_invoices

_HOMES = {
    name: module
    for module, names in {
        "engine.errors": (
            "AccountParked AnswerLost ApiError AppliedBefore BadInvoice BadPage BatchLost BudgetSpent CompanyRefused "
            "ConfigError EngineError HostDown InFlight IncompleteListing LedgerError Locked MissingSource "
            "OutOfScope OutcomeUnknown QuotaExhausted Rejected SharedSource SourceError StalePlan TenantLeak "
            "Throttled Unauthorized Unreadable UnsafePlan Untrusted Vanished WrongContract"
        ),
        "engine.ledger.protocols": "Ledger",
        "engine.ledger.opening": "open_ledger",
        "engine.ledger.sql_ledger": "SqlLedger",
        "engine.ledger.sqlite.ledger": "SqliteLedger",
        "engine.model.balance": "Balance ExitCode State",
        "engine.model.change": "Change Hold",
        "engine.model.dimension": "Dimension RemoteRow",
        "engine.model.directory": "Directory VisibleAccount VisibleCompany VisibleLocation",
        "engine.model.difference": "Difference FieldDifference Whose",
        "engine.model.events": (
            "ChunkSettled CompanyAhead CompanyFinished CompanyStarted Event KeyAhead Listed PageRead Parked Planned "
            "RequestAnswered RequestSent RunFinished RunStarted Scheduled SourceRead Waiting WidthChanged"
        ),
        "engine.model.row_record": "Agreement RowRecord",
        "engine.model.resting": "Rejection RestingRow",
        "engine.model.row_history": "Generation Life RowAttempt",
        "engine.model.invoice": "DimensionUse Finding Invoice Lookup",
        "engine.model.listing": "Certificate Page",
        "engine.model.outcome": "Problem Reject",
        "engine.model.result": "AccountDay CompanyResult LastSync PastRun Recovered Requests RunResult run_json",
        "engine.model.saved_plan": "CompanyPlan PlanTotals SavedPlan",
        "engine.model.settings": (
            "Account Adopt Allow Api Company Credentials CredentialsProvider Guards Limits NamedCompany RawRow Secret "
            "Settings SourceRows Verify VerifyMode"
        ),
        "engine.model.wanted": "LeftOut SourceCounts",
        "engine.compare.freshness": "Evidence",
        "engine.compare.rekey": "Rekey",
        "engine.compare.row_search": "RowMatch",
        "engine.observe.opentelemetry": "OpenTelemetry",
        "engine.observe.prometheus": "PrometheusMetrics",
        "engine.observe.telemetry": "Telemetry",
        "engine.run.blocking": "run_sync",
        "engine.run.engine": "Engine",
        "engine.run.remote_rows": "CompanyRows",
        "engine.run.run": "Pending Run",
        "engine.run.inspect": "Explanation",
        "engine.run.one_company": "again_after_s sync_company",
        "engine.sources.cursors": "from_cursor",
        "engine.sources.files": "FileSource",
        "engine.sources.frames": "Frame from_frame",
        "engine.sources.given": "GivenRows from_iterable",
        "engine.sources.left_out_rows": "LeftOutRow",
        "engine.sources.mapping": "ColumnMap",
        "engine.sources.protocol": "Source SourceReading",
        "engine.sources.several": "Several",
        "engine.sources.sql": "SqlSource",
        "engine.run.company_api": "CompanyApi ListedRows",
        "engine.model.past_run": "CompanyInRun PastResult",
        "engine.model.quota": "QuotaDay",
        "engine.model.standing": "Standing RunTimes",
        "engine.documents.plan_file": "plan_digest read_plan write_plan",
        "engine.run.plan_files": "load_plan save_plan",
        "engine.wire.invoices": "read_invoices",
    }.items()
    for name in names.split()
}
"""The module that defines each public name."""

__all__ = [
    "Account",
    "AccountDay",
    "AccountParked",
    "Adopt",
    "Agreement",
    "Allow",
    "AnswerLost",
    "Api",
    "ApiError",
    "AppliedBefore",
    "BadInvoice",
    "BadPage",
    "Balance",
    "BatchLost",
    "BudgetSpent",
    "Certificate",
    "Change",
    "ChunkSettled",
    "ColumnMap",
    "Company",
    "CompanyAhead",
    "CompanyApi",
    "CompanyFinished",
    "CompanyInRun",
    "CompanyPlan",
    "CompanyRefused",
    "CompanyResult",
    "CompanyRows",
    "CompanyStarted",
    "ConfigError",
    "Credentials",
    "CredentialsProvider",
    "Difference",
    "Dimension",
    "DimensionUse",
    "Directory",
    "Engine",
    "EngineError",
    "Event",
    "Evidence",
    "ExitCode",
    "Explanation",
    "FieldDifference",
    "FileSource",
    "Finding",
    "Frame",
    "Generation",
    "GivenRows",
    "Guards",
    "Hold",
    "HostDown",
    "InFlight",
    "IncompleteListing",
    "Invoice",
    "KeyAhead",
    "LastSync",
    "Ledger",
    "LedgerError",
    "LeftOut",
    "LeftOutRow",
    "Life",
    "Limits",
    "Listed",
    "ListedRows",
    "Locked",
    "Lookup",
    "MissingSource",
    "NamedCompany",
    "OpenTelemetry",
    "OutOfScope",
    "OutcomeUnknown",
    "Page",
    "PageRead",
    "Parked",
    "PastResult",
    "PastRun",
    "Pending",
    "PlanTotals",
    "Planned",
    "Problem",
    "PrometheusMetrics",
    "QuotaDay",
    "QuotaExhausted",
    "RawRow",
    "Recovered",
    "Reject",
    "Rejected",
    "Rejection",
    "Rekey",
    "RemoteRow",
    "RequestAnswered",
    "RequestSent",
    "Requests",
    "RestingRow",
    "RowAttempt",
    "RowMatch",
    "RowRecord",
    "Run",
    "RunFinished",
    "RunResult",
    "RunStarted",
    "RunTimes",
    "SavedPlan",
    "Scheduled",
    "Secret",
    "Settings",
    "Several",
    "SharedSource",
    "Source",
    "SourceCounts",
    "SourceError",
    "SourceRead",
    "SourceReading",
    "SourceRows",
    "SqlLedger",
    "SqlSource",
    "SqliteLedger",
    "StalePlan",
    "Standing",
    "State",
    "Telemetry",
    "TenantLeak",
    "Throttled",
    "Unauthorized",
    "Unreadable",
    "UnsafePlan",
    "Untrusted",
    "Vanished",
    "Verify",
    "VerifyMode",
    "VisibleAccount",
    "VisibleCompany",
    "VisibleLocation",
    "Waiting",
    "Whose",
    "WidthChanged",
    "WrongContract",
    "__version__",
    "again_after_s",
    "from_cursor",
    "from_frame",
    "from_iterable",
    "load_plan",
    "open_ledger",
    "plan_digest",
    "read_invoices",
    "read_plan",
    "run_json",
    "run_sync",
    "save_plan",
    "sync_company",
    "write_plan",
]


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562).

    `Engine` also loads aiohttp, as a program that imports it is going to send requests. The command line imports
    `engine.run.engine` instead, and loads aiohttp with its first request: often it sends none.
    """
    if name == "Engine":
        import_module("engine.net.http.transport")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)
