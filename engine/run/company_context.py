"""What the parts of one company's run share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from engine.model.result import CompanyResult
from engine.model.row_history import Generation
from engine.model.settings import CompanyKey
from engine.model.wanted import Wanted
from engine.net.channel import Channel
from engine.net.client import CompanyClient
from engine.run.absent_rows import AbsentRows
from engine.run.company_ending import CompanyEnding
from engine.run.compare import Comparison
from engine.run.comparer import Compared, Comparer
from engine.run.context import RunContext
from engine.run.read_remote import RemoteReader
from engine.run.row_counts import RowCounts
from engine.run.work import Job
from engine.send.chunks import Cut


@dataclass(slots=True, kw_only=True)
class Found:
    """What the steps of a company's run find out for its result."""

    name: str  # as the directory shows it, where the settings give none
    compared: Compared | None = None  # None: it was not compared
    generation: Generation = field(default_factory=Generation)  # of what the ledger knew when it was compared
    result: CompanyResult | None = None  # once it is final
    lacks_rows: bool = False  # a retry asked for rows that are not in the source any more


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyContext:
    """One company in one run: its settings, its API, its comparison, and what is counted and told of it so far."""

    job: Job
    run: RunContext
    company_key: CompanyKey
    channel: Channel
    client: CompanyClient
    comparison: Comparison
    allowed: frozenset[str]  # slugs of the guards that a person lets pass in this run
    counts: RowCounts
    ending: CompanyEnding
    found: Found

    @property
    def id(self) -> int:
        """The company's id in Ottimate."""
        return self.job.company.id

    @property
    def source(self) -> Wanted | None:
        """All rows of the source, as far as they are known; None: it is not read."""
        return self.counts.source or self.counts.wanted

    @property
    def chunk_rows(self) -> int:
        """Most rows of one of its chunks."""
        return min(self.channel.account.limits.chunk_rows, self.run.dialect.most_rows)

    @property
    def cut(self) -> Cut:
        """How its chunks are cut."""
        return Cut(
            max_rows=self.chunk_rows,
            max_bytes=self.channel.account.limits.chunk_bytes,
            encode=self.run.dialect.row,
            body=partial(self.run.dialect.bulk_body, self.id),
        )


def company_context(job: Job, channel: Channel, run: RunContext) -> CompanyContext:
    """Return the context that a company's run begins with."""
    company, account = job.company, channel.account
    company_key = CompanyKey(
        origin=run.origin, account=account.account_id, company_id=company.id, resource=run.dialect.resource
    )
    allowed = frozenset(slug for slug, company_id in run.allowed if company_id == company.id)
    client, counts = CompanyClient(channel, run.dialect, company.id), RowCounts()
    reader = RemoteReader(
        company_key=company_key,
        client=client,
        ledger=run.ledger,
        listing_budget=run.listing_budgets.get(account.name),
        now=run.now,
        emit=run.emit,
    )
    comparison = Comparison(
        company=company,
        company_key=company_key,
        client=client,
        ledger=run.ledger,
        reader=reader,
        verify=run.verify,
        guards=company.guards or run.guards,
        run_id=run.run_id,
        comparer=Comparer(
            relabel=company.relabel,
            needs_code=run.dialect.needs_code,
            allowed=allowed,
            asks_again=job.only is not None,
            explains=not run.mode.writes,
            now=run.now,
        ),
        absent_rows=AbsentRows(company_key=company_key, ledger=run.ledger, now=run.now),
        is_check=run.mode.shows_vanished,
        now=run.now,
    )
    return CompanyContext(
        job=job,
        run=run,
        company_key=company_key,
        channel=channel,
        client=client,
        comparison=comparison,
        allowed=allowed,
        counts=counts,
        ending=CompanyEnding(counts),
        found=Found(name=company.name),
    )
