"""A bad week of 300 companies, rehearsed in the sandbox: the screens of `engine/help/screens.md`.

`python -m tests.cli.bad_week` (run by `scripts/screens`) plays it and writes that page; a test plays it and compares.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from engine.sandbox.names import FIRST, SECOND
from tests.cli.program import Door, start
from tests.nursery import ROOT, Nursery, environment

PAGE = ROOT / "engine" / "help" / "screens.md"

FIRST_ID, COMPANIES, ROWS = 1001, 300, 12
MONDAY = datetime(2026, 3, 2, 5, tzinfo=UTC)
"""The first day's sync; the others come each day at the same time."""

SETTINGS = """\
companies_file = "companies.csv"
[api]
base_url = "{base_url}"
[accounts.main]
account_id = "racc_demo"
api_key = "env:OTT_KEY_1"
client_id = "env:CLIENT_ID"
client_secret = "env:CLIENT_SECRET"
[accounts.second]
account_id = "racc_demo_2"
api_key = "env:OTT_KEY_2"
client_id = "env:CLIENT_ID_2"
client_secret = "env:CLIENT_SECRET_2"
[accounts.second.limits]
requests_per_day = 60
reserve_per_day = 10
[accounts.third]
account_id = "racc_demo_3"
api_key = "env:OTT_KEY_3"
client_id = "env:CLIENT_ID_3"
client_secret = "env:CLIENT_SECRET_3"
[fleet]
source = "exports/{{company_id}}.csv"
[verify]
probe_after = "20h"
[groups.second.verify]
probe_after = "36h"
"""
"""Each sync asks for the number of rows, and of account `second` every other one: nothing is due by seconds alone."""

KEYS = {
    name: f"demo-{kind}{number}"
    for kind, variable in (("key", "OTT_KEY"), ("client", "CLIENT_ID"), ("secret", "CLIENT_SECRET"))
    for name, number in (
        (variable if kind != "key" else "OTT_KEY_1", ""),
        (f"{variable}_2", "-2"),
        (f"{variable}_3", "-3"),
    )
}

HEADER = "unique_key,type,dimension_type_code,name,code,erp_dimension_id\n"
WORDS = ("Food sales", "Beverage sales", "Catering", "Rent", "Utilities", "Repairs", "Smallwares", "Linen", "Payroll")


RUN_ID = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})")
UNSTEADY = (
    (r"(?<=^time      )[\d.]+ s(, [\d,]+ requests?/s)?", "47.2 s"),
    (r"(?<=took )[\d.]+ s\b", "47 s"),
    (r"(?<= \d\d:\d\d):\d\d\b", ":07"),
    (r"\breq-\d{8}\b", "req-00000271"),
    (r"\bdim_[0-9a-f]{8}\b", "dim_5eed0044"),
)
"""What differs from run to run, and what the page shows instead."""


WIDTH = 80

OPENING = """\
# A bad week, on the screen

What the program shows in a week in which much goes wrong: 300 companies of three accounts, a sync at 05:00 each day.
It is rehearsed in the sandbox, again with each change of the program. Where no width is named, the terminal has 80
columns.
"""

TOLD = (
    "the first sync; account `second` has 60 requests a day, too few for all of its companies",
    "all rows of company 1030 have other names",
    "two hours later",
    "a row that Ottimate refuses",
    "what the held company waits for",
    "a missing export, two that are swapped, a withdrawn API key, a used-up quota",
    "which companies need a person",
    "the same on a wide screen",
    "all about one of them",
    "the life of a row",
    "the runs",
    "the runs of one company",
    "the last run",
    "after people did what the screen says",
    "what is left",
)
"""What each screen of `play` shows."""


class Screen(NamedTuple):
    """What one command printed."""

    command: str  # as it is typed
    at: datetime
    width: int
    exit_code: int
    text: str


@dataclass(slots=True, kw_only=True)
class Week:
    """The folder of an operator, and the day it is."""

    folder: Path
    door: Door
    nursery: Nursery
    env: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    runs: list[str] = field(default_factory=list)  # the random parts of their ids

    def type(self, command: str, at: datetime, width: int = WIDTH) -> Screen:
        """Run a command at a time of day, in a terminal's width."""
        there = datetime.fromisoformat(self.door.ask("clock", {"shift_s": 0})["time"])
        self.door.ask("clock", {"shift_s": (at - there).total_seconds()})
        env = environment(STARTS_AT=at.isoformat(), COLUMNS=str(width), **self.env)
        done = self.nursery.run("tests.cli.at", *command.split()[1:], cwd=self.folder, env=env)
        return Screen(command, at, width, done.returncode, self._steady(done.stdout.decode()))

    def _steady(self, text: str) -> str:
        """Return a screen without what differs from run to run: random parts of ids, and how long things took."""
        self.runs += [each for each in RUN_ID.findall(text) if each not in self.runs]
        for number, random in enumerate(self.runs, 1):
            text = text.replace(random, f"5eed{number:04}")
        for pattern, instead in UNSTEADY:
            text = re.sub(pattern, instead, text, flags=re.MULTILINE)
        return text

    def source(self, company_id: int, rows: Iterable[str]) -> None:
        """Write a company's export: one account for each name."""
        lines = (f"k{n},Account,account,{name},c{n},{1000 + n}\n" for n, name in enumerate(rows))
        self.export(company_id).write_text(HEADER + "".join(lines), encoding="utf-8")

    def export(self, company_id: int) -> Path:
        """Return the path of a company's export."""
        return self.folder / "exports" / f"{company_id}.csv"


