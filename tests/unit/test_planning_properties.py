"""The pure core against a model server: whatever the two sides hold, it adds up, converges and doubles nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.compare.absorb import absorb
from engine.compare.freshness import must_list
from engine.compare.join import join
from engine.compare.remote_view import RemoteView, as_known
from engine.model.change import Change, Plan
from engine.model.dimension import Dimension, natural_key
from engine.model.wanted import Wanted
from engine.wire.dialect import BadAnswer
from engine.wire.guide import DIALECT
from tests.tables import each_of
from tests.unit.model_server import (
    COMPANY,
    NOW,
    STEADY,
    Fate,
    ModelLedger,
    ModelServer,
    Run,
    certificate,
    compared,
    run,
    shown,
    source,
)

MINE = [f"k{number}" for number in range(4)]
THEIRS = [f"x{number}" for number in range(2)]

traits = {
    "type_code": st.sampled_from(["account", "account", "department", "cost_type"]),
    "type_label": st.sampled_from(["Account", "Konto"]),
    "name": st.sampled_from(["Rent", "rent", "Miete", "Caf\u00e9"]),
    "erp_id": st.sampled_from(["1", "01", "2", "3", "4", "A", "a", "0", "00"]),
    "code": st.sampled_from([None, "c1", "c2"]),
}


def rows(keys: list[str], *, most: int = 4) -> st.SearchStrategy[list[Dimension]]:
    """Return lists of rows of different keys, in any order."""
    return st.lists(
        st.builds(Dimension, key=st.sampled_from(keys), **traits), max_size=most, unique_by=lambda row: row.key
    )


natural_keys = st.tuples(traits["type_code"], traits["erp_id"])
sources = st.builds(
    lambda good, keys, natural: source(
        *good, invalid_keys=keys - {row.key for row in good}, invalid_natural=natural, invalid=len(keys)
    ),
    rows(MINE),
    st.frozensets(st.sampled_from(MINE), max_size=1),
    st.frozensets(natural_keys, max_size=1),
)
foreign = rows(THEIRS, most=2)


class Round(NamedTuple):
    """One run, and what others did before it."""

    wanted: Wanted
    others: list[Dimension]
    listed: bool
    fates: list[Fate]
    refused: frozenset[str]


def rounds(*, troubled: bool) -> st.SearchStrategy[list[Round]]:
    fates = st.lists(st.sampled_from(Fate), max_size=3) if troubled else st.just([])
    refused = st.frozensets(st.sampled_from(MINE), max_size=1) if troubled else st.just(frozenset[str]())
    first = st.builds(Round, sources, foreign, st.just(value=True), fates, refused)
    later = st.builds(Round, sources, st.just([]) | foreign, st.booleans(), fates, refused)
    return st.builds(lambda head, tail: [head, *tail], first, st.lists(later, max_size=2))


def placed(plan: Plan) -> list[str]:
    return [change.row.key for change in plan.changes] + [hold.key for hold in plan.holds]


def check_balance(done: Run, wanted: Wanted) -> None:
    """Each wanted row in one place, each remote row in one place."""
    plan, matching = done.plan, done.matching
    assert len(set(placed(plan))) == len(placed(plan))
    assert set(placed(plan)) <= {row.key for row in wanted.rows}
    assert len(placed(plan)) + plan.unchanged == len(wanted.rows)
    assert 0 <= plan.adopted <= plan.unchanged
    matched = [pair.remote.id for pair in matching.pairs]
    places = Counter([*matched, *matching.contested, *matching.orphans])
    assert places == Counter(list(done.index.rows))
    assert plan.matched + plan.contested + len(plan.orphans) == len(done.index.rows)


def play(server: ModelServer, ledger: ModelLedger, each: Round, *, chunk_rows: int = 3) -> Run:
    """Carry out one round. What others did is only seen by reading, so then the company is listed."""
    for row in each.others:
        server.put(row)
    return run(
        server,
        ledger,
        each.wanted,
        listed=each.listed or bool(each.others),
        fates=each.fates,
        refused=each.refused,
        chunk_rows=chunk_rows,
    )


@STEADY
@given(rounds(troubled=True), st.booleans())
def test_every_round_adds_up(played: list[Round], shows_keys: bool) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        check_balance(play(server, ledger, each), each.wanted)


@STEADY
@given(rounds(troubled=True), st.booleans())
def test_nothing_is_made_twice(played: list[Round], shows_keys: bool) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        for row in each.others:
            server.put(row)
        server.twins.clear()
        borne = {stored.natural_key for stored in server.rows.values()}
        done = play(server, ledger, each)
        assert not borne & {natural_key(change.row) for change in done.plan.creates}
        assert server.twins == []
        assert all(outcome.unexpected_creates == 0 for outcome in done.outcomes)


@STEADY
@given(rounds(troubled=True))
def test_a_key_that_a_listing_shows_is_never_created(played: list[Round]) -> None:
    server, ledger = ModelServer(shows_keys=True), ModelLedger()
    for each in played:
        there = set(server.rows)
        done = play(server, ledger, each)
        if done.listed:
            assert not there & {change.row.key for change in done.plan.creates}


@STEADY
@given(rounds(troubled=True), sources, st.booleans())
def test_after_any_trouble_three_quiet_runs_reach_the_goal(played: list[Round], last: Wanted, shows_keys: bool) -> None:
    """The first settles what was lost; in the second a row may wait until another one's ERP id has come free."""
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    run(server, ledger, last)
    first = run(server, ledger, last)
    second = run(server, ledger, last)
    third = run(server, ledger, last)

    assert {change.row.key for change in second.plan.changes} <= {hold.key for hold in first.plan.holds}
    assert third.plan.changes == ()
    held = {hold.key for hold in third.plan.holds}
    for row in last.rows:
        shown = {(stored.natural_key, stored.name) for stored in server.rows.values() if stored.key != row.key}
        adopted = (
            natural_key(row),
            row.name,
        ) in shown  # equal to a row of another key: nothing shows that it is not ours
        assert row.key in held or adopted or server.bears(row)
    if all(entry.outcome_known for entry in ledger.rows.values()):
        check_same(ledger, last, server)


