"""What a comparison decides: changes to send, rows it refuses to decide, and the plan that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from engine.model.dimension import Dimension, fingerprint


class Change(NamedTuple):
    """One row to send. `row` is what goes on the wire, its type label already settled (and see `code`)."""

    row: Dimension
    remote_id: str | None  # the row it updates; None: a create
    fields: tuple[
        str, ...
    ] = ()  # names of the fields that differ; empty: a create, or a row of unknown state sent again
    code: str | None = None  # sent where the source gives none and the contract demands one; None: nothing to fill in
    before: tuple[str | None, ...] = ()  # what is there in each of `fields`; None: not shown, and not known

    @property
    def moves_to(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """What the update changes: (field, value before, value after). Empty: a create, or nothing known to differ."""
        return tuple((name, old, getattr(self.row, name)) for name, old in zip(self.fields, self.before, strict=True))

    @property
    def sent(self) -> Dimension:
        """The row as it is encoded. A code that was filled in is not the source's, so the ledger does not keep it."""
        return self.row if self.code is None else self.row._replace(code=self.code)

    @property
    def moves(self) -> bool:
        """Whether it is known to give a remote row another natural key: as if it became another row."""
        return self.row.resource.identifies(self.fields)


class Hold(NamedTuple):
    """A row that is not sent because sending it could do harm that cannot be undone."""

    key: str
    slug: str  # "ambiguous", "look-alike", "key-unconfirmed", "key-shift"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The fewest creates and updates that bring the remote rows to the wanted ones, in the order of their keys."""

    creates: tuple[Change, ...] = ()
    updates: tuple[Change, ...] = ()
    canaries: tuple[Change, ...] = ()  # updates of rows whose key nothing has confirmed: a few first, alone
    reverts: tuple[str, ...] = ()  # keys of updates that undo what somebody changed there
    again: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by key: updates that are pushed once more
    not_applied: Mapping[str, str] = field(default_factory=dict)  # by key: updates that are not carried out, in words
    otherwise: Mapping[str, str] = field(default_factory=dict)  # by key: what the server spells its own way, in words
    holds: tuple[Hold, ...] = ()
    unchanged: int = 0
    adopted: int = 0  # part of `unchanged`: equal by natural key on first contact, the key not confirmed
    code_unseen: int = 0  # part of `unchanged`: a code is wanted, and neither listing nor ledger shows the remote one
    matched: int = 0  # remote rows that a wanted row claims
    contested: int = 0  # remote rows that a held or invalid source row may mean
    orphans: tuple[str, ...] = field(default=())  # ids of remote rows that belong to no source row

    @property
    def changes(self) -> tuple[Change, ...]:
        """All rows to send, creates first."""
        return self.creates + self.updates + self.canaries

    @property
    def first_updates(self) -> tuple[Change, ...]:
        """Updates without those that are pushed once more: whether these change anything is not known yet."""
        return (
            tuple(change for change in self.updates if change.row.key not in self.again) if self.again else self.updates
        )

    @property
    def updates_again(self) -> tuple[Change, ...]:
        """Updates that are pushed once more."""
        return tuple(change for change in self.updates if change.row.key in self.again) if self.again else ()

    @property
    def digest(self) -> str:
        """Return 32 hex characters that are equal exactly when the plans would send the same rows to the same ids."""
        digest = blake2b(digest_size=16)
        for change in self.changes:
            digest.update(fingerprint(change.sent))
            digest.update((change.remote_id or "+").encode())
            digest.update(b"\n")
        return digest.hexdigest()
