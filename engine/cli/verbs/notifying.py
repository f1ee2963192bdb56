"""When the targets of `[[notify]]` are told: after a run that sends rows, when one breaks, and of silence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.cli.notices.making import after_run, of_the_whole
from engine.cli.notices.memory import catching_up, forget, keep_reached, remember, told_at
from engine.cli.notices.telling import harmless, tell
from engine.config import Configured
from engine.errors import ConfigError, EngineError, LedgerError
from engine.model.outcome import Problem
from engine.model.result import RunResult

TOLD_VERBS = frozenset({"sync", "apply", "retry"})
"""Verbs whose runs send rows: after these the ledger knows which problems were shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Something that lasts, and is told when it begins and when it is over."""

    what: str  # as the ledger remembers it
    event: str  # as in `Message`
    title: str
    told: Problem
    command: str = ""  # what to type
    is_over: bool = False


@harmless()
def notify_run(configured: Configured, result: RunResult, config: str) -> None:
    """Tell what is new after a run, and that runs end again after one that broke. `config`: the file, as typed.

    A target that the last message did not reach is told all that needs a person, instead of what is new.
    """
    if not configured.notify or result.verb not in TOLD_VERBS:
        return
    unreached, companies = catching_up(configured)
    news = after_run(result, configured.groups, config)
    reached = tell([each for each in configured.notify if each.key not in unreached], news)
    if unreached:
        whole = after_run(result, configured.groups, config, whole=companies)
        behind = [each for each in configured.notify if each.key in unreached]
        reached |= dict.fromkeys(unreached, True) | tell(behind, whole)
    if unreached or not all(reached.values()):
        keep_reached(configured, reached, result.finished_at)
    told = Problem(code="failed", message="a run has ended with a result again")
    title = f"dimsync {result.verb} ends again"
    _tell_once(configured, Lasting(what="broken", event="broken", title=title, told=told, is_over=True), config)


@harmless()
def notify_broken(configured: Configured, verb: str, error: EngineError, config: str) -> None:
    """Tell that a run ended without a result, unless that was told since the last one with a result.

    What is wrong with the settings or the command line (`ConfigError`) is not told: no run was begun.
    """
    if not configured.notify or verb not in TOLD_VERBS or isinstance(error, ConfigError):
        return
    told = Problem(code="failed", message=str(error))
    title = f"dimsync {verb} broke before its end"
    lasting = Lasting(what="broken", event="broken", title=title, told=told, command="dimsync doctor")
    _tell_once(configured, lasting, config)


@harmless()
def notify_silence(configured: Configured, silence: str | None, max_age: str, max_age_s: float, config: str) -> None:
    """Tell once of a silence, and once that it is over. `silence`: what is said of it; None: there is none.

    `max_age`: as it was typed. Monitors with different ages each have a silence of their own.
    """
    title = "dimsync: syncs end again" if silence is None else "dimsync is silent"
    told = Problem(code="silence", message=silence or f"a sync has ended within {max_age}")
    lasting = Lasting(
        what=f"silence:{max_age_s:g}",
        event="silence",
        title=title,
        told=told,
        command="dimsync history",
        is_over=silence is None,
    )
    _tell_once(configured, lasting, config)


@harmless()
def notify_unreadable(configured: Configured, error: LedgerError, config: str) -> None:
    """Tell that nobody can say whether syncs end. It is told each time, since nothing can be remembered of it."""
    told = Problem(code="ledger", message=str(error))
    title, at = "dimsync cannot read its ledger", datetime.now(UTC)
    tell(configured.notify, of_the_whole("silence", title, told, at, config, command="dimsync doctor"))


def _tell_once(configured: Configured, lasting: Lasting, config: str) -> None:
    """Tell of something unless its beginning, or its end, was told. What nobody took is told the next time."""
    if not configured.notify:
        return
    at, before = datetime.now(UTC), told_at(configured, lasting.what)
    if lasting.is_over == (before is None):
        return
    told = replace(lasting.told, since=before)
    message = of_the_whole(
        lasting.event, lasting.title, told, at, config, command=lasting.command, is_over=lasting.is_over
    )
    reached = tell(configured.notify, message)
    if reached and not any(reached.values()):
        return
    if lasting.is_over:
        forget(configured, lasting.what)
    else:
        remember(configured, lasting.what, at, lasting.told.message)
