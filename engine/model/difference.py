"""Where source, ledger and remote side disagree, field by field, and who is likely to have changed it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Whose(StrEnum):
    """Who changed a field or row since it was last acknowledged."""

    ERP = "changed in ERP"
    OTTIMATE = "changed in Ottimate"
    BOTH = "changed in both"
    SPELLED = "spelled by Ottimate"  # nobody: it is as it was sent, and Ottimate shows that so
    NOT_APPLIED = "not carried out"  # nobody: it was sent twice and acknowledged, and Ottimate left it as it was
    UNVERIFIED = "not yet verified"  # it was pushed, and shows otherwise: by the API's own spelling, or by somebody
    UNSEEN = "not observable"  # nothing was ever acknowledged, so that nobody can tell


class FieldDifference(NamedTuple):
    """One field of a row on each side. `None` is "not given" in the source and "not known" elsewhere."""

    name: str  # as in `Dimension`
    acknowledged: (
        str | None
    )  # the value last acknowledged: as it was sent, or as it was listed when the row was adopted
    source: str | None
    remote: str | None  # as it is shown
    whose: Whose
    spelled: str | None = None  # as what was sent is shown, where that is otherwise and agreed
    answered: str | None = None  # as it was answered when it was sent, where that was otherwise and is not agreed yet


class Difference(NamedTuple):
    """One row that is not the same on both sides, or that Ottimate spells its own way."""

    # "missing": not in Ottimate; "differs"; "orphan": in no source row; "unsettled": its outcome is not known;
    # "spelled": it is the same, and Ottimate shows it in a spelling of its own
    kind: str
    key: str | None  # None: no key leads to it
    remote_id: str | None  # None: there is no remote row, or it is not known
    type_code: str
    name: str
    whose: Whose
    fields: tuple[FieldDifference, ...] = ()
