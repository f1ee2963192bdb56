"""Settings of sources that cannot work: exit 2 before anything is read or sent, all at once, each with its key path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.field.cases import SERVER, Case

MAPPING = """\
[mapping.erp]
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
"""
COMPANY = '\n[[companies]]\nid = 3001\nsource = "accounts.csv"\nmapping = "erp"\n'
COLUMNS = 'columns = { erp_dimension_id = "Number", name = "Name" }\n'


def name_from(expression: str) -> str:
    """Return settings in which the column `name` is an expression."""
    return f'{MAPPING}columns = {{ erp_dimension_id = "Number", name = {expression} }}\n{COMPANY}'


def mapped(line: str) -> str:
    """Return settings whose mapping has one more line."""
    return f"{MAPPING}{COLUMNS}{line}\n{COMPANY}"


def company(line: str) -> str:
    """Return settings whose company has this line in place of its source."""
    return f"{MAPPING}{COLUMNS}\n[[companies]]\nid = 3001\n{line}\n"


FAULTS = {
    "part 0": (name_from('{ column = "Name", split = ":", part = 0 }'), ("mapping.erp.columns.name", "part")),
    "a part of nothing": (name_from('{ column = "Name", part = 1 }'), ("mapping.erp.columns.name", "split")),
    "no regular expression": (
        name_from('{ column = "Name", match = "(" }'),
        ("mapping.erp.columns.name", "regular expression"),
    ),
    "a key that no expression has": (
        name_from('{ colum = "Name", pad = 4 }'),
        ("mapping.erp.columns.name", "colum", "column"),
    ),
    "an expression of no column": (name_from("{ pad = 4 }"), ("mapping.erp.columns.name", "column")),
    "the first of none": (name_from("{ first_of = [] }"), ("mapping.erp.columns.name", "first_of")),
    "padded to nothing": (name_from('{ column = "Name", pad = 0 }'), ("mapping.erp.columns.name", "pad")),
    "a filter's key that there is not": (
        mapped('where = { Kind = { kep = ["a"], out = ["b"] } }'),
        ("mapping.erp.where.Kind", "kep", "keep"),
    ),
    "a filter that is no regular expression": (
        mapped('where = { Kind = { matches = "[" } }'),
        ("mapping.erp.where.Kind", "regular expression"),
    ),
    "a value is kept and left out": (
        mapped('where = { Kind = { keep = ["a", "b"], out = ["b"] } }'),
        ("mapping.erp.where.Kind", "'b'"),
    ),
    "an encoding that there is not": (mapped('encoding = "cp12525"'), ("mapping.erp.encoding", "cp12525")),
    "an encoding that is no text's": (mapped('encoding = "base64"'), ("mapping.erp.encoding", "base64")),
    "a delimiter of two characters": (mapped('delimiter = ";;"'), ("mapping.erp.delimiter", "one character")),
    "line 0": (mapped("header = 0"), ("mapping.erp.header",)),
    "a word for true": (mapped('numbers_as_ids = "yes"'), ("mapping.erp.numbers_as_ids", "true")),
    "a preset that there is not": (
        company('source = "accounts.csv"\nmapping = "netsuite.acounts"'),
        ("companies[0].mapping", "netsuite.acounts", "netsuite.accounts"),
    ),
    "a mapping's name with a dot": (
        f'[mapping."net.suite"]\n{COLUMNS}{company("")}source = "accounts.csv"\n',
        ("mapping.net.suite", "dot"),
    ),
    "source and sources": (
        company('source = "accounts.csv"\nsources = [{ source = "accounts.csv", mapping = "erp" }]'),
        ("companies[0]", "source", "sources"),
    ),
    "sources that are none": (company("sources = []"), ("companies[0].sources",)),
    "a source of a mapping that there is not": (
        company('sources = [{ source = "accounts.csv", mapping = "erp" }, { source = "b.csv", mapping = "eerp" }]'),
        ("companies[0].sources[1].mapping", "erp"),
    ),
    "a source's key that there is not": (
        company('sources = [{ source = "accounts.csv", mapping = "erp", optionl = true }]'),
        ("companies[0].sources[0].optionl", "optional"),
    ),
    "a path that leaves its folder by the company's id": (
        f'{MAPPING}{COLUMNS}\n[fleet]\nsources = [{{ source = "../{{company_id}}/../../a.csv", mapping = "erp" }}]\n',
        ("fleet.sources[0].source",),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_settings_that_cannot_work(name: str, tmp_path: Path, here: Here) -> None:
    text, words = FAULTS[name]
    (tmp_path / "dimsync.toml").write_text(text + SERVER.format(base_url="http://127.0.0.1:9/v1"), encoding="utf-8")
    (tmp_path / "accounts.csv").write_text("Number,Name\n1000,Cash\n", encoding="utf-8")
    ended = here("sync", "-q")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert [word for word in words if word not in ended.stderr] == []
    assert "Traceback" not in ended.stderr


def test_the_same_settings_without_a_fault_are_in_order(tmp_path: Path, here: Here) -> None:
    text = name_from('{ column = "Name", split = ":", part = 1 }') + SERVER.format(base_url="http://127.0.0.1:9/v1")
    (tmp_path / "dimsync.toml").write_text(text, encoding="utf-8")
    (tmp_path / "accounts.csv").write_text("Number,Name\n1000,Cash\n", encoding="utf-8")
    ended = here("validate")
    assert (ended.returncode, ended.stderr) == (0, "")


OLD = {
    "a list of files as one source": ("two-files-of-one-company", ("companies[0].source", "sources = [")),
    "one company twice": ("same-company-twice", ("1094", "sources = [")),
    "an old Excel file": ("spreadsheetml-xls", ("accounts.xls", "CSV", ".xlsx")),
}
"""Folders whose settings name what to write instead."""


@pytest.mark.parametrize("name", OLD)
def test_settings_that_were_tried_before_say_what_to_write(name: str, tmp_path: Path, here: Here) -> None:
    folder, words = OLD[name]
    Case(folder=folder, steps=()).lay_out(tmp_path, "http://127.0.0.1:9/v1")
    ended = here("sync", "-q")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert [word for word in words if word not in ended.stderr] == []
