"""Whose each export is, and the first settings that are written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.first_settings.matching import Match, Seen, match, template
from engine.cli.first_settings.reading import How, Readable, Reader
from engine.cli.first_settings.writing import Export, First, Planned, References, companies_text, settings_text
from engine.config.companies import read_companies
from engine.wire.guide import DIALECT
from tests.tables import each_of
from tests.unit.model_server import STEADY

GRILL, GRILL_EAST, CAFE, ELEVEN = (
    Seen("main", 1101, "Harbor Grill"),
    Seen("main", 1102, "Harbor Grill East"),
    Seen("main", 1103, "Café Bleu"),
    Seen("main", 11, "Ox"),
)
COMPANIES = (GRILL, GRILL_EAST, CAFE, ELEVEN, Seen("main", 2024, "Year"))

WHOSE = {
    "the id alone": ("1101.csv", 1101),
    "a folder that is the id": ("1101/accounts.csv", 1101),
    "the id in a name": ("netsuite-1102-accounts.csv", 1102),
    "an id and a date that holds another one": ("1101/2024-11-30.csv", 1101),
    "a date that holds an id": ("export 2024-11-30.csv", None),
    "a date, month first": ("11_30_24.csv", None),
    "a year that is an id": ("2024-11-30 accounts.csv", None),
    "a small id that is a part of a name": ("list 11.csv", None),
    "a small id alone": ("11/accounts.csv", 11),
    "an id beside a date": ("1101 20241130.csv", 1101),
    "a longer number": ("111011.csv", None),
    "two ids": ("1101-1102.csv", None),
    "a name": ("Harbor Grill.csv", 1101),
    "a name that is part of another one": ("accounts harbor_grill_east.csv", 1102),
    "accents and signs": ("CAFE-BLEU.csv", 1103),
    "a name that is too short to be told from chance": ("ox.csv", None),
    "an id and its name": ("1102 Harbor Grill East.csv", 1102),
    "an id and another company's name": ("1101 Cafe Bleu.csv", None),
    "nobody": ("notes.csv", None),
}


@each_of(WHOSE)
def test_whose_a_file_is(file: str, company_id: int | None) -> None:
    found = match([file], COMPANIES)
    assert [each.company.id for each in found.found] == ([] if company_id is None else [company_id])
    assert set(found.unclear) == ({file} if company_id is None else set())


def test_companies_of_one_name_are_never_told_apart_by_it() -> None:
    twins = (Seen("main", 1, "Harbor Grill"), Seen("main", 2, "Harbor Grill"))
    assert match(["harbor grill.csv"], twins).unclear == {"harbor grill.csv": "could be of 1 or 2"}


@STEADY
@given(st.lists(st.text("0123456789abc-_/ ", min_size=1).map(lambda text: f"{text}.csv"), unique=True))
def test_each_file_is_one_companys_or_told(files: list[str]) -> None:
    found = match(files, COMPANIES)
    assert sorted([*(each.file for each in found.found), *found.unclear]) == sorted(files)


def test_a_template_needs_the_id_once() -> None:
    assert template(Match("1101/accounts.csv", GRILL, is_by_id=True)) == "{company_id}/accounts.csv"
    assert template(Match("1101/1101.csv", GRILL, is_by_id=True)) is None
    assert template(Match("harbor grill.csv", GRILL, is_by_id=False)) is None


def first(*companies: Planned) -> First:
    account = References("main", "racc_1", "env:KEY", "env:ID", "file:a\\b")
    return First(
        base_url="https://x/v1",
        contract="guide",
        accounts=(account,),
        companies=companies,
        exports="exports",
        companies_file="companies.csv",
    )


PLAIN = How()


def exports(company: Seen, *files: str, how: How = PLAIN) -> Planned:
    return Planned(company, tuple(Export(Match(file, company, is_by_id=True), how) for file in files))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    doubtful = How("erp", {"key": "{company_id}:{code}", "columns": {"name": "A"}}, ("a guess",))
    planned = first(
        exports(GRILL, "1101.csv", how=doubtful),
        exports(GRILL_EAST, "1102-a.csv", "1102-b.csv", how=How("netsuite.accounts")),
        exports(CAFE, "cafe bleu.csv", "1103.csv"),
        exports(Seen("main", 5, '=a"b\n\x1b'), "5.csv"),
    )
    document = tomllib.loads(settings_text(planned))
    assert document["accounts"]["main"]["client_secret"] == "file:a\\b"
    assert document["mapping"] == {"erp": doubtful.section}
    sources = [{"source": f"exports/{{company_id}}-{each}.csv", "mapping": "netsuite.accounts"} for each in "ab"]
    assert document["groups"] == {"lists": {"sources": sources}}
    (several,) = document["companies"]
    assert several == {
        "id": 1103,
        "name": "Café Bleu",
        "account": "main",
        "sources": [{"source": "exports/cafe bleu.csv"}, {"source": "exports/1103.csv"}],
    }
    path = tmp_path / "companies.csv"
    path.write_text(companies_text(planned), encoding="utf-8")
    entries, faults = read_companies(path)
    assert faults == []
    assert [entry.values["id"] for entry in entries] == [1101, 1102, 5]
    assert (entries[0].values["write"], entries[0].values["mapping"]) == (False, "erp")
    assert (entries[1].values["groups"], "source" in entries[1].values) == (["lists"], False)
    assert entries[2].values["name"].startswith("'=a")


READ = {
    "columns of dimensions": (
        "1.csv",
        "unique_key,type,dimension_type_code,name,erp_dimension_id\nk,Account,account,Cash,1\n",
        None,
        0,
    ),
    "one list, told by its name": (
        "1-departments.csv",
        "Internal ID,Name,Inactive\n7,Front,No\n",
        "netsuite.departments",
        0,
    ),
    "one of several lists, not told": ("1.csv", "Internal ID,Name,Inactive\n7,Front,No\n", "netsuite.", 1),
    "all lists in one file": (
        "1.csv",
        "Type,Internal ID,Number,Name,Inactive\nAccount,211,6100,Repairs,No\nDepartment,7,,Front,No\n",
        "netsuite",
        0,
    ),
    "guessed": ("1.csv", "Konto;Kontenbeschriftung\n1000;Kasse\n", "erp", 1),
}


@pytest.mark.parametrize(("name", "text", "mapping", "doubts"), READ.values(), ids=READ)
async def test_how_a_file_is_read(tmp_path: Path, name: str, text: str, mapping: str | None, doubts: int) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = await Reader("netsuite", DIALECT.type_codes).read(tmp_path / name)
    assert isinstance(found, Readable)
    assert (found.how.mapping or "").startswith(mapping or "")
    assert (found.how.mapping is None, len(found.how.doubts)) == (mapping is None, doubts)


async def test_files_of_the_same_columns_share_a_guess_and_others_have_their_own(tmp_path: Path) -> None:
    reader = Reader(None, DIALECT.type_codes)
    for name, text in {
        "1.csv": "Konto;Kontenbeschriftung\n1000;Kasse\n",
        "2.csv": "Konto;Kontenbeschriftung\n2000;Bank\n",
        "3.csv": "Kontonummer;Bezeichnung\n1000;Kasse\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [await reader.read(tmp_path / f"{number}.csv") for number in (1, 2, 3)]
    assert [each.how.mapping for each in found if isinstance(each, Readable)] == ["erp", "erp", "erp-2"]
    (tmp_path / "4.csv").write_text("", encoding="utf-8")
    assert isinstance(await reader.read(tmp_path / "4.csv"), str)
