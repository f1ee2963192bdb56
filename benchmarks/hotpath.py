"""The work that every row of a sync passes, as a fixed program: what `scripts/check-speed` counts.

10,000 wanted rows against 100 pages of 100 listed ones, 20 % changed and a few new: decoding, indexing, matching,
comparing, encoding into chunks, reconciling their answers, and making what the ledger writes of them; the last three
also for a first load, in which all rows are new; and what the requests for 100 pages cost beside that,
limits and quota included, over a transport that answers at once. No sockets, no ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

import orjson

from benchmarks.data import Row, Shape, base_rows, wanted_rows
from benchmarks.request_cost import Memory, Unread, clients
from benchmarks.store import Stored
from engine.compare.absorb import absorb
from engine.compare.agreed import Agreed, agreed
from engine.compare.join import join
from engine.compare.plan import diff
from engine.compare.remote_view import RemoteView, as_known
from engine.ledger.jobs.attempts import lines_of
from engine.ledger.jobs.texts import to_json
from engine.model.change import Change, change_table
from engine.model.company_record import CompanyRecord
from engine.model.dimension import dimension_table, fingerprint
from engine.model.ledger_writes import Intent, Settlement
from engine.model.listing import Certificate
from engine.model.outcome import Chunk, ChunkOutcome
from engine.model.row_record import RowRecord, as_entries
from engine.model.sketch import Sketch, sketch
from engine.model.table import Keyed
from engine.model.wanted import Wanted
from engine.net.known_pages import KnownPages, PageFacts
from engine.run.listed_pages import ListedPages
from engine.run.memo import content_of, content_of_source
from engine.send.chunks import Cut, cut
from engine.send.known_rows import KnownRows
from engine.send.reconcile import reconcile
from engine.send.settlement import Sent, records_of, settlement
from engine.sources.base import read
from engine.sources.intake import Intake
from engine.sources.jsonfile import ndjson_batches
from engine.sources.mapping import ColumnMap
from engine.wire.guide import DIALECT

SHAPE = Shape(1, 9_900, changed=200, added=10)
COMPANY = SHAPE.ids[0]
SEED = 7
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HOW = Cut(max_rows=100, max_bytes=10**6, encode=DIALECT.row, body=partial(DIALECT.bulk_body, COMPANY))


class SingleRows:
    """A program's own source that gives one row at a time."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        for row in self._rows:
            yield row


