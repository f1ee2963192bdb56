"""How much has to be read before a company is compared: nothing, one probe, or the whole listing."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from engine.guards.registry import FIGURE_GUARDS
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.row_record import SETTLED
from engine.model.settings import Verify, VerifyMode
from engine.model.wanted import Wanted

SPREAD = 0.3
"""Each company's time between listings differs from `verify_after_s` by up to this share: a fleet first read in one
night is not read again in one night."""


class Evidence(StrEnum):
    """What a comparison rests on."""

    LISTING = "listing"
    PROBE = "probe"
    LEDGER = "ledger"


def first_evidence(state: CompanyState, verify: Verify, company_id: int, now: datetime) -> Evidence:
    """Return what must be read, whatever the source holds. A listing dated in the future counts as too old."""
    if state.listed_at is None or state.checked_at is None or is_reading_open(state):
        return Evidence.LISTING
    if verify.mode is VerifyMode.FULL:
        return Evidence.LISTING
    if verify.mode is VerifyMode.NONE:
        return Evidence.LEDGER
    if verify.mode is VerifyMode.PROBE:
        return Evidence.PROBE
    listed_s = (now - state.listed_at).total_seconds()
    checked_s = (now - state.checked_at).total_seconds()
    if not 0 <= listed_s < verify.verify_after_s * spread(company_id):
        return Evidence.LISTING
    return Evidence.LEDGER if 0 <= checked_s < verify.probe_after_s else Evidence.PROBE


def is_reading_open(state: CompanyState) -> bool:
    """Return whether the last reading failed or was held, so that the ledger is no evidence until a whole listing.

    A company that was held by the figures of its plan (`FIGURE_GUARDS`) was read well.
    """
    return state.failure is not None and state.failure not in FIGURE_GUARDS


def is_due_for_age(state: CompanyState, verify: Verify) -> bool:
    """Return whether a probe could stand in for a listing that is due only because the last one is too old."""
    known = state.listed_at is not None and state.checked_at is not None and not is_reading_open(state)
    return known and verify.mode is VerifyMode.AUTO


def spread(company_id: int) -> float:
    """Return the company's factor, between 0.7 and 1.3, the same in every run."""
    share = int.from_bytes(blake2b(b"%d" % company_id, digest_size=4).digest()) / 0xFFFFFFFF
    return 1 - SPREAD + 2 * SPREAD * share


def must_list(wanted: Wanted, record: CompanyRecord, resting: Container[str] = ()) -> bool:
    """Return whether the ledger cannot stand in for a listing, because rows of unknown outcome could be wanted rows.

    1. The outcome of a create is unknown, and a wanted row may be that row or take its place.
    2. The outcome of an update is unknown, and a wanted row can only be found by its values: the ledger has the values
       from before that update, and not those that it may have stored.

    `resting`: keys of rows that are not sent in this run, so that nothing has to be known of them. If nothing was sent
    since the last listing, another one would show the same.
    """
    if record.is_as_listed or all(flags & SETTLED for flags in set(record.entries.table.column("flags"))):
        return False
    unsettled = [known for key, known in record.rows.items() if not known.outcome_known and key not in resting]
    if not unsettled:
        return False
    wanted_known = [record.rows.get(row.key) for row in wanted.rows if row.key not in resting]
    lost_create = any(not known.confirmed and known.remote_id is None for known in unsettled)
    if lost_create and any(known is None or not known.outcome_known for known in wanted_known):
        return True
    return any(known is None or (known.outcome_known and known.remote_id is None) for known in wanted_known)


def creates_need_probe(plan: Plan, evidence: Evidence) -> bool:
    """Return whether the plan creates rows and nothing was read in this run: a create needs evidence of this run."""
    return evidence is Evidence.LEDGER and bool(plan.creates)


def creates_need_listing(plan: Plan, record: CompanyRecord) -> bool:
    """Return whether a probe is no evidence for creates: a create of unknown outcome may have landed meanwhile."""
    if not plan.creates or record.is_as_listed or not (record.resting or record.rejections):
        return False
    entries = record.entries.table.columns("flags", "remote_id")
    return any(not flags & SETTLED and remote_id is None for flags, remote_id in entries)
