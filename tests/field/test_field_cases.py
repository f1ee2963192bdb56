"""Exports as operators have them, with the settings that a sensible operator writes, and what must become of each row.

Each case is a run, or several, of the program in this process against the sandbox. The files lie in the folder that a
case names.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.model.outcome import Column
from tests.cli.conftest import Here
from tests.cli.program import Door
from tests.field.cases import (
    Case,
    Seen,
    Step,
    Stored,
    accounts,
    again,
    coded,
    done,
    failed,
    held,
    partial,
)

NOTICES = {"not-observable", "landed"}
"""Codes of what merely cannot be seen, or was found out."""

NETSUITE = accounts(("211", "Repairs & maintenance", "6100"), ("58", "Cash", "1000"))
SMALLWARES = accounts(("212", "Smallwares", "6200"))
QUICKBOOKS = accounts(
    ("Checking", "Checking", "10100"),
    ("Money Market (8556)", "Money Market (8556)"),
    ("FIXED ASSETS", "FIXED ASSETS", "15000"),
    ("FIXED ASSETS:Vehicles:2019 Van", "FIXED ASSETS:Vehicles:2019 Van", "15110"),
    ("Old Loan (deleted)", "Old Loan (deleted)"),
    ("Design Income", "Design Income", "40100"),
    ("Repairs, Outside Services", "Repairs, Outside Services"),
)
DATEV = coded(("400", "Betriebsausstattung"), ("1000", "Kasse"), ("4920", "Telefon"), ("8400", "Erlöse 19 % USt"))
XERO = coded(("101", "Giving: Regular"), ("102", "Giving: Other"), ("993", "Unrestricted reserves A"))
FOOD = coded(("0100", "Food sales"))
DRINKS = coded(("0100", "Food sales"), ("0200", "Getränke"))
BEVERAGES = coded(("0100", "Food sales"), ("0200", "Beverage sales"))
CHECKING = coded(("1000", "Checking"), ("2000", "Rent"))
TWO_LISTS = (("account", "1", "A", ""), ("department", "7", "Kitchen", ""))

FIRST: dict[str, Case] = {
    "the header is found below title lines": Case(
        folder="qbo-account-list",
        steps=(done(7, read=9, stored=QUICKBOOKS), again(7, left_out=2)),
    ),
    "total and footer are left out by a filter": Case(
        folder="qbo-account-list",
        settings="named-rows.toml",
        steps=(done(7, read=9, stored=QUICKBOOKS), again(7, left_out=2)),
    ),
    "the header's line is named": Case(
        folder="qbo-account-list", settings="header-named.toml", steps=(done(7, read=9, stored=QUICKBOOKS),)
    ),
    "accounts without number are invalid where the number is the id": Case(
        folder="qbo-account-list-title-removed",
        steps=(
            partial(
                3,
                "missing-field",
                created=4,
                left_out=2,
                lines=(3, 6, 8),
                stored=coded(
                    ("10100", "Checking"),
                    ("15000", "FIXED ASSETS"),
                    ("15110", "FIXED ASSETS:Vehicles:2019 Van"),
                    ("40100", "Design Income"),
                ),
            ),
        ),
    ),
    "an account without number has its name as id": Case(
        folder="qbo-account-list-title-removed",
        settings="first-of.toml",
        steps=(done(7, read=9, stored=tuple((kind, code or name, name, code) for kind, _, name, code in QUICKBOOKS)),),
    ),
    "accounts without number are left out on purpose": Case(
        folder="qbo-account-list-title-removed", settings="numbered-only.toml", steps=(done(4, read=9),)
    ),
    "a total whose label stands among the names": Case(
        folder="qbo-total-in-name",
        steps=(
            done(
                4,
                read=5,
                stored=accounts(
                    *(
                        (name, name)
                        for name in ("Checking", "Accounts Receivable", "Job Materials", "Old Loan (deleted)")
                    )
                ),
            ),
        ),
    ),
    "deleted ones and the total are left out by patterns": Case(
        folder="qbo-total-in-name",
        settings="filtered.toml",
        steps=(
            done(
                3,
                read=5,
                stored=accounts(
                    ("Checking", "Checking"),
                    ("Accounts Receivable", "Accounts Receivable"),
                    ("Job Materials", "Job Materials"),
                ),
            ),
        ),
    ),
    "the preset of NetSuite's account list": Case(
        folder="netsuite-accounts",
        steps=(done(2, read=3, stored=NETSUITE, left_out_by={("Inactive", "Yes"): 1}), again(2, left_out=1)),
    ),
    "the preset of the joined file names that of the list": Case(
        folder="netsuite-accounts", settings="joined-file.toml", steps=(failed("netsuite.accounts", "Type", "Expense"),)
    ),
    "a preset's filter is taken off one column": Case(
        folder="netsuite-accounts", settings="inactive-too.toml", steps=(done(3, stored=NETSUITE + SMALLWARES),)
    ),
    "a preset's filters are all taken off": Case(
        folder="netsuite-accounts", settings="no-filter.toml", steps=(done(3, stored=NETSUITE + SMALLWARES),)
    ),
    "a filter is added to a preset's own": Case(
        folder="netsuite-accounts", settings="banks.toml", steps=(done(1, read=3, stored=NETSUITE[1:]),)
    ),
    "the preset of NetSuite's import template": Case(
        folder="netsuite-import-template",
        steps=(done(2, stored=accounts(("211", "Sales Revenue", "4000"), ("58", "Office Supplies", "6100"))),),
    ),
    "FALSE means No under an old preset's name": Case(
        folder="netsuite-import-template",
        settings="joined-file.toml",
        steps=(done(2, stored=accounts(("211", "Sales Revenue", "4000"), ("58", "Office Supplies", "6100"))),),
    ),
    "two spellings of No in a joined file": Case(folder="netsuite-joined-two-spellings", steps=(done(6), again(6))),
    "DATEV in cp1252 names the encoding to write": Case(
        folder="datev-kontenbeschriftungen", steps=(failed("line 6", "0xF6", "UTF-8", 'encoding = "cp1252"'),)
    ),
    "DATEV in cp1252": Case(
        folder="datev-kontenbeschriftungen",
        settings="cp1252.toml",
        steps=(done(4, stored=DATEV), again(4, stored=DATEV)),
    ),
    "Xero's bank accounts have no code": Case(
        folder="xero-chart", steps=(partial(2, "missing-field", created=3, stored=XERO),)
    ),
    "Xero's bank accounts are left out": Case(
        folder="xero-chart", settings="coded-only.toml", steps=(done(3, read=5, stored=XERO), again(3, left_out=2))
    ),
    "Zoho Books with a line break in a quoted cell": Case(
        folder="zoho-books",
        steps=(
            done(
                5,
                stored=accounts(
                    ("2877958000000010001", "Other Charges", "H-141"),
                    ("2877958000000032023", "Lodging"),
                    ("2877958000000099407", "Long-term debt", "H-055"),
                    ("2877958000012768081", "BSS - Revenue", "1.2"),
                    ("2877958000000000439", "Bad Debt", "3.10"),
                ),
            ),
        ),
    ),
    "a spreadsheet has made ids numbers in E-notation": Case(
        folder="zoho-resaved-in-excel",
        steps=(
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=3,
                        columns={"invalid": 3},
                        codes=None,
                        words=("2.87796E+18", "5.57183E+18", "spreadsheet"),
                        stored=(),
                    ),
                ),
            ),
        ),
    ),
    "Business Central's chart: postings only": Case(
        folder="bc-chart",
        steps=(
            done(
                2,
                read=4,
                never=("Current Liabilities", "Current Liabilities Total"),
                left_out_by={("Account Type", "Begin-Total"): 1, ("Account Type", "End-Total"): 1},
            ),
        ),
    ),
    "Business Central's chart with a column Blocked": Case(
        folder="bc-chart-blocked",
        steps=(done(2, read=4, never=("Current Liabilities", "Current Liabilities Total")), again(2, left_out=2)),
    ),
    "QuickBooks Online's answer as it comes": Case(folder="qbo-api", steps=(done(2), again(2))),
    "rows under a dotted path": Case(
        folder="qbo-api",
        settings="old-name.toml",
        steps=(done(2, stored=accounts(("35", "Checking", "1000"), ("56", "Fuel"))),),
    ),
    "a path that leads to no rows": Case(
        folder="qbo-api", settings="no-such-rows.toml", steps=(failed("QueryResponse.Item", "Account"),)
    ),
    "QuickBooks Online's records as an array": Case(
        folder="qbo-api-array",
        steps=(done(2, read=3, stored=accounts(("35", "Checking", "1000"), ("56", "Fuel"))), again(2, left_out=1)),
    ),
    "QuickBooks Desktop's IIF": Case(
        folder="quickbooks-desktop-iif",
        steps=(
            done(
                2,
                read=3,
                stored=accounts(("1000", "Checking"), ("6010", "Auto:Fuel")),
                left_out_by={("HIDDEN", "Y"): 1},
            ),
            again(2, left_out=1),
        ),
    ),
    "Excel's Unicode text": Case(
        folder="utf16-excel-unicode-text", steps=(done(2, stored=DRINKS), again(2, stored=DRINKS))
    ),
    "cp1252 is named by the message": Case(
        folder="cp1252-semicolon", steps=(failed("line 3", "0xE4", 'encoding = "cp1252"'),)
    ),
    "cp1252 with semicolons": Case(folder="cp1252-semicolon", settings="cp1252.toml", steps=(done(2, stored=DRINKS),)),
    "a first line that names the delimiter": Case(folder="sep-line", steps=(done(1, stored=FOOD), again(1))),
    "blank rows and trailing cells": Case(folder="csv-blank-and-trailing", steps=(done(2, stored=BEVERAGES), again(2))),
    "all ids end in .0": Case(
        folder="decimal-ids",
        steps=(
            held("decimal-ids", 1032, 3),
            replace(done(3), allow=("decimal-ids:1032",)),
            again(3),
        ),
    ),
    "two ids that end in .0 are no proof": Case(
        folder="decimal-ids",
        settings="two-rows.toml",
        steps=(done(2, stored=coded(("4000.0", "Food sales"), ("4010.0", "Beverage sales"))),),
    ),
    "ids with a point may be real": Case(
        folder="thousands", steps=(done(2, stored=coded(("4.000", "Food sales"), ("4.010", "Beverage sales"))),)
    ),
    "number and name in one column as they are": Case(
        folder="number-name-one-column",
        steps=(
            done(
                2,
                stored=accounts(
                    ("1000 · Checking", "1000 · Checking"),
                    ("6000 · Auto:6010 · Fuel", "6000 · Auto:6010 · Fuel"),
                ),
            ),
        ),
    ),
    "number and name are taken out of one column": Case(
        folder="number-name-one-column",
        settings="split.toml",
        steps=(done(2, stored=accounts(("1000", "Checking"), ("6010", "Fuel"))), again(2)),
    ),
    "GnuCash's tree without placeholders and hidden ones": Case(
        folder="gnucash-tree",
        steps=(
            done(
                2,
                read=4,
                stored=accounts(("Assets:Checking", "Checking", "1010"), ("Expenses:Auto:Fuel", "Fuel")),
                left_out_by={("Placeholder", "T"): 1, ("Hidden", "T"): 1},
            ),
        ),
    ),
    "Odoo's list": Case(
        folder="odoo-french-booleans",
        steps=(done(2, stored=coded(("101100", "Uncalled committed capital"), ("411000", "Customers"))),),
    ),
    "invisible characters in ids": Case(
        folder="invisible-characters",
        steps=(
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=3,
                        columns={"created": 1, "invalid": 2},
                        codes=None,
                        words=("U+200B", "U+FEFF"),
                        lines=(2, 4),
                        stored=coded(("0200", "Beverage\xa0sales")),
                    ),
                ),
            ),
        ),
    ),
    "a line break in a column's name": Case(
        folder="header-with-line-break", steps=(done(1, stored=accounts(("0100", "Food sales"))),)
    ),
    "a last line without line end": Case(folder="truncated", steps=(done(2, codes=None),)),
    "True in three spellings": Case(folder="where-case", steps=(done(3), again(3))),
    "Excel's numbers as ids, not declared": Case(
        folder="xlsx-numeric-ids", steps=(partial(3, "not-text", words=("numbers_as_ids = true",), stored=()),)
    ),
    "Excel's numbers as ids, declared": Case(
        folder="xlsx-numeric-ids",
        settings="declared.toml",
        steps=(
            done(3, stored=coded(("4000", "Food sales"), ("4010", "Beverage sales"), ("0100", "Cash"))),
            again(3),
        ),
    ),
    "only the first sheet": Case(
        folder="xlsx-one-sheet-per-type", steps=(done(1, stored=coded(("4000", "Food sales"))),)
    ),
    "two sheets of one workbook": Case(
        folder="xlsx-one-sheet-per-type",
        settings="two-sheets.toml",
        steps=(done(2, stored=(("account", "4000", "Food sales", ""), ("department", "7", "Kitchen", ""))), again(2)),
    ),
    "a sheet that is not there": Case(
        folder="xlsx-one-sheet-per-type", settings="no-such-sheet.toml", steps=(failed("Locations", "Departments"),)
    ),
    "a column that no object has": Case(folder="ndjson-renamed-field", steps=(failed("AcctNum", "AccountNumber"),)),
    "columns that no object has are told once": Case(
        folder="ndjson-renamed-required-field", steps=(failed("Id", "Name", "Active", "active"),)
    ),
    "a sheet whose range is far too large": Case(
        folder="xlsx-trailing", steps=(done(1, stored=coded(("4000", "Food sales"))), again(1))
    ),
    "one account of two subsidiaries": Case(
        folder="duplicate-per-subsidiary",
        steps=(partial(2, "duplicate-key", created=1, stored=coded(("5000", "Rent")), lines=(2, 3)),),
    ),
    "the accounts of one subsidiary": Case(
        folder="duplicate-per-subsidiary",
        settings="one-subsidiary.toml",
        steps=(done(2, read=3, left_out_by={("Subsidiary", "CA"): 1}),),
    ),
    "leading zeros are lost in the second export": Case(
        folder="leading-zeros-lost",
        steps=(
            done(48),
            Step(
                exit=4,
                seen=(
                    Seen(state="partial", read_rows=48, columns={"unchanged": 40, "held": 8}, codes=("look-alike",)),
                ),
            ),
        ),
    ),
    "a field of 30 objects is renamed": Case(
        folder="ndjson-code-field-renamed",
        steps=(
            done(30),
            failed("AcctNum", "AccountNumber", stored=accounts(*((str(n), f"A{n}", str(1000 + n)) for n in range(30)))),
        ),
    ),
    "a field of 20 objects is renamed": Case(
        folder="ndjson-code-field-renamed-small",
        steps=(
            done(20),
            failed("AcctNum", "AccountNumber", stored=accounts(*((str(n), f"A{n}", str(1000 + n)) for n in range(20)))),
        ),
    ),
    "the code of a preset, which records may lack, is renamed": Case(
        folder="qbo-api-code-renamed",
        steps=(
            done(20),
            failed(
                "AcctNum",
                "20 rows have a code",
                'code = { constant = "" }',
                stored=accounts(*((str(n), f"A{n}", str(1000 + n)) for n in range(20))),
            ),
        ),
    ),
    "codes are erased because the mapping says so": Case(
        folder="qbo-api-code-renamed",
        settings="no-codes.toml",
        steps=(done(20, stored=accounts(*((str(n), f"A{n}") for n in range(20)))), again(20)),
    ),
    "one list changes its word for No": Case(folder="one-list-changes-its-word-for-no", steps=(done(50), again(50))),
    "two lists joined with their headers": Case(
        folder="two-lists-joined-with-cat", steps=(failed("line 4", "column names", "sources = [", line=4),)
    ),
    "two files of one company": Case(
        folder="two-files-of-one-company", settings="sources.toml", steps=(done(2, stored=TWO_LISTS), again(2))
    ),
    "an empty cell is wanted": Case(
        folder="where-empty-wanted",
        steps=(done(1, read=2, stored=accounts(("1000", "Cash")), left_out_by={("Active status", "Inactive"): 1}),),
    ),
}
"""Exports of 25 origins, or as people have changed them."""


def failing(columns: dict[str, int], *codes: str, exit_code: int, state: str, **more: Any) -> Step:
    """Return a later run that is not well."""
    left_out = more.pop("left_out", 0)
    read_rows = sum(columns.values()) + left_out
    seen = Seen(state=state, read_rows=read_rows, left_out=left_out, columns=columns, codes=codes, **more)
    return Step(exit=exit_code, seen=(seen,))


def of_company(
    created: int, invalid: int = 0, *, stored: tuple[Stored, ...], codes: tuple[str, ...] | None = ()
) -> Seen:
    """Return what a company's part of a common file becomes."""
    columns = {"created": created, **({"invalid": invalid} if invalid else {})}
    return Seen(state=None, read_rows=created + invalid, columns=columns, codes=codes, stored=stored)


