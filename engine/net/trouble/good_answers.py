"""Which requests of an account were answered as they should be: they show whose trouble another request has met."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Any

from engine.model.settings import Secret
from engine.net.call import Call
from engine.net.trouble.trial import what_of
from engine.net.trouble.witness import KEPT_S


class GoodAnswers:
    """The good answers of one account in this run. All times are the event loop's."""

    def __init__(self) -> None:
        self.last_at_s: float | None = None  # when a request with a token was last answered well; None: never
        self._kinds: set[str] = set()  # kinds of requests that were answered
        self._of_companies: set[tuple[int | None, str]] = set()  # the same for each company
        self._vouched_for: Secret | None = None  # the token that a witness was last answered with
        self._vouched_at_s = 0.0

    def note(self, call: Call[Any], what: str | None) -> None:
        """Note that a call was answered as it should be. `what`: as `what_of` tells it."""
        kind = what or call.kind
        self._kinds.add(kind)
        self._of_companies.add((call.company_id, kind))
        if call.bearer:
            self.last_at_s = get_running_loop().time()

    def has_kind_of(self, call: Call[Any]) -> bool:
        """Return whether any request of this call's kind was answered."""
        return _kind(call) in self._kinds

    def has_company_of(self, call: Call[Any]) -> bool:
        """Return whether a request of this call's kind and company was answered."""
        return (call.company_id, _kind(call)) in self._of_companies

    def since(self, moment_s: float) -> bool:
        """Return whether a request with a token was answered at `moment_s` or later."""
        return self.last_at_s is not None and self.last_at_s >= moment_s

    def vouch(self, token: Secret) -> None:
        """Note that a witness was answered with this token, so the token is good."""
        self._vouched_for, self._vouched_at_s = token, get_running_loop().time()

    def vouches_for(self, token: Secret) -> bool:
        """Return whether a witness was answered with this token within the last `KEPT_S` seconds."""
        return token is self._vouched_for and get_running_loop().time() < self._vouched_at_s + KEPT_S


def _kind(call: Call[Any]) -> str:
    return what_of(call) or call.kind
