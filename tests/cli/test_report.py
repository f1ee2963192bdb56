"""`dimsync report`: the page and the CSV of a bad day, for the fleet and for one client."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests import chromium
from tests.cli.program import Fleet
from tests.cli.report_day import HOSTILE, NAMES, ids, play

ADDRESS = re.compile(r"\s(?:src|href|action|data|srcset|poster|cite|formaction)\s*=\s*[\"'](?!#)", re.IGNORECASE)
VOID = {"meta", "link", "br", "img", "hr", "input", "wbr"}


class Page(HTMLParser):
    """A page taken apart: whether its elements close in order, and what is in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self.unscoped = 0
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.unscoped += tag == "th" and "scope" not in given
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_report_tells_all_of_a_bad_day(fleet: Fleet) -> None:
    there = ids(2001)
    assert play(fleet, there, "--report", "day.html") == 1
    text = (fleet.folder / "day.html").read_text(encoding="utf-8")
    page = Page(text)

    assert page.policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not ADDRESS.search(text)
    assert page.unscoped == 0
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert {"header", "nav", "main", "footer", "caption", "summary"} <= set(page.tags)
    assert "\u202e" not in text
    assert "3 of 7 companies need a person" in text
    assert "would" not in text.split("<h2")[0]

    assert text.count('<strong class="fresh">New</strong>') == 4
    assert "known since" not in text

    rows = lines(fleet.folder / "day.csv")
    assert {row["what"] for row in rows if row["since"]} >= {"rejected", "source", "wrong-client"}
    of = {one: [row for row in rows if row["company_id"] == str(one)] for one in there}
    changed = {row["unique_key"]: (row["what"], row["before"], row["after"]) for row in of[there.changed]}
    assert changed["k40"] == ("created", "", "")
    assert changed["k3"] == ("updated", f"Rent {there.changed}-3", f"Rent {there.changed}-3 (old)")
    assert changed["k5"] == ("updated", "Somebody's own words", f"Repairs {there.changed}-5")
    assert [row["unique_key"] for row in rows if row["undid_a_change_in_ottimate"]] == ["k5"]
    assert [row["what"] for row in of[there.missing]] == ["missing-source"] or of[there.missing]
    assert {row["what"] for row in of[there.swapped]} >= {"wrong-client"}
    assert [row["rows"] for row in of[there.filtered] if row["what"] == "left out"] == ["8"]
    (refused,) = [row for row in of[there.hostile] if row["what"] == "rejected"]
    assert refused["unique_key"] == "k41"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert not of[there.quiet]

    again = fleet.run("report", "again.html")
    assert (again.returncode, again.stderr) == (0, "")
    assert lines(fleet.folder / "again.csv") == rows

    *_, first = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
    assert fleet.run("report", "--run", first["run_id"], "first.html").returncode == 0
    assert "7 companies in order: 280 rows created" in (fleet.folder / "first.html").read_text(encoding="utf-8")
    assert len(lines(fleet.folder / "first.csv")) == 280

    assert fleet.run("sync", "-q", "--report", "next.html").returncode == 1
    assert "known since 20" in (fleet.folder / "next.html").read_text(encoding="utf-8")


