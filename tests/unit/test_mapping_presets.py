"""Presets, and what a mapping makes of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.sources.expressions import Constant, Named
from engine.sources.files import FileSource
from engine.sources.filters import OneOf, Switch
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS, lists_of, presets
from engine.sources.written import KEYS, column_map, faults
from tests.unit.settings_file import MINIMAL, configured
from tests.unit.settings_file import faults as faults_of_file

JOINED = {"netsuite", "intacct", "business-central", "acumatica", "quickbooks-online"}


def test_each_preset_says_what_it_is_and_where_that_is_from() -> None:
    assert {name for name in PRESETS if "." not in name} == JOINED
    for name, preset in presets().items():
        assert (preset.name, preset.mapping.preset, "\n" in preset.about) == (name, name, False)
        assert preset.page.startswith("https://") or name in JOINED
        assert preset.family == name.partition(".")[0] or name in JOINED
        assert {"erp_dimension_id", "name"} <= preset.mapping.columns.keys()
    assert "business-central.accounts" in lists_of("business-central")


def test_a_mapping_goes_column_by_column_over_a_preset_of_one_list() -> None:
    base = PRESETS["sage-intacct.accounts"]
    own = column_map({"columns": {"code": {"constant": ""}}, "where": {"Blocked": "No"}, "header": 3}, base)
    assert own.columns == {**base.columns, "code": Constant("")}
    assert own.where == {**base.where, "Blocked": Switch(keep=False)}
    assert (own.header, own.key, own.preset) == (3, base.key, "sage-intacct.accounts")
    assert column_map({"where": {"STATUS": {"any": True}}}, base).where == {}
    assert column_map({"where": {}}, base).where == {}


def test_a_filter_stands_in_place_of_that_of_joined_lists() -> None:
    assert column_map({"where": {"A": "x"}}, PRESETS["netsuite"]).where == {"A": OneOf(("x",))}
    assert column_map({}, PRESETS["netsuite"]).where == {"Inactive": Switch(keep=False)}


def test_a_program_writes_a_map_as_the_settings_do() -> None:
    made = ColumnMap(columns={"name": "N", "code": {"column": "C", "pad": 3}}, where={"A": True})
    assert made.columns == {"name": Named("N"), "code": Named("C", pad=3)}
    assert made.where == {"A": Switch(keep=True)}
    with pytest.raises(ConfigError, match=r"columns\.code\.first_of\.1: must be a column's name"):
        ColumnMap(columns={"code": {"first_of": ["A", 3]}})
    with pytest.raises(ConfigError, match=r"where\.A\.not\.matches: '\[' is not a regular expression"):
        ColumnMap(where={"A": {"not": {"matches": "["}}})


def test_all_faults_of_a_written_mapping_are_told_at_once() -> None:
    written = {
        "columns": {"name": {"column": 3}, "title": "T"},
        "where": {"A": 1.5},
        "header": 0,
        "delimiter": ",,",
        "encoding": "utf-88",
        "rows": "a..b",
        "key": "{name}",
        "labels": "x",
        "numbers_as_ids": "yes",
        "kolumns": {},
    }
    assert {".".join(map(str, fault.path)) for fault in faults(written)} == {
        "columns.name.column",
        "columns.title",
        "where.A",
        "header",
        "delimiter",
        "encoding",
        "rows",
        "key",
        "labels",
        "numbers_as_ids",
        "kolumns",
    }


WHOLE = """
[mapping.m]
preset = "sage-intacct.accounts"
columns = { code = { first_of = ["Code", { column = "No.", split = "-", part = 1, pad = 4 }] } }
type_codes = { Konto = "account" }
where = { Blocked = false, STATUS = { any = true }, Kind = { keep = ["a"], out = ["b"] } }
company_column = "Company"
header = 4
encoding = "cp1252"
delimiter = ";"
rows = "value"
numbers_as_ids = true
min_age = "5m"
max_age = "2d"
"""


def test_the_settings_take_every_key(tmp_path: Path) -> None:
    found = configured(
        tmp_path, MINIMAL.replace('source = "exports/123.csv"', 'source = "1.csv"\nmapping = "m"') + WHOLE
    )
    (company,) = found.companies
    assert isinstance(company.source, FileSource)
    mapping = company.source.mapping
    assert set(mapping.where) == {"Blocked", "Kind"}
    assert (mapping.header, mapping.encoding, mapping.delimiter, mapping.rows) == (4, "cp1252", ";", "value")
    assert (mapping.numbers_as_ids, mapping.min_age_s, mapping.max_age_s) == (True, 300.0, 172_800.0)
    assert (mapping.company_column, mapping.type_code) == ("Company", "account")
    assert found.erps == {123: ("sage-intacct",)}
    assert set(KEYS) >= {"header", "where", "columns"}


FAULTY = {
    "a step": ('columns = { code = { column = "A", prt = 2 } }', "mapping.m.columns.code.prt", "did you mean part?"),
    "in a list": (
        'columns = { code = { first_of = ["A", 2] } }',
        "mapping.m.columns.code.first_of[1]",
        "column's name",
    ),
    "a filter that may be off": (
        'where = { A = { not = "x", optional = false } }',
        "mapping.m.where.A.optional",
        "is true or not there",
    ),
    "a filter": ('where = { "A b" = { not = { matches = "(" } } }', "mapping.m.where.A b.not.matches", "regular"),
    "a header": ("header = 0", "mapping.m.header", "from 1 to 1,000"),
    "an encoding": ('encoding = "zip"', "mapping.m.encoding", "no encoding of text"),
    "a delimiter": ('delimiter = ""', "mapping.m.delimiter", "the one character"),
    "a path": ('rows = ".a"', "mapping.m.rows", "is no path"),
    "an age": ('min_age = "5"', "mapping.m.min_age", "a duration such as"),
    "a key": ('key = "{nam}"', "mapping.m.key", "cannot be part of a key"),
}


@pytest.mark.parametrize(("line", "key", "message"), FAULTY.values(), ids=FAULTY)
def test_a_fault_of_a_mapping_is_told_with_its_path(tmp_path: Path, line: str, key: str, message: str) -> None:
    ((place, told),) = faults_of_file(tmp_path, f"{MINIMAL}\n[mapping.m]\n{line}\n")
    assert place == key
    assert message in told


def test_a_preset_is_a_mapping_of_its_own_name(tmp_path: Path) -> None:
    text = MINIMAL.replace('source = "exports/123.csv"', 'source = "1.csv"\nmapping = "business-central.accounts"')
    found = configured(tmp_path, text)
    assert isinstance(found.companies[0].source, FileSource)
    assert found.companies[0].source.mapping == PRESETS["business-central.accounts"]
    assert found.erps == {123: ("business-central",)}
    ((key, message),) = faults_of_file(tmp_path, text.replace('accounts"', 'acounts"'))
    assert (key, "there is no [mapping.business-central.acounts]" in message) == ("companies[0].mapping", True)


def test_the_name_of_a_mapping_has_no_dot(tmp_path: Path) -> None:
    ((key, message),) = faults_of_file(tmp_path, f'{MINIMAL}\n[mapping."a.b"]\ntype_code = "item"\n')
    assert (key, "has no dot" in message) == ("mapping.a.b", True)
