"""Bulk sync of accounting dimensions through the Ottimate API: paginator -> diff -> workers.

    async with Engine(settings) as engine:
        result = await engine.sync(companies).result()

Names are imported when they are first used, so that `import engine` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from engine.errors import (
        ConfigError,
        EngineError,
        LedgerError,
    )
    from engine.ledger.base import Ledger
    from engine.ledger.sqlite import open_ledger
    from engine.model.balance import Balance, ExitCode, State
    from engine.model.dimension import Dimension
    from engine.model.events import Event
    from engine.model.outcome import Problem
    from engine.model.result import CompanyResult, Requests, RunResult, run_json
    from engine.model.settings import (
        Account,
        Allow,
        Api,
        Company,
        Guards,
        Limits,
        Secret,
        Settings,
        Verify,
        VerifyMode,
    )
    from engine.run.engine import Engine
    from engine.run.execution import Run
    from engine.sources.files import FileSource
    from engine.sources.sql import SqlSource

_HOMES = {
    "Account": "engine.model.settings",
    "Allow": "engine.model.settings",
    "Api": "engine.model.settings",
    "Balance": "engine.model.balance",
    "Company": "engine.model.settings",
    "CompanyResult": "engine.model.result",
    "ConfigError": "engine.errors",
    "Dimension": "engine.model.dimension",
    "Engine": "engine.run.engine",
    "EngineError": "engine.errors",
    "Event": "engine.model.events",
    "ExitCode": "engine.model.balance",
    "FileSource": "engine.sources.files",
    "Guards": "engine.model.settings",
    "Ledger": "engine.ledger.base",
    "LedgerError": "engine.errors",
    "Limits": "engine.model.settings",
    "Problem": "engine.model.outcome",
    "Requests": "engine.model.result",
    "Run": "engine.run.execution",
    "RunResult": "engine.model.result",
    "Secret": "engine.model.settings",
    "Settings": "engine.model.settings",
    "SqlSource": "engine.sources.sql",
    "State": "engine.model.balance",
    "Verify": "engine.model.settings",
    "VerifyMode": "engine.model.settings",
    "open_ledger": "engine.ledger.sqlite",
    "run_json": "engine.model.result",
}

__all__ = [
    "Account",
    "Allow",
    "Api",
    "Balance",
    "Company",
    "CompanyResult",
    "ConfigError",
    "Dimension",
    "Engine",
    "EngineError",
    "Event",
    "ExitCode",
    "FileSource",
    "Guards",
    "Ledger",
    "LedgerError",
    "Limits",
    "Problem",
    "Requests",
    "Run",
    "RunResult",
    "Secret",
    "Settings",
    "SqlSource",
    "State",
    "Verify",
    "VerifyMode",
    "__version__",
    "open_ledger",
    "run_json",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home (PEP 562).

    A program that asks for the engine means to send requests: aiohttp is loaded with it, and not in the first request,
    as the command line has it, which often sends none.
    """
    if name == "Engine":
        import_module("engine.net.transport")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)
