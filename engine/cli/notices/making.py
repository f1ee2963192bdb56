"""What is to be told after a run: trouble that is new by its cause, and trouble that is over. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine.cli.codes import CODES
from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import CALM, CauseGroup, grouped
from engine.cli.desk.kinds import KINDS
from engine.cli.desk.remedy import lead, remedy
from engine.cli.notices.message import MOST_IDS, MOST_TOLD, Message, Told
from engine.model.balance import ExitCode
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Recovered, RunResult
from engine.observe.terminal import LONGEST_MESSAGE, LONGEST_NAME, brief, safe, tell

MOST_COMMAND = 300
"""Characters of a command that is told; a longer one, of a row with a very long key, gives way to `dimsync status`."""


def after_run(
    result: RunResult,
    groups: Mapping[int, Sequence[str]],
    config: str,
    *,
    whole: Sequence[CompanyResult] | None = None,
) -> Message:
    """Return what is to be told after a run that sends rows; it is empty when nothing is new.

    New is what no finished run had shown before, as `problems[].since` says; what waits for nobody, and notices, are
    no trouble. `groups`: of companies, as the settings name them. `config`: the settings file, as it was typed.
    `whole`: what all companies told last, for those that are told all that needs a person; None: what is new is told.
    """
    own = [_of_run(each, result) for each in result.problems if asks(each.code) and _is_new(each, result)]
    if whole is None:
        causes = [each for each in grouped(_dated(result), run_at=result.finished_at) if _is_told(each)]
    else:
        causes = [each for each in grouped(whole) if each.needs_person]
    trouble = [*own, *(_cause(each, groups, config) for each in causes)]
    over = list(_over(result.recovered))
    needing = {(one.account, one.company_id) for cause in causes for one in cause.companies}
    again = {(each.account, each.company_id) for each in result.recovered if asks(each.code)}
    return Message(
        event="run",
        title=f"dimsync {result.verb}: {_title(len(needing), len(own), len(again))}",
        at=result.finished_at,
        settings=safe(config),
        facts={"verb": result.verb, "run_id": result.run_id, "exit_code": int(result.exit_code)},
        trouble=tuple(trouble[:MOST_TOLD]),
        recovered=tuple(over[:MOST_TOLD]),
        more=max(0, len(trouble) - MOST_TOLD) + max(0, len(over) - MOST_TOLD),
        footer=f"run {result.run_id}, exit {int(result.exit_code)}; all of it: dimsync status{_of(config)}",
    )


def of_the_whole(
    event: str, title: str, told: Problem, at: datetime, config: str, *, command: str, is_over: bool = False
) -> Message:
    """Return a message about syncs as a whole: that they broke or are silent, or that this is over."""
    one = Told(
        kind="recovered" if is_over else "failed",
        code=told.code,
        what=brief(told.message, LONGEST_MESSAGE),
        lead="" if is_over else "next:",
        command="" if is_over else safe(command),
        since=told.since,
    )
    return Message(
        event=event,
        title=title,
        at=at,
        settings=safe(config),
        trouble=() if is_over else (one,),
        recovered=(one,) if is_over else (),
        footer=f"all of it: dimsync status{_of(config)}",
    )


def _title(needing: int, own: int, again: int) -> str:
    parts = []
    if needing:
        parts.append(f"{needing:,} {'company needs' if needing == 1 else 'companies need'} a person")
    elif own:
        parts.append("the run needs a person")
    if again:
        parts.append(f"{again:,} recovered")
    return ", ".join(parts)


def _of(config: str) -> str:
    return f" -c {safe(shlex.quote(config))}" if config != "dimsync.toml" else ""


def asks(code: str) -> bool:
    """Return whether problems of a code ask for a person. A code that is not ours is of a source of somebody's own."""
    return code not in CODES or gravity(code) not in {ExitCode.DONE, *CALM}


def _is_new(problem: Problem, result: RunResult) -> bool:
    """Return whether no finished run had shown it. Where the ledger could not tell, it is new."""
    return problem.since is None or problem.since >= result.finished_at


def _dated(result: RunResult) -> Iterator[CompanyResult]:
    """Yield the companies; a problem of which nobody knows since when it is there counts as new."""
    for company in result.companies:
        if all(each.since is not None for each in company.problems):
            yield company
        else:
            at = result.finished_at
            yield replace(company, problems=tuple(replace(each, since=each.since or at) for each in company.problems))


def _is_told(cause: CauseGroup) -> bool:
    """Return whether a cause is told: what `grouped` itself adds to a company that tells nothing has no `since`."""
    return cause.needs_person and (cause.is_new or cause.since is None)


def _of_run(problem: Problem, result: RunResult) -> Told:
    command = f"dimsync help {problem.code}" if problem.code in CODES else f"dimsync history {result.run_id}"
    return Told(
        kind=KINDS.get(gravity(problem.code), ("failed", ""))[0],
        code=brief(problem.code, LONGEST_NAME),
        what=brief(problem.message, LONGEST_MESSAGE),
        lead="what it means:",
        command=command,
    )


def _cause(cause: CauseGroup, groups: Mapping[int, Sequence[str]], config: str) -> Told:
    command, count = remedy(cause, groups, config=config), len(cause.companies)
    if len(command) > MOST_COMMAND:
        command = f"dimsync status{_of(config)} {cause.companies[0].company_id}"
    example = cause.example
    told = tell(example.problem).removeprefix(f"{example.problem.code}").removeprefix(":").strip()
    who = f"{count:,} {'company' if count == 1 else 'companies'}"
    return Told(
        kind=KINDS.get(cause.gravity, ("failed", ""))[0],
        code=brief(cause.code, LONGEST_NAME),
        what=brief(cause.cause.words, LONGEST_MESSAGE),
        who=f"{who}, {cause.rows:,} {'row' if cause.rows == 1 else 'rows'}" if cause.rows else who,
        companies=_companies((each.company_id, each.name) for each in cause.companies),
        count=count,
        rows=cause.rows,
        example=f"{example.company.company_id}: {told}",
        lead=lead(command),
        command=command,
    )


def _companies(found: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    return tuple((company_id, brief(name, LONGEST_NAME)) for company_id, name in list(found)[:MOST_IDS])


def _over(recovered: Sequence[Recovered]) -> Iterator[Told]:
    """Yield the kinds of trouble that are over, each with its companies."""
    by_code: dict[str, list[Recovered]] = {}
    for each in recovered:
        if asks(each.code):
            by_code.setdefault(each.code, []).append(each)
    for code, found in by_code.items():
        own = [each for each in found if each.company_id]
        who = f"{len(own):,} {'company' if len(own) == 1 else 'companies'}" if own else ""
        yield Told(
            kind="recovered",
            code=brief(code, LONGEST_NAME),
            what=CODES[code].cause if code in CODES else "",
            who=who,
            companies=_companies((each.company_id, each.name) for each in own),
            count=len(own),
            since=min(each.since for each in found),
        )
