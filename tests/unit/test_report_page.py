"""A report as a page: 300 companies with 2,000 changed rows each stay small, and open quickly in a real browser."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.cli.show.report_csv import HEADER, ReportCsv
from engine.cli.show.report_page import COLUMNS, page, policy
from engine.cli.verbs.report_making import ROOM
from engine.documents.report import Line, Part, Report, ReportRun
from engine.documents.report_build import fair_share, part_of
from engine.documents.report_facts import company_facts
from engine.documents.report_words import Words
from engine.model.balance import Balance, State
from engine.model.result import CompanyResult, Requests, company_json
from engine.model.sent_row import KeptRun
from tests import chromium

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
COMPANIES, ROWS = 300, 2_000
WORDS = Words(explain=lambda _: ("", ""), remedy=lambda *_: "")
NOTHING = {column: 0 for column, *_ in COLUMNS}


def part(company_id: int, most: int) -> Part:
    balance = Balance(source_rows=ROWS, **(NOTHING | {"updated": ROWS}))
    told = CompanyResult(
        company_id=company_id,
        name=f"Company {company_id}",
        account="main",
        state=State.SYNCED,
        exit_code=0,
        balance=balance,
    )
    document = {"companies": [company_json(told)]}
    (facts,) = company_facts([KeptRun("run", "sync", NOON, NOON, 0, (), document)], [], {})
    lines = [line(company_id, n) for n in range(most)] + OTHERS[most:]
    return part_of(facts, lines, WORDS, account="main", most=most)


def line(company_id: int, n: int) -> Line:
    return Line(
        *(company_id, "main", f"Company {company_id}", "run", "", "updated"),
        *(
            f"client-{company_id}:account:{n:05d}",
            f"account '{n:05d}'",
            f"Repairs and maintenance {n:05d} (kitchen)",
        ),
        fields=(("name", f"Repairs & maint. {n:05d}", f"Repairs and maintenance {n:05d} (kitchen)"),),
    )


OTHERS = [line(0, n) for n in range(ROWS)]
"""What is on no page, as there are too many: each company's are as good as the same."""


@pytest.fixture(scope="module")
def text() -> str:
    most = fair_share([ROWS] * COMPANIES, ROOM)
    report = Report(
        title="Dimensions report",
        level="good",
        verdict="All is in order.",
        made_at=NOON,
        version="1",
        csv_name="r.csv",
        runs=(ReportRun("run", "sync", NOON, NOON, 0, COMPANIES, (), writes=True),),
        balance=dict.fromkeys(Balance.__slots__, 0),
        requests=dict.fromkeys((*Requests.__slots__, "total"), 1),
        parts=tuple(part(1_000 + n, most) for n in range(COMPANIES)),
        quiet=0,
    )
    return "".join(page(report))


def test_a_page_of_600_000_changed_rows_can_be_mailed_and_says_where_the_others_are(text: str) -> None:
    assert len(text.encode()) < 5_000_000
    assert (
        text.count('<tr><th scope="row"><bdi>') == ROOM // COMPANIES * COMPANIES + COMPANIES
    )  # each once in the table of companies, too
    assert text.count("1,967 more rows are in <code>r.csv</code>") == COMPANIES


@pytest.mark.skipif(chromium.found() is None, reason="no Chromium is on the PATH: the page's size was tested alone")
async def test_chromium_opens_it_in_less_than_two_seconds(text: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    async with chromium.browser() as browser:
        assert min([await browser.open(file) for _ in range(3)]) < 2
        assert await browser.value("document.querySelectorAll('tr').length") > ROOM // COMPANIES * COMPANIES


def test_the_policy_allows_one_style_and_nothing_else() -> None:
    allowed = policy("p{}")
    assert allowed == (
        "default-src 'none'; style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; base-uri 'none';"
        " form-action 'none'"
    )


def test_a_row_of_two_changed_fields_is_two_lines_of_the_csv() -> None:
    stream = io.StringIO()
    fields = (("name", "=1+1", "Cash"), ("code", None, "10"))
    line = Line(1, "main", "@Pier", "run", "", "updated", "+k", "account '1'", "Cash", fields, undid=True, line=7)
    made = ReportCsv(stream)
    made.put(part(1, 0), [line])
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert (made.lines, tuple(rows[0])) == (2, HEADER)
    assert [(row["field"], row["before"], row["after"]) for row in rows] == [
        ("name", "'=1+1", "Cash"),
        ("code", "", "10"),
    ]
    assert {(row["company"], row["unique_key"], row["line"]) for row in rows} == {("'@Pier", "'+k", "7")}
