"""The sandbox's part: what the vendor API stores, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson


@dataclass(slots=True, kw_only=True)
class VendorServer:
    """One company's vendors by key, and how often it was asked."""

    company_id: int
    stored: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def page(self) -> bytes:
        """Return all vendors as one page."""
        self.requests.append("list")
        rows = [
            {"id": row["id"], "name": row["name"], "tax_id": row["tax_id"], "company": self.company_id}
            for row in self.stored.values()
        ]
        return orjson.dumps({"page": 1, "limit": 100, "count": len(rows), "vendors": rows})

    def bulk(self, body: bytes) -> bytes:
        """Store each vendor under its key; one without a name is refused."""
        self.requests.append("bulk")
        made: dict[str, list[dict[str, str]]] = {"created": [], "updated": []}
        errors = []
        for at, row in enumerate(orjson.loads(body)["vendors"]):
            if not row["name"]:
                errors.append({"index": at, "unique_key": row["vendor_key"], "error": "no name", "type": "bad"})
                continue
            old = self.stored.get(row["vendor_key"])
            row_id = old["id"] if old else f"ven_{len(self.stored) + 1}"
            self.stored[row["vendor_key"]] = {"id": row_id, **row}
            made["updated" if old else "created"].append({"id": row_id, "name": row["name"]})
        counts = {f"{what}_count": len(rows) for what, rows in made.items()}
        done = sum(counts.values())
        return orjson.dumps({**made, **counts, "success_count": done, "error_count": len(errors), "errors": errors})
