"""What a contract's codec offers. All modules named after a contract have one value of this shape, `DIALECT`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer


class BadAnswer(ValueError):
    """A body that is not what the contract promises; raised by decoders. The message says what is wrong with it."""


class NotJson(BadAnswer):
    """A body that is not JSON: it was cut short, or is another program's page. A repeat may bring a whole one."""


class Dialect(Protocol):
    """One contract's spelling. Reading is tolerant (any contract's names), writing strict (this contract's alone)."""

    @property
    def name(self) -> str:
        """The contract's name, as in `api.contract`."""
        ...

    @property
    def type_codes(self) -> frozenset[str]:
        """The canonical type codes that may be written."""
        ...

    @property
    def lists_keys(self) -> bool:
        """Whether listings show the key of each row that has one."""
        ...

    @property
    def needs_code(self) -> bool:
        """Whether every row sent must bear a code."""
        ...

    @property
    def most_rows(self) -> int:
        """Most rows of a bulk request."""
        ...

    @property
    def bulk_path(self) -> str:
        """Path of the bulk call below the base URL."""
        ...

    @property
    def create_path(self) -> str:
        """Path of the call that creates one row."""
        ...

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of one page of a listing, below the base URL."""
        ...

    def page(self, body: bytes, company_id: int) -> Page:
        """Decode a page. Raises `BadAnswer`."""
        ...

    def one_path(self, row_id: str) -> str:
        """Return the path of one row."""
        ...

    def one(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode one row. Raises `BadAnswer`, and so where it is another company's."""
        ...

    def row(self, row: Dimension) -> bytes:
        """Encode one row of a bulk request."""
        ...

    def bulk_body(self, company_id: int, rows: Sequence[bytes]) -> bytes:
        """Join encoded rows into a bulk request's body."""
        ...

    def bulk(self, body: bytes) -> BulkAnswer:
        """Decode a bulk answer. Raises `BadAnswer`."""
        ...

    def create_body(self, company_id: int, row: Dimension) -> bytes:
        """Encode the request that creates one row."""
        ...

    def created(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode its answer. Raises `BadAnswer`."""
        ...
