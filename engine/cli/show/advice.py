"""What a result means, and the command to type next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from engine.model.balance import ExitCode, State
from engine.model.resting import NOT_APPLIED, NOT_LISTED, STORED_OTHERWISE, UNCERTAIN
from engine.model.result import RunResult
from engine.observe.terminal import needs_person, safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The part of the command line that has to be repeated in the next command."""

    verb: str
    config: str
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    plan_file: str = ""  # where the plan is written to (`plan -o`) or read from (`apply`)

    def line(self, verb: str | None = None, select: tuple[str, ...] | None = None) -> str:
        """Return this command line, or one with another verb or selection and the same settings, quoted for a shell."""
        words = ["dimsync", verb or self.verb]
        if self.config != "dimsync.toml":
            words += ["-c", self.config]
        for selector in self.select if select is None else select:
            words += ["--select", selector]
        for selector in self.exclude if select is None else ():
            words += ["--exclude", selector]
        for guard in self.allow if select is None and (verb or self.verb) in ALLOWING else ():
            words += ["--allow", guard]
        if self.plan_file and verb is None and self.verb == "plan":
            words += ["-o", self.plan_file]
        if self.plan_file and (verb or self.verb) == "apply":
            words.append(self.plan_file)
        return safe(shlex.join(words))


AGAIN, SYNC, LOOK, ANEW, RETRY = "again", "sync", "look", "anew", "retry"  # which command follows the words

WORDS = {
    ExitCode.FAILED: ("something failed: put it right, then:", AGAIN),
    ExitCode.USAGE: ("the API does not answer as this contract says: put [api] right in the settings, then:", AGAIN),
    ExitCode.REJECTED: ("rows were refused or are invalid: correct them in their source, then:", AGAIN),
    ExitCode.HELD: ("rows are held, and nothing was sent for them; all about it:", LOOK),
    ExitCode.STOPPED: ("stopped early, nothing is lost; to go on:", AGAIN),
    ExitCode.STALE: ("the plan is out of date where it is said so above, and nothing was sent there; a new one:", ANEW),
    ExitCode.PENDING: ("changes are pending and nothing was written; to write them:", SYNC),
    ExitCode.AUTHENTICATION: ("credentials are refused: correct the secrets that [accounts] refers to, then:", AGAIN),
    ExitCode.LOCKED: ("another run is at work on these companies; when it has ended:", AGAIN),
    ExitCode.UNCERTAIN: ("what became of some rows is not known; to find out now:", RETRY),
    ExitCode.INTERRUPTED: ("interrupted, once the requests in flight were done; to go on:", AGAIN),
    ExitCode.TERMINATED: ("terminated, once the requests in flight were done; to go on:", AGAIN),
}
"""The words for each exit code of a run, and which command follows them; `_done` has those for code 0."""

OTHER_WORDS = {
    "certificate": "a TLS certificate is not trusted: put right what is named above, then:",
    NOT_LISTED: "the API acknowledged rows that it does not list; what that means, and what to do:",
    STORED_OTHERWISE: "Ottimate spells values its own way; what that means, and what to do:",
    NOT_APPLIED: "Ottimate acknowledged updates that it does not carry out; what that means, and what to do:",
}
"""Words for an exit code that is due to one problem code alone, where those of `WORDS` would be wrong."""

FRESH = frozenset({"sync", "plan"})
"""Verbs that have the option `--fresh`."""

ALLOWING = frozenset({"sync", "plan", "retry"})
"""Verbs that have the option `--allow`."""

RESTING = frozenset({"resting", "refused", "unavailable", "bad-answer", "out-of-scope"})
"""Problem codes after which a company is not read again for some time, unless `--fresh` is given."""

FEW = 3
"""Up to this many companies are selected by id; more would make the command too long."""


def advice(result: RunResult, typed: Typed) -> tuple[str, str]:
    """Return what the result means, and the command to type next; empty: there is nothing to do."""
    code = ExitCode(result.exit_code)
    if code is ExitCode.DONE:
        return _done(result, typed)
    words, command = WORDS[code]
    codes = {problem.code for one in result.companies for problem in one.problems}
    if command is LOOK:
        return words, _look(result, typed)
    if command is RETRY:
        if NOT_LISTED in codes and UNCERTAIN not in codes:  # rows that are not listed are left out by `retry`
            return OTHER_WORDS[NOT_LISTED], f"dimsync help {NOT_LISTED}"
        return words, typed.line("retry", typed.select)
    told = codes & {STORED_OTHERWISE, NOT_APPLIED}
    if code is ExitCode.REJECTED and told and not codes & {"rejected"} and not result.totals.invalid:
        why = NOT_APPLIED if NOT_APPLIED in told else STORED_OTHERWISE
        return OTHER_WORDS[why], f"dimsync help {why}"
    if code is ExitCode.USAGE and "wrong-contract" not in codes and "certificate" in codes:
        words = OTHER_WORDS["certificate"]
    if command is ANEW:
        return words, f"{typed.line('plan')} -o {safe(shlex.quote(typed.plan_file))}"
    if command is SYNC:
        return words, typed.line("apply" if typed.plan_file else "sync")
    if codes & RESTING and typed.verb in FRESH:
        return words, f"{typed.line(select=_failed(result, typed))} --fresh"
    return words, typed.line() + (" --resume" if typed.verb == "apply" else "")


def _failed(result: RunResult, typed: Typed) -> tuple[str, ...] | None:
    """Return what selects the companies that failed; None: the command line is repeated as it was typed.

    With `--fresh` each account's companies are listed anew, so the accounts that are in order are better left out.
    """
    failed = [one for one in result.companies if one.state is State.FAILED]
    if typed.select or typed.exclude or typed.allow or len(failed) in {0, len(result.companies)}:
        return None
    if len(failed) <= FEW:
        return tuple(f"company:{one.company_id}" for one in failed)
    return ("state:failed",) if typed.verb == "sync" else None  # which means how the last sync has ended


def _look(result: RunResult, typed: Typed) -> str:
    """Return the command that shows what is held. Without `--fresh` a company that is held as a whole is skipped."""
    held = [one for one in result.companies if one.balance.held or one.state is State.HELD]
    few = tuple(f"company:{one.company_id}" for one in held) if len(held) <= FEW else None
    line = f"{replace(typed, allow=()).line('plan', few)} --details"
    return f"{line} --fresh" if any(one.state is State.HELD for one in held) else line


def _done(result: RunResult, typed: Typed) -> tuple[str, str]:
    changes = (result.totals.created or 0) + (result.totals.updated or 0)
    if result.verb not in {"plan", "check"}:
        if any(needs_person(each) for each in result.companies):
            return "what needs a person is known from earlier runs; all about it:", _status(typed)
        return "done, and every row is accounted for", ""
    write = typed.line("apply" if typed.plan_file else "sync")
    return ("nothing was written; to write this:", write) if changes else ("nothing to change", "")


def _status(typed: Typed) -> str:
    return replace(typed, select=(), exclude=(), allow=()).line("status")
