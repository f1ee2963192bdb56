"""What the contracts spell alike: paths of single rows and pages, the frame of requests, the shape of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import orjson

from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.wire import reading


class Common(ABC):
    """A contract but for its own words, which `fields` gives. Reading is the same for all: tolerant."""

    create_path: Final = "/dimensions"

    @abstractmethod
    def fields(self, row: Dimension) -> dict[str, str]:
        """Return a row under the contract's names: the full record, as nobody says what an upsert does without."""

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of a page.

        Not filtered by type (a wrong label would make a full table look empty), and with all of its details.
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
        """Encode one row of a bulk request."""
        return orjson.dumps(self.fields(row))

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
        """Decode its answer, which is flat."""
        return reading.read_created(body, company_id)
