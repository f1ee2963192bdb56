"""Carry out `explain`: ask source, ledger and Ottimate about one row."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.row_life import life_document, life_lines
from engine.cli.verbs.one_company import load_company, with_engine
from engine.model.balance import ExitCode
from engine.run.engine import Engine
from engine.run.inspect import Explanation


def tell_life(config: Path, company_id: int, what: str, *, offline: bool, output: str) -> int:
    """Print the life of one row; exit with 1 when nobody knows of such a row."""
    configured, company = load_company(config, company_id)

    async def work(engine: Engine) -> Explanation:
        return await engine.explain(company, what, ask=not offline)

    told = with_engine(configured, work)
    if output == "json":
        deliver_texts(iter([dump(life_document(told), indent=2)]))
    else:
        width = Console().width
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in life_lines(told, width, str(config))))
    life = told.life
    is_known = told.source or told.source_problems or told.left_out or life.known or life.rejection or life.attempts
    return ExitCode.DONE if is_known or told.matching else ExitCode.FAILED
