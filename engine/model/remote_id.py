"""The id of a remote row, or what stands for it while no answer and no listing has told it. The one module that knows.

Text either way, so that rows of both kinds are told apart, sorted and found alike.
"""

from __future__ import annotations

from typing import NewType

RemoteId = NewType("RemoteId", str)
"""What a remote row is found by in a company: the server's id, or a stand-in that no server gives out."""

_STAND_IN = "?"


def linked(row_id: str) -> RemoteId:
    """Return the id that a server gave out."""
    return RemoteId(row_id)


def unlinked(key: str) -> RemoteId:
    """Return what stands for the id of the row that this key leads to."""
    return RemoteId(f"{_STAND_IN}{key}")


def is_linked(row_id: str | None) -> bool:
    """Return whether it is an id that a server gave out; None: of a row that is to be created."""
    return row_id is not None and not row_id.startswith(_STAND_IN)
