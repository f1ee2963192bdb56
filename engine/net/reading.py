"""What a call's answer holds: the value that it asked for, or the error that the answer stands for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from engine.errors import BadPage, OutcomeUnknown
from engine.net.call import Call
from engine.net.http.answer import problem
from engine.net.http.exchange import Answer
from engine.net.key import Key
from engine.wire.dialect import BadAnswer, NotJson

T = TypeVar("T")


class Reader:
    """Reads the answers of one account, and keeps its secrets out of all texts."""

    def __init__(self, key: Key, now: Callable[[], datetime]) -> None:
        """Take the account's secrets, and the wall clock, which dates in answers are measured against."""
        self._key = key
        self._now = now

    def read(self, call: Call[T], answer: Answer) -> T:
        """Return the value that a call reads from its answer. Raises `ApiError`.

        A 2xx that cannot be read leaves the outcome unknown: it raises `OutcomeUnknown`, or `BadPage` if it is JSON.
        """
        if answer.status >= 300:  # people are shown parts of such a body
            answer = answer._replace(body=self.redacted(answer.body.decode("utf-8", "replace")).encode())
        error = problem(answer, kind=call.kind, now=self._now, company_id=call.company_id)
        if error is not None:
            call.request_id = error.request_id or call.request_id
            raise error
        try:
            return call.read(answer)
        except BadAnswer as bad:
            kind = OutcomeUnknown if isinstance(bad, NotJson) else BadPage
            text = f"HTTP {answer.status}, but {self.redacted(str(bad))}"
            raise kind(text, status=answer.status, company_id=call.company_id) from bad

    def redacted(self, words: str) -> str:
        """Return a server's words without the account's secrets."""
        return self._key.redacted(words)
