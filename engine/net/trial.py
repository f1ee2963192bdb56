"""Answers of an account that could not be read are tried again by one company; the others wait for it."""

from __future__ import annotations

from typing import Any

import anyio

from engine.net.call import Call


def what_of(call: Call[Any]) -> str | None:
    """Return which answers a call's are: "bulk", or "list", probes included; None: none that a contract is told by."""
    if call.company_id is None:
        return None
    return "bulk" if call.kind == "bulk" else "list" if call.kind in {"list", "probe"} else None


class Trial:
    """Lets one company at a time through, until one of its answers is read."""

    def __init__(self) -> None:
        self.what: str | None = None  # None: nothing is on trial
        self.began = False  # something was, when the run began
        self.failed: frozenset[int] = frozenset()  # companies that tried in vain before: others are to go first
        self._company_id: int | None = None
        self._news = anyio.Event()

    def begin(self, what: str, failed: frozenset[int] = frozenset()) -> None:
        """Put answers of this kind on trial. `failed`: companies that tried in vain before."""
        self.what, self.began, self.failed = what, True, failed

    async def turn(self, call: Call[Any]) -> None:
        """Wait where another company tries."""
        while self.what is not None and what_of(call) == self.what and self._company_id not in {None, call.company_id}:
            self._news = anyio.Event() if self._news.is_set() else self._news
            await self._news.wait()
        if self.what is not None and what_of(call) == self.what:
            self._company_id = call.company_id

    def passed(self, what: str | None) -> None:
        """Note that such an answer was read."""
        if what is not None and what == self.what:
            self.what = None
            self._news.set()

    def left(self, company_id: int | None) -> None:
        """Note that a company is through, or that the account was stopped (None): another one may try."""
        if company_id is None or company_id == self._company_id:
            self._company_id = None
            self._news.set()
