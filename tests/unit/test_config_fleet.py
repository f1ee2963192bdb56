"""`[fleet]`: a company for each file that matches, and nothing from outside the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.desk.unlisted import unlisted_files
from engine.config import Configured, explained, source_problems, with_absent
from engine.sources.files import FileSource
from tests.unit.settings_file import ACCOUNT, WEST, configured, faults


def fleet(source: str, more: str = "") -> str:
    return f"{ACCOUNT}[fleet]\nsource = '{source}'\n{more}"


def place(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def sources(found: Configured) -> dict[int, str]:
    return {one.id: str(one.source.path) for one in found.companies if isinstance(one.source, FileSource)}


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("exports/{company_id}.csv", {5: "exports/5.csv", 12: "exports/12.csv", 100: "exports/100.csv"}),
        ("./{company_id}.json", {7: "7.json"}),
        ("a/b/client-{company_id}-dims.csv", {5: "a/b/client-5-dims.csv"}),
        ("x/{company_id}/dimensions.csv", {5: "x/5/dimensions.csv", 6: "x/6/dimensions.csv"}),
        ("{company_id}/a/b.ndjson", {9_223_372_036_854_775_807: "9223372036854775807/a/b.ndjson"}),
    ],
)
def test_each_matching_file_is_a_company_by_id(tmp_path: Path, template: str, paths: dict[int, str]) -> None:
    place(tmp_path, *paths.values(), "exports/notes.csv", "exports/5.csv.bak", "exports/.5.csv", "x/readme.txt")
    found = configured(tmp_path, fleet(template))
    assert list(sources(found)) == sorted(paths)
    assert sources(found) == {number: str(tmp_path / path) for number, path in paths.items()}
    assert source_problems(found) == []
    assert ("source", template.replace("{company_id}", str(max(paths))), "[fleet]") in explained(found, max(paths))


def test_listed_companies_come_first_and_win(tmp_path: Path) -> None:
    place(tmp_path, "exports/5.csv", "exports/6.csv", "exports/7.csv")
    (tmp_path / "companies.csv").write_text("id,name,source\n7,Seven,\n8,Eight,\n", encoding="utf-8")
    text = """
    [[companies]]
    id = 6
    source = "/elsewhere/six.json"
    [[companies]]
    id = 9
    name = "Nine"
    """
    found = configured(tmp_path, 'companies_file = "companies.csv"\n' + fleet("exports/{company_id}.csv", text))
    assert sources(found) == {
        6: "/elsewhere/six.json",
        9: str(tmp_path / "exports/9.csv"),
        7: str(tmp_path / "exports/7.csv"),
        8: str(tmp_path / "exports/8.csv"),
    }
    assert [company.name for company in found.companies] == ["", "Nine", "Seven", "Eight"]
    assert (found.unlisted, found.fleet) == ((5,), "")
    assert [(problem.file.name, problem.key) for problem in source_problems(found)] == [
        ("dimsync.toml", "companies[0].source"),
        ("dimsync.toml", "companies[1].source"),
        ("companies.csv", "line 3, column source"),
    ]


TEMPLATES = {
    "climbs": (
        "exports/{company_id}/../../../x.csv",
        "climbs with '..' after {company_id}: it has to stay",
    ),
    "no id": ("exports/all.csv", "must hold {company_id} exactly once"),
    "id twice": ("{company_id}/{company_id}.csv", "exactly once"),
    "another placeholder": ("{account}/{company_id}.csv", "and no other placeholder"),
    "format": ("{company_id:05}.csv", "exactly once"),
    "attribute": ("{company_id.real}.csv", "exactly once"),
    "half a placeholder": ("{company_id}}.csv", "no other placeholder"),
    "another kind of file": ("{company_id}.xls", "one of .csv"),
    "no ending": ("{company_id}", "one of .csv"),
}


@pytest.mark.parametrize(("template", "message"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_that_cannot_work_is_told_once(tmp_path: Path, template: str, message: str) -> None:
    ((key, said),) = faults(tmp_path, fleet(template, "[[companies]]\nid = 1\n"))
    assert key == "fleet.source"
    assert message in said


def test_a_fleet_of_workbooks_may_name_their_sheet(tmp_path: Path) -> None:
    place(tmp_path, "exports/5.xlsx", "exports/6.xlsx")
    found = configured(tmp_path, fleet("exports/{company_id}.xlsx#GL accounts"))
    assert [one.source.name for one in found.companies if isinstance(one.source, FileSource)] == [
        f"{tmp_path}/exports/{number}.xlsx#GL accounts" for number in (5, 6)
    ]
    assert ("source", "exports/6.xlsx#GL accounts", "[fleet]") in explained(found, 6)


def test_a_fleet_cannot_come_from_a_database(tmp_path: Path) -> None:
    database = "[databases.erp]\nurl = 'env:KEY'\nquery = 'select 1'\n"
    ((key, said),) = faults(tmp_path, fleet("sql:erp", database))
    assert key == "fleet.source"
    assert said.startswith("'sql:erp' must hold {company_id} exactly once, to tell which companies there are; or its")


def test_faults_of_the_section_are_told_by_key(tmp_path: Path) -> None:
    place(tmp_path, "5.csv")
    text = fleet("{company_id}.csv", 'maping = "a"\nmapping = "a"\naccount = "mian"\ngroups = ["west"]\n')
    assert faults(tmp_path, text) == [
        ("fleet.maping", "unknown key; did you mean 'mapping'?"),
        ("fleet.account", "there is no [accounts.mian]; did you mean 'main'?"),
        ("fleet.mapping", "there is no [mapping.a]; none is defined"),
        ("fleet.groups", "there is no [groups.west]; none is defined"),
    ]
    assert faults(tmp_path, f"{ACCOUNT}[fleet]\n") == [("fleet.source", "is required")]


def test_an_account_is_asked_for_where_only_files_name_companies(tmp_path: Path) -> None:
    place(tmp_path, "5.csv", "6.csv")
    message = "is required for company 5 and all that no list names: there are main, west"
    assert faults(tmp_path, WEST + fleet("{company_id}.csv")) == [("fleet.account", message)]


LISTS = {
    "a companies file": (f"companies_file = 'companies.csv'\n{ACCOUNT}", ""),
    "a companies file, several accounts, one named for all": (
        f"companies_file = 'companies.csv'\n{ACCOUNT}{WEST.replace(ACCOUNT, '')}",
        "account = 'west'\n",
    ),
    "companies in the settings, and several accounts": (WEST + ACCOUNT, "[[companies]]\nid = 5\naccount = 'west'\n"),
}


@pytest.mark.parametrize(("head", "more"), LISTS.values(), ids=LISTS)
def test_a_client_taken_off_the_list_while_its_file_arrives_is_no_company(tmp_path: Path, head: str, more: str) -> None:
    place(tmp_path, "5.csv", "6.csv", "8.csv")
    (tmp_path / "companies.csv").write_text("id\n5\n", encoding="utf-8")
    section = f"[fleet]\nsource = '{{company_id}}.csv'\n{more}"
    found = configured(tmp_path, head + section)
    assert ([company.id for company in found.companies], found.unlisted) == ([5], (6, 8))
    assert (found.strays, source_problems(found), found.fleet) == ((), [], "")
    found = configured(tmp_path, head + section.replace("[fleet]\n", "[fleet]\ngone = [6, 8]\n"))
    assert ([company.id for company in found.companies], found.unlisted, found.strays) == ([5], (), ())


def test_companies_of_the_settings_and_files_make_companies_side_by_side(tmp_path: Path) -> None:
    """Where nothing says that a list is whole: one account, and no companies file."""
    place(tmp_path, "5.csv", "6.csv")
    found = configured(tmp_path, fleet("{company_id}.csv", "[[companies]]\nid = 5\n"))
    assert ([company.id for company in found.companies], found.unlisted) == ([5, 6], ())


NOTICES = {
    "one": ((6,), "1 file is of a company that no list names (6), and left out: ", "gone = [6] under"),
    "two": ((6, 8), "2 files are of companies that no list names (6, 8), and left out: ", "gone = [6, 8] under"),
    "many": (
        tuple(range(1, 13)),
        "12 files are of companies that no list names (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more)",
        "9, 10]",
    ),
}


@pytest.mark.parametrize(("ids", "begins", "holds"), NOTICES.values(), ids=NOTICES)
def test_all_unlisted_files_are_one_notice(ids: tuple[int, ...], begins: str, holds: str) -> None:
    (notice,) = unlisted_files(ids)
    assert (notice.code, notice.message.startswith(begins), holds in notice.message) == ("unlisted-files", True, True)
    assert unlisted_files(()) == ()


def test_a_fleet_that_matches_nothing_is_told_with_the_folder(tmp_path: Path) -> None:
    template = "exports/{company_id}.csv"
    none = f"no file matches '{template}'"
    assert faults(tmp_path, fleet(template)) == [
        ("fleet.source", f"{none}: the folder {tmp_path / 'exports'} cannot be read: No such file or directory")
    ]
    place(tmp_path, "exports/0123.csv", "exports/notes.csv")
    (first, second) = faults(tmp_path, fleet(template, "[[companies]]\nid = 5\nsource = '5.csv'\n"))
    assert first == ("fleet.source", f"{none} in the folder {tmp_path / 'exports'}")
    assert "0123.csv does not look like" in second[1]


STRAYS = {
    "leading zeros": (
        "exports/{company_id}.csv",
        "exports/0123.csv",
        "0123.csv does not look like exports/{company_id}",
    ),
    "a letter": ("exports/{company_id}.csv", "exports/12a.csv", "12a.csv does not look like"),
    "a copy": ("exports/{company_id}.csv", "exports/12 (1).csv", "12 (1).csv does not look like"),
    "case": ("exports/{company_id}.csv", "exports/12.CSV", "12.CSV does not look like"),
    "zero": ("exports/{company_id}.csv", "exports/0.csv", "0.csv does not look like"),
    "other digits": ("exports/{company_id}.csv", "exports/٣.csv", "does not look like"),
    "too many digits": ("exports/{company_id}.csv", f"exports/{'9' * 30}.csv", "does not look like"),
    "around": ("exports/c-{company_id}.csv", "exports/C-12.csv", "C-12.csv does not look like"),
    "a folder": ("exports/{company_id}/d.csv", "exports/012/d.csv", "d.csv does not look like"),
    "an empty folder": ("exports/{company_id}/d.csv", "exports/12/e.csv", "exports/12 has no d.csv in it"),
}


@pytest.mark.parametrize(("template", "path", "message"), STRAYS.values(), ids=STRAYS)
def test_what_almost_matches_is_told_when_asked(tmp_path: Path, template: str, path: str, message: str) -> None:
    place(tmp_path, template.replace("{company_id}", "5"), path)
    found = configured(tmp_path, fleet(template))
    assert list(sources(found)) == [5]
    ((file, key, said),) = source_problems(found)
    assert (file.name, key) == ("dimsync.toml", "fleet.source")
    assert message in said


@pytest.mark.parametrize(
    ("template", "link", "target"),
    [
        ("exports/{company_id}.csv", "exports/6.csv", "secret.csv"),
        ("exports/{company_id}.csv", "exports/6.csv", "gone.csv"),
        ("exports/{company_id}/d.csv", "exports/6", "6"),
        ("exports/{company_id}/d.csv", "exports/6", "empty"),
    ],
)
def test_a_link_that_leads_out_is_told(tmp_path: Path, template: str, link: str, target: str) -> None:
    home = tmp_path / "home"
    place(tmp_path, "secret.csv", "6/d.csv", "empty/e.csv", f"home/{template.replace('{company_id}', '5')}")
    (home / link).symlink_to(tmp_path / target)
    ((key, said),) = faults(home, fleet(template))
    assert key == "fleet.source"
    assert f"{home / link}" in said
    assert f"is a link that leads out, to {tmp_path / target}" in said


@pytest.mark.parametrize("template", ["exports/{company_id}.csv", "../out/{company_id}.csv", "{out}/{company_id}.csv"])
def test_the_folder_of_a_template_may_be_anywhere_since_the_operator_names_it(tmp_path: Path, template: str) -> None:
    place(tmp_path, "out/5.csv", "out/6.csv", "home/dimsync.toml", "secret.csv")
    (tmp_path / "home/exports").symlink_to("../out")
    template = template.replace("{out}", str(tmp_path / "out"))
    assert list(sources(configured(tmp_path / "home", fleet(template)))) == [5, 6]
    (tmp_path / "out/7.csv").symlink_to("../secret.csv")
    ((key, said),) = faults(tmp_path / "home", fleet(template))
    assert (key, "7.csv is a link that leads out, to" in said) == ("fleet.source", True)


def test_links_that_stay_are_followed_and_dead_ones_are_companies_that_fail(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place(home, "exports/5.csv", "new/6.csv")
    (home / "exports/6.csv").symlink_to("../new/6.csv")
    (home / "exports/7.csv").symlink_to("../new/7.csv")
    (home / "exports/8.csv").symlink_to("8.csv")
    (tmp_path / "linked").symlink_to("home")
    found = configured(tmp_path / "linked", fleet("exports/{company_id}.csv"))
    assert list(sources(found)) == [5, 6, 7, 8]
    assert [problem.message.rpartition(" cannot be read")[0][-5:] for problem in source_problems(found)] == [
        "7.csv",
        "8.csv",
    ]


def test_a_companys_own_source_may_be_anywhere(tmp_path: Path) -> None:
    place(tmp_path, "out/5.csv", "home/dimsync.toml")
    found = configured(tmp_path / "home", f"{ACCOUNT}[[companies]]\nid = 5\nsource = '../out/5.csv'\n")
    assert source_problems(found) == []


def test_a_thousand_files(tmp_path: Path) -> None:
    place(tmp_path, *(f"exports/{number}.csv" for number in range(1, 1_001)))
    found = configured(tmp_path, fleet("exports/{company_id}.csv"))
    assert [company.id for company in found.companies] == list(range(1, 1_001))


def test_l6_a_company_that_is_gone_is_left_out_with_its_file(tmp_path: Path) -> None:
    place(tmp_path, "exports/5.csv", "exports/6.csv")
    found = configured(tmp_path, fleet("exports/{company_id}.csv", "gone = [6, 7]\n"))
    assert (list(sources(found)), sorted(found.gone)) == ([5], [6, 7])
    assert [fault.message for fault in source_problems(found)] == [
        "company 6 has a file, and is named under fleet.gone: it is left out"
    ]


def test_l6_a_company_that_is_gone_cannot_be_listed(tmp_path: Path) -> None:
    place(tmp_path, "exports/5.csv")
    text = fleet("exports/{company_id}.csv", 'gone = [6]\n[[companies]]\nid = 6\nsource = "6.csv"\n')
    assert faults(tmp_path, text) == [("fleet.gone[0]", "6 is also listed, in companies[0]")]


@pytest.mark.parametrize(
    ("gone", "key"),
    [("[0]", "fleet.gone[0]"), ('["6"]', "fleet.gone[0]"), ("6", "fleet.gone"), ("[true]", "fleet.gone[0]")],
)
def test_l6_who_is_gone_is_told_by_ids(tmp_path: Path, gone: str, key: str) -> None:
    place(tmp_path, "exports/5.csv")
    assert [place for place, _ in faults(tmp_path, fleet("exports/{company_id}.csv", f"gone = {gone}\n"))] == [key]


def test_l6_companies_whose_files_are_not_there_stand_with_the_fleets_settings(tmp_path: Path) -> None:
    place(tmp_path, "exports/5.csv")
    found = configured(tmp_path, fleet("exports/{company_id}.csv", 'groups = ["g"]\n[groups.g]\nwrite = false\n'))
    more = with_absent(found, [6])
    assert [(one.id, one.write, one.fleet) for one in more.companies] == [
        (number, False, str(tmp_path / "exports/{company_id}.csv")) for number in (5, 6)
    ]
    assert more.groups[6] == ("g",)
    assert with_absent(found, []) is found
