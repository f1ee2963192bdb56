"""Carry out `rekey`: find rows whose key has changed in the source, and let them keep the key that Ottimate knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.table import columns
from engine.cli.verbs.one_company import load_company, with_engine
from engine.compare.rekey import Rekey
from engine.model.balance import ExitCode
from engine.model.settings import Company
from engine.model.wording import counted
from engine.observe.terminal import LONGEST_NAME, brief
from engine.run.engine import Engine

REKEY_SCHEMA = "dimsync.rekey/1"


def change_keys(config: Path, company_id: int, *, yes: bool, undo: bool, output: str) -> int:
    """Print the rows whose key has changed; with `yes`, store that each keeps its old key; `undo` forgets all of it."""
    configured, company = load_company(config, company_id)
    if undo:
        count = with_engine(configured, lambda engine: engine.unkey(company))
        goes = counted(count, "row goes", "rows go")
        text = f"company {company_id}: {goes} by the source's keys again"
        deliver_texts(iter([dump({"schema": REKEY_SCHEMA, "undone": count}, indent=2) if output == "json" else text]))
        return ExitCode.DONE

    async def work(engine: Engine) -> list[Rekey]:
        found = await engine.changed_keys(company)
        if yes and found:
            await engine.rekey(company, found)
        return found

    found = with_engine(configured, work)
    if output == "json":
        document = {"schema": REKEY_SCHEMA, "stored": yes, "rows": [one._asdict() for one in found]}
        deliver_texts(iter([dump(document, indent=2)]))
    else:
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in _keys(company, found, yes=yes)))
    return ExitCode.DONE


def _keys(company: Company, found: Sequence[Rekey], *, yes: bool) -> Iterator[str]:
    if not found:
        yield f"company {company.id}: no row of its source is known in Ottimate under a key that the source has no more"
        return
    head = ("KEY IN THE SOURCE", "KEY THAT IT KEEPS", "TYPE", "ERP ID", "NAME", "ID IN OTTIMATE")
    rows = [
        tuple(
            brief(text, LONGEST_NAME)
            for text in (one.source_key, one.wire_key, one.type_code, one.erp_id, one.name, one.remote_id or "")
        )
        for one in found
    ]
    yield from columns(head, rows)
    count = counted(len(found), "row")
    if yes:
        yield f"{count}: stored; `dimsync rekey {company.id} --undo` takes all of it back"
    else:
        yield f"{count}; nothing is stored yet: dimsync rekey {company.id} --yes"
