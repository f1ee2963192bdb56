"""Which companies have one source, for runs that follow each other: found anew each minute.

To find out, each configured company's file is looked at. A worker has a run for each company: if all runs looked at all
files, that would be a quarter of a million looks for five hundred companies.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from engine.errors import SharedSource, SourceError
from engine.model.settings import Company
from engine.sources.sharing import refusals, shared

FRESH_S = 60.0
"""How long what was found is believed. A run of many companies looks once, and may take an hour."""


class SharedSources:
    """What an engine's runs know of shared sources."""

    def __init__(self) -> None:
        self._companies: Sequence[Company] = ()
        self._found: Mapping[int, SharedSource] = {}
        self._until_s = 0.0  # on the monotonic clock

    def refusals(self, companies: Iterable[Company], every: Sequence[Company]) -> dict[int, SourceError]:
        """Return the errors of companies that fail before any request, by id, as `sharing.refusals` does."""
        ids = {company.id for company in companies}
        sharing = {number: error for number, error in self._among(every).items() if number in ids}
        return {**refusals([each for each in every if each.id in ids], ()), **sharing}

    def _among(self, companies: Sequence[Company]) -> Mapping[int, SharedSource]:
        now_s = time.monotonic()
        if now_s >= self._until_s or not _are_same(companies, self._companies):
            self._found = shared(companies)
            self._companies, self._until_s = companies, now_s + FRESH_S
        return self._found


def _are_same(companies: Sequence[Company], others: Sequence[Company]) -> bool:
    """Return whether these are the very same companies: to compare what they consist of would take longer."""
    return len(companies) == len(others) and all(one is other for one, other in zip(companies, others, strict=True))
