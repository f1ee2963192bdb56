"""How a field is made of a file's columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.cells import Objects, Table
from engine.sources.expressions import Constant, FirstOf, Named, Unwritable, columns_of, expression, lacking, values
from tests.tables import each_of
from tests.unit.model_server import STEADY

MADE = {
    "a column": ("A", ["x:y", "", "10"]),
    "the last part": ({"column": "A", "split": ":", "part": -1}, ["y", "", "10"]),
    "the first part, by default": ({"column": "A", "split": ":"}, ["x", "", "10"]),
    "a part that is not there": ({"column": "A", "split": ":", "part": 2}, ["y", "", ""]),
    "a part that is not there, from the end": ({"column": "A", "split": ":", "part": -2}, ["x", "", ""]),
    "a group of a pattern": ({"column": "A", "match": r"^(\d)"}, ["", "", "1"]),
    "a whole match": ({"column": "A", "match": r"\d+"}, ["", "", "10"]),
    "a group that did not take part": ({"column": "A", "match": r"x|(\d+)"}, ["", "", "10"]),
    "padded": ({"column": "A", "pad": 4}, ["0x:y", "", "0010"]),
    "padded, longer already": ({"column": "A", "pad": 1}, ["x:y", "", "10"]),
    "all steps": ({"column": "A", "split": ":", "part": -1, "match": r".", "pad": 2}, ["0y", "", "01"]),
    "a constant": ({"constant": "c"}, ["c", "c", "c"]),
    "the first that is filled": ({"first_of": ["B", "A"]}, ["b", "", "10"]),
    "the first of expressions": ({"first_of": [{"column": "A", "match": "q"}, {"constant": "-"}]}, ["-", "-", "-"]),
    "with one that is not there": ({"first_of": ["Z", "A"]}, ["x:y", "", "10"]),
}
TABLE = Table(["x:y", "b", "", " ", "10", ""], ["A", "B"])


@each_of(MADE)
def test_what_is_made_of_columns(written: object, made: list[str]) -> None:
    assert [str(value).strip() for value in values(expression(written), TABLE.column, 3)] == made


def test_a_step_leaves_what_is_no_text_as_it_is() -> None:
    cells = Objects([{"A": 7}, {"A": None}, {"A": [1]}])
    assert values(expression({"column": "A", "pad": 3}), cells.column, 3) == [7, None, [1]]


def test_a_dot_is_a_path_in_objects_unless_a_column_has_that_name() -> None:
    cells = Objects(
        [{"A": {"value": "x"}, "B.c": "exact", "B": {"c": "path"}}, {"A": {}, "B": {"c": "path"}}, {"A": 1}]
    )
    assert cells.column("A.value") == ["x", None, None]
    assert cells.column("B.c") == ["exact", "path", None]
    assert (cells.has("A.value"), cells.has("A.other"), Table(["x"], ["A"]).has("A.value")) == (True, False, False)
    assert Table(["x"], ["A.value"]).column("A.value") == ["x"]


LACKING = {
    "there": ("A", ()),
    "not there": ("Z", ("Z",)),
    "one of two": ({"first_of": ["Z", "A"]}, ()),
    "none of two": ({"first_of": ["Z", {"column": "Y", "pad": 3}]}, ("Z", "Y")),
    "or a constant": ({"first_of": ["Z", {"constant": ""}]}, ()),
    "nested": ({"first_of": ["Z", {"first_of": ["Y", {"constant": ""}]}]}, ()),
}


@pytest.mark.parametrize(("written", "missing"), LACKING.values(), ids=LACKING)
def test_which_columns_an_expression_lacks(written: object, missing: tuple[str, ...]) -> None:
    assert lacking(expression(written), TABLE.has) == missing


UNWRITABLE: dict[str, tuple[object, tuple[str | int, ...], str]] = {
    "a number": (7, (), "a column's name, or a table"),
    "no text": (" ", (), "the name of a column"),
    "nothing": ({}, (), "needs one of these keys: column, first_of, constant"),
    "an unknown key": ({"column": "A", "parts": 1}, ("parts",), "did you mean part?"),
    "two kinds": ({"first_of": ["A"], "column": "A"}, ("column",), "unknown key"),
    "no list": ({"first_of": "A"}, ("first_of",), "must be a list"),
    "an empty list": ({"first_of": []}, ("first_of",), "must be a list"),
    "in a list": ({"first_of": ["A", {"column": "A", "pad": 0}]}, ("first_of", 1, "pad"), "from 1 to 64"),
    "part without split": ({"column": "A", "part": 1}, ("part",), "needs `split`"),
    "part 0": ({"column": "A", "split": ":", "part": 0}, ("part",), "counts from 1"),
    "part in words": ({"column": "A", "split": ":", "part": "last"}, ("part",), "whole number"),
    "an empty mark": ({"column": "A", "split": ""}, ("split",), "stands between the parts"),
    "no pattern": ({"column": "A", "match": "("}, ("match",), "not a regular expression"),
    "a wide pad": ({"column": "A", "pad": 65}, ("pad",), "from 1 to 64"),
    "a constant number": ({"constant": 7}, ("constant",), "must be text"),
}


@each_of(UNWRITABLE)
def test_what_cannot_be_meant_is_told_with_its_place(
    written: object, path: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(Unwritable) as caught:
        expression(written)
    assert caught.value.path == path
    assert message in str(caught.value)


def test_the_columns_of_an_expression_are_known() -> None:
    made = FirstOf((Named("A"), Constant("x"), FirstOf((Named("B", pad=3),))))
    assert list(columns_of(made)) == ["A", "B"]


written_ones = st.recursive(
    st.one_of(st.none(), st.integers(-2, 70), st.booleans(), st.sampled_from(["A", "", ":", "(", "a|b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["column", "first_of", "constant", "split", "part", "match", "pad", "x"]), inner, max_size=4
        ),
    ),
    max_leaves=8,
)


@STEADY
@given(written_ones)
def test_whatever_is_written_is_an_expression_or_a_told_fault(written: object) -> None:
    try:
        made = expression(written)
    except Unwritable:
        return
    assert expression(made) == made
    assert len(values(made, TABLE.column, 3)) == 3
