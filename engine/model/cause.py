"""What a problem comes from, wherever it was met: problems of one cause are told once, for all their companies."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

from engine.model.outcome import Problem

LONGEST = 160
"""Characters that a cause is told by."""

QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'.*?'(?!\w)|\([^()]*\)")
"""Matches what a message quotes or puts in brackets: names, values, commands, figures."""

PLACE = re.compile(
    r"\S*[/\\]\S*|\b\w[\w.-]*\.(?:csv|tsv|txt|json|jsonl|ndjson|xlsx|xlsm|parquet|db)\b\S*", re.IGNORECASE
)
"""Matches paths, addresses and file names."""

FIGURE = re.compile(r"[\w.,:+%-]*\d(?:[\w.,:+%-]*[\w%])?")
"""Matches words with a digit in them: figures, times, ids, keys."""

SEVERAL = re.compile(r"#(?:(?:,| and| or| of) #)+")
"""Matches an enumeration or a proportion of figures."""

PLURAL = re.compile(r"# (?!is\b|has\b)([a-z]+?)(?:ies|s|y)\b")
"""Matches a counted word, whose number depends on the figure before it."""

VERB = re.compile(r"\b(?:are|was|were|have)\b")
VERBS = {"are": "is", "was": "is", "were": "is", "have": "has"}


TOLD_AGAIN = "refused at # # UTC and unchanged since, so not sent again for a day: "
"""Begins the message of a refusal that an earlier run was told, in front of the server's words."""


class Cause(NamedTuple):
    """The cause of a problem: its code, and the message without figures, keys, ids, files and companies' names."""

    code: str
    words: str


def cause_of(problem: Problem, company: str = "") -> Cause:
    """Return the cause of a problem; `company`: the name of the company that has it.

    Only the message up to a semicolon counts: what follows is what to do, or when it is tried again.
    """
    text = problem.message
    for particular in sorted({problem.file or "", problem.key or "", company} - {""}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(particular)}(?!\w)", "#", text)
    for pattern in (QUOTED, PLACE, FIGURE):
        text = pattern.sub("#", text)
    text = VERB.sub(lambda found: VERBS[found[0]], text.removeprefix(TOLD_AGAIN).partition("; ")[0])
    text = PLURAL.sub(r"# \1", SEVERAL.sub("#", text))
    return Cause(problem.code, " ".join(text.split())[:LONGEST])


def mark_of(problem: Problem, company: str = "") -> bytes:
    """Return 8 bytes by which a company's problem is known again in another run.

    A row's problem is its code and the row's key, in whatever words it is told; another problem is its cause.
    """
    told = cause_of(problem, company).words if problem.key is None else problem.key
    identity = f"{problem.code}\0{'row' if problem.key is not None else 'cause'}\0{told}"
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest()
