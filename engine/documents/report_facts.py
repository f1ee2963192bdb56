"""From kept runs to what each company did in them: which run tells how it is now, and all of its lines.

The documents are `dimsync.result/1`, as the journal keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.documents.report import Line
from engine.model.balance import Balance, State
from engine.model.dimension import told
from engine.model.result import RETRIED, CompanyResult, LastSync, company_json
from engine.model.sent_row import KeptRun, SentRow
from engine.model.settings import NamedCompany
from engine.model.wanted import LeftOut

WRITING = frozenset({"sync", "apply", "retry"})
"""Verbs whose runs send rows."""

RETRY = "retry"
"""The verb whose runs are about some rows of a company alone."""

TROUBLE_COLUMNS = ("rejected", "held", "uncertain", "invalid")

STORED = frozenset({"created", "updated"})

IN_ORDER = frozenset({"synced", "unchanged"})

DIFFERENCES = {"missing": "would be created", "differs": "would be updated", "unsettled": "would be sent again"}
"""What a run that only looks says of a row: kind of difference -> words."""

ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFacts:
    """One company, and what the runs say of it."""

    named: NamedCompany
    name: str
    runs: tuple[tuple[KeptRun, Mapping[str, Any]], ...]  # runs that tell something of the company, the oldest first

    @property
    def newest(self) -> Mapping[str, Any]:
        """The company's part of the newest run about all of its rows; if there is no such run, of the newest run."""
        whole = [one for run, one in self.runs if run.verb != RETRY]
        return whole[-1] if whole else self.runs[-1][1]

    @property
    def retried(self) -> list[Mapping[str, Any]]:
        """Its parts of the retries after that run, which are about its refused and uncertain rows alone."""
        after: list[Mapping[str, Any]] = []
        for run, one in self.runs:
            after = [*after, one] if run.verb == RETRY and one is not self.newest else []
        return after

    @property
    def state(self) -> str:
        """Its state now."""
        if self.retried and self.problems:
            return str(self.newest["state"])
        return str((self.retried or [self.newest])[-1]["state"])

    @property
    def problems(self) -> list[Mapping[str, Any]]:
        """What is wrong with it now."""
        found = list(self.newest["problems"])
        for one in self.retried:
            found = [problem for problem in found if problem["code"] not in RETRIED] + one["problems"]
        return found

    @property
    def has_trouble(self) -> bool:
        """Whether any of its rows is refused, held, uncertain or invalid now."""
        if self.retried:
            return bool(self.problems)
        return any(self.newest[column] for column in TROUBLE_COLUMNS)

    def total(self, column: str) -> int:
        """Return the sum of a column over the runs that send rows; over all, where none of them does."""
        writing = [one for run, one in self.runs if run.verb in WRITING]
        return sum(one[column] or 0 for one in writing or [self.newest])

    @property
    def requests(self) -> int:
        """How many requests all runs sent for it."""
        return sum(one["requests"]["total"] for _, one in self.runs)


def company_facts(
    runs: Sequence[KeptRun],
    last_syncs: Iterable[LastSync],
    left_out: Mapping[NamedCompany, Sequence[LeftOut]],
    only: int | None = None,
) -> list[CompanyFacts]:
    """Return the companies that there is something to tell of, by id. `only`: this company's id, and no other.

    `left_out`: why mappings left rows out of companies that are in order, which no run tells again.
    """
    told_by: dict[NamedCompany, list[tuple[KeptRun, Mapping[str, Any]]]] = {}
    for run in runs:
        for one in run.document["companies"]:
            if only is None or one["company_id"] == only:
                told_by.setdefault(NamedCompany(one["account"], one["company_id"]), []).append((run, one))
    syncs = {NamedCompany(sync.account, sync.company_id): sync for sync in last_syncs}
    by_id = {run.run_id: run for run in runs}
    for named, sync in syncs.items():
        reasons = left_out.get(named, ())
        is_asked_for = named.company_id == only if only is not None else bool(reasons)
        if sync.run_id not in by_id or sync.state not in IN_ORDER or not (named in told_by or is_asked_for):
            continue
        entries = told_by.setdefault(named, [])
        if sync.run_id not in {run.run_id for run, _ in entries}:  # it was in order, which no line tells
            entries.append((by_id[sync.run_id], _quiet(sync, reasons)))
            entries.sort(key=lambda entry: entry[0].finished_at)
    return [
        CompanyFacts(named=named, name=str(entries[-1][1]["name"]), runs=tuple(entries))
        for named, entries in sorted(told_by.items(), key=lambda each: (each[0].company_id, each[0].account))
    ]


def _quiet(sync: LastSync, left_out: Sequence[LeftOut]) -> Mapping[str, Any]:
    """Return what there is to tell of a company in which a run found nothing to do."""
    rows, left = sync.source_rows or 0, sum(reason.rows for reason in left_out)
    nothing = dict.fromkeys(("created", "updated", "rejected", "held", "uncertain", "invalid", "deferred"), 0)
    balance = Balance(read_rows=rows + left, left_out=left, source_rows=rows, unchanged=rows, **nothing)
    return company_json(
        CompanyResult(
            company_id=sync.company_id,
            name=sync.name,
            account=sync.account,
            state=State.UNCHANGED,
            exit_code=0,
            balance=balance,
            left_out_by=tuple(left_out),
        )
    )


def lines_of(facts: CompanyFacts, sent: Iterable[SentRow], *, account: str) -> Iterator[Line]:
    """Yield all rows of a company that the report has to tell: sent ones, then differences, then trouble."""
    refused: dict[str, SentRow] = {}
    common = (facts.named.company_id, account, facts.name)
    for row in sent:
        if row.outcome in STORED:
            yield Line(*common, row.run_id, row.at.isoformat(), row.outcome, row.key, *_named(row), **_rest(row))
        else:
            refused[row.key] = row
    run = facts.runs[-1][0]
    for one in facts.newest.get("differences", ()):
        what = ORPHAN if one["kind"] == ORPHAN else DIFFERENCES.get(one["kind"], one["kind"])
        moves = tuple((field["name"], field["remote"], field["source"]) for field in one["fields"])
        yield Line(
            *(*common, run.run_id, "", what, one["key"] or "", one["type"], one["name"]),
            fields=moves if one["kind"] == "differs" else (),
            undid="Ottimate" in one["whose"],
            reason=one["whose"] if one["kind"] == "differs" else "",
            remote_id=one["remote_id"] or "",
        )
    for problem in facts.problems:
        if problem["key"] is not None:
            row_sent = refused.get(problem["key"])
            words = _named(row_sent) if row_sent else ("", "")
            yield Line(
                *(*common, run.run_id, "", problem["code"], problem["key"], *words),
                reason=problem["message"],
                file=problem["file"] or "",
                line=problem["line"],
                since=problem.get("since", ""),
            )


def _named(row: SentRow) -> tuple[str, str]:
    return (told(row.row), row.row.name) if row.row is not None else ("", "")


def _rest(row: SentRow) -> dict[str, Any]:
    return {"fields": row.fields, "undid": row.undid, "reason": row.message, "remote_id": row.remote_id or ""}
