"""Values that the ledger writes as text: instants (ISO 8601 in UTC, of one width, so that they sort), and JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from engine.errors import LedgerError


def to_text(moment: datetime) -> str:
    """Return an aware datetime as `2026-11-21T09:30:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
    """Return a value as JSON; raises LedgerError for text that is no Unicode (half a surrogate pair)."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # which is what orjson raises
        raise LedgerError(f"The ledger cannot write this down: {error}.") from error
