"""The screen of a run that is under way, at three widths: one company and 300, one account and 300."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.cli.progress.screen import screen
from engine.cli.progress.words import clock_words, left_words, line_words
from engine.model.balance import ExitCode
from engine.observe.view import AtWork, Day, Trouble, View, Wait
from tests.unit.model_server import steady

START = View(title="sync", elapsed_s=0.4, companies=1)
ONE = View(
    title="sync",
    elapsed_s=8.2,
    share=0.25,
    left_s=24.0,
    companies=1,
    rows=2_000,
    listed=500,
    requests=6,
    needed=21,
    per_second=0.8,
    ceiling=1.0,
    day=Day(8_994, 9_000, 1, 0),
    begun=1,
    at_work=(AtWork(1101, "Harbor Grill", "listing 500 of 2,000 rows"),),
)
SOURCE = Trouble(
    ExitCode.FAILED, "missing-source", 293, 1101, "Harbor Grill", "main", "exports/1101.csv: there is no such file"
)
HELD = Trouble(
    ExitCode.HELD, "mass-update", 1, 1105, "Red Oak", "main", "214 of 1,026 rows would be updated, more than 30 %"
)
QUOTA = Trouble(ExitCode.STOPPED, "quota", 26, 1030, "Canyon", "main", "all 9,000 requests of 2026-11-30 are used")
LOCKED = Trouble(ExitCode.LOCKED, "locked", 1, 1031, "Cedar", "main", "another run holds the company (process 4711)")
FLEET = View(
    title="sync",
    elapsed_s=72.0,
    share=0.584,
    left_s=51.0,
    companies=300,
    finished=174,
    rows=348_000,
    listed=126_400,
    written=1_204,
    requests=1_377,
    needed=3_412,
    per_second=49.3,
    ceiling=50.0,
    day=Day(7_623, 9_000, 1, 0),
    begun=24,
    at_work=tuple(AtWork(1200 + n, f"Company {n}", "comparing") for n in range(12)),
    waits=(Wait("account", "main", 1, 13.2, "HTTP 429: Too Many Requests"),),
    troubles=(SOURCE, QUOTA, HELD, LOCKED),
)
MANY_ACCOUNTS = replace(
    FLEET,
    at_once=2_400,
    per_second=212.0,
    ceiling=15_000.0,
    day=Day(2_451_000, 2_700_000, 300, 2_400),
    waits=(
        Wait("account", "client-7", 212, 40.0, "HTTP 429: Too Many Requests"),
        Wait("company", "1301", 1, 29.0, "what became of rows that were sent is not known"),
        Wait("account", "third", 1, None, "HTTP 401: the API key is refused"),
    ),
    troubles=(),
    begun=3,
    at_work=FLEET.at_work[:3],
)

SCREENS = {
    "before anything is known": (View(title="sync"), 80, "sync  0:00, opening the ledger"),
    "the start": (
        START,
        80,
        """\
sync  ╸───────────────────────────────────────────────────────────  0%  0:00
0 of 1 company · 0 source rows · 0 listed · 0 written
0 requests""",
    ),
    "one company": (
        ONE,
        80,
        """\
sync  ━━━━━━━━━━━╸──────────────────────────────────  25%  0:08, about 20 s left
0 of 1 company · 2,000 source rows · 500 listed · 0 written
6 of about 21 requests · 1 of 1/s · 8,994 of 9,000 left today
at work  1101 Harbor Grill: listing 500 of 2,000 rows""",
    ),
    "300 companies": (
        FLEET,
        80,
        """\
