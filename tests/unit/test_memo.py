"""What tells a listing: the bytes of its pages, or the fields of its rows; and nothing else is taken for the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.remote_view import RemoteView
from engine.model.dimension import RemoteRow
from engine.model.listing import Page, SeenIds, Undecoded
from engine.net import known_pages
from engine.net.known_pages import KnownPages, PageFacts, facts_of
from engine.net.paginator import paginate
from engine.run.listed_pages import ListedPages
from engine.run.memo import MOST_PAGES, ListingMemo, content_of, decoded
from engine.wire.guide import DIALECT
from tests.tables import each_of
from tests.unit.model_server import COMPANY, STEADY, shown

SEED = 7
ROWS = [shown(f"d{number}", f"{number}", f"Name {number}") for number in range(6)]
MEMO = ListingMemo(
    seed=2**64 - 1,
    content=b"0123456789abcdef",
    pages={b"fedcba9876543210": PageFacts(1, 100, 6, 6)},
    remote_rows=6,
    matched=4,
    contested=1,
    orphans=1,
)


def body(rows: Sequence[RemoteRow], number: int = 1, **envelope: Any) -> bytes:
    items = [
        {"id": row.id, "dimension_type": row.type_code, "type": row.type_label, "name": row.name}
        | {"erp_dimension_id": row.erp_id, "ottimate_company_id": COMPANY}
        for row in rows
    ]
    return json.dumps({"count": 6, "page": number, "limit": 3, "dimensions": items, **envelope}).encode()


def decode(text: bytes) -> Page:
    return DIALECT.page(text, COMPANY)


PAGES = [body(ROWS[:3], 1), body(ROWS[3:], 2)]


def read(bodies: Sequence[bytes], pages: KnownPages) -> tuple[ListedPages, SeenIds]:
    """Return what is made of pages."""
    listed, ids = ListedPages(RemoteView()), SeenIds()
    for text in bodies:
        page = pages.page(text, decode)
        listed.take(page)
        ids.take(page)
    return listed, ids


def known() -> KnownPages:
    """Return what knows the pages of a listing."""
    first, _ = read(PAGES, KnownPages(SEED))
    assert not first.are_known
    return KnownPages(SEED, first.facts)


def same(one: RemoteView, other: RemoteView) -> bool:
    return list(one.rows.items()) == list(other.rows.items())


def test_pages_that_are_known_are_not_decoded() -> None:
    def refuse(_text: bytes) -> Page:
        raise AssertionError("it is known")

    pages = known()
    listed, ids = ListedPages(RemoteView()), SeenIds()
    for text in PAGES:
        page = pages.page(text, refuse)
        listed.take(page)
        ids.take(page)
        assert facts_of(page) == facts_of(decode(text))
    assert (listed.are_known, len(ids)) == (True, 6)


ITEM = json.dumps({"id": "d0", "name": "Name 0"})
OTHERS: dict[str, Callable[[], Sequence[bytes]]] = {
    "another name": lambda: [PAGES[0].replace(b"Name 1", b"Name X"), PAGES[1]],
    "another name on the last page": lambda: [PAGES[0], PAGES[1].replace(b"Name 5", b"Name X")],
    "items in another order": lambda: [body(ROWS[2::-1], 1), PAGES[1]],
    "an escaped letter": lambda: [PAGES[0].replace(b"Name 1", b"\\u004eame 1"), PAGES[1]],
    "a space between items": lambda: [PAGES[0].replace(b"}, {", b"} , {"), PAGES[1]],
    "another count": lambda: [body(ROWS[:3], 1, count=7), PAGES[1]],
    "a row of the other page, too": lambda: [PAGES[0], body([ROWS[0], *ROWS[4:]], 2)],
    "a row more": lambda: [PAGES[0], body([*ROWS[3:], shown("d9", "9")], 2)],
    "an item in an item": lambda: [
        PAGES[0].replace(b'"Name 1"', json.dumps(f'}}, {ITEM}, {{"id": "').encode()),
        PAGES[1],
    ],
    "another page first": lambda: [PAGES[0].replace(b"Name 1", b"Name X")] * 2,
}


@each_of(list(OTHERS))
def test_a_listing_with_another_page_is_read_as_if_none_were_known(name: str) -> None:
    bodies = OTHERS[name]()
    for order in (bodies, bodies[::-1]):
        (found, ids), (expected, all_ids) = read(order, known()), read(order, KnownPages())
        assert not found.are_known
        assert len(ids) == len(all_ids) == len(expected.view)
        assert same(found.view, expected.view)


def test_a_known_page_that_comes_twice_is_counted_once() -> None:
    _, ids = read([PAGES[0], PAGES[0]], known())
    assert len(ids) == 3  # so that the listing does not prove whole


def test_known_pages_are_decoded_once_their_rows_are_wanted() -> None:
    (found, _), (expected, _) = read(PAGES, known()), read(PAGES, KnownPages())
    assert same(found.view, expected.view)


def test_pages_are_held_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_pages, "HELD_BYTES", len(PAGES[0]))
    found, ids = read(PAGES, known())
    assert (found.are_known, len(ids), len(found.view)) == (False, 6, 6)


def test_the_same_bytes_have_other_hashes_for_another_company() -> None:
    pages = KnownPages(SEED + 1, read(PAGES, KnownPages(SEED))[0].facts)
    assert not read(PAGES, pages)[0].are_known


def test_rows_are_the_same_in_whatever_order_and_pages() -> None:
    assert content_of(RemoteView(ROWS), SEED) == content_of(RemoteView(ROWS[::-1]), SEED)


CHANGES: dict[str, list[RemoteRow]] = {
    **{f"another {name}": [ROWS[0]._replace(**{name: "x"}), *ROWS[1:]] for name in RemoteRow._fields},
    "no row": [],
    "a row less": ROWS[1:],
    "an empty code, where none is shown": [ROWS[0]._replace(code=""), *ROWS[1:]],
    "values moved to the next field": [ROWS[0]._replace(type_label="", type_code="accountAccount"), *ROWS[1:]],
    "values moved to the next row": [ROWS[0]._replace(name="Name 0Name 1"), ROWS[1]._replace(name=""), *ROWS[2:]],
    "two ids changed for one another": [ROWS[0]._replace(id="d1"), ROWS[1]._replace(id="d0"), *ROWS[2:]],
}


@each_of(list(CHANGES))
def test_whatever_a_row_shows_otherwise_is_told(name: str) -> None:
    assert content_of(RemoteView(CHANGES[name]), SEED) != content_of(RemoteView(ROWS), SEED)


def test_a_memo_is_read_as_it_was_written() -> None:
    assert decoded(MEMO.encoded()) == MEMO


def test_the_pages_of_a_giant_are_not_kept() -> None:
    pages = {b"%016d" % number: PageFacts(number, 100, 1, 1) for number in range(MOST_PAGES + 1)}
    assert decoded(replace(MEMO, pages=pages).encoded()) == replace(MEMO, pages={})


@given(st.binary(max_size=60))
@STEADY
def test_a_damaged_memo_is_none(blob: bytes) -> None:
    assert decoded(blob) is None


@pytest.mark.parametrize(
    "blob",
    [
        b"[]",
        b"null",
        b"[1,[],[],[]]",
        b"[1,1,[1,1,1,1],[]]",
        b'["x","00",[1,1,1,1],[]]',
        b'[-1,"00",[1,1,1,1],[]]',
        b'[1,"00",[1,1,1],[]]',
    ],
)
def test_json_that_is_no_memo_is_none(blob: bytes) -> None:
    assert decoded(blob) is None


def test_a_row_of_an_undecoded_page_is_decoded() -> None:
    rows = Undecoded(3, partial(list, ROWS[:3]))
    assert (len(rows), rows[1], rows[:2], list(rows)) == (3, ROWS[1], ROWS[:2], ROWS[:3])


class KnownButTheLast:
    """A client whose pages are known, but for the last one. It notes the threads in which they are decoded."""

    company_id, width = COMPANY, 4
    channel: Any = SimpleNamespace(key=SimpleNamespace(pages=SimpleNamespace(may_go_on=lambda *_: False)))

    def __init__(self, pages: int, size: int) -> None:
        self.pages, self.size = pages, size
        self.threads: list[int] = []

    async def page(self, number: int, _limit: int) -> Page:
        rows = [shown(f"d{number}-{at}", f"{number}-{at}", "Name") for at in range(self.size)]

        def decoded() -> Sequence[RemoteRow]:
            self.threads.append(get_ident())
            return rows

        known = rows if number == self.pages else Undecoded(self.size, decoded)
        return Page(number, self.size, self.pages * self.size, known, None, b"%d" % number)


@pytest.mark.parametrize(("pages", "is_in_thread"), [(3, False), (12, True)])
async def test_many_held_pages_are_decoded_once_and_off_the_event_loop(pages: int, *, is_in_thread: bool) -> None:
    client: Any = KnownButTheLast(pages, 500)
    listed = ListedPages(RemoteView())
    async with paginate(client, await client.page(1, 500), 500) as listing:
        async for page in listing:
            listed.take(page)
    assert (listing.certificate.whole, len(listed.view)) == (True, pages * 500)
    assert len(client.threads) == pages - 1
    assert (get_ident() not in client.threads) is is_in_thread
