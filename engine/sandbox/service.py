"""What the API does with a request, step by step: count it, apply faults, authorise it, do the work, build the answer.

Synchronous and without HTTP: `open`, then `work` (at once or later), then `finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from engine.sandbox import batch, oauth
from engine.sandbox.access import Access, Allowance, Credentials
from engine.sandbox.admission import Admission, error
from engine.sandbox.contracts import contracts
from engine.sandbox.directory import look
from engine.sandbox.exchange import Answer, Call, PageMade, gateway
from engine.sandbox.faults.rules import Rule, Script
from engine.sandbox.faults.scheduled_fault import Delivery, ScheduledFault, World
from engine.sandbox.reading import read
from engine.sandbox.record import Entry
from engine.sandbox.replay import Replays
from engine.sandbox.storing import RowStore
from engine.sandbox.tenant import Company, Row, Tenant, Values
from engine.sandbox.ways import Way, Ways

CONTRACTS = contracts()
SCOPE = "accounts.can_access_dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the made-up vendor is set up; the defaults are its published figures."""

    contract: str = "guide"  # one of `CONTRACTS`: what the dimension calls speak
    accounts: tuple[Credentials, ...] = (Credentials(),)
    allowance: Allowance = field(default_factory=Allowance)
    max_limit: int = 100  # rows of a page; a larger limit gets this one without notice (no maximum is documented)
    max_bulk_rows: int = 100
    directory_base: int = 1  # number of the first page of accounts, companies and locations (documents disagree)
    replay_bytes: int = 65_536  # a larger answer is replayed as a 208 without a body
    timeout_s: float = 29.0  # the gateway's limit for an answer; AWS API Gateway's default
    ways: tuple[Way, ...] = ()  # lasting habits in which it differs from its documents
    seed: int = 7


