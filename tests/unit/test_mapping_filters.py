"""Which rows `where` takes, leaves out, and does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.booleans import BOOLEANS
from engine.sources.cells import Objects, Table
from engine.sources.expressions import Unwritable
from engine.sources.filters import Anything, OneOf, Switch, filtered_text, merged, row_test, takes
from engine.sources.selection import MOST_REASONS, Tally, selected
from tests.tables import each_of
from tests.unit.model_server import STEADY

SORTED: dict[str, tuple[object, str, str, str]] = {  # written, and texts that are taken, left out, unclear
    "a text": ("Posting", "Posting", "Total|posting||1", ""),
    "a list": (["a", "b"], "a|b", "c|A|", ""),
    "a list of both": (["false", "1"], "false|1", "true|0|", ""),
    "yes": ("true", "TRUE|True|t|Yes|Y|1|wahr|VRAI|ja", "FALSE|f|no|N|0|Falsch|non", "maybe||2|active"),
    "no, as a truth value": (False, "FALSE|no|0", "TRUE|1", "x|"),
    "no or nothing": (["No", ""], "no|F|", "Yes|TRUE", "closed"),
    "not a text": ({"not": "Total"}, "Posting||total", "Total", ""),
    "not one of a list": ({"not": ["a", "b"]}, "c|", "a|b", ""),
    "not yes": ({"not": "Yes"}, "No|F|", "TRUE|1", "maybe"),
    "not a pattern": ({"not": {"matches": r"\(deleted\)$"}}, "Loan|", "Loan (deleted)", ""),
    "empty": ({"empty": True}, "", "x|0|null", ""),
    "filled": ({"empty": False}, "x|0", "", ""),
    "a pattern": ({"matches": "^4"}, "4000|4", "14|", ""),
    "two sides": ({"keep": ["open"], "out": ["closed", ""]}, "open", "closed|", "Open|on hold"),
    "two sides of yes and no": ({"keep": ["Yes"], "out": ["No", "hidden"]}, "TRUE|Yes", "F|hidden", "x|"),
    "both sides yes": ({"keep": ["Yes"], "out": ["true"]}, "Yes", "true", "T|1"),
    "anything": ({"any": True}, "x|", "", ""),
}


@each_of(SORTED)
def test_where_a_filter_puts_texts(written: object, taken: str, out: str, unclear: str) -> None:
    test = row_test(written)
    assert row_test(test) is test
    for texts, verdict in ((taken, True), (out, False), (unclear, None)):
        for text in texts.split("|") if texts else ():
            assert (text, takes(test, text)) == (text, verdict)


def test_empty_texts_are_judged_by_empty_alone() -> None:
    assert (takes(row_test({"empty": True}), ""), takes(row_test({"empty": False}), "")) == (True, False)


def test_no_word_means_yes_and_no() -> None:
    assert {word for word in BOOLEANS if word != word.casefold()} == set()
    assert {BOOLEANS[word] for word in ("1", "ja", "vrai", "sí", "tak")} == {True}
    assert {BOOLEANS[word] for word in ("0", "nein", "faux", "nie", "ne")} == {False}


UNWRITABLE: dict[str, tuple[object, tuple[str | int, ...], str]] = {
    "a number": (1.5, (), "must be text"),
    "in a list": (["a", 1.5], (1,), "must be text"),
    "an empty list": ([], (), "at least one value"),
    "an unknown form": ({"is": "x"}, ("is",), "unknown key"),
    "no form": ({}, (), "must be text, a list of texts"),
    "two forms": ({"empty": True, "matches": "x"}, (), "must be text, a list of texts"),
    "keep alone": ({"keep": ["x"]}, (), "must be text, a list of texts"),
    "keep and out alike": ({"keep": ["x"], "out": ["y", "x"]}, ("keep",), "is in `out`, too"),
    "any = false": ({"any": False}, ("any",), "is true or not there"),
    "empty in words": ({"empty": "no"}, ("empty",), "true or false"),
    "a bad pattern": ({"matches": "["}, ("matches",), "regular expression"),
    "a bad pattern of not": ({"not": {"matches": "["}}, ("not", "matches"), "regular expression"),
    "not of a form": ({"not": {"empty": True}}, ("not",), "must be text, a list of texts"),
    "not of a number": ({"not": 1.5}, ("not",), "must be text"),
    "not of a number in a list": ({"not": ["a", 1.5]}, ("not", 1), "must be text"),
}


@each_of(UNWRITABLE)
def test_what_cannot_be_meant_is_told_with_its_place(
    written: object, path: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(Unwritable) as caught:
        row_test(written)
    assert caught.value.path == path
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"), [(" a ", "a"), (True, "true"), (False, "false"), (None, ""), (7, "7"), (1.5, "1.5")]
)
def test_cells_are_compared_as_text(value: object, text: str) -> None:
    assert filtered_text(value) == text


def test_a_row_that_one_column_leaves_out_is_left_out_whatever_the_others_say() -> None:
    cells = Table(["x", "maybe", "y", "maybe", "x", "no", "x", "yes"], ["kind", "active"])
    found = selected(cells, {"kind": OneOf(("x",)), "active": Switch(True)})
    assert found.taken == [3]
    assert found.out == {1: ("kind", "y"), 2: ("active", "no")}
    assert {at: fault.code for at, fault in found.refused.items()} == {0: "unclear-filter"}
    assert selected(cells, {"kind": OneOf(("x", "y"))}).taken is None


def test_an_object_without_the_column_is_told_unless_the_filter_asks_for_nothing() -> None:
    cells = Objects([{"a": "x"}, {}, {"a": None}])
    found = selected(cells, {"a": OneOf(("x",))})
    assert (found.taken, found.out) == ([0], {2: ("a", "")})
    assert found.refused[1].message == "a: needed by `where`, not there"
    assert selected(cells, {"a": row_test({"empty": True})}).taken == [1, 2]
    assert selected(cells, {"a": row_test({"not": "x"})}).taken == [1, 2]


def test_a_preset_is_overridden_column_by_column() -> None:
    base = {"a": row_test("x"), "b": row_test("y")}
    assert merged(base, {"b": Anything(), "c": row_test("z")}) == {"a": row_test("x"), "c": row_test("z")}


def test_reasons_beyond_many_are_counted_together() -> None:
    tally = Tally()
    for number in range(MOST_REASONS + 50):
        tally.add("filter", "A", str(number), "account")
    tally.add("filter", "A", "0", "account")
    reasons = (tally + Tally()).reasons()
    assert (len(reasons), sum(reason.rows for reason in reasons)) == (MOST_REASONS + 1, MOST_REASONS + 51)
    assert [(reason.reason, reason.value, reason.rows) for reason in reasons[:2]] == [
        ("other", "", 50),
        ("filter", "0", 2),
    ]


written_ones = st.recursive(
    st.one_of(st.none(), st.integers(0, 2), st.booleans(), st.floats(), st.sampled_from(["A", "", "no", "("])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["not", "empty", "matches", "keep", "out", "any", "x"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@STEADY
@given(written_ones, st.lists(st.sampled_from(["", "A", "no", "TRUE", "1"]), min_size=1, max_size=5))
def test_whatever_is_written_puts_each_row_in_one_place(written: object, texts: list[str]) -> None:
    try:
        test = row_test(written)
    except Unwritable:
        return
    found = selected(Table(texts, ["a"]), {"a": test})
    taken = range(len(texts)) if found.taken is None else found.taken
    assert sorted([*taken, *found.out, *found.refused]) == list(range(len(texts)))
