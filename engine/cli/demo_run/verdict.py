"""How a demo ended: its runs, what simpler programs would have needed, and whether everything agrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import TextIO

from engine.cli.demo_run.truth import Truth
from engine.model.balance import ExitCode, State
from engine.model.result import RunResult, company_json
from engine.sandbox.fleet import MadeCompany

DEMO_SCHEMA = "dimsync.demo/1"

BULK_ROWS = 100  # most rows of a bulk request
DEFAULT_PAGE = 20  # rows of a page when none are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Naive:
    """Requests that simpler programs need for the same work, without those for tokens."""

    resend: int  # everything again, in bulk, without looking
    one_by_one: int  # one POST for each row
    list_and_resend: int  # list all at the default page size, then everything in bulk


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One run of the demo."""

    name: str
    result: RunResult
    naive: Naive


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The whole demo."""

    companies: int
    rows: int  # before the edit
    quota: int  # requests a day of the API key
    acts: tuple[Act, ...]
    swapped: RunResult | None  # of two companies, each with the other's file; None: there are no two, or it was stopped
    truth: Truth | None  # None: it was stopped
    stopped: ExitCode | None = None

    @property
    def exit_code(self) -> ExitCode:
        """0 when everything agrees, 1 when not; the signal's exit code when it was stopped."""
        if self.stopped is not None:
            return self.stopped
        return ExitCode.FAILED if self.faults else ExitCode.DONE

    @property
    def faults(self) -> list[str]:
        """What does not agree, a sentence each."""
        faults = [
            f"{act.name}: the run ended with exit code {int(act.result.exit_code)}"
            for act in self.acts
            if act.result.exit_code != ExitCode.DONE or not act.result.totals.adds_up
        ]
        if self.acts and self.acts[-1].result.requests.bulk and len(self.acts) == len(ACTS):
            faults.append("something was written although nothing had changed")
        if self.swapped is not None:
            faults += [
                f"company {one.company_id} was not held although its file was another client's"
                for one in self.swapped.companies
                if one.state is not State.HELD or WRONG_CLIENT not in {problem.code for problem in one.problems}
            ]
        return faults + (_untruths(self.truth, self.results) if self.truth else [])

    @property
    def results(self) -> list[RunResult]:
        """All runs."""
        return [*(act.result for act in self.acts), *([self.swapped] if self.swapped else [])]


WRONG_CLIENT = "wrong-client"

ACTS = ("first load", "2 % of rows edited", "nothing changed")


def naive(wanted: Sequence[MadeCompany], there: Sequence[MadeCompany]) -> Naive:
    """Return the requests of simpler programs that bring companies with the rows `there` to the rows `wanted`."""
    resend = sum(ceil(len(company.rows) / BULK_ROWS) for company in wanted)
    pages = sum(max(1, ceil(len(company.rows) / DEFAULT_PAGE)) for company in there)
    rows = sum(len(company.rows) for company in wanted)
    return Naive(resend=resend, one_by_one=rows, list_and_resend=pages + resend)


def _untruths(truth: Truth, results: Sequence[RunResult]) -> list[str]:
    """Return in what the sandbox's record contradicts the wanted rows or the engine's own counts."""
    counted = sum(result.requests.total for result in results)
    faults = []
    if not truth.rows_wanted == truth.rows_stored == truth.rows_equal:
        faults.append("the rows stored are not the rows wanted")
    if truth.keys_twice:
        faults.append("something is stored twice")
    if truth.requests != counted:
        faults.append(f"the server answered {truth.requests:,} requests, the engine counted {counted:,}")
    return faults


def document(verdict: Verdict) -> dict[str, object]:
    """Return the demo's JSON document."""
    return {
        "schema": DEMO_SCHEMA,
        "companies": verdict.companies,
        "rows": verdict.rows,
        "runs": [_run(act) for act in verdict.acts],
        "swapped": [company_json(one) for one in verdict.swapped.companies] if verdict.swapped else None,
        "truth": asdict(verdict.truth) if verdict.truth else None,
        "faults": verdict.faults,
        "exit_code": int(verdict.exit_code),
    }


