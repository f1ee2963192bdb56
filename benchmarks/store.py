"""What the benchmark server holds: per company the rows at the start, prebuilt pages of them, and what was written."""

from __future__ import annotations

import orjson

from benchmarks.data import Row, Shape, base_rows, checksum


class Stored:
    """One company's rows. Pages of an untouched company are built once; a write drops them."""

    def __init__(self, company: int, base: dict[str, Row], most: int) -> None:
        self._company = company
        self._most = most  # rows of a page: a larger limit is cut down to it
        self._base = base
        self._start = base
        self._written: dict[str, dict[str, str]] = {}  # items as they came, by key: they stand before those of `base`
        self._prebuilt: dict[tuple[int, int], bytes] = {}  # (page, limit) -> body, while nothing is written

    def restore(self, *, filled: bool) -> None:
        """Go back to the start, or to no rows at all."""
        self._start = self._base if filled else {}
        self._written = {}

    def page(self, number: int, limit: int) -> bytes:
        """Return the body of one page, which says how large pages are."""
        limit = min(limit, self._most)
        if self._written or self._start is not self._base:
            return self._build(number, limit)
        body = self._prebuilt.get((number, limit))
        if body is None:
            body = self._prebuilt[number, limit] = self._build(number, limit)
        return body

    def _build(self, number: int, limit: int) -> bytes:
        rows = list(self._rows().values())
        listed = [
            {
                "id": f"dim_{row.unique_key}",
                "name": row.name,
                "type": row.type,
                "dimension_type": row.dimension_type_code,
                "erp_dimension_id": row.erp_dimension_id,
                "ottimate_company_id": self._company,
            }
            for row in rows[(number - 1) * limit : number * limit]
        ]
        return orjson.dumps(
            {"version": "1.0.0", "count": len(rows), "page": number, "limit": limit, "dimensions": listed}
        )

    def upsert(self, items: list[dict[str, str]]) -> bytes:
        """Store rows by their key, and return the answer's body. Ids follow from keys: the order changes nothing."""
        start, written = self._start, self._written
        updated = [item for item in items if item["unique_key"] in start or item["unique_key"] in written]
        known = {item["unique_key"] for item in updated}
        created = [item for item in items if item["unique_key"] not in known]
        written.update((item["unique_key"], item) for item in items)
        return orjson.dumps(
            {
                "version": "1.0.0",
                "success_count": len(items),
                "created_count": len(created),
                "updated_count": len(updated),
                "error_count": 0,
                "created": [{"id": f"dim_{item['unique_key']}", "name": item["name"]} for item in created],
                "updated": [{"id": f"dim_{item['unique_key']}", "name": item["name"]} for item in updated],
                "errors": [],
            }
        )

    def _rows(self) -> dict[str, Row]:
        return self._start | {key: Row(**{"code": "", **item}) for key, item in self._written.items()}

    def state(self) -> tuple[int, int]:
        """Return how many rows it has now, and the sum over them."""
        rows = self._rows()
        return len(rows), checksum(rows.values())


class Store:
    """All companies of one shape; going back to the start is cheap, so that every run begins with the same rows."""

    def __init__(self, shape: Shape, page_size: int) -> None:
        self.companies: dict[int, Stored] = {}
        self._accounts = shape.accounts
        for company in shape.ids:
            stored = Stored(company, {row.unique_key: row for row in base_rows(shape, company)}, page_size)
            for number in range(1, -(-shape.rows_of(company) // page_size) + 1):
                stored.page(number, page_size)
            self.companies[company] = stored

    def restore(self, *, filled: bool) -> None:
        """Go back to the start, or to companies without any rows."""
        for stored in self.companies.values():
            stored.restore(filled=filled)

    def directory(self, account: str, number: int, limit: int) -> bytes:
        """Return the body of one page of an account's companies."""
        ids = self._accounts[account]
        entries = [
            {"id": company, "name": f"Company {company}", "location_count": 1, "plan": None}
            for company in ids[(number - 1) * limit : number * limit]
        ]
        return orjson.dumps({"count": len(ids), "page": number, "limit": limit, "results": entries})

    def state(self) -> dict[str, int]:
        """Return how many rows there are, and their checksum."""
        states = [stored.state() for stored in self.companies.values()]
        return {"rows": sum(rows for rows, _ in states), "checksum": sum(marks for _, marks in states) % 2**64}
