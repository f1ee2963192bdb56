"""Whose each export is: by the company's id in the file's path, else by the company's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from unicodedata import combining, normalize

SHORTEST_NAME = 4
"""Letters and digits that a company's name needs before it is looked for: a shorter one is found by chance."""

SHORTEST_ID = 100
"""Ids below this count only where a folder or a name is nothing but the id: days, months and versions look so."""

_DATE = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}[-_. ]?[0-9]{1,2}[-_. ]?[0-9]{1,2}"
    r"|[0-9]{1,2}[-_. ][0-9]{1,2}[-_. ](?:19|20)?[0-9]{2})(?![0-9])"
)
_NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]*(?![0-9])")


class Seen(NamedTuple):
    """A company that the API user of an account sees."""

    account: str  # as the settings call it
    id: int
    name: str


class Match(NamedTuple):
    """A file and the company that it belongs to."""

    file: str  # path, relative to the folder of exports, with slashes
    company: Seen
    is_by_id: bool  # False: the file has the company's name, and not its id


class Matches(NamedTuple):
    """Files with a company, and files without one."""

    found: tuple[Match, ...]
    unclear: Mapping[str, str]  # file -> why it cannot be told whose it is


def match(files: Sequence[str], companies: Sequence[Seen]) -> Matches:
    """Return whose each file is. One that could be two companies' is nobody's: it is never guessed."""
    found, unclear = [], {}
    by_id = {company.id: company for company in companies}
    for file in files:
        ids, named = _ids(file, by_id), _named(file, companies)
        several = [by_id[number] for number in ids]
        if not any(company in named for company in several):
            several += named  # an id and another company's name contradict each other
        if len(several) == 1:
            found.append(Match(file, several[0], bool(ids)))
        elif several:
            unclear[file] = f"could be of {' or '.join(str(each.id) for each in several)}"
        else:
            unclear[file] = "has neither the id nor the name of a company that is seen"
    return Matches(tuple(found), unclear)


def _ids(file: str, by_id: Mapping[int, Seen]) -> list[int]:
    """Return the ids of companies in a path. A folder or a name that is nothing but an id outweighs parts of names."""
    path = PurePosixPath(file)
    whole = [int(part) for part in (*path.parts[:-1], path.stem) if _NUMBER.fullmatch(part)]
    named = [number for number in dict.fromkeys(whole) if number in by_id]
    if named:
        return named
    parts = (int(number) for number in _NUMBER.findall(_DATE.sub(" ", str(path.with_suffix("")))))
    return [number for number in dict.fromkeys(parts) if number in by_id and number >= SHORTEST_ID]


def _named(file: str, companies: Sequence[Seen]) -> list[Seen]:
    """Return the companies whose name is in a path, without those whose name is part of another one there."""
    text = spelled(str(PurePosixPath(file).with_suffix("")))
    there = [company for company in companies if len(spelled(company.name)) >= SHORTEST_NAME]
    there = [company for company in there if spelled(company.name) in text]
    names = [spelled(company.name) for company in there]
    return [
        company
        for company, name in zip(there, names, strict=True)
        if not any(name != other and name in other for other in names)
    ]


def spelled(text: str) -> str:
    """Return a text's letters and digits alone, in small letters without accents: how names are compared."""
    return "".join(char for char in normalize("NFKD", text).casefold() if char.isalnum() and not combining(char))


def template(match: Match) -> str | None:
    """Return a file's path with its company's id replaced by `{company_id}`; None: it has the id not exactly once."""
    pattern = rf"(?<![0-9]){match.company.id}(?![0-9])"
    made, count = re.subn(pattern, "{company_id}", match.file)
    return made if count == 1 and match.is_by_id else None


def by_company(found: Sequence[Match]) -> Iterator[tuple[Seen, list[Match]]]:
    """Yield each company that has files with its files, by account and id; files by path."""
    ordered = sorted(found, key=lambda each: (each.company.account, each.company.id, each.file))
    groups: dict[int, list[Match]] = {}
    for each in ordered:
        groups.setdefault(each.company.id, []).append(each)
    yield from ((files[0].company, files) for files in groups.values())