def _run(act: Act) -> dict[str, object]:
    totals, requests = act.result.totals, act.result.requests
    return {
        "name": act.name,
        "created": totals.created,
        "updated": totals.updated,
        "unchanged": totals.unchanged,
        "requests": requests.total - requests.apart,
        "tokens": requests.token,
        "directory": requests.directory,
        "seconds": round(act.result.elapsed_s, 3),
        "balanced": totals.adds_up,
        "exit_code": int(act.result.exit_code),
        "naive": asdict(act.naive),
    }


def print_verdict(stream: TextIO, verdict: Verdict) -> None:
    """Print the demo for people, in 80 columns."""
    stream.write("".join(f"{line}".rstrip() + "\n" for line in _lines(verdict)))


def _lines(verdict: Verdict) -> Iterator[str]:
    size = f"{verdict.companies:,} companies, {verdict.rows:,} dimensions"
    yield f"{size}; one API key, {verdict.quota:,} requests a day"
    yield ""
    yield f"{'':18}{'created':>9}{'updated':>9}{'unchanged':>11}{'requests':>11}{'apart':>8}{'seconds':>9}"
    for act in verdict.acts:
        totals, requests = act.result.totals, act.result.requests
        yield (
            f"{act.name:18}{totals.created or 0:>9,}{totals.updated or 0:>9,}{totals.unchanged or 0:>11,}"
            f"{requests.total - requests.apart:>11,}{requests.apart:>8,}{act.result.elapsed_s:>9.1f}"
        )
    yield "apart: tokens, and the list of companies that is read once a day"
    yield ""
    yield f"{'requests it takes':31}" + "".join(f"{act.name.replace(' of rows', ''):>16}" for act in verdict.acts)
    yield from _ways(verdict.acts)
    if verdict.swapped is not None:
        yield ""
        yield _swap(verdict.swapped)
    if verdict.truth is not None:
        yield from _record(verdict.truth, verdict)
    yield ""
    for fault in verdict.faults:
        yield f"DOES NOT AGREE: {fault}"
    yield f"exit {int(verdict.exit_code)}: {_meaning(verdict)}"


def _ways(acts: Sequence[Act]) -> Iterator[str]:
    rows = {
        "dimsync": [act.result.requests.total - act.result.requests.apart for act in acts],
        "everything again, in bulk": [act.naive.resend for act in acts],
        "one POST for each row": [act.naive.one_by_one for act in acts],
        "list (20 a page), send all": [act.naive.list_and_resend for act in acts],
    }
    for way, counts in rows.items():
        yield f"  {way:29}" + "".join(f"{count:>16,}" for count in counts)


def _swap(swapped: RunResult) -> str:
    held = sum(WRONG_CLIENT in {problem.code for problem in one.problems} for one in swapped.companies)
    return f"two clients' files swapped: {held:,} held as {WRONG_CLIENT}, {swapped.requests.bulk:,} bulk requests"


def _record(truth: Truth, verdict: Verdict) -> Iterator[str]:
    counted = sum(result.requests.total for result in verdict.results)
    yield ""
    yield "what the sandbox's own record says"
    wanted = f"{truth.rows_wanted:,} wanted, {truth.rows_equal:,} equal in every field"
    yield f"  rows      {truth.rows_stored:,} stored, {wanted}"
    yield f"  keys      {truth.keys_twice:,} stored twice"
    yield f"  requests  {truth.requests:,} answered, {counted:,} counted by the engine; {truth.throttled:,} throttled"
    yield f"  quota     {truth.quota_used:,} of today's {verdict.quota:,} used"


def _meaning(verdict: Verdict) -> str:
    if verdict.stopped is not None:
        return "stopped; requests in flight were finished first"
    return "something does not agree" if verdict.faults else "all of it agrees"
