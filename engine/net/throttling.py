"""Wait out a 429: for as long as the API asks, or for a growing while where it names no time."""

from __future__ import annotations

from asyncio import get_running_loop
from random import Random
from typing import Any

from engine.errors import QuotaExhausted, Throttled
from engine.model.settings import Secret
from engine.net.call import Call
from engine.net.earlier_runs import EarlierRuns
from engine.net.pauses import Pauses
from engine.net.retry import step_s
from engine.net.trouble.good_answers import GoodAnswers
from engine.net.trouble.parking import Parking
from engine.net.trouble.refusals import Refusals, about_company
from engine.net.trouble.witness import Witness

PATIENCE_S = 600.0
"""A key that is throttled for this long without a good answer is taken for used up, whatever the answers call it."""


class Throttling:
    """The 429s of one account in this run."""

    def __init__(
        self,
        pauses: Pauses,
        parking: Parking,
        refusals: Refusals,
        witness: Witness,
        good: GoodAnswers,
        earlier: EarlierRuns,
        rng: Random,
    ) -> None:
        """Take `pauses`, which hold the key back, and what shows whether a 429 is about the key or one company."""
        self._pauses = pauses
        self._parking = parking
        self._refusals = refusals
        self._witness = witness
        self._good = good
        self._earlier = earlier
        self._rng = rng
        self._in_a_row = 0  # 429s, over all companies, since the last good answer
        self._since_s = 0.0  # when the first of them came, on the event loop's clock
        self._paused_at_s = 0.0  # when the last pause began

    def has_ended(self) -> None:
        """Note that a request was answered well."""
        self._in_a_row = 0

    async def wait_out(self, call: Call[Any], error: Throttled, token: Secret | None) -> None:
        """Hold the whole key back, and return; the next send waits at the gate.

        Of requests that were out together, the first answer makes the pause, and the others do not lengthen it. Raises
        at once what an earlier run waited for in vain, and what ends the call or the account.
        """
        now_s = get_running_loop().time()
        if call.is_witness and self._witness.is_asked_of_throttle:
            raise error
        await self._judge_by_earlier_runs(call, error)
        if self._in_a_row and call.sent_at_s <= self._paused_at_s and error.retry_after_s is None:
            return
        if self._in_a_row == 0:
            self._since_s = now_s
        self._in_a_row += 1
        self._paused_at_s = now_s
        wait_s = error.retry_after_s or step_s(self._in_a_row, self._rng.random())
        if now_s - self._since_s > PATIENCE_S:
            await self._refusals.judge(call, _used_up(error, f"for {PATIENCE_S / 60:g} minutes"), token)
        await self._pauses.begin(error, wait_s)

    async def _judge_by_earlier_runs(self, call: Call[Any], error: Throttled) -> None:
        """If an earlier run waited in vain, and nothing shows yet that this is over, raise at once what a 429 means."""
        if self._earlier.was_used_up and not self._good.has_kind_of(call):
            await self._judge_used_up(call, error)
        was_refused = call.company_id in self._earlier.refused and not self._good.has_company_of(call)
        if was_refused and await self._witness.clears_account():
            raise about_company(call, error)

    async def _judge_used_up(self, call: Call[Any], error: Throttled) -> None:
        """Stop the account whose day was used up in an earlier run, unless the 429 is one company's trouble."""
        used_up = _used_up(error, "as before")
        if call.company_id is None or self._refusals.is_out_of_quota(used_up, call.company_id):
            raise await self._parking.park(used_up) from error
        if not await self._witness.clears_account():
            raise await self._parking.park(used_up) from error
        self._earlier.was_used_up = False


def _used_up(error: Throttled, how_long: str) -> QuotaExhausted:
    """Return the error that a throttle without end stands for."""
    told = f"{error}, {how_long}"
    used_up = QuotaExhausted(f"{told}: the API key's requests of the day are taken for used up", status=error.status)
    used_up.told = told
    return used_up