def told_apart(updates: Iterable[Change]) -> list[Change]:
    """Return updates without the values of before: what no listing shows, only the ledger knows."""
    return [change._replace(before=()) for change in updates]


def check_same(ledger: ModelLedger, wanted: Wanted, server: ModelServer) -> None:
    """The ledger's image leads to the same plan as a fresh listing.

    An equal row whose listed key is another one is held after a listing only: the image does not show keys.
    """
    record = ledger.read()
    by_listing = compared(wanted, server.listing(), record)[1]
    by_ledger = compared(wanted, as_known(record), record)[1]
    assert by_ledger.creates == by_listing.creates
    assert told_apart(by_ledger.updates) == told_apart(by_listing.updates)
    if not server.shows_keys:
        assert [hold[:2] for hold in by_ledger.holds] == [hold[:2] for hold in by_listing.holds]
        assert by_ledger.unchanged == by_listing.unchanged


@STEADY
@given(rounds(troubled=False), sources, st.booleans())
def test_what_a_listing_taught_stands_in_for_it(played: list[Round], then: Wanted, shows_keys: bool) -> None:
    """Whatever the source wants next: creates, updates and holds are the same without reading again."""
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    last = played[-1].wanted
    index, record = server.listing(), ledger.read()
    ledger.learn(absorb(join(last, index, record), index, record, certificate(index), NOW))
    assume(not must_list(then, ledger.read()))

    check_same(ledger, then, server)


@STEADY
@given(rounds(troubled=False), st.booleans())
def test_without_trouble_a_second_run_writes_nothing_but_what_had_to_wait(
    played: list[Round], shows_keys: bool
) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        done = play(server, ledger, each)
        record = ledger.read()
        assume(not must_list(each.wanted, record))
        waited = {hold.key for hold in done.plan.holds}
        for index in (server.listing(), as_known(record)):
            again = compared(each.wanted, index, record)[1]
            assert {change.row.key for change in again.changes} <= waited


@STEADY
@given(rounds(troubled=True), sources, st.randoms(use_true_random=False), st.booleans())
def test_order_changes_nothing(played: list[Round], wanted: Wanted, random: Random, shows_keys: bool) -> None:
    server, ledger = ModelServer(shows_keys=shows_keys), ModelLedger()
    for each in played:
        play(server, ledger, each)
    index, record = server.listing(), ledger.read()

    def shuffled(items: list[Any]) -> list[Any]:
        random.shuffle(items)
        return items

    again = source(
        *shuffled(list(wanted.rows)), invalid_keys=wanted.invalid_keys, invalid_natural=wanted.invalid_natural
    )
    pages = RemoteView(shuffled(list(index.rows.values())))

    plan, other = compared(wanted, index, record)[1], compared(again, pages, record)[1]

    assert other == plan
    assert other.digest == plan.digest
    assert absorb(join(again, pages, record), pages, record, certificate(index), NOW) == absorb(
        join(wanted, index, record), index, record, certificate(index), NOW
    )


