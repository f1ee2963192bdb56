"""A fleet for several workers: companies dealt in turn to API keys with different rates, as settings and sources.

A company's rows are proportional to the rate of its key, so that all keys have work for equally long. There is no
randomness: whoever knows the fleet knows its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from benchmarks.data import FIRST_COMPANY, Row, Shape, base_rows, checksum

SETTINGS = """\
companies_file = "companies.csv"
[api]
base_url = "{base_url}"
[ledger]
url = "{ledger_url}"
[fleet]
source = "sources/{{company_id}}.ndjson"
[limits]
page_size = {page_size}
chunk_rows = {chunk_rows}
server_timeout = "{server_timeout_s:g}s"
requests_per_day = {requests_per_day}
reserve_per_day = 0
"""
ACCOUNT = """\
[accounts.key{number}]
account_id = "racc_{number}"
api_key = "env:API_KEY_{number}"
client_id = "env:CLIENT_ID_{number}"
client_secret = "env:CLIENT_SECRET_{number}"
limits = {{ requests_per_second = {rate} }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Companies and the API keys that they belong to."""

    companies: int
    keys: int
    slowest: int = 10  # requests a second of the first key
    fastest: int = 20  # of the last one
    rows_by_rate: int = 12  # rows of a company for each request a second of its key
    new_rows: int | None = None  # of a company, those that the server does not have at first; None: all
    page_size: int = 20
    chunk_rows: int = 10
    server_timeout_s: float = 2.0  # how long a dead worker's requests are waited for; the server's answers take less
    requests_per_day: int = 100_000

    @property
    def ids(self) -> range:
        """Company ids."""
        return range(FIRST_COMPANY, FIRST_COMPANY + self.companies)

    @property
    def rates(self) -> list[int]:
        """Requests a second that each key may send: few are fast, as few clients are large."""
        steps = max(1, self.keys - 1)
        return [self.slowest + round((self.fastest - self.slowest) * (n / steps) ** 3) for n in range(self.keys)]

    def number_of(self, company: int) -> int:
        """Return the number of a company's key, from 1."""
        return (company - FIRST_COMPANY) % self.keys + 1

    def rows(self, company: int) -> list[Row]:
        """Return the rows of a company's source; no two companies look alike, which would be a case of its own."""
        count = self.rows_by_rate * self.rates[self.number_of(company) - 1]
        return [row._replace(name=f"{row.name} of {company}") for row in base_rows(Shape(1, count), company)]

    def known_rows(self, company: int) -> list[Row]:
        """Return the rows of a company that the server has at first."""
        return [] if self.new_rows is None else self.rows(company)[: -self.new_rows]

    @property
    def most_requests(self) -> int:
        """A number of requests that no run of a company exceeds while nothing goes wrong: token and directory, too."""
        rows = self.rows_by_rate * self.fastest
        return -(-rows // self.page_size) - (-rows // self.chunk_rows) + 6

    def wanted(self) -> dict[int, tuple[int, int]]:
        """Return how many rows each company must have in the end, and their checksum."""
        return {company: (len(rows := self.rows(company)), checksum(rows)) for company in self.ids}

    def write(self, folder: Path, *, base_url: str, ledger_url: str) -> None:
        """Write settings, the list of companies, and sources."""
        settings = SETTINGS.format(base_url=base_url, ledger_url=ledger_url, **asdict(self))
        accounts = [ACCOUNT.format(number=number, rate=rate) for number, rate in enumerate(self.rates, 1)]
        (folder / "dimsync.toml").write_text(settings + "".join(accounts), encoding="utf-8")
        lines = [f"{company},key{self.number_of(company)}\n" for company in self.ids]
        (folder / "companies.csv").write_text("id,account\n" + "".join(lines), encoding="utf-8")
        (folder / "sources").mkdir(exist_ok=True)
        for company in self.ids:
            rows = b"".join(orjson.dumps(row._asdict()) + b"\n" for row in self.rows(company))
            (folder / "sources" / f"{company}.ndjson").write_bytes(rows)

    def environment(self) -> Mapping[str, str]:
        """Return the variables that hold the credentials."""
        found = {}
        for number in range(1, self.keys + 1):
            for name, value in credentials(number).items():
                found[f"{name.upper()}_{number}"] = value
        return found


def credentials(number: int) -> dict[str, str]:
    """Return the credentials of a key's account."""
    return {"api_key": f"key-{number}", "client_id": f"client-{number}", "client_secret": f"secret-{number}"}
