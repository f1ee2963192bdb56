"""Every preset reads the export it is for: a sample, down to the bytes that go to the API."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from shutil import copyfile
from typing import Any

import orjson
import pytest

from engine.config import load
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.wire import guide, reference
from tests.tables import each_of
from tests.unit.settings_file import ACCOUNT, ENV

HERE = Path(__file__).parent
COMPANY = 1001
FAMILIES = sorted(resources.files("engine").joinpath("sources", "presets").iterdir(), key=lambda file: file.name)
LISTS = {
    f"{file.name.removesuffix('.toml')}.{name}": table
    for file in FAMILIES
    if file.name.endswith(".toml") and file.name != "joined.toml"
    for name, table in tomllib.loads(file.read_text("utf-8")).items()
}
OPEN = {
    "business-central.dimension-values": ("department", "Department"),
    "business-central.api-dimension-values": ("department", "Department"),
    "acumatica.project-tasks": ("task", "Project Task"),
    "acumatica.cost-codes": ("cost_type", "Cost Code"),
}
"""Presets that leave the type to the settings, and the type code and label that this test gives them."""


def expected(preset: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((HERE / "expected" / f"{preset}.json").read_bytes())
    return document


def settings(preset: str, source: str) -> str:
    company = f'[[companies]]\nid = {COMPANY}\nsource = "{source}"\n'
    if preset not in OPEN:
        return f'{ACCOUNT}\n{company}mapping = "{preset}"\n'
    code, label = OPEN[preset]
    mapping = f'[mapping.own]\npreset = "{preset}"\ntype_code = "{code}"\ntype = "{label}"\n'
    return f'{ACCOUNT}\n{mapping}\n{company}mapping = "own"\n'


async def wanted(folder: Path, preset: str) -> Wanted:
    (sample,) = (HERE / "samples").glob(f"{preset}.[a-z]*")
    copyfile(sample, folder / sample.name)
    path = folder / "dimsync.toml"
    path.write_text(settings(preset, sample.name), encoding="utf-8")
    (company,) = load(path, ENV).companies
    return await read(company.source, company_id=company.id, type_codes=guide.DIALECT.type_codes)


@pytest.mark.parametrize("preset", LISTS)
async def test_a_preset_reads_the_sample_of_its_list(tmp_path: Path, preset: str) -> None:
    found, right = await wanted(tmp_path, preset), expected(preset)
    names = ("unique_key", "dimension_type_code", "type", "name", "erp_dimension_id", "code")
    assert [dict(zip(names, row, strict=True)) for row in found.rows] == right["kept"]
    left_out = sorted((each.reason, each.column, each.value, each.rows) for each in found.left_out_by)
    assert left_out == sorted(tuple(each.values()) for each in right["left_out"])
    assert [problem.code for problem in found.problems] == right["invalid"]
    assert found.read_rows == right["read_rows"] == len(found.rows) + found.left_out + found.invalid


@pytest.mark.parametrize("preset", LISTS)
async def test_a_row_of_a_sample_goes_to_the_api_as_both_contracts_spell_it(tmp_path: Path, preset: str) -> None:
    row, right = (await wanted(tmp_path, preset)).rows[-1], expected(preset)["wire"]
    for dialect in (guide.DIALECT, reference.DIALECT):
        assert dialect.bulk_body(COMPANY, [dialect.row(row)]).decode() == right[dialect.name]


@each_of(list(LISTS))
def test_a_preset_tells_what_it_is_for_and_where_its_columns_are_documented(preset: str) -> None:
    table = LISTS[preset]
    assert len(table["about"]) > 20
    assert table["page"].startswith("https://")
    assert ("type_code" in table, "type" in table) == (preset not in OPEN,) * 2
    assert table["key"] == "{company_id}:{type_code}:{erp_dimension_id}"


def test_each_sample_and_each_result_belongs_to_a_preset() -> None:
    assert {file.name.rpartition(".")[0] for file in (HERE / "samples").iterdir()} == set(LISTS)
    assert {file.stem for file in (HERE / "expected").iterdir()} == set(LISTS)
    assert set(OPEN) <= set(LISTS)
