"""Where source, ledger and remote side disagree, field by field, and who is likely to have made it so."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Whose(StrEnum):
    """Who changed it since it was last acknowledged."""

    ERP = "changed in ERP"
    OTTIMATE = "changed in Ottimate"
    BOTH = "changed in both"
    UNVERIFIED = "not yet verified"  # it was pushed, and shows otherwise: by the API's own spelling, or by somebody
    UNSEEN = "not observable"  # nothing was ever acknowledged, so that nobody can tell


class FieldDifference(NamedTuple):
    """One field of a row, thrice. `None` is "not given" in the source and "not known" elsewhere."""

    name: str  # as in `Dimension`
    record: str | None  # last acknowledged
    source: str | None
    remote: str | None
    whose: Whose


class Difference(NamedTuple):
    """One row that is not the same on both sides."""

    kind: (
        str  # "missing": not in Ottimate; "differs"; "orphan": in no source row; "unsettled": its outcome is not known
    )
    key: str | None  # None: no key leads to it
    remote_id: str | None  # None: not there, or not known
    type_code: str
    name: str
    whose: Whose
    fields: tuple[FieldDifference, ...] = ()
