"""A 401, a 403 or a used-up quota: decide whether the account is refused, or one company, or only the token."""

from __future__ import annotations

from typing import Any

from engine.errors import ApiError, CompanyRefused, OutOfScope, QuotaExhausted, Rejected, Throttled, Unauthorized
from engine.model.settings import Secret
from engine.net.call import Call
from engine.net.key import Key
from engine.net.trouble.companies_met import CompaniesMet
from engine.net.trouble.good_answers import GoodAnswers
from engine.net.trouble.parking import Parking
from engine.net.trouble.witness import Witness

REFUSALS = 4
"""A call is sent again with another token after at most this many 401s in a row: more are not expired tokens."""


class Refusals:
    """Judges the refusals that one account's requests meet."""

    def __init__(self, key: Key, met: CompaniesMet, parking: Parking, witness: Witness, good: GoodAnswers) -> None:
        """Take the account's credentials and token, and what is known of other companies and of other requests."""
        self._credentials = key.credentials
        self._keeper = key.keeper
        self._met = met
        self._parking = parking
        self._witness = witness
        self._good = good

    def helps_another_token(self, call: Call[Any], error: Unauthorized, token: Secret, refusals: int) -> bool:
        """Note that a token was refused; return whether to send the request again with another token.

        `refusals`: 401s in a row for this call, this one included. A company's request is sent again once, and
        whenever there is a newer token. A request of no company is sent again until a token is refused that no request
        was ever accepted with.
        """
        keeper = self._keeper
        if error.status != 401 or refusals > REFUSALS or self._good.vouches_for(token):
            return False
        if call.is_witness and keeper.is_hopeless(token):
            return False
        if refusals > 1 and token is keeper.current and (call.company_id is not None or keeper.is_hopeless(token)):
            return False
        keeper.refused(token)
        return True

    async def judge(self, call: Call[Any], error: ApiError, token: Secret | None) -> None:
        """Raise the error that a refusal means: the account is stopped, unless the witness is answered with this key.

        If the witness is answered, the company is refused alone, or its chunk is. Returns if the call is to be sent
        again: the account's provider has other credentials than it was sent with, or the witness was answered with a
        newer token than `token`. A refusal of the request for a token is raised as it is: see `Tokens`.
        """
        is_about_credentials = isinstance(error, Unauthorized)
        if is_about_credentials and not call.bearer:
            raise error
        if is_about_credentials and self._are_others_in_use(call):
            return
        if not await self._is_company_s(call, error):
            await self._stop(call, error)
        elif is_about_credentials and self._are_others_in_use(call):
            return
        elif error.status != 401 or token is self._keeper.current:
            raise about_company(call, error) from error

    async def _is_company_s(self, call: Call[Any], error: ApiError) -> bool:
        """Return whether a refusal is one company's own, by the witness."""
        if call.company_id is None or self.is_out_of_quota(error, call.company_id):
            return False
        return await self._witness.clears_account(of_throttle=isinstance(error, QuotaExhausted))

    def _are_others_in_use(self, call: Call[Any]) -> bool:
        return call.used is not None and call.used is not self._credentials.account

    async def _stop(self, call: Call[Any], error: ApiError) -> None:
        """Stop the account, and raise that. Returns if its provider has other credentials than those refused."""
        reason: ApiError | None = error
        if isinstance(error, Unauthorized) and call.used is not None:
            reason = await self._credentials.refused(call.used, error)
        if reason is not None:
            raise await self._parking.park(reason) from error

    def is_out_of_quota(self, error: ApiError, company_id: int) -> bool:
        """Return whether the key's day is used up: by our own count, or as three companies (or all) were told."""
        if not isinstance(error, QuotaExhausted):
            return False
        return error.status is None or self._met.is_out_of_quota(self._credentials.account.name, company_id)


def about_company(call: Call[Any], error: ApiError) -> ApiError:
    """Return the error of a company that is refused while other requests with the same API key are answered."""
    text = f"{error.told}, and other requests with the same API key are answered: this is about the company alone"
    kind: type[ApiError] = OutOfScope
    if isinstance(error, QuotaExhausted | Throttled):
        kind = CompanyRefused
    elif call.kind == "bulk":
        kind, text = Rejected, error.told
    return kind(text, status=error.status, company_id=call.company_id, request_id=error.request_id)
