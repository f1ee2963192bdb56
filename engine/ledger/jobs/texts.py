"""Values that the ledger writes as text: JSON, and instants as ISO 8601 in UTC, all of one width so that they sort."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from engine.errors import LedgerError
from engine.model.standing import CLOCKS_APART


def to_text(moment: datetime) -> str:
    """Return an aware datetime as `2026-11-21T09:30:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


LATEST = "9999-12-31T23:59:59.999999Z"
"""A text that no instant sorts after."""


def until(now: datetime | None) -> str:
    """Return the text that only instants of a wrong clock sort after; None: all instants are believed."""
    return LATEST if now is None else to_text(now + CLOCKS_APART)


def optional_text(moment: datetime | None) -> str | None:
    """Return `to_text`, or None for None."""
    return None if moment is None else to_text(moment)


def from_text(text: str) -> datetime:
    """Return the instant that a column holds."""
    return datetime.fromisoformat(text)


def optional_instant(text: str | None) -> datetime | None:
    """Return `from_text`, or None for None."""
    return None if text is None else from_text(text)


def to_json(value: object) -> str:
    """Return a value as JSON. Raises `LedgerError` for text with half of a surrogate pair, which UTF-8 cannot hold."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # which is what orjson raises
        raise LedgerError(f"The ledger cannot write this down: {error}.") from error


def asked_json(companies: Iterable[tuple[str, int]]) -> str:
    """Return companies, each an account and an id, as the JSON array by which a statement selects them."""
    return to_json([[account, company_id] for account, company_id in companies])
