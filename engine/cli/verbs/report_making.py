"""Make a report of what the ledger knows of some runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from engine.cli.codes import CODES
from engine.cli.desk.grouping import common_group_of
from engine.cli.desk.remedy import remedy_for
from engine.cli.verbs.report_files import ReportFiles
from engine.config import Configured
from engine.documents.report import Day, Note, Part, Report, as_text
from engine.documents.report_build import added, fair_share, needs_person, part_of, run_of, verdict
from engine.documents.report_causes import causes_of
from engine.documents.report_facts import CompanyFacts, company_facts, lines_of
from engine.documents.report_words import OtherNames, Words, safe_lines
from engine.ledger.sql_ledger import SqlLedger
from engine.model.origin import origin_of
from engine.model.result import LastSync
from engine.model.sent_row import KeptRun
from engine.model.settings import CompanyKey, NamedCompany
from engine.version import __version__

ROOM = 10_000
"""Lines of each kind on a page, over all companies: such a page opens in about a second. The CSV has all lines."""


class Making:
    """One report in the making."""

    def __init__(
        self, configured: Configured, ledger: SqlLedger, runs: Sequence[KeptRun], only: int | None, file: Path
    ) -> None:
        self.configured, self.ledger, self.runs, self.only, self.file = configured, ledger, runs, only, file
        self.origin = origin_of(configured.settings.api.base_url)
        self.account_ids = {account.name: account.account_id for account in configured.settings.accounts}
        self.words = Words(explain=_explain, remedy=self._remedy, others=self._others())

    async def write(self) -> str:
        """Write both files; return a line that says so."""
        last_syncs = await self.ledger.last_syncs(self.origin)
        names = {account_id: name for name, account_id in self.account_ids.items()}
        states = (await self.ledger.states(self.origin)).items()
        left_out = {
            NamedCompany(names.get(account_id, ""), company_id): state.clean_left_out
            for (account_id, company_id), state in states
        }
        facts = company_facts(self.runs, last_syncs, left_out, self.only)
        facts.sort(key=lambda one: not needs_person(one))
        most = fair_share([_expected(one) for one in facts], ROOM)
        parts: list[Part] = []
        with ReportFiles(self.file) as files:
            for one in facts:
                parts.append(await self._part(one, files, most))
                await anyio.lowlevel.checkpoint()
            report = await self._report(parts, last_syncs, files.csv_file.name)
            files.keep(report)
            return files.told()

    async def _part(self, facts: CompanyFacts, files: ReportFiles, most: int) -> Part:
        """Return what the page tells of a company; all of its rows go to the CSV."""
        account = facts.named.account
        account_id = self.account_ids.get(account)
        shown = account if self.only is None else ""
        sent = []
        if account_id is not None:
            company_key = CompanyKey(origin=self.origin, account=account_id, company_id=facts.named.company_id)
            sent = await self.ledger.sent_rows(company_key, [run for run, _ in facts.runs])
        lines = safe_lines(lines_of(facts, sent, account=shown), self.words)
        part = part_of(facts, lines, self.words, account=shown, most=most)
        files.csv.put(part, lines)
        return part

    async def _report(self, parts: Sequence[Part], last_syncs: Sequence[LastSync], csv_name: str) -> Report:
        only, newest = self.only, self.runs[-1].document
        is_fleet = only is None
        report = Report(
            title=self._title(),
            level="good",
            verdict="",
            made_at=datetime.now(UTC),
            version=__version__,
            csv_name=csv_name,
            runs=tuple(run_of(run, only) for run in self.runs),
            balance=self._balance(parts, last_syncs),
            requests=added(self._requests()),
            parts=tuple(parts),
            quiet=self._quiet(parts, last_syncs) if is_fleet else 0,
            causes=causes_of(parts, self.words, began=as_text(self.runs[0].started_at)),
            notes=tuple(Note(one["code"], one["message"], one.get("since", "")) for one in newest.get("problems", ()))
            if is_fleet
            else (),
            days=await self._days() if is_fleet else (),
            is_fleet=is_fleet,
        )
        return verdict(report)

    def _title(self) -> str:
        if self.only is None:
            return "Dimensions report"
        names = (one.name for one in self.configured.companies if one.id == self.only and one.name)
        return f"Dimensions report: {next(names, f'company {self.only}')}"

    def _balance(self, parts: Sequence[Part], last_syncs: Sequence[LastSync]) -> dict[str, int | None]:
        """Return the trial balance: of one run as it stands in the journal, else as of each company's newest run."""
        totals = self.runs[-1].document["totals"]
        balances = [part.balance for part in parts]
        if self.only is None and len(self.runs) == 1:
            return dict(totals)
        if self.only is None:
            balances += [
                {"read_rows": sync.source_rows, "source_rows": sync.source_rows, "unchanged": sync.source_rows}
                for sync in self._untold(parts, last_syncs)
            ]
        return dict.fromkeys(totals) | added(balances)

    def _untold(self, parts: Sequence[Part], last_syncs: Sequence[LastSync]) -> list[LastSync]:
        """Return the companies that were in the runs, and of which there is nothing to tell."""
        ids, told = {run.run_id for run in self.runs}, {part.company_id for part in parts}
        return [sync for sync in last_syncs if sync.run_id in ids and sync.company_id not in told]

    def _requests(self) -> list[dict[str, int]]:
        if self.only is None:
            return [run.document["totals"]["requests"] for run in self.runs]
        companies = [one for run in self.runs for one in run.document["companies"] if one["company_id"] == self.only]
        return [one["requests"] for one in companies] or [{"total": 0}]

    def _quiet(self, parts: Sequence[Part], last_syncs: Sequence[LastSync]) -> int:
        if len(self.runs) == 1:
            return max(0, run_of(self.runs[0], None).companies - len(parts))
        return len(self._untold(parts, last_syncs))

    async def _days(self) -> tuple[Day, ...]:
        """Return how much of the newest run's day each account had used, those that used most of it first."""
        day = self.runs[-1].finished_at.date()
        found = []
        for account in self.configured.settings.accounts:
            use = await self.ledger.quota(self.origin, account.key_id, day)
            limits = account.limits
            if use.used:
                usable = limits.requests_per_day - limits.reserve_per_day
                found.append(Day(account.name, day.isoformat(), use.used, usable))
        return tuple(sorted(found, key=lambda one: (-one.used / max(1, one.usable), one.account)))

    def _remedy(self, code: str, ids: Sequence[int], key: str | None) -> str:
        """Return what to type against a code in these companies: by their group, if all are of one."""
        group = common_group_of(ids, self.configured.groups) if len(ids) > 1 else None
        return remedy_for(code, ids, key=key, group=group, config=str(self.configured.path))

    def _others(self) -> OtherNames:
        """Return the names that a client's report must not tell; none for a fleet's report."""
        if self.only is None:
            return OtherNames(())
        others = [one for one in self.configured.companies if one.id != self.only]
        return OtherNames([*(str(one.id) for one in others), *(one.name for one in others), *self.account_ids])


def _expected(facts: CompanyFacts) -> int:
    """Return how many lines a company has, nearly: to share out the room before its rows are read."""
    differences = len(facts.newest.get("differences", ()))
    return facts.total("created") + facts.total("updated") + differences + len(facts.problems)


def _explain(code: str) -> tuple[str, str]:
    found = CODES.get(code)
    return (found.cause, found.next) if found else ("", "")
