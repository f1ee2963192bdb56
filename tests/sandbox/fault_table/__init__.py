"""The table of troubles: each one, where it strikes, and what must come of it. Values, nothing runs."""

from __future__ import annotations

from tests.sandbox.fault_table import accounts, bulk, listings, outcomes, together
from tests.sandbox.fault_table.case import Case

TABLE: tuple[Case, ...] = tuple(
    case for part in (listings, accounts, bulk, outcomes, together) for rows in part.PARTS for case in rows()
)