MORE: dict[str, Case] = {
    "Latin-1 with semicolons and a quoted line break": Case(
        folder="latin1-quoted-line-break",
        steps=(
            partial(
                1,
                "missing-field",
                created=2,
                lines=(7,),
                stored=coded(("0100", "Crème brûlée"), ("0200", "Getränke")),
            ),
        ),
    ),
    "the header is found in line 7": Case(folder="header-in-line-7", steps=(done(2, stored=CHECKING), again(2))),
    "the header is named in line 7": Case(
        folder="header-in-line-7", settings="right-line.toml", steps=(done(2, stored=CHECKING),)
    ),
    "the header is named in a wrong line": Case(
        folder="header-in-line-7", settings="wrong-line.toml", steps=(failed("line 3", "header", "Number", "Name"),)
    ),
    "the header is in line 21": Case(folder="header-too-far-down", steps=(failed("Number", "Name", "header"),)),
    "the header in line 21 is named": Case(
        folder="header-too-far-down", settings="named.toml", steps=(done(1, stored=coded(("1000", "Checking"))),)
    ),
    "booleans of four languages": Case(
        folder="booleans-of-four-languages",
        steps=(
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=22,
                        left_out=9,
                        columns={"created": 12, "invalid": 1},
                        codes=None,
                        words=("Active", "vielleicht"),
                        lines=(23,),
                        stored=coded(*((str(1000 + n), f"Account {n}") for n in range(12))),
                    ),
                ),
            ),
        ),
    ),
    "the last part of a path": Case(
        folder="last-part-of-a-path",
        steps=(
            partial(
                1,
                "missing-field",
                created=3,
                lines=(5,),
                stored=accounts(
                    ("Assets:Bank:Checking", "Checking", "Assets"),
                    ("Assets", "Assets", "Assets"),
                    ("Expenses: Auto : Fuel", "Fuel", "Expenses"),
                ),
            ),
        ),
    ),
    "a mapped column that is there twice": Case(folder="doubled-header", steps=(failed("Name", "twice"),)),
    "other columns may be there twice": Case(
        folder="doubled-header-unmapped", steps=(done(1, stored=coded(("1000", "Checking"))),)
    ),
    "blank lines in the middle keep the count of lines": Case(
        folder="blank-lines-in-the-middle",
        steps=(partial(2, "duplicate-key", created=1, lines=(2, 7), stored=coded(("2000", "Rent"))),),
    ),
    "totals in the name column are left out by a pattern": Case(
        folder="total-income",
        steps=(
            done(3, read=6, stored=coded(("4000", "Sales"), ("5000", "Rent"), ("6000", "Totally Fresh Ltd"))),
            again(3, left_out=3),
        ),
    ),
    "thousands separators in ids are taken as they are": Case(
        folder="thousands-in-ids", steps=(done(2, stored=coded(("4,000", "Sales"), ("4,010", "Rent"))),)
    ),
    "a sheet with a merged title": Case(folder="xlsx-merged-title", steps=(done(2, stored=CHECKING), again(2))),
    "the code column vanishes from the second export": Case(
        folder="code-column-vanished",
        steps=(
            done(2),
            failed("Code", "Number", "Name", stored=accounts(("1", "Cash", "C1"), ("2", "Rent", "C2"))),
        ),
    ),
    "one object lacks a column": Case(
        folder="ndjson-one-lacks-a-column",
        steps=(
            partial(
                2,
                "missing-field",
                created=2,
                left_out=1,
                lines=(2, 4),
                words=("name is empty", "Active"),
                stored=accounts(("1", "Cash", "C1"), ("3", "Rent")),
            ),
        ),
    ),
    "one file for two companies": Case(
        folder="one-file-for-two-companies",
        steps=(
            Step(
                exit=0,
                seen=(
                    of_company(2, stored=accounts(("1000", "Cash"), ("2000", "Rent"))),
                    of_company(1, stored=accounts(("1000", "Kasse"))),
                ),
            ),
        ),
    ),
    "one file for three companies names two that nobody knows": Case(
        folder="one-file-for-three-companies",
        steps=(
            Step(
                exit=3,
                seen=(
                    of_company(2, stored=accounts(("1000", "Cash"), ("2000", "Rent")), codes=None),
                    of_company(1, 1, stored=accounts(("1000", "Kasse")), codes=None),
                    of_company(1, stored=accounts(("1000", "Caisse")), codes=None),
                ),
                told=("9999", "9998", "line 5", "3 rows"),
            ),
        ),
    ),
    "an optional list is missing": Case(
        folder="a-list-is-missing", steps=(done(1, stored=accounts(("1", "Cash")), codes=None),)
    ),
    "a required list is missing": Case(
        folder="a-list-is-missing",
        settings="required.toml",
        steps=(failed("departments.csv", "optional = true", code="missing-source"),),
    ),
    "a key is in two lists": Case(
        folder="same-key-in-two-lists",
        steps=(
            partial(
                2,
                "duplicate-key",
                created=2,
                words=("a.csv", "b.csv"),
                stored=accounts(("1", "Cash"), ("3", "Fuel")),
            ),
        ),
    ),
    "a fleet of lists, one of them optional": Case(
        folder="fleet-of-lists",
        companies=(2201, 2202, 2203),
        steps=(
            Step(
                exit=1,
                seen=(
                    of_company(
                        2,
                        stored=(
                            ("account", "1", "Accounts of 2201", ""),
                            ("department", "1", "Departments of 2201", ""),
                        ),
                    ),
                    of_company(1, stored=accounts(("1", "Accounts of 2202")), codes=None),
                    *failed("2203", "accounts.csv", code="missing-source").seen,
                ),
            ),
        ),
    ),
    "a value that is neither kept nor left out": Case(
        folder="keep-and-out",
        steps=(
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=6,
                        left_out=3,
                        columns={"created": 2, "invalid": 1},
                        codes=None,
                        words=("Kind", "Statistical"),
                        lines=(7,),
                        stored=coded(("1000", "Cash"), ("1001", "Bank")),
                        left_out_by={("Kind", "Heading"): 2, ("Kind", "Total"): 1},
                    ),
                ),
            ),
        ),
    ),
    "a plain list leaves out all else by value": Case(
        folder="a-list-of-values",
        steps=(
            done(
                2,
                read=6,
                stored=coded(("1", "Cash"), ("3", "Rent")),
                left_out_by={("Type", "Income"): 2, ("Type", "Liability"): 1, ("Type", ""): 1},
            ),
        ),
    ),
    "padded ids, the first of two names, a constant": Case(
        folder="padded-and-constant",
        steps=(
            done(
                3,
                stored=accounts(("0007", "Cash at bank", "GL"), ("0123", "Rent", "GL"), ("12345", "Fuel", "GL")),
            ),
        ),
    ),
    "UTF-16 without its mark": Case(folder="utf16-without-mark", steps=(failed("UTF-16"),)),
    "UTF-8 that was read as cp1252": Case(
        folder="mangled-names",
        steps=(
            held("mangled-text", 2020, 2),
            replace(done(2), allow=("mangled-text:2020",)),
            again(2),
        ),
    ),
    "a quote that is never closed": Case(folder="unterminated-quote", steps=(failed("line 3", "quote"),)),
    "a filter leaves out over half of the file": Case(
        folder="left-out-grows",
        steps=(
            done(20),
            failing(
                {"unchanged": 20},
                "left-out",
                exit_code=4,
                state="held",
                left_out=25,
                words=("--allow left-out:2022", "25"),
                left_out_by={("Inactive", "Yes"): 25},
            ),
            replace(again(20, left_out=25), allow=("left-out:2022",)),
            again(20, left_out=25),
        ),
    ),
    "a filter leaves out a whole type": Case(
        folder="a-whole-type-is-left-out",
        steps=(
            done(35),
            failing(
                {"unchanged": 30},
                "left-out",
                exit_code=4,
                state="held",
                left_out=5,
                words=("department", "5", "--allow left-out:2023"),
                left_out_by={("Status", "Open"): 5},
            ),
        ),
    ),
    "a word that nobody knows": Case(
        folder="a-word-that-nobody-knows",
        steps=(
            done(20),
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=20,
                        columns={"unchanged": 17, "invalid": 3},
                        codes=None,
                        words=("Inactive", "Nope"),
                    ),
                ),
            ),
        ),
    ),
    "values inside objects": Case(
        folder="nested-values",
        steps=(partial(1, "missing-field", created=1, left_out=1, stored=accounts(("10100", "Petty cash"))),),
    ),
    "a dot in a column's name is no path": Case(
        folder="a-dot-in-a-column-name", steps=(done(1, stored=accounts(("1000", "Cash"))),)
    ),
    "surplus cells": Case(
        folder="surplus-cells",
        steps=(partial(2, "ragged-row", created=2, lines=(3, 4), stored=coded(("1000", "Cash"), ("4000", "Fuel"))),),
    ),
    "one id in E-notation": Case(
        folder="one-id-in-e-notation",
        steps=(
            Step(
                exit=3,
                seen=(
                    Seen(
                        state="partial",
                        read_rows=3,
                        columns={"created": 2, "invalid": 1},
                        codes=None,
                        words=("1.2E+15",),
                        lines=(3,),
                        stored=coded(("1000", "Cash"), ("E100", "Fuel")),
                    ),
                ),
            ),
        ),
    ),
    "a delimiter that is named": Case(folder="pipes", steps=(done(1, stored=coded(("1000", 'Cash, petty; or "so"'))),)),
    "a mark before the line that names the delimiter": Case(
        folder="marked-utf8-with-sep", steps=(done(1, stored=coded(("0100", "Food, fresh"))),)
    ),
}
"""Others of the same kinds."""

