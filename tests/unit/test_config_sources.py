"""Several sources of one company: who gives the list, which files it needs, and how a fleet is found by any of them."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from engine.config import Configured, explained, source_problems, with_absent
from engine.model.settings import Company
from engine.sources import plugins
from engine.sources.files import FileSource
from engine.sources.several import Several
from engine.sources.sharing import AbsentSource
from engine.sources.sql import SqlSource
from tests.unit.settings_file import ACCOUNT, configured, faults

MAPPINGS = """
[mapping.accounts]
type_code = "account"
[mapping.departments]
type_code = "department"
"""
LISTS = """
sources = [
    { source = "exports/{company_id}/accounts.csv", mapping = "accounts" },
    { source = "exports/{company_id}/departments.csv", mapping = "departments", optional = true },
    { source = "exports/{company_id}/book.xlsx#Items" },
]
"""
FILES = ("accounts.csv", "departments.csv", "book.xlsx")


def place(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def of_company(folder: Path, number: int, *names: str) -> None:
    place(folder, *(f"exports/{number}/{name}" for name in names or FILES))


def parts(company: Company) -> list[tuple[str, str | None]]:
    """Return the name and the type code of each of a company's sources."""
    sources = company.source.parts if isinstance(company.source, Several) else (company.source,)
    assert all(isinstance(source, FileSource | SqlSource) for source in sources)
    return [(source.name, source.mapping.type_code) for source in sources if isinstance(source, FileSource | SqlSource)]


def refusals(found: Configured) -> dict[int, str]:
    return {one.id: str(one.source.refusal(one.id)) for one in found.companies if isinstance(one.source, AbsentSource)}


def company(more: str = "", number: int = 5) -> str:
    return f"[[companies]]\nid = {number}\n{more}\n"