def test_a_clients_report_has_nothing_of_another_client(fleet: Fleet) -> None:
    there = ids(2011)
    play(fleet, there)
    for one, own in zip(there, NAMES, strict=True):
        done = fleet.run("report", "--company", str(one), "--since", "1h")
        assert (done.returncode, done.stderr) == (0, "")
        both = [(fleet.folder / f"report-{one}.{ending}").read_text(encoding="utf-8") for ending in ("html", "csv")]
        others = [rf"\b{other}\b" for other in there if other != one]
        names = [re.escape(name[:8]) for name in NAMES if name != own]
        assert [word for text in both for word in others + names if re.search(word, text)] == []
        assert not any("racc_demo" in text or ">main<" in text for text in both)
        Page(both[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--run", "no-run"), "the ledger knows of no run 'no-run': `dimsync history` lists the newest"),
        (("--since", "1h"), "no run ended in the last 1h"),
        ((), "the ledger has no run that ended"),
        (("--since", "soon"), "--since soon: "),
        (("--since", "9999999d"), "--since 9999999d: no calendar goes back so far"),
        (("--run", "x", "--since", "1h"), "choose --run or --since, not both"),
        (("--company", "7"), "there is no company 7 in dimsync.toml"),
        (("all.csv",), "the CSV is written beside it"),
        (("no/where.html",), "the folder no does not exist"),
    ],
)
def test_what_cannot_be_reported_is_said(fleet: Fleet, words: tuple[str, ...], message: str) -> None:
    fleet.configure(2021)
    done = fleet.run("report", *words)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not list(fleet.folder.glob("*.html")) + list(fleet.folder.glob(".*.part"))


def test_a_report_that_cannot_be_written_ends_no_sync_before_it_began(fleet: Fleet) -> None:
    fleet.configure(2022)
    done = fleet.run("sync", "--report", "no/where.html")
    assert (done.returncode, "the folder no does not exist" in done.stderr) == (2, True)


@pytest.mark.skipif(chromium.found() is None, reason="no Chromium is on the PATH: the page was parsed, not opened")
async def test_chromium_opens_a_report_without_a_complaint(fleet: Fleet) -> None:
    there = ids(2031)
    play(fleet, there, "--report", "day.html")
    file = fleet.folder / "day.html"
    async with chromium.browser() as browser:
        await browser.open(file, chromium.PHONE)
        assert await browser.value("document.documentElement.scrollWidth") == chromium.PHONE[0]
        assert await browser.value("getComputedStyle(document.querySelector('.verdict')).borderLeftStyle") == "solid"
        await browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await browser.value("document.documentElement.scrollWidth") == chromium.PHONE[0]
        assert HOSTILE[:20] in await browser.value("document.body.textContent")
        assert browser.requested == [file.as_uri()]
        assert browser.complaints == []


def test_a_run_that_only_looked_tells_what_would_be_done(fleet: Fleet) -> None:
    fleet.door.place(2041)
    fleet.configure(2041)
    fleet.source(2041, ["Cash", "Bank"])
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(2041, ["Cash & bank", "Bank", "Rent"])
    fleet.door.rename(2041, "k1", "Somebody's own words")
    assert fleet.run("check", "-q").returncode == 0
    fleet.run("report", "day.html")
    text = (fleet.folder / "day.html").read_text(encoding="utf-8")
    Page(text)
    assert "Nothing was written" in text
    assert "1 row would be created, 2 would be updated" in text
    told = {row["unique_key"]: (row["what"], row["before"], row["after"]) for row in lines(fleet.folder / "day.csv")}
    assert told == {
        "k0": ("would be updated", "Cash", "Cash & bank"),
        "k1": ("would be updated", "Somebody's own words", "Bank"),
        "k2": ("would be created", "", ""),
    }
    fleet.run("report", "--since", "1h", "days.html")
    assert "1 company in order: 2 rows created, 0 updated." in (fleet.folder / "days.html").read_text(encoding="utf-8")


def test_rows_that_the_ledger_does_not_keep_are_counted(fleet: Fleet) -> None:
    fleet.door.place(2042)
    fleet.configure(2042)
    fleet.source(2042, ["Cash", "Bank"])
    assert fleet.run("sync", "-q").returncode == 0
    with closing(sqlite3.connect(fleet.folder / "dimsync.db")) as connection, connection:
        connection.execute("delete from attempts")  # as pruning does after some months
    done = fleet.run("report", "day.html")
    assert (done.returncode, done.stdout) == (0, "day.html, and 0 lines in day.csv\n")
    text = (fleet.folder / "day.html").read_text(encoding="utf-8")
    assert "2 rows are counted, and no longer known one by one" in text
