"""What the last sync was the first to show: companies, pairs and accounts, with what to do, and a column "since"."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from engine.cli.desk.account_trouble import AccountTrouble, remedy_words, told_refusal
from engine.cli.desk.gravity import rank
from engine.cli.desk.grouping import CauseGroup
from engine.cli.desk.kinds import KINDS
from engine.cli.desk.moments import day_words
from engine.cli.desk.morning import Morning
from engine.cli.desk.remedy import account_remedy, remedy
from engine.cli.desk.swapped import Swapped
from engine.cli.show.causes import companies_of, to_type, who
from engine.cli.show.wrapping import fit, wrap
from engine.guards.swapped_source import WRONG_CLIENT
from engine.model.balance import ExitCode
from engine.model.result import CompanyResult
from engine.observe.terminal import LONGEST_NAME, brief, safe, tell

SINCE = 13
"""Cells of the column at the right end: a day, and NEW."""

MOST_CAUSES = 12
"""Causes that are told with what to type; those after them get a line each."""

SHORT_NAME = 30
"""Characters of a company's name in front of what is wrong with it."""


class Frame(NamedTuple):
    """What all lines of the screen need."""

    now: datetime
    width: int
    groups: Mapping[int, Sequence[str]]  # of the settings, by company id
    config: str
    references: Mapping[str, Mapping[str, str]]  # where each account's secrets are

    @property
    def settings(self) -> str:
        """The option that names the settings file, with a blank in front; empty: it is the usual one."""
        return "" if self.config == "dimsync.toml" else f" -c {shlex.quote(safe(self.config))}"


def new_lines(shown: Morning, frame: Frame) -> Iterator[Text]:
    """Yield what is new, companies before accounts; nothing if nothing is."""
    pairs = [pair for pair in shown.swapped if shown.is_new(pair)]
    accounts = [each for each in shown.accounts if each.is_new]
    if shown.new or pairs:
        ids = {(one.account, one.company_id) for cause in shown.new for one in cause.companies}
        ids |= {(one.account, one.company_id) for pair in pairs for one in (pair.one, pair.other)}
        needs = "company needs" if len(ids) == 1 else "companies need"
        yield _heading(f"{len(ids):,} {needs} you", frame, is_first=True)
        graver = [each for each in shown.new if rank(each.gravity) < rank(ExitCode.HELD)]
        for number, cause in enumerate(graver):
            yield from _cause(cause, frame, is_brief=number >= MOST_CAUSES)
        for pair in pairs:
            yield from _pair(pair, frame)
        for number, cause in enumerate(shown.new[len(graver) :], len(graver)):
            yield from _cause(cause, frame, is_brief=number >= MOST_CAUSES)
    if accounts:
        many = "account needs" if len(accounts) == 1 else "accounts need"
        yield _heading(f"{len(accounts):,} {many} you", frame, is_first=not (shown.new or pairs))
        for number, each in enumerate(accounts):
            yield from _account(each, frame, is_brief=number >= MOST_CAUSES)


def _heading(text: str, frame: Frame, *, is_first: bool) -> Text:
    return Text(f"{text:<{frame.width - SINCE}}since" if is_first else text, style="bold")


def _cause(cause: CauseGroup, frame: Frame, *, is_brief: bool) -> Iterator[Text]:
    one, colour = cause.companies[0], KINDS[cause.gravity][1]
    rows = f", {cause.rows:,} {'row' if cause.rows == 1 else 'rows'}" if cause.rows else ""
    if len(cause.companies) == 1:
        yield from _line(_named(one), f"{cause.code}{rows}: {_said(cause)}", cause.since, frame, colour=colour)
    else:
        yield from _line(companies_of(cause), f"{cause.code}{rows}", cause.since, frame, colour=colour)
    if is_brief:
        return
    if len(cause.companies) > 1:
        yield from who(cause, frame.width)
        yield from wrap(f"{one.company_id}: {_said(cause)}", "    ", frame.width)
    yield from to_type(remedy(cause, frame.groups, config=frame.config), frame.width)


def _said(cause: CauseGroup) -> str:
    """Return the message of one of the problems; of a company as a whole without what to do, which is told below."""
    problem = cause.example.problem
    said = tell(problem).removeprefix(cause.code).removeprefix(":").strip()
    return said if problem.key is not None else said.partition("; ")[0]


def _pair(pair: Swapped, frame: Frame) -> Iterator[Text]:
    """Yield both companies side by side, and what to do once for both."""
    names = [_named(one) for one in (pair.one, pair.other)]
    cells = max(map(cell_len, names))
    texts = [f"{WRONG_CLIENT}: files swapped", "with each other: swap them back"]
    for name, text, since in zip(names, texts, (pair.since, None), strict=True):
        yield from _line(f"{fit(name, cells)}  }}", text, since, frame, colour="yellow")
    ids = " ".join(f"--select company:{number}" for number in pair.company_ids)
    yield from to_type(f"dimsync sync{frame.settings} {ids}", frame.width, words="then:")


def _account(trouble: AccountTrouble, frame: Frame, *, is_brief: bool) -> Iterator[Text]:
    references = frame.references.get(trouble.account, {})
    text = f"{told_refusal(trouble, references)}; {trouble.waiting:,} waiting"
    yield from _line(
        f"{brief(trouble.account, LONGEST_NAME)}:", safe(text), trouble.since, frame, colour="red", gap=" "
    )
    if not is_brief:
        words, command = remedy_words(trouble, references), account_remedy(trouble.account, config=frame.config)
        yield from to_type(command, frame.width, words=words)


def _named(company: CompanyResult) -> str:
    return f"{company.company_id} {brief(company.name, SHORT_NAME)}".rstrip()


def _line(who: str, what: str, since: datetime | None, frame: Frame, *, colour: str, gap: str = "  ") -> Iterator[Text]:
    """Yield a line with a day and NEW at its right end; what does not fit goes on below it."""
    room = frame.width - SINCE - 2
    first, *more = wrap(f"{who}{gap}{what}", "  ", room)
    first.stylize(colour, 2, 2 + len(who))
    if since is not None:
        first.append(" " * (frame.width - SINCE - cell_len(first.plain)))
        first.append(f"{day_words(since, frame.now):<{SINCE - 3}}NEW", style="bold")
    yield first
    yield from (Text(f"    {line.plain[2:]}") for line in more)
