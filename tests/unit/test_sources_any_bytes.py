"""Any bytes under any mapping give rows, rows that are left out, invalid rows, or one error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import SourceError
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import SUFFIXES, FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.several import Several
from tests.unit.model_server import steady

TYPES = frozenset({"account", "item"})
HEADER = "unique_key,type,dimension_type_code,name,code,erp_dimension_id"

columns = st.sampled_from(
    [
        "name",
        "a.b",
        {"first_of": ["x", "name", {"constant": "c"}]},
        {"column": "name", "split": ":", "part": -1},
        {"column": "code", "match": r"(\d)?", "pad": 5},
        {"constant": ""},
    ]
)
tests = st.sampled_from(
    [
        "Yes",
        ["a", ""],
        {"not": "no"},
        {"not": {"matches": "a"}},
        {"empty": False},
        {"matches": "^[a-z]"},
        {"keep": ["a"], "out": ["No"]},
    ]
)
maps: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "columns": st.dictionaries(st.sampled_from(["name", "code", "unique_key", "erp_dimension_id"]), columns),
        "where": st.dictionaries(st.sampled_from(["name", "code", "a.b"]), tests, max_size=2),
        "type_code": st.sampled_from(["account", "gadget"]),
        "type_label": st.just("L"),
        "key": st.sampled_from(["{company_id}:{erp_dimension_id}", "{unique_key}{code}"]),
        "company_column": st.sampled_from(["code", "name"]),
        "header": st.integers(1, 4),
        "encoding": st.sampled_from(["cp1252", "utf-16", "utf-7", "cp037"]),
        "delimiter": st.sampled_from([";", "a", "\t"]),
        "rows": st.sampled_from(["dimensions", "a.b"]),
        "numbers_as_ids": st.booleans(),
    },
)
pieces = st.lists(
    st.sampled_from(
        [
            HEADER,
            "\n",
            "\r\n",
            "k1,T,account,Cash,1,2",
            "k2,T,item,a:b,,7.5E+11",
            ",,,,,",
            "TOTAL,,,,,1.00",
            '"',
            '"a\nb"',
            ",",
            ";",
            "\t",
            "sep=;",
            "!ACCNT\t" + HEADER.replace(",", "\t"),
            "ACCNT\tk\tT\titem\tA\t1\t2",
            "!X",
            "\0",
            "\ufeff",
            "\u200b",
            '{"name": "A", "a": {"b": 1}, "code": 7}',
            '{"dimensions": [{"name": null}]}',
            "[",
            "]",
            "{}",
            '{"a": {"b": [{"name": "\\ud800"}]}}',
            "1e999",
            "\\ud83d",
            "é",
        ]
    ),
    max_size=12,
).map("".join)
contents = st.one_of(
    pieces.map(str.encode),
    st.tuples(pieces, st.sampled_from(["utf-16", "cp1252", "utf-16-le"])).map(
        lambda one: one[0].encode(one[1], "replace")
    ),
    st.tuples(pieces.map(str.encode), st.binary(max_size=20)).map(b"".join),
    st.binary(max_size=60),
)
FUZZED = settings(steady(26), suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("suffix", SUFFIXES)
@FUZZED
@given(content=contents, written=maps)
@example(content=b"", written={})
@example(content=b"\xff\xfe", written={})
@example(content=HEADER.encode(), written={"header": 2})
def test_any_bytes_are_rows_or_one_error(tmp_path: Path, suffix: str, content: bytes, written: dict[str, Any]) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    source = FileSource(path, ColumnMap(**written))

    async def found() -> Wanted | SourceError:
        try:
            return await read(Several([source]), company_id=7, type_codes=TYPES)
        except SourceError as error:
            return error

    wanted = anyio.run(found)
    if isinstance(wanted, Wanted):
        assert wanted.read_rows == wanted.source_rows + wanted.left_out
        assert wanted.source_rows == len(wanted.rows) + wanted.invalid == len(wanted.rows) + len(wanted.problems)
        assert sum(part.read_rows for part in wanted.sources) == wanted.read_rows
        assert (
            wanted.read_rows
            <= content.count(b"\n") + content.count(b"\r") + content.count(b"{") + content.count(b",") + 1
        )
    else:
        assert wanted.file == source.name