def named() -> dict[int, str]:
    """Return the companies' names by id."""
    pairs = (f"{first} {second}" for second, first in product(SECOND, FIRST))
    return dict(zip(range(FIRST_ID, FIRST_ID + COMPANIES), pairs, strict=False))


def account_of(company_id: int) -> tuple[str, str]:
    """Return the name and the id of a company's account."""
    number = company_id - FIRST_ID
    if number >= COMPANIES - 21:
        return "third", "racc_demo_3"
    return ("second", "racc_demo_2") if number >= COMPANIES - 50 else ("main", "racc_demo")


def rows_of(company_id: int) -> list[str]:
    """Return names of rows that no other company has. Company 1030 is larger than the others."""
    count = 60 if company_id == 1030 else ROWS
    return [f"{WORDS[n % len(WORDS)]} {company_id}-{n}" for n in range(count)]


def set_up(week: Week) -> None:
    """Write settings, companies and their exports, as on the first day."""
    companies = named()
    week.door.ask(
        "companies",
        {"companies": [{"id": one, "name": name, "account_id": account_of(one)[1]} for one, name in companies.items()]},
    )
    (week.folder / "exports").mkdir()
    (week.folder / "dimsync.toml").write_text(SETTINGS.format(base_url=week.door.base_url), encoding="utf-8")
    lines = (
        f"{one},{name},{account_of(one)[0]},{'second' if account_of(one)[0] == 'second' else ''}\n"
        for one, name in companies.items()
    )
    (week.folder / "companies.csv").write_text("id,name,account,groups\n" + "".join(lines), encoding="utf-8")
    for one in companies:
        week.source(one, rows_of(one))


def play(week: Week) -> Iterator[Screen]:
    """Live through the week, and yield what was looked at."""
    set_up(week)
    yield week.type("dimsync sync", MONDAY)
    rename(week, 1030, "{} (old)")
    yield week.type("dimsync sync", day(1))
    yield week.type("dimsync status", day(1, 2))
    week.door.faults({"effect": "reject-rows", "name": "Linen 1044", "message": "name is reserved"})
    rename(week, 1044, "{} (new)", {7})
    yield week.type("dimsync sync", day(3))
    yield week.type("dimsync plan --select company:1030", day(3, 3))
    go_wrong(week)
    week.type("dimsync pull --select account:second second.csv", day(4, -1))  # a good half of its day's requests
    yield week.type("dimsync sync", day(4))
    for width in (WIDTH, 200):
        yield week.type("dimsync status", day(4, 2), width)
    yield week.type("dimsync status 1030", day(4, 2))
    yield week.type("dimsync explain 1044 linen", day(4, 2))
    yield week.type("dimsync history", day(4, 2))
    yield week.type("dimsync history company:1030", day(4, 2))
    yield week.type("dimsync history last", day(4, 2))
    put_right(week)
    yield week.type("dimsync sync", day(5))
    yield week.type("dimsync status", day(5, 2))


def day(number: int, hours: int = 0) -> datetime:
    """Return the time of a day's sync, or so many hours later; Monday is 0."""
    return MONDAY + timedelta(days=number, hours=hours)


def rename(week: Week, company_id: int, form: str, which: Iterable[int] | None = None) -> None:
    """Let an export name rows otherwise; without `which`, all of them."""
    chosen = None if which is None else set(which)
    rows = rows_of(company_id)
    week.source(
        company_id, [form.format(each) if chosen is None or n in chosen else each for n, each in enumerate(rows)]
    )


def go_wrong(week: Week) -> None:
    """Thursday night: an export is missing, two are swapped, a key is withdrawn, an account has much to do."""
    week.export(1101).unlink()
    week.source(1105, rows_of(1107))
    week.source(1107, rows_of(1105))
    week.env["OTT_KEY_3"] = "withdrawn"
    for company_id in named():
        if account_of(company_id)[0] == "second":
            rename(week, company_id, "{} II", range(3))


def put_right(week: Week) -> None:
    """Friday: people have done what the screen says."""
    week.source(1101, rows_of(1101))
    week.source(1105, rows_of(1105))
    week.source(1107, rows_of(1107))
    week.env["OTT_KEY_3"] = KEYS["OTT_KEY_3"]


def page(screens: Iterable[Screen]) -> str:
    """Return the help page: each screen with what it shows."""
    parts = [OPENING]
    for told, screen in zip(TOLD, screens, strict=True):
        wide = f", {screen.width} columns" if screen.width != WIDTH else ""
        code = f"; exit code {screen.exit_code}" if screen.exit_code else ""
        head = f"## {screen.at:%A %H:%M}: {told}\n\n`{screen.command}`{wide}{code}\n\n"
        shown = "".join(f"    {line}".rstrip() + "\n" for line in screen.text.rstrip().splitlines())
        parts.append(head + shown)
    return "\n".join(parts)


@contextmanager
def week(nursery: Nursery) -> Iterator[Week]:
    """Start a sandbox of its own, whose clock may be moved, and give a folder beside it."""
    words = ("sandbox", "--port", "0", "--accounts", "3", "--until-stdin-ends")
    with (
        TemporaryDirectory() as folder,
        start(*words, cwd=ROOT, stdin=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None
        door = Door(base_url=json.loads(process.stdout.readline())["base_url"])
        yield Week(folder=Path(folder), door=door, nursery=nursery)
        process.terminate()


def main() -> None:
    """Write the page."""
    with Nursery() as nursery, week(nursery) as there:
        PAGE.write_text(page(play(there)), encoding="utf-8")


if __name__ == "__main__":
    main()
