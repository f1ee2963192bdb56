"""Answers with a good status that cannot be read: when no company can read a kind of answer, the account is stopped."""

from __future__ import annotations

from typing import Any

from engine.errors import ApiError, BadPage, Unreadable
from engine.net.call import Call
from engine.net.earlier_runs import EarlierRuns
from engine.net.trouble.companies_met import CompaniesMet, Who
from engine.net.trouble.parking import Parking
from engine.net.trouble.trial import what_of


class UnreadableAnswers:
    """Counts the companies of one account that cannot read an answer."""

    def __init__(self, account: str, met: CompaniesMet, parking: Parking, earlier: EarlierRuns) -> None:
        """Take the account's name, and what other companies and earlier runs met."""
        self._account = account
        self._met = met
        self._parking = parking
        self._earlier = earlier

    async def note(self, call: Call[Any], error: ApiError) -> None:
        """Note an answer that cannot be read; raise `AccountParked` when it is so for every company that asked.

        One company is enough where an earlier run could not read these answers either.
        """
        what, is_answer = what_of(call), error.status is not None and error.status < 300
        if what is None or not is_answer or call.company_id is None:
            return
        who, is_json = Who(self._account, call.company_id), isinstance(error, BadPage)
        is_on_trial = what in self._earlier.unreadable and not self._met.has_read(what)
        if self._met.is_unreadable(what, str(error), who, is_json=is_json) or is_on_trial:
            raise await self._parking.park(_reason(what, error, call.company_id)) from error


def _reason(what: str, error: ApiError, company_id: int) -> Unreadable:
    kind = "bulk requests" if what == "bulk" else "listings"
    text = f"{error}: so the answers to {kind} are for every company asked; check api.contract and api.base_url"
    reason = Unreadable(text, status=error.status, company_id=company_id)
    reason.what = what
    return reason
