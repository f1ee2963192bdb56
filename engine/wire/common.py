"""What is equal in all contracts: paths of rows and pages, the frame of requests, and the form of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import orjson

from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.model.resource import Resource
from engine.wire import reading


class Common(ABC):
    """The base of contracts. A contract adds its names of fields; reading accepts the names of any contract."""

    resource: Resource = DIMENSIONS
    create_path: Final = "/dimensions"

    @abstractmethod
    def fields(self, row: Dimension) -> dict[str, str]:
        """Return all fields of a row by the contract's names: what an upsert does with missing ones is undocumented."""

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of a page, with all details.

        It is not filtered by type: with a wrong label, a company with rows would look empty.
        """
        return f"/dimensions?ottimate_company_id={company_id}&page={page}&limit={limit}"

    def page(self, body: bytes, company_id: int) -> Page:
        """Decode a page of a listing."""
        return reading.read_page(body, company_id)

    def one_path(self, row_id: str) -> str:
        """Return the path of one row."""
        return f"/dimensions/{reading.segment(row_id)}"

    def one(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode one row."""
        return reading.read_one(body, company_id)

    def row(self, row: Dimension) -> bytes:
        """Encode one row of a bulk request.

        It is copied, by a join with nothing: orjson cuts 1 KB of memory to size, and to keep many such pieces costs ten
        times as much as to copy them.
        """
        return b"".join((orjson.dumps(self.fields(row)), b""))

    def bulk_body(self, company_id: int, rows: Sequence[bytes]) -> bytes:
        """Join encoded rows into a bulk request."""
        return b'{"ottimate_company_id":%d,"dimensions":[%s]}' % (company_id, b",".join(rows))

    def bulk(self, body: bytes) -> BulkAnswer:
        """Decode a bulk answer, whatever its status: 200, 201 or 207."""
        return reading.read_bulk(body)

    def create_body(self, company_id: int, row: Dimension) -> bytes:
        """Encode the request that creates one row."""
        return orjson.dumps({"ottimate_company_id": company_id, **self.fields(row)})

    def created(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode the answer to the creation of one row, which has no envelope."""
        return reading.read_created(body, company_id)
