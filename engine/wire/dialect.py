"""What a contract's codec offers. Each module named after a contract has one such value, `DIALECT`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.model.resource import Resource


class BadAnswer(ValueError):
    """A body that the contract does not allow; raised by decoders. The message says what is wrong with it."""


class NotJson(BadAnswer):
    """A body that is not JSON: it was cut short, or is a page of another program. Repeating the request may help."""


class Dialect(Protocol):
    """The codec of one contract. It reads the names of any contract, and writes only those of its own."""

    @property
    def name(self) -> str:
        """The contract's name, as in `api.contract`."""
        ...

    @property
    def resource(self) -> Resource:
        """What the rows are that it carries."""
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
        """Whether every row that is sent must have a code."""
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
        """Decode one row. Raises `BadAnswer`, also for a row of another company."""
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
        """Decode the answer to the creation of one row. Raises `BadAnswer`."""
        ...
