"""What a report says in words that come from elsewhere: what codes mean, and what must not be told to a client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from engine.documents.report import Line

ELSEWHERE = "not told here: it names another company"
"""What a client's report has in the place of a text that is not about the client alone."""


class OtherNames:
    """What must not be told to a client: ids and names of other companies, and names of accounts."""

    def __init__(self, names: Iterable[str]) -> None:
        words = sorted({name for name in names if name.strip()}, key=len, reverse=True)
        self._found = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.IGNORECASE)
        self._has_any = bool(words)

    def are_in(self, text: str) -> bool:
        """Return whether a text tells any of them."""
        return self._has_any and self._found.search(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What codes mean, what to type against them, and what must not be told."""

    explain: Callable[[str], tuple[str, str]]  # code -> (what it means, what to do)
    remedy: Callable[[str, Sequence[int], str | None], str]  # code, companies that have it, a row's key -> command
    others: OtherNames = field(default_factory=lambda: OtherNames(()))

    def told(self, code: str, message: str) -> str:
        """Return a message; what its code means, if the message is not for this report's reader."""
        return self.plain(message, self.explain(code)[0])

    def plain(self, text: str, instead: str = "") -> str:
        """Return a text; another one, if it names another client."""
        return (instead or ELSEWHERE) if self.others.are_in(text) else text


def safe_lines(lines: Iterable[Line], words: Words) -> list[Line]:
    """Return lines whose reasons and files name no other client."""
    return [
        line._replace(reason=words.told(line.what, line.reason), file=words.plain(line.file))
        if line.reason or line.file
        else line
        for line in lines
    ]
