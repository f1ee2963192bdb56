"""The result of a run, per company and in total, and its JSON form (`dimsync.result/1`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import NamedTuple

from engine.model.balance import Balance, State
from engine.model.difference import Difference, FieldDifference
from engine.model.listing import Certificate
from engine.model.outcome import Column, Problem, Reject
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import NamedCompany
from engine.model.wanted import LeftOut

RESULT_SCHEMA = "dimsync.result/1"

RETRIED = frozenset({Column.REJECTED, Column.UNCERTAIN, "not-applied"})
"""Codes of problems whose rows `dimsync retry` sends again."""

LOOKING = frozenset({"plan", "check"})
"""Verbs whose runs write nothing: their figures are what a sync would have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Numbers of requests sent, each counted once: a repeat counts as `retry`, whatever it repeats."""

    list: int = 0
    probe: int = 0
    bulk: int = 0
    directory: int = 0
    batch: int = 0
    token: int = 0
    retry: int = 0

    @property
    def total(self) -> int:
        """The sum over all kinds."""
        return sum(getattr(self, column.name) for column in fields(self))

    @property
    def apart(self) -> int:
        """Requests that no company needs by itself: tokens, and the account's directory."""
        return self.token + self.directory

    @staticmethod
    def sum(parts: Iterable[Requests]) -> Requests:
        """Return the sums by kind."""
        listed = list(parts)
        return Requests(
            **{column.name: sum(getattr(part, column.name) for part in listed) for column in fields(Requests)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyResult:
    """How one company ended."""

    company_id: int
    name: str
    account: str
    state: State
    exit_code: int  # as if the run had this company alone
    exit_codes: tuple[int, ...] = ()  # all that it calls for, of which `exit_code` is the gravest; (): that one alone
    evidence: str | None = None  # "listing", "probe", "ledger"; None: it was not compared
    verified_at: datetime | None = None  # when the remote side was last listed whole, or a probe agreed
    balance: Balance = field(default_factory=Balance)
    requests: Requests = field(default_factory=Requests)
    certificate: Certificate | None = None  # None: nothing was listed
    problems: tuple[Problem, ...] = ()
    digest: str | None = None  # of its plan, in a dry run
    plan: CompanyPlan | None = None  # itself, in a dry run that came so far
    differences: tuple[Difference, ...] = ()  # in a dry run: what differs, and who made it so
    spellings: tuple[Difference, ...] = ()  # in a dry run: rows that Ottimate shows in a spelling of its own, as agreed
    left_out_by: tuple[LeftOut, ...] = ()  # why its mapping left rows out; at most `MOST_REASONS`
    rejects: tuple[Reject, ...] = ()  # rows that stand as rejected, with their values
    asked: frozenset[str] | None = None  # source keys that a retry was about; None: all rows

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell beside that nothing has changed."""
        return self.state is not State.UNCHANGED or bool(self.problems or self.differences)

    @property
    def is_well(self) -> bool:
        """Whether the company was found, or brought, in order."""
        return self.state in {State.SYNCED, State.UNCHANGED}

    @property
    def is_seen_through(self) -> bool:
        """Whether each row that the run was about has an outcome."""
        return self.is_well or self.state is State.PARTIAL

    @property
    def trouble(self) -> int:
        """How many of its rows need a person: rejected, held, uncertain and invalid ones."""
        books = self.balance
        return sum(count or 0 for count in (books.rejected, books.held, books.uncertain, books.invalid))

    @property
    def bad_keys(self) -> frozenset[str]:
        """The source keys of its rows that a retry sends again."""
        return frozenset(each.key for each in self.problems if each.code in RETRIED and each.key is not None)


class AccountDay(NamedTuple):
    """How many requests of its day an API key had used when a run ended."""

    account: str  # as the settings call it
    used: int  # requests, those of other runs included
    usable: int  # `requests_per_day` less `reserve_per_day`

    @property
    def left(self) -> int:
        """How many requests runs may still send today."""
        return max(0, self.usable - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended.

    Its `repr` leaves out the companies: once its main task is done, asyncio makes the `repr` of what that returned (in
    `signal.getsignal`, up to Python 3.12), which took 5 s for 10,000 problems.
    """

    run_id: str
    verb: str
    started_at: datetime
    finished_at: datetime
    elapsed_s: float
    exit_code: int
    totals: Balance
    requests: Requests  # of all companies, and of none (tokens, directories)
    companies: tuple[CompanyResult, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = ()  # of the run as a whole, such as a journal that could not be written
    allowed: tuple[str, ...] = ()  # guards that were allowed, as in the journal: "mass-create:123"
    days: tuple[AccountDay, ...] = ()  # of the accounts' API keys, when it ended
    stop_code: int | None = None  # of a run that was stopped
    recovered: tuple[Recovered, ...] = field(default=(), repr=False)  # trouble that is over; only of runs that send
    is_part: bool = False  # more companies are configured, and may be written to, than it was of

    @property
    def ok(self) -> bool:
        """Whether everything was done, and the balance adds up."""
        return self.exit_code == 0


class Recovered(NamedTuple):
    """A kind of trouble that earlier runs showed of a company, or of a run as a whole, and that is over now."""

    account: str  # as the settings call it; empty: of the run as a whole
    company_id: int  # 0: of the run as a whole
    name: str  # the company's
    code: str  # of the problems that no row of the company has any more
    since: datetime  # when a finished run first showed one of them


class PastRun(NamedTuple):
    """One line of the journal."""

    run_id: str
    verb: str
    started_at: datetime
    finished_at: datetime | None  # None: it is under way, or crashed
    exit_code: int | None  # None: it is under way, or crashed
    companies: int
    created: int
    updated: int
    trouble: int  # rows rejected, held, uncertain or invalid
    requests: int  # of its companies, without tokens and directories
    allowed: str  # guards that were allowed


class InTrouble(NamedTuple):
    """The rows that one run left rejected or uncertain, or that each company's newest run did."""

    run_id: str  # that run, or the newest of all
    verb: str  # of that run
    keys: dict[NamedCompany, frozenset[str]]  # source keys
    runs: dict[NamedCompany, str]  # the run that left the rows


class LastSync(NamedTuple):
    """How one company ended in the sync that finished last."""

    account: str  # as the settings call it
    company_id: int
    name: str
    state: str
    at: datetime
    run_id: str
    source_rows: int | None
    created: int | None
    updated: int | None
    trouble: int
    exit_code: int  # as if the run had this company alone
    well_at: datetime | None  # when the last sync ended that left the company in order; None: none did


def journal_json(result: RunResult) -> dict[str, object]:
    """Return the document as the journal keeps it, with only those companies that have something to tell."""
    return run_json(replace(result, companies=tuple(each for each in result.companies if each.has_news))) | {
        "totals": totals_json(result)
    }


def run_json(result: RunResult) -> dict[str, object]:
    """Return the result as its published JSON document, in `dimsync.result/1`."""
    return {
        "schema": RESULT_SCHEMA,
        "run_id": result.run_id,
        "verb": result.verb,
        "started_at": _instant(result.started_at),
        "finished_at": _instant(result.finished_at),
        "elapsed_s": round(result.elapsed_s, 3),
        "exit_code": int(result.exit_code),
        "totals": totals_json(result),
        **({"problems": [problem_json(problem) for problem in result.problems]} if result.problems else {}),
        "companies": [company_json(company) for company in result.companies],
    }


def totals_json(result: RunResult) -> dict[str, object]:
    """Return the `totals` object: the balance columns summed, how many companies, and the requests."""
    return {"companies": len(result.companies), **_balance(result.totals), "requests": _requests(result.requests)}


def company_json(result: CompanyResult) -> dict[str, object]:
    """Return one entry of `companies`, which is also one line of the ndjson output."""
    certificate = result.certificate
    return {
        "company_id": result.company_id,
        "name": result.name,
        "account": result.account,
        "state": str(result.state),
        "evidence": result.evidence,
        "verified_at": _instant(result.verified_at) if result.verified_at else None,
        **_balance(result.balance),
        "requests": _requests(result.requests),
        "certificate": certificate
        and {
            "whole": certificate.whole,
            "declared": certificate.declared,
            "unique": certificate.unique,
            "pages": certificate.pages,
            "repeats": certificate.repeats,
        },
        "problems": [problem_json(problem) for problem in result.problems],
        **({"left_out_by": [left_out_json(each) for each in result.left_out_by]} if result.left_out_by else {}),
        **({"differences": [_difference(each) for each in result.differences]} if result.differences else {}),
        **({"spellings": [_difference(each) for each in result.spellings]} if result.spellings else {}),
    }


def problem_json(problem: Problem) -> dict[str, object]:
    """Return one entry of `problems`."""
    return {
        "code": problem.code,
        "key": problem.key,
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        **({"since": _instant(problem.since)} if problem.since else {}),
    }


def _difference(difference: Difference) -> dict[str, object]:
    return {
        "kind": difference.kind,
        "key": difference.key,
        "remote_id": difference.remote_id,
        "type": difference.type_code,
        "name": difference.name,
        "whose": str(difference.whose),
        "fields": [field_json(field) for field in difference.fields],
    }


def field_json(field: FieldDifference) -> dict[str, object]:
    """Return one entry of `fields`."""
    return {
        "name": field.name,
        "acknowledged": field.acknowledged,
        "source": field.source,
        "remote": field.remote,
        "whose": str(field.whose),
        **({} if field.spelled is None else {"spelled": field.spelled}),
        **({} if field.answered is None else {"answered": field.answered}),
    }


def left_out_json(reason: LeftOut) -> dict[str, object]:
    """Return one entry of `left_out_by`."""
    return {
        "reason": reason.reason,
        "column": reason.column,
        "value": reason.value,
        "type": reason.type_code,
        "rows": reason.rows,
    }


def _balance(balance: Balance) -> dict[str, int | None]:
    return {column.name: getattr(balance, column.name) for column in fields(balance)}


def _requests(requests: Requests) -> dict[str, int]:
    return {column.name: getattr(requests, column.name) for column in fields(requests)} | {"total": requests.total}


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
