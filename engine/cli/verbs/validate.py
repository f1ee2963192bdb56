"""`dimsync validate`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from engine.cli.options import config_option, output_option
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.model.balance import ExitCode
from engine.model.wording import counted
from engine.observe.terminal import safe

if TYPE_CHECKING:  # it brings pydantic, which `--help` does not need
    from engine.cli.verbs.validate_files import Files
    from engine.config import Configured, Fault
    from engine.model.outcome import Problem

VALIDATE_SCHEMA = "dimsync.validate/1"

MOST_SOURCES = 20
"""Sources that the table shows; the JSON output has all of them."""


@click.command()
@config_option
@click.option("--files", is_flag=True, help="Read the companies' files, too, as a run would; databases are not asked.")
@output_option("table", "json")
def validate(*, config: Path, files: bool, output: str) -> int:
    """Check the settings file, what it refers to (secrets, companies) and that sources are there; name every fault.

    With --files it exits with 3 if all files can be read and some of their rows are invalid.
    """
    from engine.config import ConfigFaults, load, source_problems  # noqa: PLC0415  loaded when it is used

    configured, faults, checked = None, [], None
    try:
        configured = load(config, os.environ)
        faults = [*configured.unset, *source_problems(configured)]
    except ConfigFaults as error:
        faults = list(error.faults)
    else:
        if files:
            import anyio  # noqa: PLC0415  only reading files needs it, and the readers

            from engine.cli.verbs.validate_files import check_files, file_faults  # noqa: PLC0415

            checked = anyio.run(check_files, configured)
            faults = list(dict.fromkeys([*faults, *file_faults(checked, configured)]))
    if output == "json":
        deliver_texts(iter([dump(_document(configured, faults, checked), indent=2)]))
    else:
        deliver(lambda stream: _print(stream, config, configured, faults, checked))
    if faults:
        return ExitCode.USAGE
    return ExitCode.REJECTED if checked is not None and checked.have_bad_rows else ExitCode.DONE


def _document(configured: Configured | None, faults: Sequence[Fault], checked: Files | None) -> dict[str, object]:
    from engine.config import listed_sources  # noqa: PLC0415  loaded when it is used

    errors = [{"file": str(fault.file), "key": fault.key, "message": fault.message} for fault in faults]
    sources = [source._asdict() for source in listed_sources(configured)] if configured else []
    document: dict[str, object] = {"schema": VALIDATE_SCHEMA, "ok": not faults, "errors": errors, "sources": sources}
    document["notices"] = [{"code": each.code, "message": each.message} for each in _notices(configured)]
    if checked is not None:
        from engine.cli.verbs.validate_files import file_json  # noqa: PLC0415  loaded when it is used

        document["files"] = file_json(checked)
    return document


def _notices(configured: Configured | None) -> tuple[Problem, ...]:
    """Return what is told and is no fault."""
    from engine.cli.desk.unlisted import unlisted_files  # noqa: PLC0415  it brings the engine's values

    return unlisted_files(configured.unlisted) if configured else ()


def _sources(configured: Configured) -> Iterator[str]:
    """Yield a line for each source as it is written."""
    from engine.config import listed_sources  # noqa: PLC0415  loaded when it is used

    sources = listed_sources(configured)
    for source in sources[:MOST_SOURCES]:
        words = [f"mapping {source.mapping}"] if source.mapping else []
        words += ["optional"] if source.optional else []
        words += [counted(source.companies, "company", "companies"), source.origin]
        yield f"{source.source} ({', '.join(words)})"
    if (left := len(sources) - MOST_SOURCES) > 0:
        yield f"and {left:,} more: --output json shows all"


def _print(
    stream: TextIO,
    path: Path,
    configured: Configured | None,
    faults: Sequence[Fault],
    checked: Files | None,
) -> None:
    stream.writelines(f"{safe(str(fault))}\n" for fault in faults)
    if faults:
        stream.write(f"{counted(len(faults), 'fault')} to put right\n")
    elif configured is not None:
        settings = configured.settings
        accounts = ", ".join(safe(account.name) for account in settings.accounts)
        read_only = sum(not company.write for company in configured.companies)
        stream.write(f"{safe(str(path))} is in order\n")
        stream.write(f"api        {safe(settings.api.base_url)} ({settings.api.contract})\n")
        stream.write(f"accounts   {len(settings.accounts)}: {accounts}\n")
        stream.write(f"companies  {len(configured.companies):,}{f', {read_only:,} read-only' if read_only else ''}\n")
        stream.writelines(
            f"{'' if number else 'sources':<11}{safe(line)}\n" for number, line in enumerate(_sources(configured))
        )
        stream.write(f"ledger     {safe(settings.ledger_url)}\n")
        stream.writelines(f"Note: {safe(notice.message)}\n" for notice in _notices(configured))
    if checked is not None:
        from engine.cli.verbs.validate_files import file_lines  # noqa: PLC0415  loaded when it is used

        stream.writelines(f"{line}\n" for line in file_lines(checked))
