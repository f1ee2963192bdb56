"""One preset, the forms in which its list arrives: other spellings of yes and no, columns that were not asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load
from engine.errors import SourceError
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.wire import guide
from tests.unit.settings_file import ACCOUNT, ENV

CHART = """No.,Name,Account Type,Account Category{head}
10100,Cash,Posting,Assets{no}
20000,Current Liabilities,Begin-Total,Liabilities{no}
20100,Accounts Payable,Posting,Liabilities{no}
20200,Old loan,Posting,Liabilities{yes}
24999,Current Liabilities Total,End-Total,Liabilities{no}
"""
NETSUITE = """Internal ID,Number,Name{head},Inactive
58,1000,Cash{bank},{no}
211,6100,Repairs & maintenance{expense},{no}
212,6200,Smallwares{expense},{yes}
"""
TEMPLATE = """Internal ID,Account Number,Account Name,Account Type,Subsidiary,Description,Inactive
211,4000,Sales Revenue,Income,US Subsidiary,Product Sales,FALSE
58,6100,Office Supplies,Expense,US Subsidiary,Day-to-day supplies,FALSE
59,6200,Travel,Expense,US Subsidiary,,TRUE
"""
QUICKBOOKS = (
    '{"Name":"Checking","FullyQualifiedName":"Checking","Active":true,"AccountType":"Bank"%s,"Id":"35"}',
    '{"Name":"Fuel","FullyQualifiedName":"Automobile:Fuel","Active":true,"AccountType":"Expense","Id":"56"}',
    '{"Name":"Closed","Active":false,"AccountType":"Expense","Id":"57"}',
)
NUMBERED = [line % ',"AcctNum":"1000"' if "%s" in line else line for line in QUICKBOOKS]
BARE = [line % "" if "%s" in line else line for line in QUICKBOOKS]

TYPED = {"head": ",Type", "bank": ",Bank", "expense": ",Expense"}
UNTYPED = {"head": "", "bank": "", "expense": ""}


async def wanted(folder: Path, file: str, text: str, mapping: str, settings: str = "") -> Wanted:
    (folder / file).write_text(text, encoding="utf-8")
    path = folder / "dimsync.toml"
    company = f'[[companies]]\nid = 1001\nsource = "{file}"\nmapping = "{mapping}"\n'
    path.write_text(f"{ACCOUNT}\n{settings}\n{company}", encoding="utf-8")
    (company_read,) = load(path, ENV).companies
    return await read(company_read.source, company_id=1001, type_codes=guide.DIALECT.type_codes)


def kept(found: Wanted) -> list[tuple[str, str | None]]:
    assert found.problems == ()
    return [(row.erp_id, row.code) for row in found.rows]


@pytest.mark.parametrize(
    ("head", "no", "yes", "accounts"),
    [
        ("", "", "", ["10100", "20100", "20200"]),
        (",Blocked", ",No", ",Yes", ["10100", "20100"]),
        (",Blocked", ",FALSE", ",TRUE", ["10100", "20100"]),
        (",Direct Posting", ",Yes", ",No", ["10100", "20100"]),
    ],
    ids=["neither column", "blocked", "blocked as Excel shows it", "no direct posting"],
)
async def test_a_chart_of_business_central_gives_its_posting_accounts(
    tmp_path: Path, head: str, no: str, yes: str, accounts: list[str]
) -> None:
    text = CHART.format(head=head, no=no, yes=yes)
    found = await wanted(tmp_path, "chart.csv", text, "business-central.accounts")
    assert kept(found) == [(number, None) for number in accounts]


@pytest.mark.parametrize("columns", [TYPED, UNTYPED], ids=["with Type", "without Type"])
@pytest.mark.parametrize(("no", "yes"), [("No", "Yes"), ("F", "T"), ("FALSE", "TRUE"), ("false", "true"), ("0", "1")])
async def test_no_inactive_account_of_netsuite_is_taken_however_it_is_spelled(
    tmp_path: Path, no: str, yes: str, columns: dict[str, str]
) -> None:
    text = NETSUITE.format(no=no, yes=yes, **columns)
    found = await wanted(tmp_path, "accounts.csv", text, "netsuite.accounts")
    assert kept(found) == [("58", "1000"), ("211", "6100")]
    assert [(each.column, each.value, each.rows) for each in found.left_out_by] == [("Inactive", yes, 1)]


async def test_without_the_column_that_tells_inactive_accounts_a_list_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Inactive"):
        await wanted(tmp_path, "accounts.csv", "Internal ID,Number,Name\n58,1000,Cash\n", "netsuite.accounts")


OWN = '[mapping.own]\npreset = "netsuite.accounts"\ncolumns = { name = "Account Name", code = "Account Number" }\n'


@pytest.mark.parametrize(("mapping", "settings"), [("netsuite.import-accounts", ""), ("own", OWN)])
async def test_the_import_template_of_netsuite_is_read_by_its_preset_or_by_own_columns(
    tmp_path: Path, mapping: str, settings: str
) -> None:
    found = await wanted(tmp_path, "accounts.csv", TEMPLATE, mapping, settings)
    assert kept(found) == [("211", "4000"), ("58", "6100")]


@pytest.mark.parametrize("lines", [NUMBERED, BARE], ids=["with numbers", "without numbers"])
@pytest.mark.parametrize("form", ["answer", "array", "lines"])
async def test_accounts_of_quickbooks_online_are_read_in_each_form(tmp_path: Path, lines: list[str], form: str) -> None:
    rows = ",".join(lines)
    text, file = {
        "answer": (
            f'{{"QueryResponse":{{"Account":[{rows}],"startPosition":1}},"time":"2026-01-01T00:00:00Z"}}',
            "a.json",
        ),
        "array": (f"[{rows}]", "a.json"),
        "lines": ("\n".join(lines) + "\n", "a.ndjson"),
    }[form]
    found = await wanted(tmp_path, file, text, "quickbooks-online.accounts")
    assert kept(found) == [("35", "1000" if lines is NUMBERED else None), ("56", None)]
    assert found.left_out == 1


@pytest.mark.parametrize("preset", ["business-central.dimension-values", "acumatica.cost-codes"])
async def test_a_preset_that_leaves_the_type_open_asks_for_it(tmp_path: Path, preset: str) -> None:
    with pytest.raises(Exception, match="type_code") as caught:
        await wanted(tmp_path, "a.csv", "Code,Name,Dimension Value Type,Blocked\n1,A,Standard,No\n", preset)
    assert caught.type.__module__.startswith("engine.")
