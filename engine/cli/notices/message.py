"""What one notification says, as plain values; each form that it is sent in is made from these. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.cli.notices.encoding import encoded

SCHEMA = "dimsync.notification/1"

MOST_TOLD = 20
"""Causes of trouble that one notification tells, and as many kinds of recovery; of the rest it tells the count."""

MOST_IDS = 20
"""Companies that are named for one cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One cause of trouble, or one kind of trouble that is over. All texts are safe to show, and short."""

    kind: str  # "held", "failed" ...; "recovered"
    code: str
    what: str  # one sentence's worth of words: its cause, or what the code means
    who: str = ""  # how many companies and rows; empty: it is about the run as a whole
    companies: tuple[tuple[int, str], ...] = ()  # id and name of the first `MOST_IDS`
    count: int = 0  # of companies
    rows: int = 0
    example: str = ""  # what one company tells of it
    lead: str = ""  # when to type the command
    command: str = ""  # what to type; empty: nothing
    since: datetime | None = None  # of trouble that is over: when it was first told


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification."""

    event: str  # "run": a run ended; "broken": it ended without a result; "silence": no sync has ended for long
    title: str
    at: datetime
    settings: str  # the settings file, as it was typed
    facts: dict[str, object] = field(default_factory=dict)  # more of the JSON form: run_id, verb, exit_code
    trouble: tuple[Told, ...] = ()
    recovered: tuple[Told, ...] = ()
    more: int = 0  # causes and kinds that are not told
    footer: str = ""

    def only(self, on: frozenset[str]) -> Message:
        """Return the part of the message that a target wants: trouble, recovery, or both."""
        return replace(
            self,
            trouble=self.trouble if "trouble" in on else (),
            recovered=self.recovered if "recovery" in on else (),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.trouble and not self.recovered

    def first(self, most: int) -> Message:
        """Return the message with the first `most` of its entries, trouble before recovery."""
        trouble, recovered = self.trouble[:most], self.recovered[: max(0, most - len(self.trouble))]
        left = len(self.trouble) + len(self.recovered) - len(trouble) - len(recovered)
        return replace(self, trouble=trouble, recovered=recovered, more=self.more + left)


def fitted(message: Message, form: Callable[[Message], object], most_bytes: int) -> bytes:
    """Return a form of a message as JSON of at most `most_bytes`, with fewer entries where that is needed."""
    for told in range(len(message.trouble) + len(message.recovered), -1, -1):
        body = encoded(form(message.first(told)))
        if len(body) <= most_bytes:
            break
    return body


def document(message: Message) -> dict[str, object]:
    """Return the JSON form, `dimsync.notification/1`: keys may be added, none is removed or changes its meaning."""
    return {
        "schema": SCHEMA,
        "event": message.event,
        "title": message.title,
        "at": message.at.isoformat(timespec="seconds"),
        "settings": message.settings,
        **message.facts,
        "trouble": [_told(each) for each in message.trouble],
        "recovered": [_told(each) for each in message.recovered],
        "more": message.more,
    }


def _told(told: Told) -> dict[str, object]:
    return {
        "kind": told.kind,
        "code": told.code,
        "cause": told.what,
        "companies": [{"company_id": company_id, "name": name} for company_id, name in told.companies],
        "company_count": told.count,
        "rows": told.rows,
        "example": told.example,
        "remedy": told.command,
        "since": told.since.isoformat(timespec="seconds") if told.since is not None else None,
    }


def command_line(told: Told, forbidden: str) -> str:
    """Return the command to type. If it has `forbidden` in it, which a form cannot show: `dimsync status`."""
    return "dimsync status" if forbidden in told.command else told.command


def named(told: Told) -> str:
    """Return which companies it is about: one with its name, of several the ids; empty: the run as a whole."""
    if len(told.companies) == 1:
        company_id, name = told.companies[0]
        return f"company {company_id} {name}".rstrip()
    ids = ", ".join(str(company_id) for company_id, _ in told.companies)
    more = f" and {told.count - len(told.companies):,} more" if told.count > len(told.companies) else ""
    return f"companies {ids}{more}" if ids else ""


def lines(told: Told) -> Iterator[str]:
    """Yield the lines between an entry's first line and its command."""
    yield from filter(None, (named(told), told.example))
    if told.what and not told.example and not told.companies:
        yield told.what
    if told.since is not None:
        yield f"known since {told.since:%Y-%m-%d %H:%M} UTC"


def more_words(message: Message) -> str:
    """Return the line on entries that were left out; empty: none was."""
    return f"and {message.more:,} more: dimsync status" if message.more else ""