class HotPath:
    """The stages, each of which leaves what the next one needs."""

    def __init__(self) -> None:
        stored = Stored(COMPANY, _by_key(list(base_rows(SHAPE, COMPANY))), 100)
        self._pages = [stored.page(number, 100) for number in range(1, 101)]
        self._answers = Stored(COMPANY, _by_key(list(base_rows(SHAPE, COMPANY))), 100)
        self._wanted = [row._asdict() for row in wanted_rows(SHAPE, COMPANY)]
        self._source = b"\n".join(map(orjson.dumps, self._wanted))
        known = self._read(b"\n".join(orjson.dumps(row._asdict()) for row in base_rows(SHAPE, COMPANY)))
        listed = {(row.type_code, row.erp_id): row.id for row in self._decode().rows.values()}
        entries = {
            row.key: RowRecord(
                row, listed[row.type_code, row.erp_id], confirmed=True, outcome_known=True, code_known=True
            )
            for row in known.rows
        }
        self._record = CompanyRecord(rows=as_entries(entries))
        self._first_answers = Stored(COMPANY, {}, 100)
        self._new = change_table([Change(row, None) for row in known.rows])
        self._bodies: dict[Stored, list[bytes]] = {}  # by the server that answers
        self._facts: Mapping[bytes, PageFacts] = {}  # of the pages, once they are read
        self.left: dict[str, Any] = {}

    @property
    def stages(self) -> dict[str, Callable[[], Any]]:
        """The stages in order, by name."""
        return {
            "read a program's single rows": self._read_single,
            "read the source": partial(self._read, self._source),
            "ask for pages": self._ask,
            "decode and index pages": self._decode,
            "know pages by their bytes": self._know_pages,
            "tell a listing by its rows": partial(self._tell_listing, SEED),
            "tell a source by its rows": self._tell_source,
            "sketch the source": self._sketch,
            "tell what is agreed": self._tell_agreed,
            "match": self._match,
            "compare": self._compare,
            "learn": self._learn,
            "match and compare with the ledger alone": self._compare_known,
            "cut and encode chunks": self._cut,
            "decode answers and reconcile": self._reconcile,
            "make entries of changed rows": self._settle,
            "cut and encode new rows": self._cut_new,
            "decode answers to new rows and reconcile": self._reconcile_new,
            "make entries of new rows": self._settle_new,
            "fingerprint": self._fingerprint,
        }

    def _read(self, source: bytes) -> Wanted:
        intake = Intake(company_id=COMPANY, type_codes=DIALECT.type_codes, file="bench")
        for batch in ndjson_batches(BytesIO(source), "bench", ColumnMap()):
            intake.take_batch(batch)
        return intake.wanted()

    def _read_single(self) -> Wanted:
        return asyncio.run(read(SingleRows(self._wanted), company_id=COMPANY, type_codes=DIALECT.type_codes))

    def _ask(self) -> None:
        """Ask for 100 pages through a channel; their answers are not decoded. Its clock goes on by itself."""
        asyncio.run(self._ask_all())

    async def _ask_all(self) -> None:
        client = clients(Memory(), "https://api.test/v1", Unread(), [COMPANY])[COMPANY]
        for number in range(1, 101):
            await client.page(number, 100)

    def _decode(self) -> RemoteView:
        index = RemoteView()
        for body in self._pages:
            index.add(DIALECT.page(body, COMPANY).rows)
        return index

    def _know_pages(self) -> ListedPages:
        pages = ListedPages(RemoteView())
        known = KnownPages(SEED, self._facts)
        for body in self._pages:
            pages.take(known.page(body, partial(DIALECT.page, company_id=COMPANY)))
        self._facts = pages.facts
        return pages

    def _tell_listing(self, seed: int) -> bytes:
        return content_of(self.left["decode and index pages"], seed)

    def _tell_source(self) -> bytes | None:
        return content_of_source(self.left["read the source"])

    def _sketch(self) -> Sketch:
        return sketch(self.left["read the source"].rows)

    def _tell_agreed(self) -> Any:
        return self._agreed(self.left["read the source"], self.left["decode and index pages"])

    def _agreed(self, wanted: Wanted, view: RemoteView) -> Agreed:
        rows = dimension_table(wanted.rows)
        return agreed(rows, self._record.entries, view.rows, relabel=False, adopts=True)

    def _match(self) -> Any:
        index, settled = self.left["decode and index pages"], self.left["tell what is agreed"]
        return join(self.left["read the source"], index, self._record, agreed=settled)

    def _learn(self) -> Any:
        index, certificate = (
            self.left["decode and index pages"],
            Certificate(declared=1, declared_last=1, unique=1, rows=1, pages=1),
        )
        return absorb(self.left["match"], index, self._record, certificate, LONG_AGO)

    def _compare(self) -> Any:
        return diff(self.left["match"], self.left["decode and index pages"], self._record)

    def _compare_known(self) -> Any:
        index, wanted = as_known(self._record), self.left["read the source"]
        settled = self._agreed(wanted, index)
        return diff(join(wanted, index, self._record, agreed=settled), index, self._record)

    def _cut(self) -> Any:
        return list(cut(self.left["compare"].changes, HOW))

    def _cut_new(self) -> Any:
        return list(cut(self._new, HOW))

    def _reconcile(self) -> Any:
        return self._reconciled(self.left["cut and encode chunks"], self._answers)

    def _reconcile_new(self) -> Any:
        return self._reconciled(self.left["cut and encode new rows"], self._first_answers)

    def _reconciled(self, chunks: list[Chunk], server: Stored) -> Any:
        bodies = self._bodies.get(server)
        if bodies is None:  # what the server does is not counted
            bodies = self._bodies[server] = [server.upsert(orjson.loads(chunk.body)["dimensions"]) for chunk in chunks]
        return [reconcile(chunk, DIALECT.bulk(body), exposed=False) for chunk, body in zip(chunks, bodies, strict=True)]

    def _settle(self) -> Any:
        remotes = self.left["decode and index pages"].rows
        known = KnownRows(run_id="bench", records=self._record.rows, listed_ids=remotes.keys(), remotes=remotes)
        return [_settled(outcome, known) for outcome in self.left["decode answers and reconcile"]]

    def _settle_new(self) -> Any:
        known = KnownRows(run_id="bench", records={}, listed_ids=())
        return [_settled(outcome, known) for outcome in self.left["decode answers to new rows and reconcile"]]

    def _fingerprint(self) -> Any:
        return [fingerprint(row) for row in self.left["read the source"].rows]


def _settled(outcome: ChunkOutcome, known: KnownRows) -> tuple[Settlement, Keyed[RowRecord], str]:
    """Return what is written down of a chunk, its entries by columns, and its line of the audit trail."""
    intent = Intent(id="bench", run_id="bench", keys=(), at=LONG_AGO)
    sent = Sent(intent=intent, results=outcome.results, exposed=False, answer=outcome)
    written = settlement(sent, outcome.results, records_of(sent, outcome.results, known), set(), LONG_AGO)
    return written, as_entries(written.rows), to_json(lines_of(written.outcomes))


def _by_key(rows: list[Row]) -> dict[str, Row]:
    return {row.unique_key: row for row in rows}
