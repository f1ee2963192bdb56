"""Column maps and the presets."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError, SourceError
from engine.model.dimension import Dimension
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS

TYPES = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
KEY = "{company_id}:{type_code}:{erp_dimension_id}"
LISTS = ColumnMap(columns={"erp_dimension_id": "Id", "name": "Name"}, type_code="item", type_label="Item", key=KEY)


async def wanted(folder: Path, text: str, mapping: ColumnMap, name: str = "rows.csv") -> Wanted:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return await read(FileSource(path, mapping), company_id=7, type_codes=TYPES)


async def test_columns_constants_and_a_built_key(tmp_path: Path) -> None:
    found = await wanted(tmp_path, "Id,Name,type\n 01 ,Nut,ignored\n02,Bolt,x\n", LISTS)
    assert found.rows == [
        Dimension("7:item:01", "item", "Item", "Nut", "01"),
        Dimension("7:item:02", "item", "Item", "Bolt", "02"),
    ]


async def test_words_of_an_erp_become_type_codes_and_codes_labels(tmp_path: Path) -> None:
    mapping = ColumnMap(
        columns={"dimension_type_code": "Kind", "unique_key": "Key"},
        type_codes={"Phase": "costtype"},
        labels={"cost_type": "Cost Code"},
        key="{{x}}{unique_key}/{code}",
    )
    text = "Key,Kind,name,erp_dimension_id,code\nk, Phase ,Dig,1,c1\nk,item,Nut,2,\nk,Step,Nut,3,c3\n"
    found = await wanted(tmp_path, text, mapping)
    assert found.rows == [Dimension("{x}k/c1", "cost_type", "Cost Code", "Dig", "1", "c1")]
    assert [problem.message for problem in found.problems] == [
        "type is empty; unique_key is empty",
        f"dimension_type_code 'Step' is not one of: {', '.join(sorted(TYPES))}; type is empty",
    ]


async def test_filtered_rows_are_no_source_rows(tmp_path: Path) -> None:
    mapping = ColumnMap(
        columns=LISTS.columns, type_code="item", type_label="Item", key=KEY, where={"Inactive": ("No", "")}
    )
    text = "Id,Name,Inactive\n1,A, No \n2,B,Yes\n3,C,\n4,,Yes\n5,,No\n"
    found = await wanted(tmp_path, text, mapping)
    assert [row.erp_id for row in found.rows] == ["1", "3"]
    assert (found.source_rows, found.invalid) == (3, 1)
    assert found.lines == {"7:item:1": 2, "7:item:3": 4}
    nothing = await wanted(tmp_path, "Id,Name,Inactive\n1,A,Yes\n", mapping)
    assert (nothing.source_rows, nothing.left_out, nothing.read_rows) == (0, 1, 1)
    with pytest.raises(SourceError, match="missing columns: Inactive"):
        await wanted(tmp_path, "Id,Name\n1,A\n", mapping)


async def test_filters_compare_json_words_and_want_their_column(tmp_path: Path) -> None:
    mapping = ColumnMap(
        columns=LISTS.columns, type_code="item", type_label="Item", key=KEY, where={"off": ("false", "null", "0")}
    )
    text = '{"Id":"1","Name":"A","off":false}\n{"Id":"2","Name":"B","off":true}\n{"Id":"3","Name":"C","off":null}\n'
    text += '{"Id":"4","Name":"D","off":0}\n{"Id":"5","Name":"E"}\n{"Id":6,"Name":"F","off":false}\n'
    found = await wanted(tmp_path, text, mapping, "rows.ndjson")
    assert [row.erp_id for row in found.rows] == ["1", "3", "4"]
    assert [(problem.code, problem.line) for problem in found.problems] == [("missing-field", 5), ("not-text", 6)]
    assert "off: needed by `where`" in found.problems[0].message


async def test_a_renamed_column_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="missing columns: Name; there are: Id, name"):
        await wanted(tmp_path, "Id,name\n1,A\n", LISTS)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{company_id}", "gives every row the same key"),
        ("{name}", "{name} cannot be part of a key"),
        ("{erp_dimension_id.__class__}", "cannot be part of a key"),
        ("{erp_dimension_id[0]}", "cannot be part of a key"),
        ("{}", "cannot be part of a key"),
        ("{erp_dimension_id:>9}", "may not format"),
        ("{erp_dimension_id!r}", "may not format"),
        ("{erp_dimension_id", "is not a template"),
    ],
)
def test_a_key_template_is_checked_at_once(template: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ColumnMap(key=template)
    assert message in str(caught.value)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ConfigError, match="columns: title: not one of unique_key"):
        ColumnMap(columns={"title": "Name"})


EXPORTS = {
    "netsuite": ("Internal ID,Name,Number,Inactive,Type\n12,Cash,1000,No,Account\n13,Old,1001,Yes,Account\n", "1000"),
    "intacct": ("ID,Name,Status,Type\n12,Cash,active,GL Account\n13,Old,inactive,GL Account\n", None),
    "business-central": ("No.,Name,Blocked,Type\n12,Cash,No,GLAccount\n13,Old,Yes,GLAccount\n", None),
    "acumatica": ("ID,Description,Active,Type\n12,Cash,True,Account\n13,Old,False,Account\n", None),
    "quickbooks-online": ("Id,Name,AcctNum,Active,Type\n12,Cash,1000,true,Account\n13,Old,1,false,Account\n", "1000"),
}


@pytest.mark.parametrize("preset", sorted(EXPORTS))
async def test_presets_read_the_exports_that_they_describe(tmp_path: Path, preset: str) -> None:
    text, code = EXPORTS[preset]
    found = await wanted(tmp_path, text, PRESETS[preset])
    label = next(word for word, kind in PRESETS[preset].type_codes.items() if kind == "account")
    assert found.rows == [Dimension("7:account:12", "account", label, "Cash", "12", code)]
    assert set(PRESETS[preset].type_codes.values()) <= TYPES
