"""Which texts are spellings of one another, as servers store and list them."""

from __future__ import annotations

import pytest

from engine.compare.spelling import is_spelling

LONG = "Repairs and maintenance of buildings"


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("PROFIT & LOSS", "Profit & loss"),
        ("Profit &amp; loss", "Profit & loss"),
        ("Profit &amp;amp; loss", "Profit & loss"),
        ("Profit & loss", "Profit  &  loss"),
        (LONG[:30], LONG),
        (LONG[:30].upper(), LONG),
    ],
)
def test_a_spelling(shown: str, sent: str) -> None:
    assert is_spelling(shown, sent)


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("Rent", "Rent and utilities"),  # words were added
        ("Rent and utilities", "Rent"),
        (LONG[:29], LONG),
        ("Rent", "Lease"),
        ("0100", "100"),
    ],
)
def test_another_text(shown: str, sent: str) -> None:
    assert not is_spelling(shown, sent)
