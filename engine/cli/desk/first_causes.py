"""What is not in order with a company that has just ended, for the progress of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.cli.desk.grouping import grouped
from engine.model.balance import ExitCode
from engine.model.result import CompanyResult
from engine.observe.view import Told


def first_causes(company: CompanyResult) -> Iterator[Told]:
    """Yield one cause for each problem code that the company has, without notices.

    Of the problems of one code the first is looked at: a company may have thousands, and the run goes on meanwhile.
    """
    if company.exit_code == ExitCode.DONE:
        return
    first = {problem.code: problem for problem in reversed(company.problems)}
    for group in grouped([replace(company, problems=tuple(first.values()))]):
        if group.gravity is not ExitCode.DONE:
            yield Told(group.gravity, group.cause, group.example.problem)
