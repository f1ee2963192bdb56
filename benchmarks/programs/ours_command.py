"""The engine as a command: `dimsync sync`, settings file and all, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.data import ACCOUNT, CREDENTIALS
from benchmarks.programs.job import Job, Meter

SETTINGS = """\
[api]
base_url = "{base_url}"

[accounts.main]
account_id = "{account}"
api_key = "file:api_key"
client_id = "file:client_id"
client_secret = "file:client_secret"

[limits]
requests_per_second = 1_000_000
requests_per_day = 1_000_000_000
reserve_per_day = 0
max_concurrency = {concurrency}
page_size = {page_size}
chunk_rows = {chunk_rows}

[verify]
mode = "{verify}"

[ledger]
url = "sqlite:///{ledger}"

[fleet]
source = "{sources}/{{company_id}}.ndjson"
"""


def prepare(job: Job) -> Path:
    """Write the settings beside the sources, and what they refer to."""
    folder = Path(job.folder).parent
    for name, text in CREDENTIALS.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    settings = folder / "dimsync.toml"
    settings.write_text(
        SETTINGS.format(
            base_url=job.base_url,
            account=ACCOUNT,
            concurrency=job.concurrency,
            page_size=job.page_size,
            chunk_rows=job.chunk_rows,
            verify=job.verify,
            ledger=job.ledger,
            sources=Path(job.folder).name,
        ),
        encoding="utf-8",
    )
    return settings


def main() -> None:
    """Run the job once, imports and reading of the settings included."""
    meter = Meter()
    settings = prepare(meter.job)
    from engine.cli.main import run  # noqa: PLC0415  part of what is measured

    code = run(["sync", "--config", str(settings), "--output", "json"])
    meter.report()
    sys.exit(code)


if __name__ == "__main__":
    main()
