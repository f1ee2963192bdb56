"""A sketch has the smallest marks of a company's rows, whatever shortcut finds them."""

from __future__ import annotations

import pytest

from engine.model.dimension import DIMENSIONS, Dimension
from engine.model.sketch import KEPT, MARK_BYTES, _mark, _texts, sketch


def rows(count: int, distinct: int | None = None) -> list[Dimension]:
    """Return rows, of which only some are distinct but for their keys."""
    return [
        Dimension(f"k{at}", "account", "Account", f"Náme {at % (distinct or count)}", f"{at % (distinct or count)}")
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "distinct"),
    [(0, None), (1, None), (KEPT - 1, None), (KEPT, None), (KEPT + 1, None), (1_000, None), (9_000, None), (2_000, 3)],
)
def test_a_sketch_has_the_smallest_marks_of_all_rows(count: int, distinct: int | None) -> None:
    made = rows(count, distinct)
    smallest = sorted(map(_mark, _texts(made, DIMENSIONS)))[:KEPT]
    assert sketch(made) == (count, b"".join(smallest))
    assert len(sketch(made).marks) == MARK_BYTES * min(count, KEPT)
