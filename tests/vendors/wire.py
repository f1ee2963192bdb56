"""The wire module: how vendors go over the wire."""

from __future__ import annotations

from typing import Any, Final

from engine.model.dimension import clean
from engine.model.listing import Page
from engine.wire.common import Common
from engine.wire.dialect import BadAnswer
from engine.wire.reading import read_count, read_object
from engine.wire.values import needed, text_of
from tests.vendors.declared import VENDORS


class Vendors(Common):
    """Codec of vendors. Listings show no terms and no keys."""

    resource = VENDORS
    name: Final = "vendors"
    type_codes: Final = frozenset[str]()
    lists_keys: Final = False
    needs_code: Final = False
    most_rows: Final = 2
    bulk_path: Final = "/vendors/bulk"

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        return f"/vendors?ottimate_company_id={company_id}&page={page}&limit={limit}"

    def fields(self, row: Any) -> dict[str, str]:
        terms = {} if row.terms is None else {"terms": row.terms}
        return {"vendor_key": row.key, "name": row.name, "tax_id": row.tax_id, **terms}

    def bulk_body(self, company_id: int, rows: Any) -> bytes:
        return b'{"ottimate_company_id":%d,"vendors":[%s]}' % (company_id, b",".join(rows))

    def page(self, body: bytes, company_id: int) -> Page:
        document = read_object(body)
        items = document.get("vendors")
        if not isinstance(items, list):
            raise BadAnswer("no array `vendors`")
        rows = [
            VENDORS.remote(
                id=needed(item.get("id"), "id"),
                name=clean(needed(item.get("name"), "name")),
                tax_id=clean(text_of(item.get("tax_id") or "", "a tax id")),
            )
            for item in items
        ]
        foreign = next((item["company"] for item in items if item["company"] != company_id), None)
        return Page(
            number=read_count(document, "page"),
            limit=read_count(document, "limit"),
            declared=read_count(document, "count"),
            rows=VENDORS.remote_table(rows),
            foreign=foreign,
        )


DIALECT = Vendors()
