"""Write down what a company's good run leaves behind, in one transaction."""

from __future__ import annotations

from engine.ledger.connection import Connection
from engine.ledger.jobs import rows, scopes, sources
from engine.model.company_record import CompanyState
from engine.model.ledger_writes import GoodEnd
from engine.model.settings import CompanyKey


def end_well(connection: Connection, company_key: CompanyKey, end: GoodEnd) -> None:
    """Write what a good run leaves. The note that nothing was to do comes late, since other writes would delete it."""
    if end.sketch is not None:
        scopes.sketch(connection, company_key, *end.sketch)
    if end.is_trouble_over:
        scopes.note(connection, company_key, CompanyState(last_good_rows=end.source_rows))
    if end.source_rows is not None:
        sources.keep_good(connection, company_key, end.source_rows, end.counts)
    if end.clean is not None:
        scopes.note_clean(connection, company_key, *end.clean)
    if end.gathers:
        rows.gather(connection, company_key, end.lines)
