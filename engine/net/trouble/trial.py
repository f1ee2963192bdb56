"""After a run in which an account's requests failed, one request of a kind tries again, and the others wait for it."""

from __future__ import annotations

from typing import Any

import anyio

from engine.net.call import Call


def what_of(call: Call[Any]) -> str | None:
    """Return the kind of a call's answer: "bulk", or "list" (probes, too); None: it shows nothing of the contract."""
    if call.company_id is None:
        return None
    return "bulk" if call.kind == "bulk" else "list" if call.kind in {"list", "probe"} else None


class Trial:
    """Lets one call of a kind at a time through, until one of them is answered well."""

    def __init__(self) -> None:
        self.failed: frozenset[int] = frozenset()  # companies whose try failed in earlier runs
        self._whats: dict[str, Call[Any] | None] = {}  # kinds on trial, and the call that tries, if any
        self._news = anyio.Event()

    def begin(self, *whats: str, failed: frozenset[int] = frozenset()) -> None:
        """Put requests of these kinds on trial. `failed`: companies whose try failed before."""
        self._whats.update(dict.fromkeys(whats))
        self.failed |= failed

    async def turn(self, call: Call[Any]) -> None:
        """Wait while another call of this kind tries. Where none does, this call tries."""
        if not self._whats:
            return
        what = what_of(call)
        while what is not None and self._whats.get(what, call) not in {None, call}:
            self._news = anyio.Event() if self._news.is_set() else self._news
            await self._news.wait()
        if what in self._whats:
            self._whats[what] = call

    def passed(self, what: str) -> None:
        """Note that a request of this kind was answered well: its trial is over."""
        if what in self._whats:
            del self._whats[what]
            self._news.set()

    def left(self, call: Call[Any] | None) -> None:
        """Note that a call has ended, or that the account was stopped (None): another one may try."""
        for what, trying in self._whats.items():
            if trying is not None and call in {None, trying}:
                self._whats[what] = None
                self._news.set()
