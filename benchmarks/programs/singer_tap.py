"""Singer SDK, the tap: a REST stream for each account, with a partition for each company; it yields rows that differ.

Pagination and partitions as https://sdk.meltano.com/en/latest/guides/pagination-classes.html and
https://sdk.meltano.com/en/latest/partitioning.html say.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests
from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import PageNumberPaginator

from benchmarks.programs.job import Job, differing, key_headers, read_rows, seen

FIELDS = ("unique_key", "type", "dimension_type_code", "name", "erp_dimension_id", "code")

STREAM = "dimensions_"
"""What the names of streams begin with; the account follows."""

SOURCES = th.ObjectType(additional_properties=th.StringType)


class ByCount(PageNumberPaginator):
    """Ends when as many rows as are declared have been paged through."""

    def has_more(self, response: requests.Response) -> bool:
        """Return whether rows are left after this page."""
        listed = response.json()
        return bool(listed["page"] * listed["limit"] < listed["count"])


class Dimensions(RESTStream[int]):
    """Rows of an account's companies that differ from their sources."""

    path = "/dimensions"
    records_jsonpath = "$.dimensions[*]"
    primary_keys = ("ottimate_company_id", "unique_key")
    schema = th.PropertiesList(
        th.Property("ottimate_company_id", th.IntegerType, required=True),
        *(th.Property(name, th.StringType, required=True) for name in FIELDS),
    ).to_dict()

    def __init__(self, tap: Tap, account: str) -> None:
        self._account = account
        super().__init__(tap, name=f"{STREAM}{account}")

    @property
    def url_base(self) -> str:
        """The API's address."""
        return str(self.config["base_url"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The API key."""
        return key_headers(self._account)

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The token."""
        return BearerTokenAuthenticator(token=self.config["tokens"][self._account])

    @property
    def requests_session(self) -> requests.Session:
        """The SDK's session. Its prepared requests pass by the variable that names certificates to trust."""
        session: requests.Session = super().requests_session
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        return session

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """A partition for each company."""
        return [{"company": company} for company in self.config["sources"][self._account]]

    def get_new_paginator(self) -> ByCount:
        """Count pages from 1."""
        return ByCount(1)

    def get_url_params(self, context: Mapping[str, Any] | None, next_page_token: int | None) -> dict[str, Any]:
        """Return the query of one page."""
        company = (context or {})["company"]
        return {"ottimate_company_id": company, "page": next_page_token or 1, "limit": self.config["page_size"]}

    def get_records(self, context: Mapping[str, Any] | None) -> Iterable[dict[str, Any]]:
        """List a company, compare, and yield what differs."""
        company = (context or {})["company"]
        remote = seen(self.request_records(dict(context or {})))
        for row in differing(read_rows(Path(self.config["sources"][self._account][company])), remote):
            yield {**row, "ottimate_company_id": int(company)}


class DimensionsTap(Tap):
    """The tap."""

    name = "tap-bench"
    config_jsonschema = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True),
        th.Property("tokens", th.ObjectType(additional_properties=th.StringType), required=True, secret=True),
        th.Property("page_size", th.IntegerType, required=True),
        th.Property("sources", th.ObjectType(additional_properties=SOURCES), required=True),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return a stream for each account."""
        return [Dimensions(self, account) for account in self.config["tokens"]]


def main() -> None:
    """Write Singer messages to standard output."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    config = {
        "base_url": job.base_url,
        "tokens": json.loads(sys.argv[2]),
        "page_size": job.page_size,
        "sources": {
            account: {str(company): str(path) for company, path in sources.items()}
            for account, sources in job.by_account.items()
        },
    }
    DimensionsTap(config=config).sync_all()


if __name__ == "__main__":
    main()
