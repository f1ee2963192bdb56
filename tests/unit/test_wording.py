"""Figures in words: singular and plural."""

from __future__ import annotations

import pytest

from engine.model.wording import counted

CASES = [
    ((0, "row"), "0 rows"),
    ((1, "row"), "1 row"),
    ((1_204, "row"), "1,204 rows"),
    ((1, "company", "companies"), "1 company"),
    ((2, "company", "companies"), "2 companies"),
    ((1, "row differs", "rows differ"), "1 row differs"),
]


@pytest.mark.parametrize(("asked", "told"), CASES)
def test_one_is_singular_and_all_else_plural(asked: tuple[int, str], told: str) -> None:
    assert counted(*asked) == told
