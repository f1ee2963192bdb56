"""The live display in a real pseudo-terminal: what is seen, and what a change of its size and its end leave."""

from __future__ import annotations

import os
import re
import signal

import pytest

from engine.cli.verbs.drive import STOPPING
from tests.cli.program import Fleet
from tests.cli.terminal import Screen, Terminal
from tests.nursery import environment

COMPANIES = range(1601, 1641)
HELD_UP = 1601
BAR = re.compile("sync  (━|╸|─|\\d+%)")


def test_a_display_is_seen_follows_the_size_and_is_gone_at_the_end(fleet: Fleet) -> None:
    """40 companies: one is held up by the server, 30 have no file, the others are synced meanwhile."""
    fleet.door.place(*COMPANIES)
    hang = {"effect": "latency", "seconds": 60, "match": {"operation": "bulk", "company": HELD_UP}}
    fleet.door.faults(hang)
    fleet.configure(*COMPANIES)
    for company_id in COMPANIES[:10]:
        fleet.source(company_id, [f"Account {n}" for n in range(15)])
    with Terminal(80, 24) as terminal:
        screen = terminal.screen
        process = fleet.nursery.start(
            "engine",
            "sync",
            cwd=fleet.folder,
            stdout=terminal.program_end,
            stderr=terminal.program_end,
            env=environment(TERM="xterm"),
        )
        terminal.until(lambda: "39 of 40 companies" in screen.text)
        terminal.until(lambda: "1601 Company 1601: sending 0 of 15 rows" in screen.text)
        terminal.until(lambda: "30 companies: source, such as" in screen.text)
        assert BAR.match(screen.text.splitlines()[0])
        assert not screen.is_cursor_shown
        for width in (40, 200, 52):
            terminal.resize(width)
            before = len(terminal.raw)
            terminal.until(lambda: terminal.raw.count("of 40 companies", before) >= 2)  # noqa: B023  asked at once
            seen = screen.text.splitlines()
            assert all(len(line) <= width for line in seen)
            assert sum(bool(BAR.match(line)) for line in seen) == 1, screen.text
            assert BAR.match(seen[0])

        os.kill(process.pid, signal.SIGINT)
        terminal.until(lambda: "stopping: finishing requests in flight" in screen.text)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 130
        terminal.drain()
        assert " ".join(screen.text.split()) == STOPPING
        assert screen.is_cursor_shown


@pytest.mark.parametrize(
    ("env", "is_live", "has_colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
    ids=["colours", "NO_COLOR", "a dumb terminal"],
)
def test_what_a_terminal_can_do_is_all_that_it_gets(
    fleet: Fleet, env: dict[str, str], is_live: bool, has_colour: bool
) -> None:
    fleet.configure(1651)
    with Terminal(80, 24) as terminal:
        process = fleet.nursery.start(
            "engine",
            "sync",
            cwd=fleet.folder,
            stdout=terminal.program_end,
            stderr=terminal.program_end,
            env=environment(**env),
        )
        terminal.until(lambda: "exit 1" in terminal.screen.text)
        assert process.wait() == 1
        terminal.drain()
        assert ("\x1b[?25l" in terminal.raw) is is_live
        assert bool(re.search(r"\x1b\[\d*;?3\d", terminal.raw)) is has_colour
        assert ("sync: failed 1651" in terminal.screen.text) is not is_live
        assert "━" not in terminal.screen.text  # the display has given way to the result
        assert "1 company needs a person" in terminal.screen.text
        assert not re.search(r"\d{4}-\d\d-\d\dT", terminal.screen.text)  # nobody needs dates on a terminal
        assert terminal.screen.is_cursor_shown


def test_the_model_of_a_screen_wraps_as_terminals_do() -> None:
    screen = Screen(10)
    screen.take("twelve words\r\nshort")
    assert (screen.text, screen.row) == ("twelve wor\nds\nshort", 2)
    screen.resize(6)
    assert (screen.text, screen.row) == ("twelve\n words\nshort", 2)
    screen.resize(20)
    assert (screen.text, screen.row, screen.column) == ("twelve words\nshort", 1, 5)
