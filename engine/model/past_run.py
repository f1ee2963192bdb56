"""Runs that are over, as the journal keeps them: with those companies alone that had something to tell."""

from __future__ import annotations

from typing import NamedTuple

from engine.model.result import CompanyResult, RunResult
from engine.model.standing import RunTimes


class PastResult(NamedTuple):
    """How a finished run ended."""

    result: RunResult
    companies: int  # how many it was about; those that `result` does not have were unchanged


class CompanyInRun(NamedTuple):
    """What became of one company in one run."""

    run: RunTimes
    company: CompanyResult
