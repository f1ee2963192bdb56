"""A server in memory that does what the documents say, but for the ways of its own that it was given.

It is deterministic: an answer depends on what is stored and on the request alone. `ways.py` has the ways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from engine import Dimension

ACCOUNT = "racc_1"
BULK_PATHS = {"guide": "/dimensions/bulk-create/", "reference": "/dimensions/bulk"}


@dataclass(slots=True, kw_only=True)
class Row:
    """A row as the server holds it."""

    id: str
    company_id: int
    key: str | None  # as the server tells keys apart; None: it was made without one
    values: Dimension  # its key is the one that it was last sent under
    maker: str | None = None  # the key that it was created under by a bulk request; None: it was there before


class Call(NamedTuple):
    """A request as the server understands it."""

    what: str  # token, directory, accounts, list, one, bulk, progress, results, other
    company_id: int | None = None
    page: int = 1
    limit: int = 20
    name: str = ""  # the id in the path, of a row, a batch or an account
    key: str = ""  # the API key that it came with
    items: tuple[dict[str, Any], ...] = ()  # of a bulk request


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer before it is encoded: `document`, or `raw` in its place."""

    status: int = 200
    document: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        """Whether it is an answer whose document a way can still change."""
        return self.raw is None and 200 <= self.status < 300 and isinstance(self.document, dict)


class Way:
    """One thing that a server does its own way. Every method says what an honest server does."""

    name = "honest"

    def instead(self, server: Server, call: Call) -> Reply | None:
        """Return what is answered in place of everything else; None: go on."""

    def fold(self, key: str) -> str:
        """Return how the server tells this key from others."""
        return key

    def stores(self, item: Mapping[str, Any]) -> bool:
        """Return whether a row that is acknowledged is stored at all."""
        return True

    def changes(self, item: Mapping[str, Any]) -> bool:
        """Return whether an acknowledged update is carried out."""
        return True

    def doubles(self, item: Mapping[str, Any]) -> bool:
        """Return whether a row is made anew although its key is there."""
        return False

    def refuses(self, item: Mapping[str, Any]) -> str | None:
        """Return why a row is refused; None: it is not."""

    def shows(self, row: Row) -> bool:
        """Return whether a listing shows a row."""
        return True

    def finds(self, row: Row) -> bool:
        """Return whether a row is found by its id."""
        return True

    def names(self, error: dict[str, Any], position: int) -> dict[str, Any]:
        """Return how the error of a refused row names it."""
        return error

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        """Return what is answered in place of this readable answer."""
        return reply


