"""What a person reads about one code of a problem, a guard or the process's end."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """One code and its explanation, in sentences.

    `ID` stands for a company's id, `KEY` for a row's key, `FILE` for a file's name.
    """

    code: str  # never renamed: other people's programs ask for it
    cause: str  # what has happened
    effect: str  # what that does to rows, company or run, and the exit code
    next: str  # what to do about it: a command or an act
