"""JSON as notifications are sent: UTF-8, and what no UTF-8 has is escaped."""

from __future__ import annotations

import json


def encoded(document: object) -> bytes:
    """Return a document as JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
