"""Which API an entry of the ledger belongs to."""

from __future__ import annotations

from urllib.parse import urlsplit


def origin_of(base_url: str) -> str:
    """Return an API's origin: scheme, host, port and path of its base URL, spelled one way."""
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"
