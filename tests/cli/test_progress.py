from __future__ import annotations

import io
import threading

from engine.cli.progress.progress import Progress
from engine.model.balance import Balance, State
from engine.model.events import CompanyFinished, Event, Parked, RequestSent, RunStarted
from engine.model.outcome import Problem
from engine.model.result import CompanyResult


def failed(company_id: int) -> CompanyFinished:
    result = CompanyResult(
        company_id=company_id,
        name="\x1b[2JChez Zoë",
        account="main",
        state=State.FAILED,
        exit_code=1,
        balance=Balance(),
        problems=(Problem(code="source", message=f"{company_id}.csv\nis not there"),),
    )
    return CompanyFinished(result=result)


EVENTS: list[Event] = [
    RunStarted(run_id="r", companies=3),
    RequestSent(account="main", company_id=7, kind="list"),
    failed(7),
]


def test_elsewhere_than_on_a_terminal_a_cause_is_one_plain_line_and_its_companies_are_counted() -> None:
    stream = io.StringIO()
    with Progress("sync", stream) as progress:
        for event in (*EVENTS, failed(8), failed(9), Parked(account="main", reason="bad key")):
            progress.take(event)
        progress.say("stopping")
    assert stream.getvalue().splitlines() == [
        r"sync: failed 7 \x1b[2JChez Zoë: source: 7.csv\nis not there",
        "sync: account main can do no more in this run: bad key",
        "sync: stopping",
        r"sync: failed 3 companies by now: source, such as 7 \x1b[2JChez Zoë",
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
