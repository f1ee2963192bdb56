"""How grave a problem is: the exit code that it calls for, as the words on its code say."""

from __future__ import annotations

import re
from functools import cache

from engine.cli.codes import CODES
from engine.model.balance import SEVERITY, ExitCode

NAMED = re.compile(r"\bexit (\d+)\b")

IN_ANOTHER_RUN = frozenset({"new-ledger"})
"""Codes whose words name the exit code of another command, and that call for none themselves."""


@cache
def gravity(code: str) -> ExitCode:
    """Return the exit code that a problem's code calls for; `DONE`: it is a notice, or no code of ours."""
    known = CODES.get(code)
    named = NAMED.search(known.effect) if known is not None and code not in IN_ANOTHER_RUN else None
    return ExitCode(int(named[1])) if named else ExitCode.DONE


def rank(code: ExitCode) -> int:
    """Return the place of an exit code among all, the gravest first."""
    return SEVERITY.index(code)
