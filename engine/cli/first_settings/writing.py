"""The first settings as text: `dimsync.toml` and `companies.csv`. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import NamedTuple

from engine.cli.first_settings.matching import Match, Seen, template
from engine.cli.first_settings.reading import How
from engine.cli.show.csv_cells import guarded
from engine.cli.show.toml import table

WIDTH = 100
"""Characters of a line, where a table in it can be written as a section of its own."""

COLUMNS = ("id", "name", "account", "source", "mapping", "groups", "write")


class References(NamedTuple):
    """An account as the settings name it. Credentials are references, `env:NAME` or `file:PATH`, never secrets."""

    name: str
    account_id: str
    api_key: str
    client_id: str
    client_secret: str


class Export(NamedTuple):
    """A file of a company."""

    match: Match
    how: How


class Planned(NamedTuple):
    """A company that the settings name."""

    company: Seen
    exports: tuple[Export, ...]

    @property
    def doubts(self) -> list[str]:
        """Why a person has to look at its rows before they are sent, each with its file."""
        return [f"{each.match.file}: {doubt}" for each in self.exports for doubt in each.how.doubts]


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """All that the first settings say."""

    base_url: str
    contract: str
    accounts: tuple[References, ...]
    companies: tuple[Planned, ...]
    exports: str  # the folder of exports, relative to that of the settings, with slashes
    companies_file: str  # name of the companies' file

    def path(self, file: str) -> str:
        """Return a file of the folder of exports as the settings name it."""
        return file if self.exports in {"", "."} else f"{self.exports}/{file}"


Sources = tuple[tuple[str, str | None], ...]
"""Templates of files with `{company_id}`, each with its mapping."""


def settings_text(first: First) -> str:
    """Return the text of the settings file."""
    return "\n".join(_lines(first)) + "\n"


def _lines(first: First) -> Iterator[str]:
    yield "# Written by `dimsync init`. `dimsync validate` checks it, `dimsync help sources` tells of mappings."
    yield f'companies_file = "{first.companies_file}"'
    yield ""
    yield from table(("api",), {"base_url": first.base_url, "contract": first.contract}, WIDTH)
    for account in first.accounts:
        yield ""
        values = account._asdict()
        yield from table(("accounts", values.pop("name")), values, WIDTH)
    for name, section in sections(first.companies).items():
        yield ""
        yield from table(("mapping", name), section, WIDTH)
    for sources, name in groups(first.companies).items():
        yield ""
        yield f"[groups.{name}]"
        yield "sources = ["
        yield from (f"  {_source(first.path(made), mapping)}," for made, mapping in sources)
        yield "]"
    for planned in first.companies:
        if len(planned.exports) > 1 and sources_of(planned) is None:
            yield from _company(first, planned)


def _company(first: First, planned: Planned) -> Iterator[str]:
    """Yield a company of several files that have no common pattern: a list of them has no place in a CSV file."""
    yield ""
    yield "[[companies]]"
    head = {"id": planned.company.id, "name": planned.company.name, "account": planned.company.account}
    yield from list(table(("-",), head, WIDTH))[1:]
    yield from ["write = false"] if planned.doubts else []
    yield "sources = ["
    yield from (f"  {_source(first.path(each.match.file), each.how.mapping)}," for each in planned.exports)
    yield "]"


def _source(path: str, mapping: str | None) -> str:
    values = {"source": path} | ({} if mapping is None else {"mapping": mapping})
    lines = list(table(("-",), {"-": values}, 10_000))
    return lines[1].partition(" = ")[2]


def sections(companies: Sequence[Planned]) -> dict[str, Mapping[str, object]]:
    """Return the mappings to write, by name."""
    hows = (each.how for planned in companies for each in planned.exports)
    return {how.mapping: how.section for how in hows if how.mapping is not None and how.section is not None}


def sources_of(planned: Planned) -> Sources | None:
    """Return the pattern of a company's files; None: one of them does not have its id in its path once."""
    made = [(template(each.match), each.how.mapping) for each in planned.exports]
    found = tuple((path, mapping) for path, mapping in made if path is not None)
    return found if len(found) == len(made) else None


def groups(companies: Sequence[Planned]) -> dict[Sources, str]:
    """Return the name of the group for each pattern of several files: `lists`, `lists-2` ..."""
    patterns = (sources_of(planned) for planned in companies if len(planned.exports) > 1)
    each = dict.fromkeys(pattern for pattern in patterns if pattern is not None)
    return {pattern: "lists" if not at else f"lists-{at + 1}" for at, pattern in enumerate(each)}


def companies_text(first: First) -> str:
    """Return the text of the companies' file: a line for each company that the settings file itself does not name."""
    named = groups(first.companies)
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for planned in first.companies:
        pattern = sources_of(planned)
        if len(planned.exports) == 1:
            (export,) = planned.exports
            source, mapping, group = first.path(export.match.file), export.how.mapping or "", ""
        elif pattern is not None:
            source, mapping, group = "", "", named[pattern]
        else:
            continue
        company = planned.company
        name = " ".join(guarded(company.name).split())
        write = "false" if planned.doubts else ""
        writer.writerow((company.id, name, company.account, source, mapping, group, write))
    return stream.getvalue()