IN_WEST = "groups = ['west']"
PLACES = {
    "company": company(LISTS),
    "group": f"[groups.west]\n{LISTS}\n{company(IN_WEST)}",
    "fleet": f"[fleet]\n{LISTS}\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_list_of_a_company_a_group_or_the_fleet_is_the_companys(tmp_path: Path, place: str) -> None:
    of_company(tmp_path, 5)
    found = configured(tmp_path, ACCOUNT + MAPPINGS + PLACES[place])
    (only,) = found.companies
    assert parts(only) == [
        (f"{tmp_path}/exports/5/accounts.csv", "account"),
        (f"{tmp_path}/exports/5/departments.csv", "department"),
        (f"{tmp_path}/exports/5/book.xlsx#Items", None),
    ]
    assert found.mappings == {5: ("accounts", "departments")}
    origin = {"company": "companies[0]", "group": "[groups.west]", "fleet": "[fleet]"}[place]
    told = {key: (value, where) for key, value, where in explained(found, 5)}
    assert told["sources[0].source"] == ("exports/5/accounts.csv", origin)
    assert told["sources[1].mapping"] == ("departments", origin)
    assert told["sources[1].optional"] == ("true", origin)
    assert told["sources[2].source"] == ("exports/5/book.xlsx#Items", origin)
    assert "sources[2].mapping" not in told


def test_the_whole_list_of_the_nearest_place_counts(tmp_path: Path) -> None:
    text = """
    [fleet]
    source = "{company_id}.csv"
    [groups.one]
    sources = [{ source = "one.csv" }, { source = "two.csv" }]
    [groups.two]
    source = "three-{company_id}.csv"
    [[companies]]
    id = 5
    groups = ["two", "one"]
    [[companies]]
    id = 6
    groups = ["one", "two"]
    [[companies]]
    id = 7
    groups = ["one"]
    source = "own.csv"
    """
    place(tmp_path, "8.csv", "one.csv", "two.csv")
    found = configured(tmp_path, ACCOUNT + text)
    assert {one.id: [Path(name).name for name, _ in parts(one)] for one in found.companies} == {
        5: ["one.csv", "two.csv"],
        6: ["three-6.csv"],
        7: ["own.csv"],
        8: ["8.csv"],
    }


def test_a_source_without_a_mapping_has_the_companys(tmp_path: Path) -> None:
    of_company(tmp_path, 5)
    found = configured(tmp_path, ACCOUNT + MAPPINGS + company(f'mapping = "departments"\n{LISTS}'))
    assert [type_code for _, type_code in parts(found.companies[0])] == ["account", "department", "department"]


def test_a_mapping_may_be_a_preset(tmp_path: Path) -> None:
    found = configured(tmp_path, ACCOUNT + company('source = "5.csv"\nmapping = "netsuite"'))
    assert (found.mappings, found.erps) == ({5: ("netsuite",)}, {5: ("netsuite",)})


BY_COLUMN = """
[mapping.all]
type_code = "account"
company_column = "Company"
[fleet]
source = "all.csv"
mapping = "all"
"""

FAULTS = {
    "a fleet of nobody": (BY_COLUMN, "fleet.source"),
    "both in a company": (company('source = "a.csv"\nsources = [{ source = "b.csv" }]'), "companies[0].sources"),
    "both in a group": (
        f'[groups.west]\nsource = "a.csv"\nsources = [{{ source = "b.csv" }}]\n{company(IN_WEST)}',
        "groups.west.sources",
    ),
    "both in the fleet": (
        '[fleet]\nsource = "{company_id}.csv"\nsources = [{ source = "{company_id}.ndjson" }]\n',
        "fleet.sources",
    ),
    "an empty list": (company("sources = []"), "companies[0].sources"),
    "a source without its file": (company("sources = [{ optional = true }]"), "companies[0].sources[0].source"),
    "an unknown key": (company('sources = [{ source = "a.csv", optinal = true }]'), "companies[0].sources[0].optinal"),
    "an unknown mapping": (
        company('sources = [{ source = "a.csv" }, { source = "b.csv", mapping = "none" }]'),
        "companies[0].sources[1].mapping",
    ),
    "an unknown database": (company('sources = [{ source = "sql:none" }]'), "companies[0].sources[0].source"),
    "an unknown ending": (company('sources = [{ source = "a.doc" }]'), "companies[0].sources[0].source"),
    "an id twice": (company('source = "{company_id}/{company_id}.csv"'), "companies[0].source"),
    "no source at all": (company(), "companies[0].source"),
    "a fleet that finds nobody": ('[fleet]\nsources = [{ source = "a.csv" }]\n', "fleet.sources"),
    "a fleet without a source": ("[fleet]\ngroups = []\n", "fleet.source"),
}


@pytest.mark.parametrize(("text", "key"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_work_is_told_once_with_its_key(tmp_path: Path, text: str, key: str) -> None:
    place(tmp_path, "1.csv", "a.csv")
    ((where, _),) = faults(tmp_path, ACCOUNT + text)
    assert where == key


def test_a_fleet_may_be_one_file_of_the_companies_that_are_listed(tmp_path: Path) -> None:
    place(tmp_path, "all.csv")
    found = configured(tmp_path, f"{ACCOUNT}{BY_COLUMN}{company()}{company(number=6)}")
    assert [parts(one) for one in found.companies] == [[(f"{tmp_path}/all.csv", "account")]] * 2
    assert source_problems(found) == []


def test_an_optional_file_may_be_missing_and_no_other(tmp_path: Path) -> None:
    of_company(tmp_path, 5, "accounts.csv", "book.xlsx")
    of_company(tmp_path, 6, "accounts.csv", "departments.csv")
    found = configured(tmp_path, ACCOUNT + MAPPINGS + company(LISTS) + company(LISTS, 6))
    assert [Path(name).name for name, _ in parts(found.companies[0])] == ["accounts.csv", "book.xlsx#Items"]
    path = f"{tmp_path}/exports/6/book.xlsx"
    assert refusals(found) == {
        6: f"{path} is missing, and is one of the company's sources: have it exported, or say that it may be missing: "
        "optional = true beside its source"
    }
    assert [(fault.key, path in fault.message) for fault in source_problems(found)] == [("companies[1].source", True)]


def test_a_company_needs_one_of_its_optional_files(tmp_path: Path) -> None:
    lists = 'sources = [{ source = "a.csv", optional = true }, { source = "b.csv", optional = true }]'
    assert "and so are all sources of the company" in refusals(configured(tmp_path, ACCOUNT + company(lists)))[5]
    place(tmp_path, "b.csv")
    assert [Path(name).name for name, _ in parts(configured(tmp_path, ACCOUNT + company(lists)).companies[0])] == [
        "b.csv"
    ]


def test_a_company_is_of_the_fleet_when_any_of_its_files_is_there(tmp_path: Path) -> None:
    of_company(tmp_path, 5)
    of_company(tmp_path, 6, "departments.csv")
    of_company(tmp_path, 7, "accounts.csv", "book.xlsx")
    found = configured(tmp_path, f"{ACCOUNT}{MAPPINGS}[fleet]\n{LISTS}")
    assert [one.id for one in found.companies] == [5, 6, 7]
    assert list(refusals(found)) == [6]
    assert "exports/6/accounts.csv is missing" in refusals(found)[6]
    assert len({one.fleet for one in found.companies}) == 1
    assert found.strays == ()


def test_a_company_of_the_fleet_whose_files_are_all_gone_is_not_forgotten(tmp_path: Path) -> None:
    of_company(tmp_path, 5)
    found = with_absent(configured(tmp_path, f"{ACCOUNT}{MAPPINGS}[fleet]\n{LISTS}"), [9])
    assert "exports/9/accounts.csv is missing, and was there in an earlier run" in refusals(found)[9]


def test_a_templates_value_leads_nowhere_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    of_company(home, 5)
    place(tmp_path, "secret.csv")
    (home / "exports/5/accounts.csv").unlink()
    (home / "exports/5/accounts.csv").symlink_to(tmp_path / "secret.csv")
    found = configured(home, ACCOUNT + MAPPINGS + company(LISTS))
    assert "is a link that leads out" in refusals(found)[5]
    named = company(f'source = "{tmp_path}/secret.csv"')
    assert parts(configured(home, ACCOUNT + named).companies[0]) == [(f"{tmp_path}/secret.csv", None)]


def test_a_saved_plan_is_stale_when_one_of_the_sources_changes(tmp_path: Path) -> None:
    of_company(tmp_path, 5)
    one = configured(tmp_path, ACCOUNT + MAPPINGS + company(LISTS)).companies[0].settings
    other = configured(tmp_path, ACCOUNT + MAPPINGS.replace('"department"', '"item"') + company(LISTS)).companies[0]
    assert one != other.settings


def test_switches_come_from_the_mappings_of_all_sources(tmp_path: Path) -> None:
    of_company(tmp_path, 5)
    mappings = MAPPINGS.replace('type_code = "department"', 'type_code = "department"\nwrite = false')
    found = configured(tmp_path, ACCOUNT + mappings + company(LISTS))
    assert found.companies[0].write is False
    assert ("write", "false", "[mapping.departments]") in explained(found, 5)


def test_a_mapping_says_of_its_own_sources_alone_that_they_are_shared(tmp_path: Path) -> None:
    place(tmp_path, "a.csv", "b.csv")
    lists = 'sources = [{ source = "a.csv", mapping = "accounts" }, { source = "b.csv", mapping = "departments" }]'
    one = MAPPINGS.replace('type_code = "account"', 'type_code = "account"\nshares_source = true')
    both = one.replace('type_code = "department"', 'type_code = "department"\nshares_source = true')
    told = [
        explained(configured(tmp_path, ACCOUNT + mappings + company(lists)), 5) for mappings in (MAPPINGS, one, both)
    ]
    assert [[setting[1:] for setting in each if setting.key == "shares_source"] for each in told] == [
        [("false", "default")],
        [("false", "default")],
        [("true", "[mapping.accounts]")],
    ]
    for place_of_it in ("account", "group", "company"):
        text = {
            "account": ACCOUNT.rstrip() + "\nshares_source = true\n" + MAPPINGS + company(lists),
            "group": ACCOUNT + MAPPINGS + "[groups.west]\nshares_source = true\n" + company(f"{IN_WEST}\n{lists}"),
            "company": ACCOUNT + MAPPINGS + company(f"shares_source = true\n{lists}"),
        }[place_of_it]
        assert configured(tmp_path, text).companies[0].shares_source


def test_a_source_of_another_package_is_named_like_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("shelf", "tests.unit.test_sources_plugins:Shelf", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints([entry]).select(group=group))
    place(tmp_path, "a.csv")
    lists = 'sources = [{ source = "a.csv" }, { source = "shelf:nuts of {company_id}", mapping = "accounts" }]'
    found = configured(tmp_path, ACCOUNT + MAPPINGS + company(lists))
    source = found.companies[0].source
    assert isinstance(source, Several)
    assert [getattr(part, "name", "") for part in source.parts] == [f"{tmp_path}/a.csv", "shelf nuts of 5"]
    assert source_problems(found) == []
