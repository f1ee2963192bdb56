"""A 404, a 405 or a redirect: decide whether `api.contract` or `api.base_url` is wrong, or one company is hidden."""

from __future__ import annotations

from typing import Any

from engine.errors import ApiError, CompanyRefused, EngineError, OutOfScope, WrongContract
from engine.net.call import Call
from engine.net.trouble.companies_met import CompaniesMet
from engine.net.trouble.good_answers import GoodAnswers
from engine.net.trouble.parking import Parking
from engine.net.trouble.trial import what_of


class WrongPaths:
    """Judges the paths that one account's requests did not find."""

    def __init__(self, account: str, base_url: str, met: CompaniesMet, parking: Parking, good: GoodAnswers) -> None:
        """Take the account's name, the base URL to name in a message, and what is known of other requests."""
        self._account = account
        self._base_url = base_url
        self._met = met
        self._parking = parking
        self._good = good
        self._strange: set[str] = set()  # kinds of requests whose path is missing, or is another program's

    async def judge(self, call: Call[Any], error: WrongContract | OutOfScope) -> EngineError:
        """Return what the answer means: the settings are wrong, or the API user may not see one company.

        The contract is wrong when the bulk path is missing for three companies (or for all of the run). The base URL is
        wrong when listing and directory are both missing and nothing was answered, or when requests are redirected for
        three companies of the account.
        """
        company_id = call.company_id
        if isinstance(error, WrongContract):
            if company_id is None or self._is_for_all(call, error, company_id):
                return await self._parking.park(error)
            text = f"{error}; for other companies it may be there, so this one fails alone"
            kind: type[ApiError] = OutOfScope if error.status in {404, 405} else CompanyRefused
            return kind(text, status=error.status, company_id=company_id, request_id=error.request_id)
        if error.status == 404 and self.is_strange(call):
            return await self._parking.park(self.wrong_base_url(error))
        return error

    def is_strange(self, call: Call[Any]) -> bool:
        """Note that a path is missing, or is another program's; return whether listing and directory both are."""
        if self._good.last_at_s is None:
            self._strange.add("list" if call.kind == "probe" else call.kind)
        return self._good.last_at_s is None and self._strange.issuperset({"list", "directory"})

    def wrong_base_url(self, error: ApiError) -> WrongContract:
        """Return the error that says so."""
        text = f"{error.told}, to listing and directory alike: the API is not at {self._base_url}"
        return WrongContract(f"{text}; check api.base_url (it ends in the API's version, /v1)", status=error.status)

    def _is_for_all(self, call: Call[Any], error: WrongContract, company_id: int) -> bool:
        """Return whether other companies met the same, and no request of this kind is answered."""
        what = what_of(call)
        if error.status in {404, 405}:
            return what != "bulk" or self._met.has_no_bulk(self._account, company_id)
        if what is None:
            return True
        return self._met.is_sent_away(what, self._account, company_id) and not self._good.has_kind_of(call)
