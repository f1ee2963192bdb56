"""Pairs whose key nothing has confirmed: sent under a wrong key, the row would be created a second time."""

from __future__ import annotations

from collections.abc import Container

from engine.compare.matching import Pair, leads_here
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, natural_key
from engine.model.row_record import CONFIRMED, SETTLED


def was_ours(pair: Pair, keyless: Container[str]) -> bool:
    """Return whether the remote row may be what a send under this key made, of which the answer was lost.

    It cannot be if the last listing before that showed it, and no key led to it. `keyless`: ids of such rows.
    """
    known = pair.known
    return known is not None and not known.outcome_known and leads_here(pair) and pair.remote.id not in keyless


class Shifts:
    """The confirmed keys under which the ledger knows each natural key; looked up only once one is asked for."""

    def __init__(self, record: CompanyRecord) -> None:
        self._record = record
        self._keys: dict[NaturalKey, str] | None = None

    def other_key(self, row: Dimension) -> str | None:
        """Return the confirmed key under which the row's natural key is known, if that is another one."""
        if self._keys is None:
            sure = CONFIRMED | SETTLED
            entries = self._record.entries.table.columns("key", "flags", *self._record.resource.natural_key)
            self._keys = {tuple(natural): key for key, flags, *natural in entries if flags & sure == sure}
        key = self._keys.get(natural_key(row))
        return key if key != row.key else None


def unconfirmed_hold(pair: Pair, fields: tuple[str, ...], other_key: str | None) -> Hold:
    """Return the hold of a pair that differs. `other_key`: the confirmed key of its natural key, if another one."""
    row, remote = pair.row, pair.remote
    changes = ", ".join(f"{name} {getattr(remote, name)!r} -> {getattr(row, name)!r}" for name in fields)
    if other_key is not None:
        twice = f"sent as {row.key!r} it would be there twice"
        return Hold(row.key, "key-shift", f"Ottimate has {remote.id} under the key {other_key!r}: {twice} ({changes})")
    doubt = "nothing shows yet that its key leads there, and sending could make a second one"
    return Hold(row.key, "key-unconfirmed", f"differs from {remote.id} ({changes}): {doubt}")
