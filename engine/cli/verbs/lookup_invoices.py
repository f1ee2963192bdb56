"""Carry out `lookup`: read invoices, look up their dimensions company by company, and say what is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.wrapping import wrap
from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.cli.verbs.invoice_files import read_file
from engine.cli.verbs.missing import with_missing
from engine.config import Configured, load
from engine.errors import EngineError
from engine.model.balance import ExitCode, worst
from engine.model.invoice import NOTICES, Finding, Invoice, Lookup
from engine.model.settings import VerifyMode
from engine.model.wording import counted
from engine.observe.terminal import LONGEST_NAME, brief, safe
from engine.run.endings import Stop as Stopped
from engine.run.endings import stop_of
from engine.run.engine import Engine

SCHEMA = "dimsync.lookup/1"

WIDTH = 80

MOST_PLACES = 3
"""Places in an invoice that are shown for one finding; the JSON output has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupOptions:
    """One command line of `dimsync lookup`."""

    file: Path
    config: Path
    company_id: int | None  # of invoices that name none
    require: tuple[str, ...]  # types that each line has to have
    verify: str | None  # None: as set
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of a lookup."""

    lookups: tuple[Lookup, ...] = ()
    failed: tuple[tuple[int | None, Stopped], ...] = ()  # companies that could not be looked at, and why
    signal: ExitCode | None = None  # None: no signal ended it

    @property
    def exit_code(self) -> ExitCode:
        """The worst of what happened."""
        codes = [stopped.ending.exit_code for _, stopped in self.failed]
        codes += [ExitCode.REJECTED for each in self.lookups if not each.ok]
        codes += [self.signal] if self.signal is not None else []
        return worst(codes or [ExitCode.DONE])


def lookup_invoices(options: LookupOptions) -> int:
    """Print what was found out about each invoice, and return the exit code."""
    invoices = [_owned(each, options.company_id) for each in read_file(options.file)]
    configured = with_missing(load(options.config, os.environ))
    if options.company_id is not None and options.company_id not in {one.id for one in configured.companies}:
        raise click.UsageError(f"there is no company {options.company_id} in {options.config}")
    found = run_heeding_signals(partial(_look_up, configured, invoices, options))
    if options.output == "json":
        deliver_texts(iter([dump(_document(found), indent=2)]))
    else:
        lines = list(_lines(found))
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return found.exit_code


def _owned(invoice: Invoice, company_id: int | None) -> Invoice:
    return replace(invoice, company_id=company_id) if invoice.company_id is None else invoice


async def _look_up(configured: Configured, invoices: Sequence[Invoice], options: LookupOptions, stop: Stop) -> Found:
    """Look up one company after the other. One that cannot be looked at leaves the others as they are."""
    found: list[Lookup] = []
    failed: list[tuple[int | None, Stopped]] = []
    mode = None if options.verify is None else VerifyMode(options.verify)
    async with Engine(configured.settings) as engine:
        for company_id in dict.fromkeys(each.company_id for each in invoices):
            if stop.code is not None:
                break
            own = [each for each in invoices if each.company_id == company_id]
            try:
                found += await engine.lookup(configured.companies, own, require=options.require, verify=mode)
            except EngineError as error:
                failed.append((company_id, stop_of(error)))
    return Found(lookups=tuple(found), failed=tuple(failed), signal=stop.code)


EVIDENCE = {
    "ledger": "by what the ledger knows, checked",
    "probe": "by what the ledger knows, its count checked",
    "listing": "by a listing,",
}
"""What a lookup rests on, in words, before the time."""


def _lines(found: Found) -> Iterator[str]:
    """Yield what was found out, in lines of 80 cells."""
    for each in found.lookups:
        yield from _of_invoice(each)
    for company_id, stopped in found.failed:
        yield from _wrapped(f"company {company_id}: {stopped.problem.code}: {safe(stopped.problem.message)}", "")
    good, count = sum(each.ok for each in found.lookups), len(found.lookups)
    yield f"{good:,} of {counted(count, 'invoice')} in order"
    codes = [finding.code for each in found.lookups for finding in each.findings if finding.code not in NOTICES]
    codes += [stopped.problem.code for _, stopped in found.failed]
    if codes:
        yield f"next: dimsync help {codes[0]}"


def _of_invoice(found: Lookup) -> Iterator[str]:
    wrong = sum(finding.code not in NOTICES for finding in found.findings)
    count = counted(found.dimensions, "dimension")
    verdict = f"{wrong:,} wrong" if wrong else "all there"
    at = f" {found.at:%Y-%m-%d %H:%M} UTC" if found.at else ""
    rests = f" ({EVIDENCE[found.evidence]}{at})" if found.evidence else ""
    whose = f"company {found.company_id}" if found.company_id is not None else "no company"
    yield from _wrapped(f"{brief(found.invoice, LONGEST_NAME)}: {whose}, {count}, {verdict}{rests}", "")
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for finding in found.findings:
        alike.setdefault((finding.code, finding.message, finding.nearest), []).append(finding.where)
    for (code, message, nearest), places in alike.items():
        yield from _of_finding(Finding(code, _places(places), message, nearest))


def _places(places: Sequence[str]) -> str:
    more = f" and {len(places) - MOST_PLACES:,} more" if len(places) > MOST_PLACES else ""
    return ", ".join(filter(None, places[:MOST_PLACES])) + more


def _of_finding(finding: Finding) -> Iterator[str]:
    where = f" ({safe(finding.where)})" if finding.where else ""
    yield from _wrapped(f"{finding.code}: {safe(finding.message)}{where}", "  ")
    if finding.nearest:
        yield from _wrapped(f"nearest: {'; '.join(brief(each, LONGEST_NAME) for each in finding.nearest)}", "      ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    return (line.plain for line in wrap(text, indent, WIDTH))


def _document(found: Found) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "exit_code": int(found.exit_code),
        "invoices": [_lookup_document(each) for each in found.lookups],
        "failed": [
            {"company_id": company_id, "code": stopped.problem.code, "message": stopped.problem.message}
            for company_id, stopped in found.failed
        ],
    }


def _lookup_document(found: Lookup) -> dict[str, object]:
    return {
        "invoice": found.invoice,
        "company_id": found.company_id,
        "ok": found.ok,
        "evidence": found.evidence,
        "verified_at": found.at.isoformat() if found.at else None,
        "dimensions": found.dimensions,
        "findings": [{**each._asdict(), "nearest": list(each.nearest)} for each in found.findings],
    }