CASES = {**FIRST, **MORE}


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_field(name: str, tmp_path: Path, here: Here, door: Door) -> None:
    case = CASES[name]
    company_ids = case.lay_out(tmp_path, door.base_url)
    door.place(*company_ids)
    for number, step in enumerate(case.steps, 1):
        case.begin(number, tmp_path)
        allowed = [word for each in step.allow for word in ("--allow", each)]
        ended = here("sync", "--output", "json", "-q", *allowed)
        assert ended.stdout, ended.stderr
        document = json.loads(ended.stdout)
        parts = document["companies"]
        assert [part["company_id"] for part in parts] == list(company_ids)
        for part, seen in zip(parts, step.seen, strict=True):
            assert_adds_up(part)
            assert shown(part, seen, door) == expected(seen), (number, part["problems"])
        assert (number, ended.returncode) == (number, step.exit), parts
        assert_told_once(step, [ended.stderr, *(each["message"] for part in parts for each in part["problems"])])


def assert_adds_up(part: dict[str, Any]) -> None:
    if part["source_rows"] is None:
        assert (part["read_rows"], part["left_out"]) == (None, None)
        return
    assert part["read_rows"] == part["source_rows"] + part["left_out"]
    assert part["source_rows"] == sum(part[column.value] for column in Column)
    assert sum(each["rows"] for each in part.get("left_out_by", [])) == part["left_out"]