class Service:
    """The API's whole state. `clock` gives the time of day, `second` a monotonic one."""

    def __init__(
        self,
        options: Options,
        *,
        tenant: Tenant,
        rules: Iterable[Rule] = (),
        clock: Callable[[], datetime],
        second: Callable[[], float],
    ) -> None:
        random = Random(options.seed)  # noqa: S311  made-up tokens, the same in each run
        self.options = options
        self.contract = CONTRACTS[options.contract]
        self.tenant = tenant
        self.script = Script(rules, seed=options.seed)
        self.access = Access(options.accounts, options.allowance, random)
        self.log: list[Entry] = []
        self.shift = timedelta()
        self.ways = Ways(options.ways)  # may be replaced at any time
        self._clock, self._second = clock, second
        self._batches: dict[str, batch.Batch] = {}
        self.admission = Admission(
            contract=self.contract,
            tenant=tenant,
            access=self.access,
            max_bulk_rows=options.max_bulk_rows,
            batches=self._batches,
            replays=Replays(options.replay_bytes),
        )
        self._world = World(tenant=tenant, access=self.access, random=random)
        self._number = 0
        self._works = {
            "token": self._token,
            "accounts": self._look,
            "companies": self._look,
            "locations": self._look,
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "bulk": self._bulk,
            "progress": self._progress,
            "results": self._results,
        }

    def now(self) -> datetime:
        """Return the sandbox's time of day, in UTC."""
        return self._clock().astimezone(UTC) + self.shift

    def place(self, company_id: int, rows: Iterable[Values] = (), *, name: str = "", account: str = "") -> Company:
        """Add or replace a company. It belongs to `account`; empty: to the first account."""
        account_id = account or self.options.accounts[0].account_id
        return self.tenant.place(company_id, account_id=account_id, name=name, rows=rows, at=self.now())

    def open(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> ScheduledFault:
        """Begin to serve a request. If it is refused or replayed, the returned turn has its answer already."""
        self._number += 1
        call = Call(
            number=self._number,
            method=method,
            path=path,
            api_key=headers.get("X-Api-Key", ""),
            authorization=headers.get("Authorization", ""),
            version=headers.get("X-API-Version"),
            idempotency_key=headers.get("Idempotency-Key"),
            body=body,
        )
        read(call, query, self.contract, directory_base=self.options.directory_base)
        turn = self._turn(call)
        turn.answer = self.admission.gate(turn, self._second())
        if turn.answer is None:
            turn.effects = self.script.fire(call, self._second())
            for effect in turn.effects:
                effect.admit(turn)
            if turn.commit:
                turn.answer = self.admission.refusal(turn) or self.admission.replay(turn)
        return turn

    def work(self, turn: ScheduledFault) -> None:
        """Do the work of a request, unless it has an answer already or a fault forbids it."""
        if turn.answer is not None or not turn.commit:
            return
        call = turn.call
        turn.answer = self._works[call.operation](turn)
        self.admission.end(call, turn.answer)

    def time_out(self, turn: ScheduledFault) -> None:
        """Answer with the gateway's timeout; the work may still be done later."""
        turn.instead = gateway(504, "Endpoint request timed out")

    def finish(self, turn: ScheduledFault) -> Answer:
        """Return the answer to send, and complete the record."""
        turn.leaving = turn.instead or turn.answer or turn.leaving
        for effect in turn.effects:
            effect.spoil(turn)
        turn.entry.status = turn.leaving.status if turn.delivery is Delivery.WHOLE else turn.delivery.value
        return turn.leaving

    def _turn(self, call: Call) -> ScheduledFault:
        now = self.now()
        asked_for = self._row(call.path_id) or self._batches.get(call.path_id)
        if asked_for is not None:
            call.company_id = asked_for.company_id
        known = self.access.by_key.get(call.api_key)
        entry = Entry(
            number=call.number,
            time=now.isoformat(),
            operation=call.operation,
            account=known.account_id if known else None,
            company=call.company_id,
            rows=len(call.items),
            idempotency_key=call.idempotency_key,
        )
        self.log.append(entry)
        date = now + timedelta(seconds=self.ways.date_skew_s)
        return ScheduledFault(call=call, entry=entry, now=now, date=date, world=self._world)

    def _token(self, turn: ScheduledFault) -> Answer:
        grant = turn.call.grant
        if not self.ways.takes_grant_body(oauth.kind(turn.call.body)):
            return error(turn, 415, "Unsupported media type", "This endpoint takes another content type.")
        if grant.get("grant_type") != "client_credentials":
            return error(turn, 400, "Bad request", {"grant_type": ["must be client_credentials"]})
        client, secret = grant.get("client_id", ""), grant.get("client_secret", "")
        text = self.access.grant(turn.call.api_key, client, secret, now=turn.now)
        if text is None:
            return error(turn, 401, "Unauthorized", "Unknown client.")
        return oauth.granted(text, self.access.allowance.token_lifetime_s, grant.get("scope", SCOPE))

    def _look(self, turn: ScheduledFault) -> Answer:
        companies, options = self.tenant.companies.values(), self.options
        account_id = turn.entry.account or ""
        return look(turn.call, account_id, companies, base=options.directory_base, most=options.max_limit)

    def _list(self, turn: ScheduledFault) -> Answer:
        call, rows = turn.call, self._rows(turn)
        limit = min(call.limit, self.options.max_limit)
        start = max(0, (call.page - 1) * limit + turn.offset_by)
        rows_shown = rows[start : start + limit]
        turn.page = PageMade(count=len(rows), page=call.page, limit=limit, rows=rows_shown, basic=call.basic)
        self._bend(turn)
        turn.entry.rows = len(turn.page.rows)
        if self.ways.all:
            self.ways.count(turn.page, call.company_id)
            turn.page.respell = self.ways.show
        return self.contract.page(turn.page)

    def _rows(self, turn: ScheduledFault) -> list[Row]:
        """Return the rows that a listing shows: of one company or of all the account's, without hidden ones."""
        call = turn.call
        if call.company_id is None:
            companies = [each for each in self.tenant.companies.values() if each.account_id == turn.entry.account]
        else:
            companies = [self._company(call)]
        rows = companies[0].rows if len(companies) == 1 else [row for company in companies for row in company.rows]
        if self.ways.all or any(company.has_hidden for company in companies):
            rows = [row for row in rows if not self.ways.hides(row)]
        return rows if call.label is None else [row for row in rows if row.values.label == call.label]

    def _row(self, path_id: str) -> Row | None:
        """Return the row with this id, as listings write ids."""
        is_number = path_id.isascii() and path_id.isdecimal() and len(path_id) <= 10
        row = self.tenant.row(f"dim_{int(path_id):08x}" if is_number else path_id)
        return row if row and is_number == self.ways.numbers_ids(row.company_id) else None

    def _get(self, turn: ScheduledFault) -> Answer:
        row = self._row(turn.call.path_id)
        if row is None or self.ways.hides(row):
            return error(turn, 404, "Not found", "No such dimension.")
        return self.contract.single(row, self.ways.show if self.ways.all else None)

    def _create(self, turn: ScheduledFault) -> Answer:
        self._store(turn)
        done = turn.done
        if done.errors:
            return error(turn, 400, "Bad request", {"non_field_errors": [done.errors[0].message]})
        respell = self.ways.acknowledge if self.ways.all else None
        return self.contract.one_made((done.created or done.updated)[0], respell)

    def _bulk(self, turn: ScheduledFault) -> Answer:
        self._store(turn)
        self._bend(turn)
        if turn.accepted is not None:
            kept = batch.accept(turn.call, turn.accepted, turn.done, self.contract)
            self._batches[kept.id] = kept
            return batch.begun(kept, len(turn.call.items))
        return self.contract.bulk(turn.done)

    def _progress(self, turn: ScheduledFault) -> Answer:
        return batch.progress(self._batches[turn.call.path_id])

    def _results(self, turn: ScheduledFault) -> Answer:
        return batch.results(self._batches[turn.call.path_id])

    def _store(self, turn: ScheduledFault) -> None:
        company = self._company(turn.call)
        RowStore(tenant=self.tenant, company=company, ways=self.ways, now=self.now()).store(turn)

    def _bend(self, turn: ScheduledFault) -> None:
        for effect in turn.effects:
            effect.bend(turn)

    def _company(self, call: Call) -> Company:
        assert call.company_id is not None  # noqa: S101  a request without one was refused
        return self.tenant.companies[call.company_id]