sync  ━━━━━━━━━━━━━━━━━━━━━━━━━━╸───────────────────  58%  1:12, about 50 s left
174 of 300 companies · 348,000 source rows · 126,400 listed · 1,204 written
1,377 of about 3,400 requests · 49/s, the limit · 7,623 of 9,000 left today
waits    account main for 13 s: HTTP 429: Too Many Requests
         quota: 26 companies until the next run: all 9,000 requests of 2026-11-…
         locked: 1 company until the next run: another run holds the company (p…
trouble  failed    293 companies: missing-source, such as 1101 Harbor Grill: ex…
         held      1105 Red Oak: mass-update: 214 of 1,026 rows would be update…
at work  1200 Company 0: comparing
         1201 Company 1: comparing
         1202 Company 2: comparing
         and 21 more""",
    ),
    "300 companies, narrow": (
        FLEET,
        40,
        """\
sync  ━━━╸──  58%  1:12, about 50 s left
174 of 300 companies
348,000 source rows · 126,400 listed
1,204 written
1,377 of about 3,400 requests
49/s, the limit
7,623 of 9,000 left today
waits    account main for 13 s: HTTP 42…
         quota: 26 companies until the …
         locked: 1 company until the ne…
trouble  failed    293 companies: missi…
         held      1105 Red Oak: mass-u…
at work  1200 Company 0: comparing
         1201 Company 1: comparing
         1202 Company 2: comparing
         and 21 more""",
    ),
    "300 companies, wide": (
        FLEET,
        200,
        """\
sync  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸────────────────────────  58%  1:12, about 50 s left
174 of 300 companies · 348,000 source rows · 126,400 listed · 1,204 written
1,377 of about 3,400 requests · 49/s, the limit · 7,623 of 9,000 left today
waits    account main for 13 s: HTTP 429: Too Many Requests
         quota: 26 companies until the next run: all 9,000 requests of 2026-11-30 are used
         locked: 1 company until the next run: another run holds the company (process 4711)
trouble  failed    293 companies: missing-source, such as 1101 Harbor Grill: exports/1101.csv: there is no such file
         held      1105 Red Oak: mass-update: 214 of 1,026 rows would be updated, more than 30 %
at work  1200 Company 0: comparing
         1201 Company 1: comparing
         1202 Company 2: comparing
         and 21 more""",
    ),
    "300 accounts": (
        MANY_ACCOUNTS,
        80,
        """\
sync  ━━━━━━━━━━━━━━━━━━━━━━━━━━╸───────────────────  58%  1:12, about 50 s left
174 of 300 companies · 348,000 source rows · 126,400 listed · 1,204 written
1,377 of about 3,400 requests · 212 of 15,000/s · 2,400 at once
2,451,000 of 2,700,000 left today (300 keys)
waits    212 accounts for 40 s: HTTP 429: Too Many Requests
         company 1301 for 29 s: what became of rows that were sent is not known
         account third can do no more in this run: HTTP 401: the API key is ref…
         about 2,400 requests too few today: the rest waits until 00:00 UTC
at work  1200 Company 0: comparing
         1201 Company 1: comparing
         1202 Company 2: comparing""",
    ),
    "the end": (
        replace(FLEET, finished=300, share=1.0, left_s=None, begun=0, at_work=(), waits=(), troubles=()),
        80,
        """\
sync  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100%  1:12
300 of 300 companies · 348,000 source rows · 126,400 listed · 1,204 written
1,377 of about 3,400 requests · 49/s, the limit · 7,623 of 9,000 left today
at work  writing down how the run ended""",
    ),
}


@pytest.mark.parametrize(("view", "width", "wanted"), SCREENS.values(), ids=SCREENS)
def test_screens(view: View, width: int, wanted: str) -> None:
    assert "\n".join(line.text for line in screen(view, width, 24)) == wanted


@pytest.mark.parametrize("height", [2, 3, 4, 5, 6, 8, 12])
def test_a_low_terminal_keeps_the_figures_and_loses_companies_at_work_first(height: int) -> None:
    lines = [line.text for line in screen(FLEET, 80, height)]
    assert len(lines) == height - 1
    whole = [line.text for line in screen(FLEET, 80, 24)]
    assert lines[:3] == whole[:3][: height - 1]
    if height == 6:
        assert lines[3:] == [whole[3], "         and 2 more"]


HOSTILE = "\x1b[2J\u202egnp.exe\r\n漢字" * 3
TEXT = st.sampled_from(["", "main", HOSTILE, "x" * 300])
NUMBER = st.sampled_from([0, 1, 2, 999, 1_234_567])
SECONDS = st.sampled_from([0.0, 0.4, 1.0, 61.0, 100_000.0])
VIEWS = st.builds(
    View,
    title=TEXT,
    elapsed_s=SECONDS,
    share=st.floats(0, 1),
    left_s=st.none() | SECONDS,
    companies=NUMBER,
    finished=NUMBER,
    rows=NUMBER,
    requests=NUMBER,
    needed=st.none() | NUMBER,
    per_second=st.none() | SECONDS,
    ceiling=st.none() | st.sampled_from([0.5, 50.0, 300_000.0]),
    day=st.none() | st.builds(Day, NUMBER, NUMBER, NUMBER, NUMBER),
    begun=st.integers(3, 40),
    at_work=st.lists(st.builds(AtWork, NUMBER, TEXT, st.just("comparing")), max_size=3).map(tuple),
    waits=st.lists(
        st.builds(Wait, st.sampled_from(["account", "company"]), TEXT, NUMBER, st.none() | SECONDS, TEXT),
        max_size=6,
    ).map(tuple),
    troubles=st.lists(
        st.builds(
            Trouble,
            st.sampled_from([code for code in ExitCode if code not in {130, 143, 6, 0}]),
            st.just("held"),
            NUMBER,
            NUMBER,
            TEXT,
            TEXT,
            TEXT,
        ),
        max_size=9,
    ).map(tuple),
)


@steady(30)
@given(VIEWS, st.integers(1, 210), st.integers(1, 60), st.booleans())
def test_whatever_there_is_to_tell_fits_and_is_harmless(view: View, width: int, height: int, is_ascii: bool) -> None:
    lines = [line.text for line in screen(view, width, height, ascii_only=is_ascii)]
    assert len(lines) <= max(0, height - 1)
    assert all(cell_len(line) <= width and line.isprintable() for line in lines)
    told = "\n".join([*lines, line_words(view)])
    assert not re.search(r"\b1 (rows|requests|companies|accounts)\b", told)
    assert not re.search(r"\b0 s\b", told)
    if is_ascii:
        assert not set("━╸─·…") & set("".join(lines))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "a few seconds left"),
        (9.9, "a few seconds left"),
        (12, "about 10 s left"),
        (94, "about 90 s left"),
        (96, "about 2 min left"),
        (185, "about 3 min left"),
        (5_000, "about 83 min left"),
        (6_000, "about 1 h 40 min left"),
        (40_000, "about 11 h left"),
    ],
)
def test_what_is_left_is_told_as_roughly_as_it_is_known(seconds: float, words: str) -> None:
    assert left_words(seconds) == words


def test_a_long_name_of_a_company_at_work_is_cut_and_not_what_is_done_with_it() -> None:
    company = AtWork(1057, "The Old Harbor Oyster Bar and Grill", "sending 400 of 1,200 rows")
    view = replace(ONE, at_work=(company,))
    assert [screen(view, width, 24)[-1].text for width in (40, 60, 80)] == [
        "at work  1057 The Old…: sending 400 of …",
        "at work  1057 The Old Harbor Oys…: sending 400 of 1,200 rows",
        "at work  1057 The Old Harbor Oyster Bar and Grill: sending 400 of 1,200 rows",
    ]


def test_clocks() -> None:
    assert [clock_words(seconds) for seconds in (0.9, 72, 3_601)] == ["0:00", "1:12", "1:00:01"]


def test_a_log_gets_the_same_figures_in_one_line() -> None:
    assert line_words(FLEET) == (
        "174 of 300 companies, 348,000 source rows, 126,400 listed, 1,204 written,"
        " 1,377 of about 3,400 requests, 49/s, the limit, 7,623 of 9,000 left today, about 50 s left"
    )
