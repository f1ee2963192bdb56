"""Small rules of the verbs that look at Ottimate: which row is meant, which location, which cell is a formula."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.show.csv_cells import guarded
from engine.cli.verbs.whole_file import WholeFile
from engine.compare.locations import erp_ids_of
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow
from engine.model.row_record import RowRecord
from engine.run.inspect import ids_meant
from tests.unit.model_server import STEADY


def known(key: str, erp_id: str, name: str = "Pier", type_code: str = "location") -> RowRecord:
    row = Dimension(key, type_code, type_code.title(), name, erp_id)
    return RowRecord(row, f"dim_{key}", confirmed=True, outcome_known=True, code_known=True)


RECORD = CompanyRecord(
    rows={"a": known("a", "1"), "b": known("b", "1", type_code="item"), "1": known("1", "9", "Oven")},
    keyless=(RemoteRow("dim_z", "location", "Location", "Dock", "7", key="zz"),),
    wire_keys={"new": "a"},
)


@pytest.mark.parametrize(
    ("what", "ids"),
    [
        ("a", ("dim_a",)),
        ("new", ("dim_a",)),
        ("1", ("dim_1",)),  # a key wins over ERP ids
        ("9", ("dim_1",)),
        ("dim_b", ("dim_b",)),
        ("7", ("dim_z",)),
        ("zz", ("dim_z",)),
        ("8", ()),
    ],
)
def test_a_row_is_meant_by_its_key_its_erp_id_or_its_id(what: str, ids: tuple[str, ...]) -> None:
    assert ids_meant(RECORD, what) == ids


def test_an_erp_id_may_mean_rows_of_several_types() -> None:
    record = CompanyRecord(rows={"a": known("a", "5"), "b": known("b", "5", type_code="item")})
    assert ids_meant(record, "5") == ("dim_a", "dim_b")


def test_a_location_is_known_by_a_name_that_one_dimension_bears() -> None:
    assert erp_ids_of(RECORD) == {"pier": "1", "oven": "9", "dock": "7"}
    twice = CompanyRecord(rows={"a": known("a", "1"), "b": known("b", "2", "PIER")})
    assert erp_ids_of(twice) == {}


@STEADY
@given(st.text())
def test_no_cell_is_a_formula_and_others_stay(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell in {text, f"'{text}"}
    assert (cell == text) == (not text or text[0] not in "=+-@\t\r")


def test_a_file_is_as_it_was_until_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("old")
    with WholeFile(file) as whole:
        whole.part.write_text("half")
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])
    with WholeFile(file) as whole:
        whole.part.write_text("new")
        whole.keep()
    assert (file.read_text(), list(tmp_path.iterdir())) == ("new", [file])


def test_a_folder_that_is_not_there_is_named_by_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "rows.csv"
    with pytest.raises(OSError, match=r"rows\.csv") as caught, WholeFile(file):
        pass
    assert caught.value.filename == str(file)
