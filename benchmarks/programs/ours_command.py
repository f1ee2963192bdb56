"""The engine as a command: `dimsync sync`, settings file and all, in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import credentials
from benchmarks.programs.job import Job, Meter

SETTINGS = """\
{companies}
[api]
base_url = "{base_url}"

[limits]
{limits}

[verify]
mode = "{verify}"

[ledger]
url = "sqlite:///{ledger}"

[fleet]
source = "rows/{{company_id}}.ndjson"
"""

ACCOUNT = """
[accounts.{account}]
account_id = "{account}"
api_key = "env:API_KEY_{account}"
client_id = "env:CLIENT_ID_{account}"
client_secret = "env:CLIENT_SECRET_{account}"
"""

OUT_OF_THE_WAY = {"requests_per_second": 1_000_000, "requests_per_day": 1_000_000_000, "reserve_per_day": 0}


def prepare(job: Job) -> Path:
    """Write the settings, with a link to the sources beside them, and put the credentials into the environment."""
    folder, accounts = Path(job.scratch), job.by_account
    (folder / "rows").symlink_to(job.folder)
    for account in accounts:
        os.environ |= {f"{name.upper()}_{account}": text for name, text in credentials(account).items()}
    companies = folder / "companies.csv"
    companies.write_text("\n".join(("id,account", *_lines(accounts))) + "\n", encoding="utf-8")
    limits = {"max_concurrency": job.concurrency, "page_size": job.page_size, "chunk_rows": job.chunk_rows}
    if not job.vendor_limits:
        limits |= OUT_OF_THE_WAY
    text = SETTINGS.format(
        companies=f'companies_file = "{companies.name}"' if job.accounts else "",
        base_url=job.base_url,
        limits="\n".join(f"{name} = {value}" for name, value in limits.items()),
        verify=job.verify,
        ledger=job.ledger,
    )
    settings = folder / "dimsync.toml"
    sections = (ACCOUNT.format(account=account) for account in accounts)
    settings.write_text(text + "".join(sections), encoding="utf-8")
    return settings


def _lines(accounts: dict[str, dict[int, Path]]) -> Iterator[str]:
    return (f"{company},{account}" for account, sources in accounts.items() for company in sources)


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
