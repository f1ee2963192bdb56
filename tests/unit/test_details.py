"""What differs, as people see it: one line a row, one a field, nothing that a terminal obeys, no lie by a cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product

import jsonschema
import pytest
from rich.cells import cell_len

from engine.cli.show.details import MOST_ROWS, detail_lines
from engine.cli.show.output import run_texts
from engine.model.balance import State
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.result import CompanyResult, company_json
from tests.result_schema import SCHEMA
from tests.tables import each_of
from tests.unit.test_render import HOSTILE, company, run


def field(
    name: str, record: str | None, source: str | None, remote: str | None, whose: Whose = Whose.ERP
) -> FieldDifference:
    return FieldDifference(name, record, source, remote, whose)


def row(kind: str, *fields: FieldDifference, key: str | None = "k1", whose: Whose = Whose.ERP) -> Difference:
    return Difference(kind, key, None if kind == "missing" else "dim_1", "account", "Rent", whose, fields)


def told(*differences: Difference, name: str = "Harbor Grill") -> CompanyResult:
    return company(12, State.SYNCED, name=name, differences=differences)


def lines(*companies: CompanyResult, width: int = 100) -> list[str]:
    return [text.plain for text in detail_lines(companies, width)]


def test_companies_without_differences_are_left_out() -> None:
    assert lines(company(11), told(row("missing")), company(13)) == [
        "12  Harbor Grill",
        "  + k1  account  Rent   changed in ERP",
        "",
    ]


ROWS: dict[str, tuple[Difference, Sequence[str]]] = {
    "missing": (row("missing"), ["+ k1  account  Rent   changed in ERP"]),
    "vanished": (row("missing", whose=Whose.OTTIMATE), ["+ k1  account  Rent   changed in Ottimate"]),
    "orphan": (row("orphan", whose=Whose.UNSEEN), ["- k1  account  Rent   not observable"]),
    "orphan that no key leads to": (row("orphan", key=None), ["- dim_1  account  Rent   changed in ERP"]),
    "orphan whose type is not shown": (row("orphan")._replace(type_code=""), ["- k1  Rent   changed in ERP"]),
    "unsettled": (row("unsettled", whose=Whose.UNSEEN), ["? k1  account  Rent   sent, and its outcome is not known"]),
    "unsettled, and it shows": (
        row("unsettled", field("name", None, "Rent", "", Whose.UNSEEN), whose=Whose.UNSEEN),
        ["? k1  account  Rent   sent, and its outcome is not known", "    name: '' -> 'Rent'   not observable"],
    ),
    "changed in the source": (
        row("differs", field("name", "Miete", "Rent", "Miete")),
        ["~ k1  account  Rent", "    name: 'Miete' -> 'Rent'   changed in ERP"],
    ),
    "changed there": (
        row("differs", field("name", "Rent", "Rent", "Miete", Whose.OTTIMATE)),
        ["~ k1  account  Rent", "    name: 'Miete' -> 'Rent'   changed in Ottimate"],
    ),
    "changed in both": (
        row("differs", field("name", "Loyer", "Rent", "Miete", Whose.BOTH)),
        ["~ k1  account  Rent", "    name: 'Miete' -> 'Rent'   changed in both (last acknowledged 'Loyer')"],
    ),
    "a code that is not shown": (
        row("differs", field("code", "c1", "c2", None)),
        ["~ k1  account  Rent", "    code: not shown -> 'c2'   changed in ERP (last acknowledged 'c1')"],
    ),
    "a code that the source dropped": (
        row("differs", field("code", "c1", None, "c1")),
        ["~ k1  account  Rent", "    code: 'c1' -> none   changed in ERP"],
    ),
    "not yet verified": (
        row("differs", FieldDifference("name", "Rent", "Rent", "RENT", Whose.UNVERIFIED, None, "rent")),
        ["~ k1  account  Rent", "    name: 'RENT' -> 'Rent'   not yet verified (sent 'Rent', answered 'rent')"],
    ),
    "not carried out": (
        row("differs", field("name", "Rent", "Rent", "Miete", Whose.NOT_APPLIED)),
        ["~ k1  account  Rent", "    name: 'Miete' -> 'Rent'   not carried out (sent 'Rent')"],
    ),
    "spelled otherwise, changed there": (
        row("differs", FieldDifference("name", "Rent", "Rent", "Miete", Whose.OTTIMATE, "RENT")),
        ["~ k1  account  Rent", "    name: 'Miete' -> 'Rent'   changed in Ottimate (agreed spelling 'RENT')"],
    ),
    "spelled otherwise, changed in the source": (
        row("differs", FieldDifference("name", "Loyer", "Rent", "LOYER", Whose.ERP, "LOYER")),
        ["~ k1  account  Rent", "    name: 'LOYER' -> 'Rent'   changed in ERP (last acknowledged 'Loyer')"],
    ),
    "two fields": (
        row("differs", field("name", "Miete", "Rent", "Miete"), field("erp_id", None, "2", "1", Whose.UNSEEN)),
        [
            "~ k1  account  Rent",
            "    name: 'Miete' -> 'Rent'   changed in ERP",
            "    erp_id: '1' -> '2'   not observable",
        ],
    ),
}


@each_of(ROWS)
def test_one_row(difference: Difference, expected: Sequence[str]) -> None:
    assert lines(told(difference))[1:-1] == [f"  {line}" for line in expected]


SPELLED = row("spelled", FieldDifference("name", "Rent", "Rent", "RENT", Whose.SPELLED, "RENT"), whose=Whose.SPELLED)


def test_what_ottimate_spells_its_own_way_stands_behind_what_differs() -> None:
    alone = company(13, State.UNCHANGED, spellings=(SPELLED,))
    assert lines(company(12, State.SYNCED, differences=(row("missing"),), spellings=(SPELLED,)), alone)[1:] == [
        "  + k1  account  Rent   changed in ERP",
        "  = k1  account  Rent",
        "      name: 'RENT' for 'Rent'   spelled by Ottimate (sent 'Rent')",
        "",
        lines(alone)[0],
        "  = k1  account  Rent",
        "      name: 'RENT' for 'Rent'   spelled by Ottimate (sent 'Rent')",
        "",
    ]
    assert not alone.has_news


def test_of_very_many_rows_the_first_are_shown_and_the_rest_are_counted() -> None:
    many = told(*(row("missing", key=f"k{number}") for number in range(MOST_ROWS + 1_234)))
    shown = lines(many)
    assert len(shown) == MOST_ROWS + 3
    assert shown[-2:] == ["  and 1,234 more: --output json shows all", ""]
    assert len(company_json(many)["differences"]) == MOST_ROWS + 1_234  # type: ignore[arg-type]
    assert not any("more" in line for line in lines(told(*(row("missing") for _ in range(MOST_ROWS)))))


def test_what_is_wrapped_hangs_under_its_line() -> None:
    wide = told(row("differs", field("name", "Loyer", "Rent and utilities", "Miete und Nebenkosten", Whose.BOTH)))
    assert lines(wide, width=40) == [
        "12  Harbor Grill",
        "  ~ k1  account  Rent",
        "      name: 'Miete und Nebenkosten'",
        "          -> 'Rent and utilities'",
        "          changed in both (last",
        "          acknowledged 'Loyer')",
        "",
    ]


@each_of(product([HOSTILE, "東京" * 200, "n" * 10_000, "a b " * 500, "e\u0301" * 300, ""], [30, 40, 80, 120]))
def test_whatever_the_texts_are_the_lines_fit_and_hold_nothing_that_a_terminal_obeys(text: str, width: int) -> None:
    fields = (field("name", text, f"{text}x", f"{text}y", Whose.BOTH), field("code", text, None, None))
    differences = [Difference(kind, text, text, text, text, Whose.BOTH, fields) for kind in ("differs", "unsettled")]
    differences += [Difference(kind, None, text, text, text, Whose.BOTH) for kind in ("missing", "orphan")]
    shown = lines(told(*differences, name=text), width=width)
    assert all(line.isprintable() and cell_len(line) <= width for line in shown)
    assert len(shown) < 400


def test_markup_is_text() -> None:
    shown = "\n".join(lines(told(row("differs", field("name", None, "[red]x[/red] :smile:", HOSTILE))), width=400))
    assert "'[red]x[/red] :smile:'" in shown
    assert r"\x1b[31mred" in shown


LONG = "x" * 5_000
ESCAPED = r"\u200b" * 10


@pytest.mark.parametrize(
    ("remote", "source", "expected"),
    [
        (f"{LONG}old", f"{LONG}new", "name: '…xxxxxxxxxxold' -> '…xxxxxxxxxxnew'"),
        (LONG, f"{LONG}new", "name: '…xxxxxxxxxx' -> '…xxxxxxxxxxnew'"),
        (f"old {LONG}", f"new {LONG}", f"name: 'old {'x' * 195}…' -> 'new {'x' * 195}…'"),
        ("\u200b" * 50 + "a", "\u200b" * 50 + "b", f"name: '…{ESCAPED}a' -> '…{ESCAPED}b'"),
    ],
    ids=["at the end", "longer", "at the start", "escapes count as they stand"],
)
def test_long_values_are_cut_where_they_do_not_differ(remote: str, source: str, expected: str) -> None:
    (_, _, line, _) = lines(told(row("differs", field("name", remote, source, remote))), width=1_000)
    assert line == f"      {expected}   changed in ERP"


def test_the_json_says_what_the_schema_says_and_only_where_there_is_something() -> None:
    every = [difference for difference, _ in ROWS.values()]
    hostile = row("differs", field("name", HOSTILE, "\ud800", HOSTILE), key=HOSTILE)
    for verb in ("sync", "plan", "apply", "check", "retry"):
        spelled = company(13, State.UNCHANGED, spellings=(SPELLED,))
        (text,) = run_texts(run([company(1), told(*every, hostile), spelled], verb=verb), "json")
        text.encode()
        document = json.loads(text)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
    plain, full, spelled_alone = document["companies"]
    assert "differences" not in plain | spelled_alone
    assert "spellings" not in plain | full
    assert spelled_alone["spellings"][0]["fields"] == [
        {
            "name": "name",
            "acknowledged": "Rent",
            "source": "Rent",
            "remote": "RENT",
            "whose": "spelled by Ottimate",
            "spelled": "RENT",
        }
    ]
    assert full["differences"][0] == {
        "kind": "missing",
        "key": "k1",
        "remote_id": None,
        "type": "account",
        "name": "Rent",
        "whose": "changed in ERP",
        "fields": [],
    }
    assert full["differences"][-1]["fields"] == [
        {"name": "name", "acknowledged": HOSTILE, "source": "\ud800", "remote": HOSTILE, "whose": "changed in ERP"}
    ]
