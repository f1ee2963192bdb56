"""Propose a mapping from a file's header and values, and name what is doubtful about it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.sources.booleans import BOOLEANS
from engine.sources.doubts import counted
from engine.sources.guess import words
from engine.sources.guess.columns import Columns
from engine.sources.guess.head import Head

KEY = "{company_id}:{type_code}:{erp_dimension_id}"


class Guess(NamedTuple):
    """A proposed `[mapping.NAME]`."""

    settings: Mapping[str, object]  # its keys and values as in the settings file
    doubts: tuple[str, ...]  # in sentences
    company_id: int | None = None  # of the first row, where the file has rows of many companies


def guess(head: Head, file: str) -> Guess | None:
    """Return a mapping for a file with these first rows; None: it has no column that can be an id or a name.

    `file`: its name, which may tell which list it is.
    """
    doubts: list[str] = []
    table = Columns(head)
    company, types = _company(table), _types(table)
    columns = _columns(table, [name for name in (company, types) if name], doubts)
    if columns is None:
        return None
    settings: dict[str, object] = {"key": KEY}
    if types is not None:
        columns |= {"type": types, "dimension_type_code": types}
        settings["type_codes"] = _type_codes(table.values(types))
    else:
        settings["type_code"], settings["type"] = _list(table, head, file, doubts)
    settings["columns"] = columns
    settings |= {"where": where} if (where := dict(_filters(table, columns, doubts))) else {}
    settings |= {"company_column": company} if company else {}
    settings |= head.reading
    if columns["erp_dimension_id"] in tuple(head.numbers):
        settings["numbers_as_ids"] = True
    if "encoding" in head.reading:
        doubts.append(f"the encoding {head.reading['encoding']} is a guess: look at letters such as ä or é")
    return Guess(settings, tuple(doubts), int(table.values(company)[0]) if company else None)


def likely_list(head: Head, file: str) -> str:
    """Return the type code of the list that a file seems to be."""
    return _list(Columns(head), head, file, [])[0]


def list_told(head: Head, file: str) -> str | None:
    """Return the type code of the list that a file's name, title or columns tell of; None: nothing tells."""
    doubts: list[str] = []
    type_code, _ = _list(Columns(head), head, file, doubts)
    return None if doubts else type_code


def _columns(table: Columns, scope: Sequence[str], doubts: list[str]) -> dict[str, object] | None:
    """Return the columns of id, name and code; None: there is neither an id nor a name."""
    erp_id, name = _id(table, scope), table.named(words.NAMES)
    only = erp_id or name
    if only is not None and None in {erp_id, name} and (parted := _parted(table, only)):
        return parted
    name = name or table.texts(but=[erp_id or "", *table.all_named(words.KINDS)])
    if erp_id is None and name is None:
        return None
    columns: dict[str, object] = {"erp_dimension_id": erp_id or name, "name": name or erp_id}
    doubts += _doubts_of_ids(table, erp_id, name, scope)
    code = table.named(words.CODES)
    if code is not None and code not in columns.values():
        columns["code"] = code
    return columns


def _company(table: Columns) -> str | None:
    """Return the column that holds the id of each row's company; None: there is none."""
    return next((name for name in table.all_named(words.COMPANIES) if _are_numbers(table.values(name))), None)


def _are_numbers(values: Sequence[str]) -> bool:
    return bool(values) and all(value.isdecimal() for value in values)


def _types(table: Columns) -> str | None:
    """Return the column whose values are types of dimensions, two at least; None: there is none."""
    for name in table.all_named("type dimensiontype dimensiontypecode kind list"):
        values = {value for value in table.values(name) if value}
        if len(values) > 1 and len(_type_codes(values)) == len(values):
            return name
    return None


def _type_codes(values: Collection[str]) -> dict[str, str]:
    """Return the type code of each word that is a type of dimensions."""
    return {
        value: code
        for value in sorted(set(values))
        for code, _, spelled in words.LISTS.values()
        if re.fullmatch(f"(gl ?)?({spelled})s?", value, re.IGNORECASE)
    }


