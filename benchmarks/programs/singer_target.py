"""Singer SDK, the target: a batch sink that pushes a chunk at a time.

As https://sdk.meltano.com/en/latest/classes/singer_sdk.BatchSink.html says: `process_batch` is called when `max_size`
records are there.
"""

from __future__ import annotations

import json
import sys
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import requests
from singer_sdk import BatchSink, Target
from singer_sdk import typing as th

from benchmarks.programs.job import BULK, Job, key_headers, must_be_clean
from benchmarks.programs.singer_tap import STREAM


class DimensionsSink(BatchSink):
    """Pushes rows, each company's by themselves."""

    @property
    def max_size(self) -> int:
        """Rows of a batch."""
        return int(self.config["chunk_rows"])

    @cached_property
    def session(self) -> requests.Session:
        """One session for all batches of an account."""
        account = self.stream_name.removeprefix(STREAM)
        session = requests.Session()
        session.headers.update({**key_headers(account), "Authorization": f"Bearer {self.config['tokens'][account]}"})
        return session

    def process_batch(self, context: dict[str, Any]) -> None:
        """Push one batch."""
        for company, rows in groupby(context["records"], key=lambda row: row["ottimate_company_id"]):
            bare = [{name: value for name, value in row.items() if name != "ottimate_company_id"} for row in rows]
            body = {"ottimate_company_id": company, "dimensions": bare}
            response = self.session.post(f"{self.config['base_url']}{BULK}", json=body, timeout=35)
            response.raise_for_status()
            must_be_clean(response.json())


class DimensionsTarget(Target):
    """The target."""

    name = "target-bench"
    config_jsonschema = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True),
        th.Property("tokens", th.ObjectType(additional_properties=th.StringType), required=True, secret=True),
        th.Property("chunk_rows", th.IntegerType, required=True),
    ).to_dict()
    default_sink_class = DimensionsSink


def main() -> None:
    """Read Singer messages from standard input."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    config = {"base_url": job.base_url, "tokens": json.loads(sys.argv[2]), "chunk_rows": job.chunk_rows}
    DimensionsTarget(config=config).listen()


if __name__ == "__main__":
    main()