def shown(part: dict[str, Any], seen: Seen, door: Door) -> dict[str, object]:
    """Return what a run shows of a company, as far as the case says something about it."""
    problems = [each for each in part["problems"] if each["code"] not in NOTICES]
    said = " ".join(each["message"] for each in problems).casefold()
    found: dict[str, object] = {
        "state": part["state"],
        "read_rows": part["read_rows"],
        "left_out": part["left_out"],
        "columns": {column.value: count for column in Column if (count := part[column.value])},
        "codes": tuple(sorted({each["code"] for each in problems})),
        "not said": [word for word in seen.words if word.casefold() not in said],
        "lines": tuple(sorted(each["line"] for each in problems if each["line"] is not None)),
        "left_out_by": {
            (each["column"], each["value"]): each["rows"] for each in part.get("left_out_by", []) if each["column"]
        },
    }
    rows = door.rows(part["company_id"])
    found["stored"] = sorted(
        (row["dimension_type_code"], row["erp_dimension_id"], row["name"], row["code"] or "") for row in rows
    )
    found["never"] = [row["name"] for row in rows if row["name"] in seen.never]
    return {what: found[what] for what in expected(seen)}


def expected(seen: Seen) -> dict[str, object]:
    """Return what a case says about a company."""
    wanted: dict[str, object] = {
        "state": seen.state,
        "codes": seen.codes,
        "lines": seen.lines,
        "stored": None if seen.stored is None else sorted(seen.stored),
        "left_out_by": seen.left_out_by,
    }
    always = {"read_rows": seen.read_rows, "left_out": seen.left_out, "columns": dict(seen.columns)}
    said = {what: value for what, value in wanted.items() if value is not None}
    return {**said, **always, "not said": [], "never": []}


def assert_told_once(step: Step, messages: list[str]) -> None:
    if step.told:
        (message,) = (each for each in messages if step.told[0] in each)
        assert [word for word in step.told if word not in message] == []


def test_people_see_what_is_left_out(tmp_path: Path, here: Here, door: Door) -> None:
    case = CASES["GnuCash's tree without placeholders and hidden ones"]
    (company_id,) = case.lay_out(tmp_path, door.base_url)
    door.place(company_id)
    planned = here("plan", "-q").stdout
    synced = here("sync", "-q").stdout
    for text in (planned, synced):
        assert "left out" in text
        assert "Placeholder" in text
        assert max(map(len, text.splitlines())) <= 80
