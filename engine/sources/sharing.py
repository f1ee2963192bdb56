"""Find companies that share a source without leave, and companies whose file is gone, before anything is read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeGuard
from unicodedata import normalize

from engine.errors import MissingSource, SharedSource, SourceError
from engine.model.settings import Company, SourceRows
from engine.sources.files import FileSource
from engine.sources.openpyxl_rows import first_sheet
from engine.sources.reading import Reading
from engine.sources.several import Several
from engine.sources.sql import SqlSource

_COMPANY_ID = re.compile(r"(?<![:\w\\]):company_id(?!\w|:)")  # SQLAlchemy's own rule for what is a parameter
_NO_CODE = re.compile(r"""--[^\n]*|/\*.*?\*/|'[^']*'|"[^"]*\"""", re.DOTALL)  # comments, texts and quoted names in SQL
_SHOWN = 5  # most companies that a message names

Place: TypeAlias = tuple[Hashable, str]
"""A value that is equal for equal sources, and the source's name in messages."""


class _Sheet(NamedTuple):
    """A file, or a sheet of a workbook."""

    path: str
    name: str | None  # None: the file's first sheet, or it is no workbook


class AbsentSource:
    """The source of a company of which a file is missing. It cannot be read."""

    def __init__(self, path: Path, reason: str | None = None) -> None:
        """Take the file's path. `reason`: in a sentence; None: the file was there in an earlier run."""
        self.name = str(path)
        self._reason = reason

    def refusal(self, company_id: int) -> MissingSource:
        """Return the error that fails the company."""
        text = (
            f"{self.name} is missing, and was there in an earlier run: have it exported again, or say that the company "
            f"is gone for good: gone = [{company_id}] under [fleet]"
        )
        return MissingSource(self._reason or text, file=self.name)

    def __aiter__(self) -> Reading:
        raise MissingSource(f"{self.name} is missing", file=self.name)


def refusals(companies: Iterable[Company], every: Collection[Company]) -> dict[int, SourceError]:
    """Return the errors of companies that fail before any request, by id. `every`: all configured companies."""
    ids = {company.id for company in companies}
    found: dict[int, SourceError] = {
        company.id: company.source.refusal(company.id)
        for company in companies
        if isinstance(company.source, AbsentSource)
    }
    found.update((company_id, error) for company_id, error in shared(every).items() if company_id in ids)
    return found


def shared(companies: Iterable[Company]) -> dict[int, SharedSource]:
    """Return the errors of companies that have the same source as others, without `shares_source`, by id.

    Sources that return the rows of one company (`of_company`, a query with `:company_id`, a mapping with a
    `company_column`) may be shared.
    """
    sharers: dict[Hashable, dict[int, Company]] = {}
    names: dict[Hashable, str] = {}
    dealt_out: set[tuple[Hashable, int]] = set()  # to companies by a column of the source
    places = Places()
    for company in companies:
        for source in parts_of(company.source):
            if (place := place_of(source, places)) is not None:
                sharers.setdefault(place[0], {})[company.id] = company
                names.setdefault(place[0], place[1])
                if is_dealt_out(source):
                    dealt_out.add((place[0], company.id))
    sheets = [place for place in sharers if isinstance(place, _Sheet)]
    named = {sheet.path for sheet in sheets if sheet.name is not None}  # workbooks are opened for these alone
    for unnamed in [sheet for sheet in sheets if sheet.name is None and sheet.path in named]:
        first = _first_of(unnamed)
        if first != unnamed and first in sharers:
            dealt_out |= {(first, company_id) for place, company_id in dealt_out if place == unnamed}
            sharers[first] |= sharers.pop(unnamed)
    return {
        company.id: SharedSource(_text(names[place], company, group), file=names[place])
        for place, group in sharers.items()
        if len(group) > 1
        for company in group.values()
        if not company.shares_source and (place, company.id) not in dealt_out
    }


def _first_of(unnamed: _Sheet) -> _Sheet:
    """Return the sheet that is read where none is named, by its name; if the workbook cannot be opened, unnamed."""
    return unnamed._replace(name=first_sheet(Path(unnamed.path)))


def parts_of(source: SourceRows) -> Sequence[SourceRows]:
    """Return a company's sources, one by one."""
    return source.parts if isinstance(source, Several) else (source,)


def is_dealt_out(source: object) -> TypeGuard[FileSource | SqlSource]:
    """Return whether a source has the rows of several companies, told apart by a column."""
    if isinstance(source, SqlSource) and _is_of_one(source.query):
        return False
    return isinstance(source, FileSource | SqlSource) and source.mapping.company_column is not None


def _is_of_one(query: str) -> bool:
    """Return whether a query asks for the rows of one company, by its parameter."""
    return _COMPANY_ID.search(_NO_CODE.sub(" ", query)) is not None


def _text(name: str, company: Company, group: Iterable[int]) -> str:
    others = [str(other) for other in group if other != company.id]
    more = f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else ""
    whose = f"{'company' if len(others) == 1 else 'companies'} {', '.join(others[:_SHOWN])}{more}"
    return (
        f"{name} is the source of {whose}, too: nobody can tell whose rows it holds; give each company its own, "
        "or say that they share it: shares_source = true"
    )


class Places:
    """Resolves paths, each folder once. Paths are texts: `Path` objects took four times as long."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._spelled: dict[str, str] = {}
        self._named: dict[tuple[int, int], str] = {}  # a file of several names, by device and number: the first name

    def of(self, path: Path) -> str:
        """Return a text that is equal for all paths of one file; for a link, that of its target."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = _resolved(folder or os.curdir)
        place = f"{self._folders[folder]}{os.sep}{name}"
        seen = _seen(place)
        if seen is not None and stat.S_ISLNK(seen.st_mode):
            place = _resolved(place)
            seen = _seen(place)
        if seen is not None and seen.st_nlink > 1 and stat.S_ISREG(seen.st_mode):  # hard links
            return self._named.setdefault((seen.st_dev, seen.st_ino), place)
        folded = place.casefold() if place.isascii() else normalize("NFC", place).casefold()
        first = self._spelled.setdefault(folded, place)
        return first if first != place and _are_one(first, place) else place


def _seen(place: str) -> os.stat_result | None:
    """Return what the file system says of a path, without following a link; None: nothing."""
    try:
        return os.lstat(place)
    except (OSError, ValueError):
        return None


def _resolved(place: str) -> str:
    """Return the resolved path; for links in a circle, which cannot be read, the path itself."""
    try:
        return str(Path(place).resolve())
    except (OSError, RuntimeError, ValueError):
        return place


def _are_one(place: str, other: str) -> bool:
    """Return whether paths that differ only in case or Unicode form are one file, as on some file systems."""
    try:
        return Path(place).samefile(other)
    except (OSError, ValueError):
        return False


def place_of(source: object, places: Places) -> Place | None:
    """Return the place of a source; None: it has none, or may be shared."""
    if isinstance(source, SqlSource):
        return None if _is_of_one(source.query) else (source.identity, source.name)
    if isinstance(source, FileSource):
        return _Sheet(places.of(source.path), source.sheet), source.name
    name = getattr(source, "name", None)  # a program's own source may have a name
    if getattr(source, "of_company", None) is not None or isinstance(source, AbsentSource) or not isinstance(name, str):
        return None
    return ("object", id(source)), name
