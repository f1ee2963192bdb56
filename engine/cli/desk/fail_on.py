"""`sync --fail-on new`: the exit code of a run in which only new trouble counts as rejected or held. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import gravity_of
from engine.model.balance import ExitCode, worst
from engine.model.result import CompanyResult, RunResult

MASKED = frozenset({ExitCode.REJECTED, ExitCode.HELD})
"""Exit codes that known problems do not call for. A run that ended with any other code keeps it."""


def code_for_new(result: RunResult) -> ExitCode:
    """Return the exit code of the process.

    Codes 3 and 4 count only where a company, or the run itself, has a problem that calls for them and is news. What
    known problems leave is the next code that applies, such as 5; a run that does not add up ended with 1.
    """
    code = ExitCode(result.exit_code)
    if code not in MASKED:
        return code
    codes = [each for company in result.companies for each in _codes(company)]
    codes += [gravity(each.code) for each in result.problems if each.is_news and gravity(each.code) in MASKED]
    return worst(codes if result.stop_code is None else (*codes, result.stop_code))


def _codes(company: CompanyResult) -> Iterator[ExitCode]:
    """Yield the codes that count. One that no problem of the company explains counts always."""
    for code in map(ExitCode, company.exit_codes or (company.exit_code,)):
        why = [each for each in company.problems if gravity_of(each, company) is code] if code in MASKED else []
        if not why or any(each.is_news for each in why):
            yield code
