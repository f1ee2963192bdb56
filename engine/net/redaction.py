"""A server's words without secrets that it may have echoed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.model.settings import Secret


def redacted(words: str, secrets: Iterable[Secret | None]) -> str:
    """Return `words` with `***` in place of each secret."""
    for secret in secrets:
        if secret is not None:
            words = _spellings(secret).sub("***", words)
    return words


def _spellings(secret: Secret) -> re.Pattern[str]:
    """Return a pattern that finds a secret even if some of its characters are escaped, as in JSON or in a URL."""
    ways = (
        rf"(?:{re.escape(char)}|\\{re.escape(char)}|\\u{ord(char):04x}|%{ord(char):02x})" for char in secret.reveal()
    )
    return re.compile("".join(ways), re.IGNORECASE)
