"""A sandbox with two accounts and two companies, and a caller that holds every answer against the contract."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import orjson
import pytest

from engine.sandbox.access import Allowance, Credentials
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.tenant import Values
from tests.contract import check_answer, check_request, operation_known

OURS, THEIRS = 42, 77
BULK = {"guide": "/dimensions/bulk-create/", "reference": "/dimensions/bulk"}
RENAMED = {"unique_key": "reference_id", "type": "erp_type", "dimension_type_code": "ottimate_type"}
BOTH = pytest.mark.parametrize("contract", ["guide", "reference"])  # of the sandbox that `caller` calls
DEMO = Credentials()
OTHER = Credentials(account_id="racc_other", api_key="other-key", client_id="other", client_secret="other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Caller:
    sandbox: Sandbox
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def contract(self) -> str:
        return self.sandbox.options.contract

    @property
    def bulk_path(self) -> str:
        return BULK[self.contract]

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        lawful: bool = True,
        honest: bool = True,
    ) -> Reply:
        """Send one request; `lawful` says that the request keeps to the contract, `honest` that the answer does."""
        url = self.sandbox.base_url + path
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        body = body if json is None else orjson.dumps(json)
        known = operation_known(method, url, contract=self.contract)
        if lawful and known:
            check_request(method, url, sent, body, contract=self.contract)
        async with self.session.request(
            method, url, data=io.BytesIO(body) if body else None, headers=sent, allow_redirects=False
        ) as answer:
            reply = Reply(status=answer.status, headers=answer.headers.copy(), body=await answer.read())
        if honest and known and answer.content_type == "application/json":
            check_answer(method, url, reply.status, reply.headers, reply.body, contract=self.contract)
        return reply

    async def page(self, company: int = OURS, **query: object) -> Reply:
        text = "".join(f"&{name}={value}" for name, value in query.items())
        return await self.call("GET", f"/dimensions?ottimate_company_id={company}{text}")

    async def bulk(
        self, rows: list[Any], company: int = OURS, *, key: str | None = None, lawful: bool = True, honest: bool = True
    ) -> Reply:
        """Send rows that are spelled as the guide does, in the sandbox's own contract."""
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"ottimate_company_id": company, "dimensions": [self.spell(row) for row in rows]}
        return await self.call("POST", self.bulk_path, json=body, headers=headers, lawful=lawful, honest=honest)

    def spell(self, row: Any) -> Any:
        """Return a row of the guide in the sandbox's own contract."""
        if self.contract == "guide" or not isinstance(row, dict):
            return row
        return {RENAMED.get(column, column): value for column, value in row.items()}

    async def log_in(self, credentials: Credentials = DEMO) -> Reply:
        """Take a token, and send it and the API key from now on."""
        self.headers = {"X-Api-Key": credentials.api_key}
        reply = await self.call(
            "POST",
            "/oauth/token",
            body=f"grant_type=client_credentials&client_id={credentials.client_id}"
            f"&client_secret={credentials.client_secret}".encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.headers["Authorization"] = f"Bearer {reply.json['access_token']}"
        return reply

    async def control(self, method: str, path: str, json: Any = None) -> Reply:
        url = f"{self.sandbox.url}/_sandbox/{path}"
        async with self.session.request(method, url, data=orjson.dumps(json)) as answer:
            return Reply(status=answer.status, headers=answer.headers.copy(), body=await answer.read())

    def script(self, *rules: Mapping[str, Any]) -> None:
        self.sandbox.service.script.replace(parse_rules(list(rules)))


def row(key: str, **changes: Any) -> dict[str, Any]:
    """Return a good row as a bulk request spells it."""
    good = {"type": "Account", "dimension_type_code": "account", "name": f"Name {key}", "code": "C"}
    return good | {"unique_key": key, "erp_dimension_id": f"E-{key}"} | changes


def stored(count: int) -> list[Values]:
    return [Values(f"k{n}", "account", "Account", f"Name k{n}", f"E-k{n}", "C") for n in range(count)]


@asynccontextmanager
async def open_caller(options: Options | None = None, **kwargs: Any) -> AsyncIterator[Caller]:
    async with Sandbox(options or Options(accounts=(DEMO, OTHER)), **kwargs) as sandbox:
        if not sandbox.tenant.companies:
            sandbox.service.place(OURS, stored(5), name="Harbor Grill")
            sandbox.service.place(THEIRS, stored(3), account=OTHER.account_id)
        async with aiohttp.ClientSession() as session:
            caller = Caller(sandbox=sandbox, session=session)
            await caller.log_in()
            yield caller


@pytest.fixture
def contract() -> str:
    return "guide"


@pytest.fixture
async def caller(contract: Literal["guide", "reference"]) -> AsyncIterator[Caller]:
    async with open_caller(Options(accounts=(DEMO, OTHER), contract=contract)) as opened:
        yield opened


TIGHT = Allowance(rate=1e-9, burst=3, per_day=10_000)
SCARCE = Allowance(rate=1e9, burst=10_000, per_day=3)
