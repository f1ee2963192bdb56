"""How many rows a page to ask for."""

from __future__ import annotations

import pytest

from engine.model.dimension import RemoteRow
from engine.model.listing import Page
from engine.net.page_size import MOST, PageSize


def page(rows: int, *, declared: int, limit: int) -> Page:
    shown = [RemoteRow(f"dim_{n}", "account", "GL Account", f"Name {n}", str(n)) for n in range(rows)]
    return Page(1, limit, declared, shown, None)


def test_more_is_asked_for_once_and_by_one_of_many() -> None:
    sizes = PageSize(100)
    assert [sizes.ask() for _ in range(3)] == [MOST, 100, 100]


@pytest.mark.parametrize(
    ("first", "size", "afterwards"),
    [
        pytest.param(page(1000, declared=2500, limit=1000), 1000, (1000, True), id="granted"),
        pytest.param(page(100, declared=2500, limit=100), 100, (100, True), id="clamped"),
        pytest.param(page(50, declared=2500, limit=50), 50, (50, True), id="clamped below what is set"),
        pytest.param(page(200, declared=2500, limit=1000), 200, (200, True), id="clamped, and the echo lies"),
        pytest.param(page(0, declared=200, limit=1000), 100, (100, True), id="an empty page of a full listing"),
        pytest.param(page(400, declared=400, limit=1000), 1000, (1000, True), id="a listing of one larger page"),
        pytest.param(page(40, declared=40, limit=1000), 1000, (100, False), id="too few rows to tell"),
        pytest.param(page(250, declared=2500, limit=0), 250, (250, True), id="no echo"),
    ],
)
def test_what_page_1_proves(first: Page, size: int, afterwards: tuple[int, bool]) -> None:
    sizes = PageSize(100)
    assert sizes.granted(sizes.ask(), first) == size
    assert (sizes.rows, sizes.is_learned) == afterwards
    assert sizes.ask() == (sizes.rows if sizes.is_learned else MOST)


def test_a_refusal_falls_back_to_what_is_set_and_then_halves() -> None:
    sizes = PageSize(100)
    asked: list[int | None] = [sizes.ask()]
    while asked[-1] is not None:
        asked.append(sizes.refused(asked[-1]))
    assert asked == [MOST, 100, 50, 25, 20, None]


def test_whoever_wants_small_pages_gets_them() -> None:
    sizes = PageSize(50)
    assert sizes.ask() == 50
    sizes.remembered(1000)
    assert sizes.ask() == 50


@pytest.mark.parametrize("rows", [20, 100, 1000])
def test_what_was_granted_before_is_asked_for_again(rows: int) -> None:
    sizes = PageSize(100)
    sizes.remembered(rows)
    assert [sizes.ask(), sizes.ask()] == [rows, rows]