texts = st.sampled_from(
    ["a", "0100", "1e5", "Caf\u00e9", "\u6771\u4eac", 'quote"back\\slash', "tab\tinside", "\U0001f642", "null"]
)
encoded = st.builds(
    Dimension,
    key=texts,
    type_code=st.sampled_from(sorted(DIALECT.type_codes)),
    type_label=texts,
    name=texts,
    erp_id=texts,
    code=st.none() | texts | st.just(""),
)


@STEADY
@given(st.lists(encoded, min_size=1, max_size=6, unique_by=lambda row: row.key), st.booleans())
def test_what_is_written_is_read_back(wanted: list[Dimension], shows_keys: bool) -> None:
    server = ModelServer(shows_keys=shows_keys)

    answer = DIALECT.bulk(server.bulk(DIALECT.bulk_body(COMPANY, [DIALECT.row(row) for row in wanted])))
    page = DIALECT.page(server.page(1, 100), COMPANY)

    assert (answer.success_count, answer.created_count, answer.error_count) == (len(wanted), len(wanted), 0)
    assert [name for _, name in answer.created] == [row.name for row in wanted]
    assert (page.number, page.limit, page.declared, page.foreign) == (1, 100, len(wanted), None)
    assert [row[1:5] for row in page.rows] == [row[1:5] for row in wanted]
    assert [(row.key, row.code) for row in page.rows] == [
        (row.key, row.code) if shows_keys else (None, None) for row in wanted
    ]


ITEM = {"id": "dim_1", "name": "Rent", "type": "Konto", "dimension_type": "account", "erp_dimension_id": "0100"}
REFERENCE = {"id": "dim_1", "name": "Rent", "erp_type": "Konto", "ottimate_type": "account", "erp_dimension_id": "0100"}


def page_of(*items: object, count: object = 1) -> bytes:
    return json.dumps({"version": "1", "count": count, "page": 1, "limit": 20, "dimensions": items}).encode()


@each_of(
    [
        (ITEM, {}),
        (REFERENCE, {}),
        (ITEM | {"ottimate_company_id": COMPANY}, {}),
        (ITEM | {"ottimate_company_id": str(COMPANY)}, {}),
        (ITEM | {"ottimate_company_id": None}, {}),
        (ITEM | {"erp_dimension_id": 100, "id": 7}, {"erp_id": "100", "id": "7"}),
        (ITEM | {"name": " Rent\n"}, {}),
        (ITEM | {"name": "Cafe\u0301"}, {"name": "Caf\u00e9"}),
        (ITEM | {"dimension_type": "costtype"}, {"type_code": "cost_type"}),
        (REFERENCE | {"ottimate_type": "costtype"}, {"type_code": "cost_type"}),
        (ITEM | {"dimension_type": "warehouse"}, {"type_code": "warehouse"}),
        (ITEM | {"unique_key": "k", "code": "c"}, {"key": "k", "code": "c"}),
        (REFERENCE | {"reference_id": "k", "code": ""}, {"key": "k", "code": ""}),
        (REFERENCE | {"reference_id": None, "code": None}, {}),
        (REFERENCE | {"ottimate_type": None}, {"type_code": ""}),  # optional in its file
    ]
)
def test_either_contract_is_read(item: dict[str, object], changed: dict[str, str]) -> None:
    page = DIALECT.page(page_of(item), COMPANY)

    assert page.rows == [shown("dim_1", "0100", "Rent", label="Konto")._replace(**changed)]
    assert page.foreign is None


def test_another_companys_row_is_seen() -> None:
    page = DIALECT.page(page_of(ITEM, ITEM | {"ottimate_company_id": 7}, count=2), COMPANY)

    assert page.foreign == 7


@each_of(
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        page_of(ITEM, count=None),
        page_of(ITEM, count=-1),
        page_of(ITEM, count=True),
        page_of("row"),
        page_of(*[{name: value for name, value in ITEM.items() if name != "id"}]),
        page_of(ITEM | {"name": None}),
        page_of(ITEM | {"erp_dimension_id": 1.5}),
        page_of(ITEM | {"ottimate_company_id": "somebody"}),
    ]
)
def test_a_page_that_cannot_be_told_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        DIALECT.page(body, COMPANY)
