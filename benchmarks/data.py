"""Made-up fleets for benchmarks: what the server holds, what the sources want, and a checksum of how it must end.

All of it follows from a `Shape`, without any randomness: two processes that are told the shape have the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import orjson

FIRST_COMPANY = 1001
ACCOUNT = "racc_1"  # the first, which is the only one of most fleets


def credentials(account: str) -> dict[str, str]:
    """Return the credentials of an account."""
    return {"api_key": f"key-{account}", "client_id": f"client-{account}", "client_secret": f"secret-{account}"}


CREDENTIALS = credentials(ACCOUNT)

TYPES = (
    ("account", "GL Account"),
    ("department", "Department"),
    ("location", "Location"),
    ("project", "Job"),
    ("item", "Item"),
)
NAMES = (
    "Repairs and maintenance",
    "Food cost",
    "Bar supplies",
    "Front of house",
    "Linen",
    "Harbor terrace",
    "Catering",
)

STRIDE = 7919
"""A prime: which rows are changed is spread evenly over a company's rows, and not the same in its neighbour."""

HANDS = (0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4)
"""Of 15 companies, which of 5 accounts each belongs to, where accounts have 1 to 5 companies."""


class Shape(NamedTuple):
    """A fleet: how many companies, how many rows in each at the start, and what its sources have changed since."""

    companies: int
    rows: int  # of each company; of the smallest where `most_rows` is given
    changed: int = 0  # rows in a thousand whose name is another now
    added: int = 0  # rows for each thousand that are new
    most_rows: int = 0  # of the largest company: sizes are spread evenly; 0: all have the same
    shared_out: bool = False  # accounts have 1 to 5 companies each, in turn; else all companies are one account's

    @property
    def ids(self) -> range:
        """Company ids."""
        return range(FIRST_COMPANY, FIRST_COMPANY + self.companies)

    @property
    def wanted(self) -> int:
        """Rows in all sources."""
        return sum(self.wanted_of(company) for company in self.ids)

    def rows_of(self, company: int) -> int:
        """Return how many rows a company has at the start."""
        more = self.most_rows - self.rows
        return self.rows + (company - FIRST_COMPANY) * STRIDE % (more + 1) if more > 0 else self.rows

    def wanted_of(self, company: int) -> int:
        """Return how many rows a company's source has."""
        rows = self.rows_of(company)
        return rows + rows * self.added // 1000

    def account_of(self, company: int) -> str:
        """Return the account id that a company belongs to."""
        if not self.shared_out:
            return ACCOUNT
        round_, place = divmod(company - FIRST_COMPANY, len(HANDS))
        return f"racc_{1 + round_ * (HANDS[-1] + 1) + HANDS[place]}"

    @property
    def accounts(self) -> dict[str, list[int]]:
        """Each account's companies."""
        found: dict[str, list[int]] = {}
        for company in self.ids:
            found.setdefault(self.account_of(company), []).append(company)
        return found


class Row(NamedTuple):
    """One row, field by field as the guide contract writes it."""

    unique_key: str
    type: str
    dimension_type_code: str
    name: str
    erp_dimension_id: str
    code: str


def base_rows(shape: Shape, company: int) -> Iterator[Row]:
    """Yield the rows that a company has before its sync."""
    return (_row(company, number) for number in range(shape.rows_of(company)))


def wanted_rows(shape: Shape, company: int) -> Iterator[Row]:
    """Yield the rows of a company's source: the same, some under new names, and new ones."""
    rows = shape.rows_of(company)
    for number in range(shape.wanted_of(company)):
        row = _row(company, number)
        is_changed = number < rows and (number * STRIDE + company) % 1000 < shape.changed
        yield row._replace(name=f"{row.name} (renamed)") if is_changed else row


def _row(company: int, number: int) -> Row:
    code, label = TYPES[number % len(TYPES)]
    name = f"{NAMES[number % len(NAMES)]} {number // len(NAMES) + 1}"
    return Row(f"{company}:{code}:{number:06d}", label, code, name, f"{number:06d}", f"{number % 10_000:04d}-{company}")


def write_sources(shape: Shape, folder: Path) -> None:
    """Write each company's source as `<company id>.ndjson`, in the guide's names."""
    folder.mkdir(parents=True)
    for company in shape.ids:
        lines = b"\n".join(orjson.dumps(row._asdict()) for row in wanted_rows(shape, company))
        (folder / f"{company}.ndjson").write_bytes(lines + b"\n")


def checksum(rows: Iterable[Row]) -> int:
    """Return a sum over rows that is the same in any order, and another when any field of any row is."""
    total = 0
    for row in rows:
        total += int.from_bytes(blake2b("\0".join(row).encode(), digest_size=8).digest())
    return total % 2**64


def expected(shape: Shape) -> tuple[int, int]:
    """Return how many rows there must be after a sync of the whole fleet, and their checksum."""
    return shape.wanted, sum(checksum(wanted_rows(shape, company)) for company in shape.ids) % 2**64
