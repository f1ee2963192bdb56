"""Carry out `history`: read the runs from the ledger, and tell of them on a screen, as JSON or as NDJSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import click
from rich.console import Console
from rich.text import Text

from engine.cli.desk.grouping import grouped
from engine.cli.desk.rounds import Round, rounds
from engine.cli.show.cause_json import cause_json
from engine.cli.show.company_runs import company_run_lines
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.run_list import run_lines
from engine.cli.show.run_story import endless_lines, story_lines
from engine.cli.verbs.named_run import named_run
from engine.config import Configured, load, values
from engine.errors import plain
from engine.ledger.opening import open_ledger
from engine.ledger.remembered import Remembered
from engine.ledger.sql_ledger import SqlLedger
from engine.model.origin import origin_of
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.result import LOOKING, PastRun, company_json, problem_json
from engine.observe.terminal import safe

SCHEMA = "dimsync.history/1"
COMPANY = "company:"

MOST_READ = 20_000
"""Runs that are read at most for a list: twenty days of a thousand companies that are synced one by one each day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAsked:
    """One command line of `dimsync history`."""

    what: str  # a run, `last`, or `company:ID`; empty: the list of runs
    config: Path
    most: int  # lines that are listed
    output: str
    each: bool = False  # list each run of one company by itself


def show_history(asked: HistoryAsked) -> int:
    """Print what is asked for. Raises `UsageError` for a run or company that nobody knows."""
    configured = load(asked.config, os.environ)

    async def tell() -> None:
        with plain():
            async with await open_ledger(configured.settings.ledger_url) as ledger:
                await _tell(asked, configured, ledger)

    anyio.run(tell)
    return 0


async def _tell(asked: HistoryAsked, configured: Configured, ledger: SqlLedger) -> None:
    origin = origin_of(configured.settings.api.base_url)
    remembered = Remembered(ledger=ledger, origin=origin)
    if not asked.what:
        await _tell_list(asked, remembered)
    elif asked.what.startswith(COMPANY):
        company_id = _company_id(asked.what)
        lines = await remembered.company_history(company_id, asked.most)
        names = {company.id: company.name for company in configured.companies}
        if not lines and company_id not in names:
            raise click.UsageError(
                f"neither the settings nor the ledger know a company {company_id}: `dimsync companies` lists those that"
                " there are"
            )
        name = names.get(company_id) or (lines[0].company.name if lines else "")
        _print_company(lines, company_id, name, asked.output)
    else:
        run = await named_run(ledger, origin, asked.what)
        past = await remembered.past_run(run.run_id)
        if past is None:
            _print_endless(run, asked.output, is_under_way=await ledger.is_under_way(run.run_id))
            return
        documents = [kept.document for kept in await ledger.kept_runs(origin, run_id=run.run_id)]
        newest = await remembered.history(1, datetime.now(UTC))
        document = documents[0] if documents else {}
        _print_story(past, document, configured, asked, is_newest=run.run_id in {each.run_id for each in newest})


def _company_id(text: str) -> int:
    number = values.company_id(text.removeprefix(COMPANY).strip())
    if number is None:
        raise click.UsageError(f"{safe(text)!r} names no company: type its id, such as company:123")
    return number


def _print(lines: Iterable[Text]) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as text:
        for line in lines:
            console.print(line, soft_wrap=True)
    deliver(lambda stream: stream.writelines([text.get()]))


def _width() -> int:
    return Console().width


def _deliver(head: Mapping[str, object], name: str, entries: list[dict[str, Any]], output: str) -> None:
    """Print a document whose entries have this name: as JSON, or as NDJSON with a line for each, the rest last."""
    if output == "json":
        deliver_texts(iter([dump({**head, name: entries}, indent=2)]))
    else:
        deliver_texts(map(dump, (*entries, dict(head))))


async def _tell_list(asked: HistoryAsked, remembered: Remembered) -> None:
    if asked.output != "table":
        runs = await remembered.history(asked.most, datetime.now(UTC))
        _deliver({"schema": SCHEMA}, "runs", [_run_json(run) for run in runs], asked.output)
    elif asked.each:
        _print(run_lines([Round((run,)) for run in await remembered.history(asked.most, datetime.now(UTC))], _width()))
    else:
        _print(run_lines(await _rounds(remembered, asked.most), _width()))


async def _rounds(remembered: Remembered, most: int) -> list[Round]:
    """Return the newest rounds, at most `most`. Runs are read until there are enough rounds, or no more runs."""
    read = most + 1
    while True:
        runs = await remembered.history(read, datetime.now(UTC))
        found = rounds(runs)
        if len(found) > most or len(runs) < read or read >= MOST_READ:
            return found[:most]
        read = min(MOST_READ, 5 * read)


def _run_json(run: PastRun) -> dict[str, Any]:
    times = {
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }
    return run._asdict() | times | {"writes": run.verb not in LOOKING}


def _print_company(lines: list[CompanyInRun], company_id: int, name: str, output: str) -> None:
    if output == "table":
        _print(company_run_lines(lines, company_id, name, _width()))
    else:
        head = {"schema": SCHEMA, "company_id": company_id, "name": name}
        _deliver(head, "runs", [_in_run_json(line) for line in lines], output)


def _in_run_json(line: CompanyInRun) -> dict[str, Any]:
    """Return the run, and the company's entry in its result. The certificate of its listing is not kept."""
    run, company = line.run, company_json(line.company)
    del company["certificate"]
    return {
        "run_id": run.run_id,
        "verb": run.verb,
        "writes": run.verb not in LOOKING,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        **company,
        "exit_code": line.company.exit_code,
    }


def _print_endless(run: PastRun, output: str, *, is_under_way: bool) -> None:
    if output == "table":
        _print(endless_lines(run, _width(), is_under_way=is_under_way))
    else:
        head = {"schema": SCHEMA, "run": _run_json(run) | {"is_under_way": is_under_way}}
        _deliver(head, "companies", [], output)


def _print_story(
    past: PastResult, document: Mapping[str, Any], configured: Configured, asked: HistoryAsked, *, is_newest: bool
) -> None:
    if asked.output == "table":
        _print(story_lines(past, _width(), configured.groups, str(asked.config), is_newest=is_newest))
    else:
        companies = list(document.get("companies", ()))
        _deliver(dict(_story_json(past, document, configured, asked)), "companies", companies, asked.output)


def _story_json(
    past: PastResult, document: Mapping[str, Any], configured: Configured, asked: HistoryAsked
) -> Iterator[tuple[str, object]]:
    result = past.result
    yield "schema", SCHEMA
    yield (
        "run",
        {
            "run_id": result.run_id,
            "verb": result.verb,
            "writes": result.verb not in LOOKING,
            "started_at": result.started_at.isoformat(),
            "finished_at": result.finished_at.isoformat(),
            "elapsed_s": result.elapsed_s,
            "exit_code": result.exit_code,
            "allowed": list(result.allowed),
        },
    )
    yield "totals", document.get("totals", {})
    yield "problems", [problem_json(each) for each in result.problems]
    causes = grouped(result.companies, run_at=result.finished_at)
    yield "causes", [cause_json(each, configured.groups, str(asked.config)) for each in causes]
