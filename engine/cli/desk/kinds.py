"""A word and a colour for each exit code that a cause may call for."""

from __future__ import annotations

from engine.model.balance import ExitCode

KINDS: dict[ExitCode, tuple[str, str]] = {
    ExitCode.FAILED: ("failed", "red"),
    ExitCode.USAGE: ("failed", "red"),
    ExitCode.AUTHENTICATION: ("refused", "red"),
    ExitCode.UNCERTAIN: ("uncertain", "magenta"),
    ExitCode.STALE: ("stale", "cyan"),
    ExitCode.HELD: ("held", "yellow"),
    ExitCode.REJECTED: ("rows", "yellow"),
    ExitCode.STOPPED: ("waits", "cyan"),
    ExitCode.LOCKED: ("waits", "cyan"),
    ExitCode.DONE: ("notice", ""),
}

KIND_CELLS = 9
