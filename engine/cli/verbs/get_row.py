"""Carry out `get`: ask Ottimate for one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.verbs.one_company import load_company, with_engine
from engine.model.balance import ExitCode
from engine.model.dimension import DIMENSIONS, RemoteRow
from engine.observe.terminal import LONGEST_NAME, brief
from engine.run.engine import Engine

SCHEMA = "dimsync.get/1"


def get_row(config: Path, company_id: int, what: str, *, output: str) -> int:
    """Print the rows that `what` means; exit with 3 when there is none."""
    configured, company = load_company(config, company_id)

    async def work(engine: Engine) -> list[RemoteRow]:
        return await engine.get(company, what)

    rows = with_engine(configured, work)
    if output == "json":
        document = {"schema": SCHEMA, "company_id": company_id, "rows": [row_document(row) for row in rows]}
        deliver_texts(iter([dump(document, indent=2)]))
    else:
        lines = list(_lines(company_id, what, rows))
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return ExitCode.DONE if rows else ExitCode.REJECTED


def row_document(row: RemoteRow) -> dict[str, str]:
    """Return a row under the API's names of its fields; those that were not shown are left out."""
    fields = {DIMENSIONS.columns[name]: value for name, value in row._asdict().items() if name != "id"}
    return {"id": row.id, **{name: value for name, value in fields.items() if value}}


def _lines(company_id: int, what: str, rows: Sequence[RemoteRow]) -> Iterator[str]:
    if not rows:
        yield f"company {company_id}: the ledger leads to no row by {brief(what, LONGEST_NAME)!r},"
        yield "and none has this id in Ottimate."
        yield f"To look through all: dimsync pull rows.csv --select company:{company_id}"
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, value in row_document(row).items():
            yield f"{name:<22}{brief(value, LONGEST_NAME)}"
