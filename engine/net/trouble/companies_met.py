"""Count the companies of a run that met the same trouble: if three did, it is not the trouble of one company."""

from __future__ import annotations

import re
from typing import NamedTuple

COMPANIES_ALIKE = 3
"""Companies that must meet the same trouble, or all if the run has fewer, before it is taken for everybody's."""


class Who(NamedTuple):
    """Who met trouble: a company, or an account's token or directory, which belong to no company."""

    account: str  # `Account.name`
    what: int | str  # the company's id, or the kind of call


class CompaniesMet:
    """Which companies of a run met which trouble. One object serves all accounts of the run."""

    def __init__(self, companies: frozenset[Who]) -> None:
        """Take the run's companies, each with the name of its account."""
        self._companies = companies
        self._refused: set[Who] = set()  # companies that were told that the day's quota is used up
        self._missing: set[Who] = set()  # companies that found no bulk path
        self._moved: dict[tuple[str, str], set[int]] = {}  # kind of request, account -> companies that were redirected
        self._unreadable: dict[tuple[str, str], set[Who]] = {}  # kind of answer, what is wrong -> who met it
        self._readable: set[str] = set()  # kinds of answers ("list", "bulk") that could be read at least once

    def of_account(self, account: str) -> frozenset[int]:
        """Return the ids of the run's companies of an account."""
        return frozenset(number for name, number in self._companies if name == account and isinstance(number, int))

    def read(self, what: str) -> None:
        """Note that an answer of this kind could be read, so the contract is right for this kind."""
        self._readable.add(what)
        if self._unreadable:
            self._unreadable = {key: met for key, met in self._unreadable.items() if key[0] != what}

    def has_read(self, what: str) -> bool:
        """Return whether an answer of this kind could be read in this run."""
        return what in self._readable

    def is_unreadable(self, what: str, words: str, who: Who, *, is_json: bool) -> bool:
        """Note that a company's answers cannot be read; return whether to take that for all companies.

        It takes three companies, or all where the run has fewer, but at least two: one company alone shows nothing. A
        body that is not JSON may be another program's page, and always takes three.
        """
        if what in self._readable or not self._companies:
            return False
        met = self._unreadable.setdefault((what, re.sub(r"\d+", "#", words)), set())
        met.add(who)
        return len(met) >= (max(2, min(COMPANIES_ALIKE, len(self._companies))) if is_json else COMPANIES_ALIKE)

    def is_out_of_quota(self, account: str, company_id: int) -> bool:
        """Note that a company was told that the day is used up; return whether three of its account (or all) were."""
        self._refused.add(Who(account, company_id))
        own, told = (sum(name == account for name, _ in group) for group in (self._companies, self._refused))
        return told >= min(COMPANIES_ALIKE, own)

    def has_no_bulk(self, account: str, company_id: int) -> bool:
        """Note that a company found no bulk path; return whether three (or all) did and no bulk answer was read."""
        self._missing.add(Who(account, company_id))
        return "bulk" not in self._readable and len(self._missing) >= min(COMPANIES_ALIKE, len(self._companies))

    def is_sent_away(self, what: str, account: str, company_id: int) -> bool:
        """Note that a company's request of a kind was redirected; return whether three of its account (or all) were."""
        moved = self._moved.setdefault((what, account), set())
        moved.add(company_id)
        return len(moved) >= min(COMPANIES_ALIKE, sum(name == account for name, _ in self._companies))
