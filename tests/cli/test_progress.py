from __future__ import annotations

import io
import threading

from engine.model.balance import Balance, State
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    Event,
    PageRead,
    Parked,
    RequestSent,
    RunStarted,
    Waiting,
)
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from engine.observe.progress import Progress
from engine.observe.tally import Tally

FAILED = CompanyResult(
    company_id=7,
    name="\x1b[2JChez Zoë",
    account="main",
    state=State.FAILED,
    exit_code=1,
    balance=Balance(),
    problems=(Problem(code="source", message="7.csv\nis not there"), Problem(code="other", message="more")),
)
EVENTS: list[Event] = [
    RunStarted(run_id="r", companies=3),
    RequestSent(account="main", company_id=None, kind="token"),
    RequestSent(account="main", company_id=7, kind="list"),
    PageRead(company_id=7, rows=100, declared=2_000),
    ChunkSettled(company_id=7, created=20, updated=3, rejected=1, uncertain=0),
    CompanyFinished(result=FAILED),
]


def test_the_tally_counts_what_the_events_say() -> None:
    tally = Tally()
    for event in EVENTS:
        tally.take(event, now=0.0)
    assert tally.line(" (9/s)") == (
        "1/3 companies · 100 rows read · 23 written · 2 requests (9/s) · 1 in trouble"
    )  # what is rejected is not written


def test_waiting_accounts_are_shown_until_they_go_on_and_stopped_ones_to_the_end() -> None:
    tally = Tally()
    tally.take(Waiting(account="main", seconds=30.0, reason="429"), now=100.0)
    assert tally.standstills(now=110.0) == ["main waits 20 s: 429"]
    assert tally.standstills(now=130.0) == []
    tally.take(Parked(account="main", reason="bad key"), now=110.0)
    assert tally.standstills(now=120.0) == ["main stopped: bad key"]


def test_elsewhere_than_on_a_terminal_each_company_in_trouble_is_one_plain_line() -> None:
    stream = io.StringIO()
    with Progress("sync", stream) as progress:
        for event in EVENTS:
            progress.take(event)
        progress.say("stopping")
    lines = stream.getvalue().splitlines()
    assert sorted(lines) == [
        r"sync: failed 7 \x1b[2JChez Zoë  not read: source: 7.csv\nis not there (and 1 more)",
        "sync: stopping",
    ]


class Gone(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        raise OSError(5, "Input/output error", text)


class Stopped(io.StringIO):
    """A terminal whose user pressed Ctrl-S, until the test ends."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.go_on.wait()
        return len(text)


def test_a_stream_that_is_gone_or_stopped_does_not_reach_the_run() -> None:
    gone, stopped = Gone(), Stopped()
    for stream in (gone, stopped):
        with Progress("sync", stream) as progress:
            for event in EVENTS:
                progress.take(event)
        assert stream.reached.wait(10), "nothing was written, so nothing was shown"
    stopped.go_on.set()
