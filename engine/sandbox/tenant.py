"""What the made-up vendor stores: companies and their rows. Pure state: no clock, no HTTP, no contract.

Rows are kept in the order of their creation. A row's key is what its writer gave; other programs' rows may have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Values(NamedTuple):
    """What a writer gives for one row; the order of the fields is that of `engine.model.dimension.Dimension`."""

    key: str | None
    type_code: str
    label: str
    name: str
    erp_id: str
    code: str | None = None


class Field(NamedTuple):
    """One field of `Values`, and its columns. The sandbox's own calls have the names of the guide's requests."""

    name: str
    guide: str  # in requests
    guide_listed: str | None  # None: the guide's answers do not show it
    reference: str  # in requests and answers
    is_optional: bool = False  # whether a contract may do without it


FIELDS = (
    Field("label", "type", "type", "erp_type"),
    Field("type_code", "dimension_type_code", "dimension_type", "ottimate_type"),
    Field("name", "name", "name", "name"),
    Field("key", "unique_key", None, "reference_id"),
    Field("erp_id", "erp_dimension_id", "erp_dimension_id", "erp_dimension_id"),
    Field("code", "code", None, "code", is_optional=True),
)
"""All fields of `Values`, in the order in which faults are told."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One stored row."""

    id: str
    company_id: int
    values: Values
    revision: int = 1
    created_by: int  # number of the request that created it; 0: it was there before the first request
    created_at: datetime
    hidden: bool = False  # deactivated: neither listed nor found by id, and its key is still taken
    shown: tuple[str, bytes] | None = None  # a contract's name and the row encoded for its listing; None: not encoded


@dataclass(slots=True, kw_only=True)
class Company:
    """One client company, and the account that may see it."""

    id: int
    account_id: str
    name: str
    rows: list[Row] = field(default_factory=list)
    by_key: dict[str, Row] = field(default_factory=dict)  # rows by what `index` returns for their key
    folds_keys: bool = False  # keys that differ in case alone count as one
    has_hidden: bool = False  # whether any row is hidden or has been

    def index(self, key: str) -> str:
        """Return a text that is the same for all keys that count as one: the key, or its folded form."""
        return key.casefold() if self.folds_keys else key

    def find(self, key: str | None) -> Row | None:
        """Return the row that an upsert under this key changes."""
        return None if key is None else self.by_key.get(self.index(key))

    def fold_keys(self, folds_keys: bool) -> None:
        """Set whether keys that differ in case alone count as one."""
        if folds_keys != self.folds_keys:
            self.folds_keys, self.by_key = folds_keys, {}
            for row in self.rows:
                if row.values.key is not None:
                    self.by_key.setdefault(self.index(row.values.key), row)


class Tenant:
    """All companies of all accounts."""

    def __init__(self) -> None:
        self.companies: dict[int, Company] = {}
        self._rows: dict[str, Row] = {}
        self._made = 0

    def place(
        self, company_id: int, *, account_id: str, name: str = "", rows: Iterable[Values] = (), at: datetime
    ) -> Company:
        """Add a company with its first rows, or replace the one with this id."""
        old = self.companies.get(company_id)
        if old is not None:
            for row in old.rows:
                del self._rows[row.id]
        company = self.companies[company_id] = Company(id=company_id, account_id=account_id, name=name)
        for values in rows:
            self.insert(company, values, by=0, at=at)
        return company

    def upsert(self, company: Company, values: Values, *, by: int, at: datetime) -> tuple[Row, bool]:
        """Store all values of a row under its key; return the row, and whether it is new."""
        row = company.find(values.key)
        if row is None:
            return self.insert(company, values, by=by, at=at), True
        self.change(company, row, values)
        return row, False

    def insert(self, company: Company, values: Values, *, by: int, at: datetime, front: bool = False) -> Row:
        """Create a row even if its key exists: behind all others, or in `front` of them."""
        self._made += 1
        number = (
            self._made * 2_654_435_761 % 2**32
        )  # Knuth's odd multiplier: ids are distinct, and do not reveal the order of creation
        row = Row(id=f"dim_{number:08x}", company_id=company.id, values=values, created_by=by, created_at=at)
        self._rows[row.id] = row
        company.rows.insert(0 if front else len(company.rows), row)
        if values.key is not None:
            company.by_key.setdefault(company.index(values.key), row)
        return row

    def change(self, company: Company, row: Row, values: Values) -> None:
        """Replace a row's values; its id, place and creator stay."""
        if row.values.key != values.key:
            self._forget_key(company, row)
            if values.key is not None:
                company.by_key.setdefault(company.index(values.key), row)
        row.values = values
        row.revision += 1
        row.shown = None

    def remove(self, company: Company, row: Row) -> None:
        """Remove a row, which no call of the API can do."""
        company.rows.remove(row)
        del self._rows[row.id]
        self._forget_key(company, row)

    def hide(self, company: Company, row: Row, hidden: bool) -> None:
        """Deactivate a row, or bring it back."""
        row.hidden = hidden
        company.has_hidden = company.has_hidden or hidden

    def company(self, company_id: int | None) -> Company | None:
        """Return the company with this id; None: there is none."""
        return None if company_id is None else self.companies.get(company_id)

    def row(self, row_id: str) -> Row | None:
        """Return the row with this id, of any company; None: there is none."""
        return self._rows.get(row_id)

    def _forget_key(self, company: Company, row: Row) -> None:
        key = row.values.key
        if key is not None and company.find(key) is row:
            del company.by_key[company.index(key)]