def _id(table: Columns, scope: Sequence[str]) -> str | None:
    """Return the column of ids: the best name among those whose values are filled and differ, else the best name.

    `scope`: columns within each of whose values ids have to differ.
    """
    named = list(table.all_named(words.IDS))
    return next((name for name in named if table.is_unique(name, scope)), named[0] if named else None)


def _doubts_of_ids(table: Columns, erp_id: str | None, name: str | None, scope: Sequence[str]) -> Iterator[str]:
    if erp_id is None:
        yield (
            "no column has a name that ids have, so names are taken for ids: a name that is changed in the ERP becomes"
            " a second row in Ottimate"
        )
        return
    if empty := table.values(erp_id).count(""):
        other = f'"{erp_id}", "{name}"' if name else f'"{erp_id}"'
        yield (
            f"{erp_id} is empty in {counted(empty, 'row')}, which would be left out: if they are wanted, write"
            f" erp_dimension_id = {{ first_of = [{other}] }} and take {erp_id} out of `where`"
        )
    for value, count in table.repeated(erp_id, scope)[:1]:
        yield f"{erp_id} {value!r} stands in {count:,} rows, none of which can be sent: `where` can choose one"


def _parted(table: Columns, column: str) -> dict[str, object]:
    """Return expressions for id and name where one column holds both, such as "1000 · Checking"; else none."""
    values = [value for value in table.values(column) if value]
    found = [match for value in values if (match := words.SPLIT.match(value))]
    if len(found) <= 0.8 * len(values):
        return {}
    mark = Counter(match[2] for match in found).most_common(1)[0][0]
    return {
        "erp_dimension_id": {"column": column, "split": mark, "part": 1},
        "name": {"column": column, "split": mark, "part": -1},
    }


def _list(table: Columns, head: Head, file: str, doubts: list[str]) -> tuple[str, str]:
    """Return type code and label of the list that the file's name, its title or its columns tell of."""
    for text in (file, head.title, " ".join(table.names())):
        for code, label, spelled in words.LISTS.values():
            if re.search(spelled, text, re.IGNORECASE):
                return code, label
    doubts.append("nothing tells which list this is: account is assumed (`type_code`, `type`)")
    return "account", "Account"


def _filters(table: Columns, columns: Mapping[str, object], doubts: list[str]) -> Iterator[tuple[str, object]]:
    """Yield the tests of `where`: rows that are used, are no headings, and have an id."""
    for wanted, keep in ((words.OUT, False), (words.IN, True)):
        for name in table.all_named(wanted):
            spellings = {value.casefold() for value in table.values(name) if value}
            if spellings and spellings <= BOOLEANS.keys():
                yield name, _switch(table.values(name), keep=keep)
    for name in table.all_named(words.STATES):
        values = set(table.values(name))
        if gone := sorted(value for value in values if words.GONE.search(value)):
            used = sorted(values - set(gone))
            yield name, {"keep": used, "out": gone} if used and "" not in used else {"not": gone}
    for name in table.all_named(words.KINDS):
        if headings := sorted(value for value in set(table.values(name)) if words.HEADINGS.fullmatch(value)):
            yield name, {"not": headings}
            doubts.append(f"rows whose {name} is {' or '.join(headings)} are left out as headings")
    erp_id = columns["erp_dimension_id"]
    if isinstance(erp_id, str) and not all(table.values(erp_id)):
        yield erp_id, {"empty": False}


def _switch(values: Sequence[str], *, keep: bool) -> object:
    """Return a test for yes or no, in the file's own word; where cells are empty, only the other word is left out."""
    words_of = {BOOLEANS[value.casefold()]: value for value in reversed(values) if value}
    if all(values):
        return words_of.get(keep, "true" if keep else "No")
    return {"not": words_of.get(not keep, "false" if keep else "Yes")}
