"""Make a report of facts: verdict, parts by company, causes, and words that name no other client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from engine.documents.report import LeftOutRows, Line, Note, Part, Report, ReportRun
from engine.documents.report_facts import ORPHAN, TROUBLE_COLUMNS, WRITING, CompanyFacts
from engine.documents.report_words import Words
from engine.model.sent_row import KeptRun
from engine.model.wanted import LeftOut

NEEDING = frozenset({"failed", "held", "partial"})
"""States of companies that a person has to look at."""

NEEDED_CODES = frozenset({"authentication", "stale"})
"""Problem codes that a person has to look at although the company is only deferred."""

CHANGED = frozenset({"created", "updated", "would be created", "would be updated", "would be sent again"})

GLYPHS = ("source_rows", "unchanged", "created", "updated", *TROUBLE_COLUMNS, "deferred")


def part_of(facts: CompanyFacts, lines: Sequence[Line], words: Words, *, account: str, most: int) -> Part:
    """Return what the page tells of a company, with at most `most` lines of each kind."""
    changed = sorted((line for line in lines if line.what in CHANGED), key=lambda line: not line.fields)
    orphans = [line for line in lines if line.what == ORPHAN]
    troubled = [line for line in lines if line.what not in CHANGED and line.what != ORPHAN]
    undone = [line for line in changed if line.undid]
    newest = facts.newest
    return Part(
        company_id=facts.named.company_id,
        name=facts.name,
        account=account,
        state=facts.state,
        needs_person=needs_person(facts),
        balance=_balance_of(facts),
        requests=facts.requests,
        created=facts.total("created"),
        updated=facts.total("updated"),
        notes=tuple(
            Note(problem["code"], words.told(problem["code"], problem["message"]), problem.get("since", ""))
            for problem in facts.problems
            if problem["key"] is None
        ),
        changed=tuple(changed[:most]),
        changed_rows=len(changed),
        troubled=tuple(troubled[:most]),
        troubled_rows=len(troubled),
        undone=tuple(undone[:most]),
        undone_rows=len(undone),
        orphans=tuple(orphans[:most]),
        left_out=tuple(_left_out(one, words) for one in newest.get("left_out_by", ())),
    )


def needs_person(facts: CompanyFacts) -> bool:
    """Return whether a person has to look at a company."""
    codes = {problem["code"] for problem in facts.problems}
    return facts.state in NEEDING or facts.has_trouble or bool(codes & NEEDED_CODES)


def _balance_of(facts: CompanyFacts) -> dict[str, int | None]:
    newest = facts.newest
    columns = ("read_rows", "left_out", *GLYPHS, "adopted", "remote_rows", "matched", "contested", "orphans")
    return {column: newest.get(column) for column in columns}


def _left_out(one: Mapping[str, str], words: Words) -> LeftOutRows:
    reason = LeftOut(one["reason"], one["column"], one["value"], one["type"], int(one["rows"]))
    told = words.plain(reason.words) + (f", type {reason.type_code}" if reason.type_code else "")
    return LeftOutRows(told, reason.rows)


def verdict(report: Report) -> Report:
    """Return the report with its level and its one sentence."""
    needing = sum(part.needs_person for part in report.parts)
    waiting = sum(part.state in {"deferred", "locked"} and not part.needs_person for part in report.parts)
    count = len(report.parts) + report.quiet
    change = f"{_sum(report, 'created'):,} {'rows' if _sum(report, 'created') != 1 else 'row'}"
    done = "created" if report.writes else "would be created"
    also = "updated" if report.writes else "would be updated"
    changes = f"{change} {done}, {_sum(report, 'updated'):,} {also}"
    if not adds_up(report.balance):
        return replace(report, level="bad", verdict=f"The figures do not add up: trust none of them. {changes}.")
    if report.is_fleet:
        companies = "1 company" if count == 1 else f"{count:,} companies"
        rest = count - needing - waiting
        told = [f"{needing:,} of {companies} {'needs' if needing == 1 else 'need'} a person"] if needing else []
        told += [f"{waiting:,} {'waits' if waiting == 1 else 'wait'} and will go on without one"] if waiting else []
        told += [f"{rest:,} in order" if told else f"{companies} in order"] if rest else []
        text = f"{', '.join(told) or 'No company was in this run'}: {changes}."
    elif not report.parts:
        text = "Nothing to tell: nothing had changed, or the company was not part of this run."
    else:
        (part, *_) = report.parts
        how = "This company needs a person" if needing else "Not all is done yet" if waiting else "All is in order"
        text = f"{how}: {changes}, {part.balance['unchanged'] or 0:,} unchanged."
    return replace(report, level="bad" if needing else "wait" if waiting else "good", verdict=text)


def adds_up(balance: Mapping[str, int | None]) -> bool:
    """Return whether each source row is in exactly one column, as far as the columns are known."""
    rows = balance.get("source_rows")
    if rows is None:
        return True
    return rows == sum(balance.get(column) or 0 for column in GLYPHS if column != "source_rows")


def _sum(report: Report, column: str) -> int:
    return sum(getattr(part, column) for part in report.parts)


def run_of(run: KeptRun, only: int | None) -> ReportRun:
    """Return what a report says of a run. `only`: in a client's report, this company's id."""
    allowed = tuple(each for each in run.allowed if only is None or each.endswith(f":{only}"))
    companies = len(run.document["companies"]) if only else run.document["totals"]["companies"]
    return ReportRun(
        run_id=run.run_id,
        verb=run.verb,
        started_at=run.started_at,
        finished_at=run.finished_at,
        exit_code=None if only is not None else run.exit_code,
        companies=companies,
        allowed=allowed,
        writes=run.verb in WRITING,
    )


def fair_share(counts: Iterable[int], room: int) -> int:
    """Return the most lines that each company may have, so that all together have at most `room`."""
    left, share = room, 0
    rest = sorted(counts)
    while rest and left >= 0:
        each = left // len(rest)
        if rest[0] > each:
            return max(1, each)
        share = max(share, rest[0])
        left -= rest.pop(0)
    return max(1, share)


def added(balances: Iterable[Mapping[str, int | None]]) -> dict[str, int | None]:
    """Return the sums by column; None where no company has a figure."""
    sums: dict[str, int | None] = {}
    for balance in balances:
        for column, count in balance.items():
            if count is not None:
                sums[column] = (sums.get(column) or 0) + count
            else:
                sums.setdefault(column, None)
    return sums
