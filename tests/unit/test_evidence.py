"""How much is read before a company is compared, at the edges of each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.compare.freshness import Evidence, creates_need_probe, first_evidence, is_due_for_age, must_list, spread
from engine.model.change import Change, Plan
from engine.model.company_record import CompanyState
from engine.model.settings import Verify, VerifyMode
from tests.tables import each_of
from tests.unit.model_server import NOW, dim, known, ledger_of, source

DAY_S = 86_400.0
COMPANY = 7


def state(listed_s: float | None, checked_s: float | None) -> CompanyState:
    def ago(seconds: float | None) -> timedelta:
        return timedelta(seconds=seconds or 0)

    return CompanyState(
        listed_at=None if listed_s is None else NOW - ago(listed_s),
        checked_at=None if checked_s is None else NOW - ago(checked_s),
    )


DUE_S = 7 * DAY_S * spread(COMPANY)


@each_of(
    [
        ("auto", None, None, Evidence.LISTING),
        ("probe", None, None, Evidence.LISTING),
        ("none", None, None, Evidence.LISTING),
        ("full", 1, 1, Evidence.LISTING),
        ("none", 400 * DAY_S, 400 * DAY_S, Evidence.LEDGER),
        ("probe", 1, 1, Evidence.PROBE),
        ("probe", 400 * DAY_S, 400 * DAY_S, Evidence.PROBE),
        ("auto", 0, 0, Evidence.LEDGER),
        ("auto", DAY_S - 1, DAY_S - 1, Evidence.LEDGER),
        ("auto", DAY_S + 1, DAY_S + 1, Evidence.PROBE),
        ("auto", DUE_S - 1, 1, Evidence.LEDGER),
        ("auto", DUE_S - 1, 2 * DAY_S, Evidence.PROBE),
        ("auto", DUE_S + 1, 1, Evidence.LISTING),
        ("auto", -60, -60, Evidence.LISTING),  # a clock that went back
        ("auto", 60, -60, Evidence.PROBE),
    ]
)
def test_what_is_read(mode: str, listed_s: float | None, checked_s: float | None, expected: Evidence) -> None:
    verify = Verify(mode=VerifyMode(mode))

    assert first_evidence(state(listed_s, checked_s), verify, COMPANY, NOW) is expected


@pytest.mark.parametrize("mode", VerifyMode)
@pytest.mark.parametrize(
    ("failure", "is_open"),
    [
        ("incomplete-listing", True),
        ("tenant-leak", True),
        ("vanished-company", True),
        ("unavailable", True),
        ("out-of-scope", True),
        ("overwritten", True),
        ("mass-create", False),  # guards by figures: their reading was good
        ("wrong-client", False),
    ],
)
def test_w11_the_ledger_is_no_evidence_while_a_reading_is_open(mode: VerifyMode, failure: str, is_open: bool) -> None:
    """Whatever its age says, and whatever the mode: what was not read whole proves nothing."""
    noted = replace(state(1, 1), failure=failure)
    found = first_evidence(noted, Verify(mode=mode), COMPANY, NOW)
    assert (found is Evidence.LISTING) == (is_open or mode is VerifyMode.FULL)
    assert is_due_for_age(noted, Verify(mode=mode)) == (not is_open and mode is VerifyMode.AUTO)


def test_listings_are_spread_by_thirty_percent_either_way() -> None:
    factors = [spread(company) for company in range(2000)]

    assert 0.7 <= min(factors) < 0.71
    assert 1.29 < max(factors) <= 1.3
    assert abs(sum(factors) / len(factors) - 1) < 0.02
    assert len(set(factors)) > 1990
    assert spread(123) == spread(123)


def test_no_fleet_is_due_before_seventy_or_after_a_hundred_and_thirty_percent() -> None:
    verify = Verify()
    early, late = 0.7 * verify.verify_after_s, 1.3 * verify.verify_after_s

    for company in range(300):
        assert first_evidence(state(early - 1, 1), verify, company, NOW) is Evidence.LEDGER
        assert first_evidence(state(late + 1, 1), verify, company, NOW) is Evidence.LISTING


def test_a_create_of_unknown_outcome_needs_a_listing() -> None:
    lost = known(dim("k1", "1"), None, confirmed=False, settled=False)

    assert must_list(source(dim("k1", "1")), ledger_of(lost))
    assert not must_list(source(dim("k1", "1")), ledger_of(lost._replace(outcome_known=True)))
    assert not must_list(source(dim("k1", "1")), ledger_of(lost._replace(confirmed=True)))


def test_nothing_is_created_while_anything_is_uncertain() -> None:
    """A probe is evidence only while nothing is uncertain. The lost row may have landed."""
    lost = known(dim("k1", "1"), None, confirmed=False, settled=False)

    assert must_list(source(dim("k2", "1")), ledger_of(lost))


@pytest.mark.parametrize(
    ("evidence", "creates", "expected"),
    [
        (Evidence.LEDGER, 1, True),
        (Evidence.LEDGER, 0, False),
        (Evidence.PROBE, 1, False),
        (Evidence.LISTING, 1, False),
    ],
)
def test_a_create_needs_this_runs_evidence(evidence: Evidence, creates: int, expected: bool) -> None:
    update = Change(dim("k9", "9"), "r9", ("name",))
    plan = Plan(creates=(Change(dim("k1", "1"), None),) * creates, updates=(update,))

    assert creates_need_probe(plan, evidence) is expected