@dataclass(slots=True, kw_only=True)
class Server:
    """The API, with everything that it holds."""

    contract: str
    companies: dict[int, str]  # names by id
    most_rows: int  # of a page
    ways: Sequence[Way]
    now: Callable[[], datetime]
    owners: Mapping[int, str] = field(default_factory=dict)  # accounts by company; not there: the one account
    rows: list[Row] = field(default_factory=list)
    calls: list[tuple[Call, int]] = field(default_factory=list)  # with the status of the answer
    grants: int = 0  # tokens
    batches: int = 0
    _made: int = 0

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request."""
        call = self._read(method, url, body)._replace(key=headers.get("X-Api-Key", ""))
        reply = self._answer(call)
        self.calls.append((call, reply.status))
        self.grants += reply.is_readable and "access_token" in reply.document
        reply.headers.setdefault("Date", format_datetime(self.now(), usegmt=True))
        return reply

    def _answer(self, call: Call) -> Reply:
        for way in self.ways:
            if (reply := way.instead(self, call)) is not None:
                return reply
        reply = self.honest(call)
        for way in self.ways:
            if reply.is_readable:
                reply = way.retell(self, call, reply)
        return reply

    def honest(self, call: Call) -> Reply:
        """Answer as the documents say, the ways of storing apart."""
        match call.what:
            case "token":
                return Reply(document={"access_token": "t0ken", "token_type": "Bearer", "expires_in": 36_000})
            case "directory":
                results = [
                    {"id": company_id, "name": name}
                    for company_id, name in self.companies.items()
                    if self.owners.get(company_id, ACCOUNT) == call.name
                ]
                return Reply(document={"count": len(results), "page": 1, "limit": 100, "results": results})
            case "accounts":
                return Reply(
                    document={"count": 1, "page": 1, "limit": 100, "results": [{"id": ACCOUNT, "name": "Main"}]}
                )
            case "list" | "bulk" if call.company_id not in self.companies:
                return refusal(404, "no such company")
            case "list":
                return Reply(document=self.page(call))
            case "one":
                return self._one(call)
            case "bulk":
                document = self.carry_out(call)
                partial = 207 if self.contract == "guide" else 201
                return Reply(status=partial if document["errors"] else 201, document=document)
            case _:
                return refusal(404, "nothing here")

    def is_shown(self, row: Row) -> bool:
        """Return whether the company's listing shows a row."""
        return all(way.shows(row) for way in self.ways)

    def shown(self, company_id: int | None) -> list[Row]:
        """Return the rows of a company that its listing shows, in their order."""
        return [row for row in self.rows if row.company_id == company_id and self.is_shown(row)]

    def page(self, call: Call) -> dict[str, Any]:
        """Return one page of a company's listing."""
        rows, limit = self.shown(call.company_id), min(call.limit, self.most_rows)
        on_it = rows[(call.page - 1) * limit : call.page * limit]
        listed = [self.show(row) for row in on_it]
        return {"version": "1.0.0", "count": len(rows), "page": call.page, "limit": limit, "dimensions": listed}

    def show(self, row: Row) -> dict[str, Any]:
        """Return a row as a listing spells it."""
        values = row.values
        shown = {"id": row.id, "name": values.name, "erp_dimension_id": values.erp_id}
        shown["ottimate_company_id"] = row.company_id  # type: ignore[assignment]  # a number among texts
        if self.contract == "guide":
            return {**shown, "type": values.type_label, "dimension_type": values.type_code}
        more = {"erp_type": values.type_label, "ottimate_type": values.type_code, "reference_id": row.key}
        more["code"] = values.code
        return {**shown, **{name: value for name, value in more.items() if value is not None}}

    def _one(self, call: Call) -> Reply:
        row = next((row for row in self.rows if row.id == call.name), None)
        if row is None or not all(way.finds(row) for way in self.ways):
            return refusal(404, "no such dimension")
        return Reply(document={"version": "1.0.0", "dimension": self.show(row)})

    def carry_out(self, call: Call) -> dict[str, Any]:
        """Store the rows of a bulk request; return the document of the answer."""
        created: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for position, item in enumerate(call.items):
            why = next((why for way in self.ways if (why := way.refuses(item)) is not None), None)
            if why is not None:
                errors.append(self._error(item, position, why))
                continue
            row, is_new = self.put(call.company_id or 0, item)
            (created if is_new else updated).append({"id": row.id, "name": row.values.name})
        return {
            "version": "1.0.0",
            "success_count": len(created) + len(updated),
            "created_count": len(created),
            "updated_count": len(updated),
            "error_count": len(errors),
            "created": created,
            "updated": updated,
            "errors": errors,
        }

    def _error(self, item: Mapping[str, Any], position: int, why: str) -> dict[str, Any]:
        name = "unique_key" if self.contract == "guide" else "reference_id"
        error = {"index": position, name: key_of(item), "name": item["name"], "error": why, "type": "validation_error"}
        for way in self.ways:
            error = way.names(error, position)
        return error

    def put(self, company_id: int, item: Mapping[str, Any]) -> tuple[Row, bool]:
        """Make or change the row of a key; return it, and whether it is new."""
        values = self._values(item)
        key = self._folded(values.key)
        mine = (row for row in self.rows if row.company_id == company_id and row.key is not None)
        row = next((row for row in mine if self._folded(row.key or "") == key), None)
        if row is None or any(way.doubles(item) for way in self.ways):
            row = Row(id=self.new_id(), company_id=company_id, key=key, values=values, maker=values.key)
            if all(way.stores(item) for way in self.ways):
                self.rows.append(row)
            return row, True
        if all(way.changes(item) for way in self.ways):
            row.values = values._replace(code=values.code or row.values.code)
        return row, False

    def _folded(self, key: str) -> str:
        """Return what is told apart of a key."""
        for way in self.ways:
            key = way.fold(key)
        return key

    def new_id(self) -> str:
        """Return the next id."""
        self._made += 1
        return f"dim_{self._made:04}"

    def _values(self, item: Mapping[str, Any]) -> Dimension:
        if self.contract == "guide":
            kind = item["dimension_type_code"], item["type"]
        else:
            kind = item["ottimate_type"], item["erp_type"]
        return Dimension(key_of(item), *kind, item["name"], item["erp_dimension_id"], item.get("code"))

    def _read(self, method: str, url: str, body: bytes) -> Call:
        parts = urlsplit(url)
        path, query = parts.path.removeprefix("/v1"), dict(parse_qsl(parts.query))
        page, limit = int(query.get("page", 1)), int(query.get("limit", 20))
        if path == "/oauth/token":
            return Call("token")
        if path == "/accounts":
            return Call("accounts", page=page, limit=limit)
        if found := re.fullmatch("/accounts/([^/]+)/companies", path):
            return Call("directory", page=page, limit=limit, name=unquote(found[1]))
        if path == "/dimensions" and method == "GET":
            return Call("list", int(query["ottimate_company_id"]), page, limit)
        if path == BULK_PATHS[self.contract] and method == "POST":
            sent = json.loads(body)
            return Call("bulk", sent["ottimate_company_id"], items=tuple(sent["dimensions"]))
        if found := re.fullmatch("/batch/([^/]+)/(progress|results)", path):
            return Call(found[2], name=unquote(found[1]))
        if found := re.fullmatch("/dimensions/([^/]+)", path):
            row_id = unquote(found[1])
            owner = next((row.company_id for row in self.rows if row.id == row_id), None)
            return Call("one", owner, name=row_id)
        return Call("other", name=path)


def key_of(item: Mapping[str, Any]) -> str:
    """Return the key of a row as it was sent."""
    return str(item.get("unique_key") or item.get("reference_id"))


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an error in the API's own envelope."""
    document = {"code": f"E{status}", "message": message, "request_id": "r-1"}
    return Reply(status=status, document=document, headers=dict(headers or {}))


def encoded(reply: Reply) -> bytes:
    """Return the body of an answer."""
    return reply.raw if reply.raw is not None else json.dumps(reply.document).encode()
