"""`dimsync ledger`: what is done about the ledger itself."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine.cli.options import config_option
from engine.cli.show.output import deliver_texts
from engine.model.wording import counted


@click.group()
def ledger() -> None:
    """Look after the ledger: back it up, restore it, copy it, distrust what was acknowledged."""


@ledger.command()
@click.argument("company_id", metavar="[COMPANY]", type=int, required=False)
@config_option
@click.option("--all", "every", is_flag=True, help="Every company of the settings.")
def distrust(*, company_id: int | None, config: Path, every: bool) -> int:
    """Forget what was acknowledged for a company, such as after a ledger was restored from a backup.

    Its next sync lists it (a request for 100 rows), and takes for true what it finds. Which key leads to which row
    stays known.
    """
    if (company_id is None) != every:
        raise click.UsageError("name a company, or say --all")
    import anyio  # noqa: PLC0415  it brings the engine, which `--help` is spared

    from engine.config import load  # noqa: PLC0415
    from engine.errors import plain  # noqa: PLC0415
    from engine.run.engine import Engine  # noqa: PLC0415

    configured = load(config, os.environ)
    companies = [company for company in configured.companies if every or company.id == company_id]
    if not companies:
        raise click.UsageError(f"there is no company {company_id} in {config}")

    async def forget() -> int:
        with plain():
            async with Engine(configured.settings) as engine:
                return sum([await engine.distrust(company) for company in companies])

    rows = anyio.run(forget)
    whose = "all companies" if every else f"company {company_id}"
    text = f"{counted(rows, 'row')} of {whose} taken for unknown; `dimsync sync` lists what is there"
    deliver_texts(iter([text]))
    return 0


@ledger.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup(*, file: Path, config: Path) -> int:
    """Copy the ledger to FILE, as it is at one moment; runs may go on meanwhile.

    FILE is for this user alone, and is replaced only when the copy is whole. Keep it on another disk.
    """
    from engine.cli.verbs.ledger_copies import back_up  # noqa: PLC0415  it brings the engine, which `--help` is spared

    return back_up(config, file)


@ledger.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def restore(*, file: Path, config: Path) -> int:
    """Put the backup FILE in the place of the ledger, which is moved aside.

    Which key leads to which row stays known. What was acknowledged is taken for unknown, as the backup does not know
    what came after it: each company's next sync lists it.
    """
    from engine.cli.verbs.ledger_copies import bring_back  # noqa: PLC0415  loaded when it is used

    return bring_back(config, file)


@ledger.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(*, source: str, target: str) -> int:
    """Copy a ledger into another database, such as from a file to Postgres, and prove that both hold the same.

    FROM and TO are written as `url` under [ledger]; a file is relative to this folder. TO must not hold a ledger yet.
    Stop what starts runs first, and set `url` to TO before it goes on.
    """
    from engine.cli.verbs.ledger_copies import copy_over  # noqa: PLC0415  it brings the engine, which `--help` is spared

    return copy_over(source, target)


@ledger.command()
@config_option
def schema(*, config: Path) -> int:
    """Print the ledger's tables and views as SQL, with what each column means; any SQLite client can ask them.

    `outcomes` is the audit trail: what became of each row in each request, with the server's request id.
    """
    import anyio  # noqa: PLC0415  it brings the engine, which `--help` is spared

    from engine.config import load  # noqa: PLC0415
    from engine.errors import plain  # noqa: PLC0415
    from engine.ledger.opening import open_ledger  # noqa: PLC0415

    configured = load(config, os.environ)

    async def read() -> str:
        with plain():
            async with await open_ledger(configured.settings.ledger_url) as opened:
                return await opened.schema()

    deliver_texts(iter([anyio.run(read)]))
    return 0
