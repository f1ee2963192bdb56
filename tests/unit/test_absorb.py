"""What a whole listing teaches the ledger, and that it then can stand in for the listing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.compare.absorb import absorb
from engine.compare.equality import not_applied
from engine.compare.join import join
from engine.compare.remote_view import RemoteView, as_known
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow
from engine.model.ledger_writes import Learned
from engine.model.resting import NOT_LISTED, RestingRow
from engine.model.row_record import Agreement, RowRecord
from engine.model.wanted import Wanted
from tests.unit.model_server import NOW, certificate, dim, known, ledger_of, shown, source


def taught(wanted: Wanted, record: CompanyRecord, *remote: RemoteRow) -> Learned:
    index = RemoteView(remote)
    return absorb(join(wanted, index, record), index, record, certificate(index), NOW)


def test_a_row_met_first_is_adopted_with_the_values_shown() -> None:
    learned = taught(source(dim("k1", "1", "New", code="c1")), CompanyRecord(), shown("r1", "1", label="Konto"))

    assert learned.rows == {
        "k1": known(dim("k1", "1", label="Konto"), "r1", confirmed=False, code_known=False),
    }
    assert not learned.keyless


def test_a_listed_key_confirms_and_a_listed_code_is_known() -> None:
    learned = taught(source(dim("k1", "1", "New", code="c2")), CompanyRecord(), shown("r1", "1", key="k1", code="c1"))

    assert learned.rows == {"k1": known(dim("k1", "1", code="c1"), "r1")}


def test_a_listed_code_that_the_source_never_had_is_none_that_it_could_drop() -> None:
    remote = shown("r1", "1", key="k1", code="c1")
    learned = taught(source(dim("k1", "1")), CompanyRecord(), remote)
    assert learned.rows["k1"][3:6] == (True, False, remote)
    again = taught(source(dim("k1", "1")), CompanyRecord(rows=learned.rows), remote)
    assert again.rows == {}


def test_an_id_that_was_not_known_is_joined() -> None:
    entry = known(dim("k1", "1", code="c1"), None)

    learned = taught(source(dim("k1", "1", code="c1")), ledger_of(entry), shown("r1", "1"))

    assert learned.rows == {"k1": entry._replace(remote_id="r1")}


def test_an_id_is_joined_for_a_row_that_the_source_has_dropped() -> None:
    entry = known(dim("k1", "1", code="c1"), None)

    learned = taught(source(), ledger_of(entry), shown("r1", "1"))

    assert learned.rows == {"k1": entry._replace(remote_id="r1")}
    assert not learned.keyless


def test_what_a_row_showed_that_a_create_has_met_is_kept_to_tell_whether_the_create_changed_it() -> None:
    wanted, made = dim("k1", "1", "New"), known(dim("k1", "1", "New"), None)._replace(is_fresh=True)
    there = shown("r1", "0", "Old")
    met = taught(source(wanted), ledger_of(made, strays=[there]), shown("r1", "1", "Old"))
    assert met.rows["k1"].before == {"name": "Old", "erp_id": "0"}
    assert taught(source(wanted), ledger_of(made), shown("r1", "1", "Old")).rows["k1"].before is None


def test_what_somebody_changed_there_is_remembered_and_forgotten() -> None:
    entry, edited = known(dim("k1", "1"), "r1"), shown("r1", "1", "Edited")
    wanted = source(dim("k1", "1"))

    seen = taught(wanted, ledger_of(entry), edited)
    assert seen.rows == {"k1": entry._replace(seen=edited)}

    assert taught(wanted, ledger_of(seen.rows["k1"]), shown("r1", "1")).rows == {"k1": entry}


def test_an_agreement_does_not_move_to_another_remote_row() -> None:
    agreed = known(dim("k1", "1"), "r1")._replace(agreement=Agreement({"name": "ROW 1"}), before={"name": "Old"})
    learned = taught(source(dim("k1", "1")), ledger_of(agreed), shown("r2", "1", key="k1"))
    assert learned.rows == {"k1": known(dim("k1", "1"), "r2")}


def test_a_rest_is_over_when_a_side_has_moved() -> None:
    wanted = dim("k1", "1")
    record = replace(ledger_of(known(wanted, "r1")), resting={"k1": not_applied(wanted, "text", NOW)})
    assert taught(source(wanted), record, shown("r1", "1")).rested == ("k1",)


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("is_shown", [True, False])
def test_a_note_on_a_row_that_was_not_listed_ends_once_it_is(is_wanted: bool, is_shown: bool) -> None:
    row = dim("k1", "1")
    note = RestingRow(NOT_LISTED, b"", "not listed", NOW)
    record = replace(ledger_of(known(row, "r1")), resting={"k1": note})
    index = RemoteView([shown("r1", "1")] if is_shown else [])
    matching = join(source(*[row] * is_wanted), index, record)
    learned = absorb(matching, index, record, certificate(index), NOW, notes={"k1": note})
    assert (learned.rested, learned.resting, learned.gone) == (("k1",) if is_shown else (), {}, ())


def test_a_vanished_row_is_forgotten() -> None:
    entries = ledger_of(known(dim("k1", "1"), "r1"), known(dim("k2", "2"), "r2"), known(dim("k3", "3"), None))

    assert set(taught(source(dim("k1", "1")), entries).gone) == {"k1", "k2", "k3"}


def test_rows_that_no_key_leads_to_are_strays() -> None:
    stray = shown("r9", "9")

    learned = taught(source(dim("k1", "1")), CompanyRecord(), shown("r1", "1"), stray)

    assert learned.keyless == (stray,)


def test_nothing_new_writes_no_row() -> None:
    stray = shown("r9", "9")
    record = ledger_of(known(dim("k1", "1"), "r1"), strays=[stray])

    learned = taught(source(dim("k1", "1")), record, shown("r1", "1"), stray)

    assert (learned.rows, learned.gone, learned.keyless) == ({}, (), None)


def test_strays_are_in_one_order_whatever_the_listings() -> None:
    strays = [shown("r8", "8"), shown("r9", "9")]

    assert taught(source(), ledger_of(strays=strays), *reversed(strays)).keyless is None


def test_a_row_of_unknown_outcome_stays_unsettled() -> None:
    blank = RowRecord(Dimension("k1", "", "", "", ""), None, confirmed=False, outcome_known=False, code_known=False)

    learned = taught(source(dim("k1", "1")), ledger_of(blank), shown("r1", "1"))

    assert not learned.rows["k1"].outcome_known
    assert not learned.rows["k1"].confirmed
    assert learned.rows["k1"].remote_id == "r1"


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_row_of_unknown_outcome_does_not_move_to_one_that_it_was_not_sent_to(is_listed: bool) -> None:
    """Else the next run would take that one for what it had sent, and send the row under a key that leads elsewhere."""
    lost = known(dim("k1", "1"), "r1", settled=False)
    other, own = shown("r2", "2"), shown("r1", "1")
    wanted, owner = source(dim("k0", "1"), dim("k1", "2")), known(dim("k0", "1"), "r1")

    learned = taught(wanted, ledger_of(owner, lost), other, *([own] if is_listed else []))

    assert learned.keyless == (other,)
    assert learned.rows["k1"] == (
        lost._replace(seen=own) if is_listed else lost._replace(remote_id=None, confirmed=False)
    )


def test_an_ambiguous_row_teaches_no_link() -> None:
    learned = taught(source(dim("k1", "1")), CompanyRecord(), shown("r1", "1"), shown("r2", "1"))

    assert learned.rows == {}
    assert {stray.id for stray in learned.keyless or ()} == {"r1", "r2"}


def test_a_row_listed_under_another_key_is_not_adopted() -> None:
    learned = taught(source(dim("k1", "1")), CompanyRecord(), shown("r1", "1", key="theirs"))

    assert learned.rows == {}
    assert learned.keyless == (shown("r1", "1", key="theirs"),)


def test_a_listing_of_another_key_ends_what_the_ledger_held() -> None:
    """Otherwise the next run without a listing would take the row for ours and push to it."""
    learned = taught(source(dim("k1", "1")), ledger_of(known(dim("k1", "1"), "r1")), shown("r1", "1", key="theirs"))

    assert learned.gone == ("k1",)
    assert learned.keyless == (shown("r1", "1", key="theirs"),)


def test_a_renamed_key_is_adopted_and_the_old_one_stays_to_tell_of_the_shift() -> None:
    old = known(dim("old", "1"), "r1")

    learned = taught(source(dim("new", "1")), ledger_of(old), shown("r1", "1"))

    assert learned.rows == {"new": known(dim("new", "1"), "r1", confirmed=False, code_known=False)}
    assert learned.gone == ()


def test_an_id_is_joined_to_the_one_row_that_is_left() -> None:
    """`k0` was renumbered to what `k1` bears, which the source has dropped while its id is not known."""
    first, second = known(dim("k0", "2"), "r0"), known(dim("k1", "2"), None)

    learned = taught(source(dim("k0", "2")), ledger_of(first, second), shown("r0", "2"), shown("r1", "2"))

    assert learned.rows == {"k1": second._replace(remote_id="r1")}
    assert not learned.keyless


def test_a_confirmation_does_not_move_to_another_row() -> None:
    learned = taught(source(dim("k1", "1")), ledger_of(known(dim("k1", "1"), "r1")), shown("r2", "1"))

    assert not learned.rows["k1"].confirmed


def test_a_row_of_unknown_outcome_that_has_vanished_is_no_longer_in_the_image() -> None:
    lost = known(dim("k1", "1"), "r1", settled=False)

    learned = taught(source(), ledger_of(lost))

    left = {"k1": lost, **learned.rows}.keys() - set(learned.gone)
    assert not as_known(ledger_of(*({"k1": lost, **learned.rows}[key] for key in left))).rows


@pytest.mark.parametrize("key", [None, "k1"])
def test_a_listed_row_is_in_the_image_although_its_key_is_unsettled(key: str | None) -> None:
    """Else the same row under a new key looks missing to the next run without a listing, and is made twice."""
    blank = RowRecord(Dimension("k1", "", "", "", ""), None, confirmed=False, outcome_known=False, code_known=False)
    remote = shown("r1", "1", key=key)

    learned = taught(source(dim("k1", "1")), ledger_of(blank), remote)

    record = ledger_of(*learned.rows.values(), strays=learned.keyless or ())
    assert [row[:5] for row in as_known(record).rows.values()] == [remote[:5]]
