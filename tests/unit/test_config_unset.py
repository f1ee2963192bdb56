"""A secret that is not there is its account's trouble; a name that is misspelled is one fault."""

from __future__ import annotations

from pathlib import Path

from engine.config import source_problems
from engine.sources.sql import SqlSource
from tests.unit.settings_file import ACCOUNT, COMPANY, MINIMAL, WEST, configured, faults

SECOND = '[[companies]]\nid = 124\nsource = "exports/124.csv"\naccount = "west"\n'
BOTH = f'{ACCOUNT}{WEST.replace("env:KEY_2", "env:NONE")}{COMPANY}account = "main"\n{SECOND}'
UNSET = ("accounts.west.api_key", "the environment variable NONE is not set")


def test_an_unset_variable_of_one_account_is_no_fault_of_the_others(tmp_path: Path) -> None:
    read = configured(tmp_path, BOTH)
    assert [(fault.key, fault.message) for fault in read.unset] == [UNSET]
    assert [(one.name, one.fault) for one in read.settings.accounts] == [("main", ""), ("west", UNSET[1])]
    assert len(read.companies) == 2


def test_without_any_account_that_could_send_it_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, MINIMAL.replace("env:KEY", "env:NONE")) == [("accounts.main.api_key", UNSET[1])]


def test_other_faults_do_not_hide_an_unset_variable(tmp_path: Path) -> None:
    assert faults(tmp_path, f"{BOTH}nam = 1\n") == [UNSET, ("companies[1].nam", "unknown key; did you mean 'name'?")]
    assert [key for key, _ in faults(tmp_path, f'{BOTH}mapping = "none"\n')] == [UNSET[0], "companies[1].mapping"]


def test_an_inline_secret_is_a_fault_of_the_file(tmp_path: Path) -> None:
    ((key, said),) = faults(tmp_path, BOTH.replace("env:NONE", "hush"))
    assert (key, said.startswith("must be a reference")) == ("accounts.west.api_key", True)


def test_an_unset_database_fails_its_companies_alone(tmp_path: Path) -> None:
    text = (
        f'{MINIMAL}[[companies]]\nid = 124\nsource = "sql:erp"\n[databases.erp]\nurl = "env:NONE"\nquery = "select 1"'
    )
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/123.csv").touch()
    read = configured(tmp_path, text)
    assert [(fault.key, fault.message) for fault in read.unset] == [("databases.erp.url", UNSET[1])]
    assert source_problems(read) == []  # told once
    source = read.companies[1].source
    assert isinstance(source, SqlSource)
    assert source.absence() == f"sql:erp: its url is not known: {UNSET[1]}"


def test_a_group_that_is_misspelled_is_one_fault_whatever_it_would_give(tmp_path: Path) -> None:
    (tmp_path / "companies.csv").write_text("id,groups\n1,wst\n2,wst\n3,wst;slow\n", encoding="utf-8")
    groups = '[groups.west]\naccount = "main"\nsource = "{company_id}.csv"\n[groups.slow]\n'
    listed = f'companies_file = "companies.csv"\n{ACCOUNT}{WEST}{groups}'
    said = "there is no [groups.wst]; did you mean 'west'?; 3 places name it, the last is line 4 of"
    ((key, message),) = faults(tmp_path, listed)
    assert key == "companies.csv: line 2, column groups"
    assert message.startswith(said)
    in_fleet = f'{ACCOUNT}{WEST}{groups}[fleet]\nsource = "{{company_id}}.csv"\ngroups = ["wst"]\n'
    (tmp_path / "7.csv").touch()
    assert faults(tmp_path, in_fleet) == [("fleet.groups", "there is no [groups.wst]; did you mean 'west'?")]
