"""Texts as Postgres holds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.ledger.postgres.texts import MARK, NUL, STAND_IN, restored, storable
from tests.unit.model_server import STEADY


@STEADY
@given(st.text(st.sampled_from([NUL, STAND_IN, MARK, "a", "ü", "\ufdd2"])))
def test_any_text_is_read_back_as_it_was_written(text: str) -> None:
    stored = storable(text)
    assert NUL not in stored
    assert restored(stored) == text
    assert storable([text, 1, None]) == [stored, 1, None]


def test_what_was_written_before_the_mark_was_is_read_as_before() -> None:
    assert (restored(f"a{STAND_IN}b"), restored(f"a{MARK}b{MARK}")) == ("a\0b", f"a{MARK}b{MARK}")
