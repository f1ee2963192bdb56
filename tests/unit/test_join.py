"""Which remote row is this wanted row: the order of what is tried, and what is never guessed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from engine.compare.join import join
from engine.compare.matching import Via
from engine.compare.remote_view import RemoteView, as_known
from engine.model.company_record import CompanyRecord
from engine.model.dimension import RemoteRow
from engine.model.wanted import Wanted
from tests.tables import each_of
from tests.unit.model_server import dim, known, ledger_of, shown, source


class Case(NamedTuple):
    """Two sides and a ledger, and what becomes of each row."""

    wanted: Wanted
    remote: tuple[RemoteRow, ...] = ()
    record: CompanyRecord = CompanyRecord()
    pairs: frozenset[tuple[str, str, Via]] = frozenset()
    missing: frozenset[str] = frozenset()
    holds: frozenset[tuple[str, str]] = frozenset()
    contested: frozenset[str] = frozenset()
    orphans: frozenset[str] = frozenset()


def by(via: Via, **pairs: str) -> frozenset[tuple[str, str, Via]]:
    return frozenset((key, row_id, via) for key, row_id in pairs.items())


def held(slug: str, *keys: str) -> frozenset[tuple[str, str]]:
    return frozenset((key, slug) for key in keys)


def ids(*names: str) -> frozenset[str]:
    return frozenset(names)


CASES = {
    "both sides empty": Case(source()),
    "remote empty": Case(source(dim("k1", "1")), missing=ids("k1")),
    "source empty": Case(source(), (shown("r1", "1"),), orphans=ids("r1")),
    "first contact, same natural key": Case(
        source(dim("k1", "1")), (shown("r1", "1"),), pairs=by(Via.NATURAL_KEY, k1="r1")
    ),
    "the name has no part in a match": Case(
        source(dim("k1", "1", "New name")), (shown("r1", "1", "Old name"),), pairs=by(Via.NATURAL_KEY, k1="r1")
    ),
    "a listed key comes before the natural key": Case(
        source(dim("k1", "1"), dim("k2", "2")),
        (shown("r1", "2", key="k1"), shown("r2", "1", key="k2")),
        pairs=by(Via.LISTED_KEY, k1="r1", k2="r2"),
    ),
    "the ledger comes before the natural key": Case(
        source(dim("k1", "1"), dim("k2", "2")),
        (shown("r1", "2"), shown("r2", "1")),
        ledger_of(known(dim("k1", "2"), "r1"), known(dim("k2", "1"), "r2")),
        pairs=by(Via.LEDGER, k1="r1", k2="r2"),
    ),
    "a listed key comes before the ledger": Case(
        source(dim("k1", "1"), dim("k2", "2")),
        (shown("r1", "1", key="k2"), shown("r2", "2", key="k1")),
        ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "2"), "r2")),
        pairs=by(Via.LISTED_KEY, k1="r2", k2="r1"),
    ),
    "renumbered in the ERP: the ledger still leads there": Case(
        source(dim("k1", "2")),
        (shown("r1", "1"),),
        ledger_of(known(dim("k1", "1"), "r1")),
        pairs=by(Via.LEDGER, k1="r1"),
    ),
    "natural keys swapped between two known rows": Case(
        source(dim("k1", "2"), dim("k2", "1")),
        (shown("r1", "1"), shown("r2", "2")),
        ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "2"), "r2")),
        pairs=by(Via.LEDGER, k1="r1", k2="r2"),
    ),
    "somebody renumbered it there: the ledger still leads there": Case(
        source(dim("k1", "1")),
        (shown("r1", "9"),),
        ledger_of(known(dim("k1", "1"), "r1")),
        pairs=by(Via.LEDGER, k1="r1"),
    ),
    "an id not known yet is found by the natural key": Case(
        source(dim("k1", "1")),
        (shown("r1", "1"),),
        ledger_of(known(dim("k1", "1"), None)),
        pairs=by(Via.LEDGER, k1="r1"),
    ),
    "vanished remotely": Case(source(dim("k1", "1")), (), ledger_of(known(dim("k1", "1"), "r1")), missing=ids("k1")),
    "vanished and made anew there": Case(
        source(dim("k1", "1")),
        (shown("r2", "1"),),
        ledger_of(known(dim("k1", "1"), "r1")),
        pairs=by(Via.NATURAL_KEY, k1="r2"),
    ),
    "several remote rows bear the natural key": Case(
        source(dim("k1", "1")),
        (shown("r1", "1"), shown("r2", "1", "Other")),
        holds=held("ambiguous", "k1"),
        contested=ids("r1", "r2"),
    ),
    "several wanted rows bear the natural key": Case(
        source(dim("k1", "1"), dim("k2", "1", "Other")),
        (shown("r1", "1"),),
        holds=held("ambiguous", "k1", "k2"),
        contested=ids("r1"),
    ),
    "two bearers on both sides": Case(
        source(dim("k1", "1"), dim("k2", "1")),
        (shown("r1", "1"), shown("r2", "1")),
        holds=held("ambiguous", "k1", "k2"),
        contested=ids("r1", "r2"),
    ),
    "two new rows of one natural key are not made": Case(
        source(dim("k1", "1"), dim("k2", "1")), holds=held("ambiguous", "k1", "k2")
    ),
    "twins that the ledger tells apart": Case(
        source(dim("k1", "1"), dim("k2", "1")),
        (shown("r1", "1"), shown("r2", "1")),
        ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "1"), "r2")),
        pairs=by(Via.LEDGER, k1="r1", k2="r2"),
    ),
    "a taken row is nobody else's, and its natural key is not made twice": Case(
        source(dim("k1", "2"), dim("k2", "1")),
        (shown("r1", "1"),),
        ledger_of(known(dim("k1", "1"), "r1")),
        pairs=by(Via.LEDGER, k1="r1"),
        holds=held("ambiguous", "k2"),
    ),
    "two keys of the ledger lead to one row": Case(
        source(dim("k1", "1"), dim("k2", "2")),
        (shown("r1", "1"),),
        ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "2"), "r1")),
        pairs=by(Via.LEDGER, k1="r1"),
        missing=ids("k2"),
    ),
    "looks alike: case": Case(
        source(dim("k1", "Ab1")), (shown("r1", "aB1", "x"),), holds=held("look-alike", "k1"), contested=ids("r1")
    ),
    "looks alike: leading zeros": Case(
        source(dim("k1", "0100")), (shown("r1", "100", "x"),), holds=held("look-alike", "k1"), contested=ids("r1")
    ),
    "looks alike: name": Case(
        source(dim("k1", "1", "Rent")),
        (shown("r1", "2", "Rent"),),
        holds=held("look-alike", "k1"),
        contested=ids("r1"),
    ),
    "looks alike: one remote row, two wanted": Case(
        source(dim("k1", "01", "Rent"), dim("k2", "7", "Wages")),
        (shown("r1", "1", "Wages"),),
        holds=held("look-alike", "k1", "k2"),
        contested=ids("r1"),
    ),
    "does not look alike: a zero inside": Case(
        source(dim("k1", "100")), (shown("r1", "1", "x"),), missing=ids("k1"), orphans=ids("r1")
    ),
    "does not look alike: another type, and its own is there": Case(
        source(dim("k1", "1", "Rent"), dim("k2", "2")),
        (shown("r1", "1", "Rent", type_code="department"), shown("r2", "2")),
        pairs=by(Via.NATURAL_KEY, k2="r2"),
        missing=ids("k1"),
        orphans=ids("r1"),
    ),
    "looks alike: another type, and no row of its own": Case(
        source(dim("k1", "1", "Rent"), dim("k2", "2", "Cash"), dim("k3", "3", "Rent")),
        (shown("r1", "1", "Rent", type_code="class"), shown("r2", "2", "Bank", type_code="class")),
        missing=ids("k2", "k3"),
        holds=held("look-alike", "k1"),
        contested=ids("r1"),
        orphans=ids("r2"),
    ),
    "a matched row is nobody's look-alike": Case(
        source(dim("k1", "1", "Rent"), dim("k2", "2", "Rent")),
        (shown("r1", "1", "Rent"),),
        pairs=by(Via.NATURAL_KEY, k1="r1"),
        missing=ids("k2"),
    ),
    "listed under another key": Case(
        source(dim("k1", "1")), (shown("r1", "1", key="zz"),), holds=held("key-shift", "k1"), contested=ids("r1")
    ),
    "the ledger's row is listed under another key": Case(
        source(dim("k1", "1")),
        (shown("r1", "1", key="zz"),),
        ledger_of(known(dim("k1", "1"), "r1")),
        holds=held("key-shift", "k1"),
        contested=ids("r1"),
    ),
    "dropped from the source": Case(
        source(dim("k1", "1")),
        (shown("r1", "1"), shown("r2", "2")),
        ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "2"), "r2")),
        pairs=by(Via.LEDGER, k1="r1"),
        orphans=ids("r2"),
    ),
    "invalid in the source is no orphan: by natural key": Case(
        source(invalid_natural=[("account", "1")]),
        (shown("r1", "1"), shown("r2", "2")),
        contested=ids("r1"),
        orphans=ids("r2"),
    ),
    "invalid in the source is no orphan: by ledger": Case(
        source(invalid_keys=["k1"]),
        (shown("r1", "1"), shown("r2", "2")),
        ledger_of(known(dim("k1", "1"), "r1")),
        contested=ids("r1"),
        orphans=ids("r2"),
    ),
    "invalid in the source is no orphan: by listed key": Case(
        source(invalid_keys=["k1"]), (shown("r1", "1", key="k1"),), contested=ids("r1")
    ),
    "looks alike: nothing but zeros": Case(
        source(dim("k1", "0")), (shown("r1", "000", "x"),), holds=held("look-alike", "k1"), contested=ids("r1")
    ),
    "invalid in the source is no orphan: by ledger, while its id is not known": Case(
        source(invalid_keys=["k1"]),
        (shown("r1", "1"), shown("r2", "2")),
        ledger_of(known(dim("k1", "1"), None)),
        contested=ids("r1"),
        orphans=ids("r2"),
    ),
    "renumbered while its id is not known": Case(
        source(dim("k1", "2", "New")),
        (shown("r1", "1"),),
        ledger_of(known(dim("k1", "1"), None)),
        pairs=by(Via.LEDGER, k1="r1"),
    ),
    "renumbered to what another row bears, while its id is not known": Case(
        source(dim("k0", "2")),
        (shown("r0", "1"), shown("r1", "2")),
        ledger_of(known(dim("k0", "1"), None), known(dim("k1", "2"), None)),
        pairs=by(Via.LEDGER, k0="r0"),
        contested=ids("r1"),
    ),
    "an invalid row may be it, too": Case(
        source(dim("k0", "2"), invalid_natural=[("account", "2")], invalid_keys=["k1"]),
        (shown("r1", "2"),),
        holds=held("ambiguous", "k0"),
        contested=ids("r1"),
    ),
    "an invalid row may be it, too, by the ledger": Case(
        source(dim("k0", "2"), invalid_keys=["k1"]),
        (shown("r1", "2"),),
        ledger_of(known(dim("k1", "2"), "r1")),
        holds=held("ambiguous", "k0"),
        contested=ids("r1"),
    ),
    "two remote rows list one key": Case(
        source(dim("k1", "1")),
        (shown("r1", "1", key="k1"), shown("r2", "2", key="k1")),
        holds=held("ambiguous", "k1"),
        contested=ids("r1", "r2"),
    ),
}


@each_of(CASES)
def test_each_row_of_both_sides_has_one_place(case: Case) -> None:
    matching = join(case.wanted, RemoteView(case.remote), case.record)

    assert {(pair.row.key, pair.remote.id, pair.via) for pair in matching.pairs} == case.pairs
    assert {row.key for row in matching.missing} == case.missing
    assert {(hold.key, hold.slug) for hold in matching.holds} == case.holds
    assert matching.contested == case.contested
    assert set(matching.orphans) == case.orphans


@each_of(CASES)
def test_order_changes_nothing(case: Case) -> None:
    backwards = source(
        *reversed(case.wanted.rows),
        invalid_keys=case.wanted.invalid_keys,
        invalid_natural=case.wanted.invalid_natural,
    )

    assert join(backwards, RemoteView(reversed(case.remote)), case.record) == join(
        case.wanted, RemoteView(case.remote), case.record
    )


def test_a_match_names_the_ledgers_entry_however_it_came_about() -> None:
    entry = known(dim("k1", "1"), None)

    (pair,) = join(source(dim("k1", "1")), RemoteView([shown("r1", "1")]), ledger_of(entry)).pairs

    assert pair.known == entry


def test_a_repeated_id_is_one_row() -> None:
    index = RemoteView([shown("r1", "1"), shown("r2", "2")])
    index.add([shown("r1", "1", "Renamed meanwhile")])

    assert index.rows == {"r1": shown("r1", "1", "Renamed meanwhile"), "r2": shown("r2", "2")}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Account", "GL Account", "GL Account"], "GL Account"),
        (["GL Account", "Account"], "Account"),  # a draw: the first in the alphabet, whatever came first
        (["Account", "GL Account"], "Account"),
    ],
)
def test_the_label_in_use_is_the_most_frequent_one(labels: list[str], expected: str) -> None:
    index = RemoteView(shown(f"r{number}", str(number), label=label) for number, label in enumerate(labels))

    assert index.labels() == {("account",): expected}


def test_image_shows_what_was_acknowledged_and_what_a_listing_showed_since() -> None:
    edited = shown("r2", "2", "Edited there", label="GL")
    record = ledger_of(
        known(dim("k1", "1", code="c1"), "r1"),
        known(dim("k2", "2"), "r2", seen=edited),
        known(dim("k3", "3", code="c3"), "r3", code_known=False),
        strays=[shown("r9", "9", key="theirs")],
    )

    assert set(as_known(record).rows.values()) == {
        shown("r1", "1", code="c1"),
        edited,
        shown("r3", "3"),
        shown("r9", "9", key="theirs"),
    }


def test_image_leaves_out_a_create_of_unknown_outcome_but_keeps_a_row_that_is_surely_there() -> None:
    record = ledger_of(
        known(dim("k1", "1"), None, settled=False, confirmed=False),
        known(dim("k2", "2"), "r2", settled=False, confirmed=True),
    )

    assert list(as_known(record).rows) == ["r2"]


def test_image_keeps_rows_apart_whose_ids_are_not_known_yet() -> None:
    record = ledger_of(known(dim("k1", "1"), None), known(dim("k2", "2"), None))
    wanted = source(dim("k1", "2"), dim("k2", "1"))

    pairs = join(wanted, as_known(record), record).pairs

    assert [(pair.row.key, pair.remote.erp_id, pair.via) for pair in pairs] == [
        ("k1", "1", Via.LEDGER),
        ("k2", "2", Via.LEDGER),
    ]


@pytest.mark.parametrize("twins", ["wanted", "remote"])
def test_a_source_of_one_natural_key_makes_no_endless_messages(twins: str) -> None:
    """A column mapped wrongly gives every row the same ERP id."""
    count = 400
    wanted = source(*(dim(f"k{number:03}", "1") for number in range(count)))
    remote = [shown(f"r{number:03}", "1") for number in range(count)]
    if twins == "remote":
        wanted = source(dim("k000", "1"))

    holds = join(wanted, RemoteView(remote), CompanyRecord()).holds

    assert max(len(hold.message) for hold in holds) < 500
