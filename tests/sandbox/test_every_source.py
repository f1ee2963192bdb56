"""One fleet whose companies come from every preset and every kind of file, query and program at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson
import pyarrow as pa
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from engine import Company, Dimension
from engine.config import load
from tests.presets.test_presets import COMPANY, HERE, LISTS, OPEN, expected
from tests.sandbox.conftest import World, assert_exact, columns, verdict
from tests.unit.settings_file import ACCOUNT, ENV

HEAD = ("Number", "Name", "Inactive")
Line = tuple[str, str, str]

PLAIN = """
[mapping.plain]
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
columns = { erp_dimension_id = "Number", name = "Name" }
where = { Inactive = "F" }

[mapping.departments]
preset = "netsuite.departments"
columns = { erp_dimension_id = "Number", name = "Name", code = "Number" }

[mapping.nested]
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
columns = { erp_dimension_id = "Number.value", name = "Name.value" }
where = { "Inactive.value" = "F" }
rows = "answer.rows"

[mapping.titled]
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
columns = { erp_dimension_id = "Number", name = "Name" }
where = { Inactive = "F" }
encoding = "cp1252"
delimiter = ";"

[mapping.shared]
company_column = "Client"
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
columns = { erp_dimension_id = "Number", name = "Name" }
where = { Inactive = "F" }

[databases.erp]
url = "env:ERP"
query = "select * from chart where company = :company_id"
"""


class Member(NamedTuple):
    """One company of the fleet, and what is to become of its rows."""

    id: int
    settings: str
    kept: Sequence[Dimension]
    left_out: int
    invalid: int


def lines(company_id: int) -> list[Line]:
    """Return two rows that are taken and one that is not. No other company has such rows."""
    names = (("Café", "F"), ("Bank", "F"), ("Old bank", "T"))
    return [(f"0{company_id}{n}", f"{name} {company_id}", word) for n, (name, word) in enumerate(names)]


def account(company_id: int, line: Line) -> Dimension:
    number, name, _ = line
    return Dimension(f"{company_id}:account:{number}", "account", "Account", name, number)


def preset_members(folder: Path, ids: Iterator[int]) -> Iterator[Member]:
    """Yield a company for each preset, with the preset's sample. Their keys begin with the company's own id."""
    for preset in LISTS:
        (sample,) = (HERE / "samples").glob(f"{preset}.[a-z]*")
        (folder / sample.name).write_bytes(sample.read_bytes())
        company_id, right, mapping = next(ids), expected(preset), preset
        settings = ""
        if preset in OPEN:
            code, label = OPEN[preset]
            mapping = f"own-{preset.replace('.', '-')}"
            settings = f'[mapping.{mapping}]\npreset = "{preset}"\ntype_code = "{code}"\ntype = "{label}"\n'
        kept = [Dimension(*row.values()) for row in right["kept"]]
        yield Member(
            id=company_id,
            settings=f"{settings}{company(company_id, sample.name, mapping)}",
            kept=[row._replace(key=row.key.replace(f"{COMPANY}:", f"{company_id}:", 1)) for row in kept],
            left_out=sum(each["rows"] for each in right["left_out"]),
            invalid=len(right["invalid"]),
        )


def company(company_id: int, source: str, mapping: str) -> str:
    return f'[[companies]]\nid = {company_id}\nsource = "{source}"\nmapping = "{mapping}"\n'


def text(path: Path, rows: Sequence[Line], *, between: str = ",", above: str = "", encoding: str = "utf-8") -> None:
    path.write_text(above + "".join(f"{between.join(row)}\n" for row in (HEAD, *rows)), encoding=encoding)


def titled(path: Path, rows: Sequence[Line]) -> None:
    text(path, rows, between=";", above="Chart of accounts\n\n", encoding="cp1252")


def ndjson(path: Path, rows: Sequence[Line]) -> None:
    path.write_bytes(b"\n".join(orjson.dumps(dict(zip(HEAD, row, strict=True))) for row in rows) + b"\n")


def nested(path: Path, rows: Sequence[Line]) -> None:
    objects = [{name: {"value": cell} for name, cell in zip(HEAD, row, strict=True)} for row in rows]
    path.write_bytes(orjson.dumps({"answer": {"rows": objects}, "more": False}))


def parquet_file(path: Path, rows: Sequence[Line]) -> None:
    parquet.write_table(pa.table(dict(zip(HEAD, map(list, zip(*rows, strict=True)), strict=True))), path)


FORMATS: dict[str, tuple[str, Callable[[Path, Sequence[Line]], None]]] = {
    "csv": ("plain", text),
    "tsv": ("plain", lambda path, rows: text(path, rows, between="\t")),
    "txt": ("titled", titled),
    "ndjson": ("plain", ndjson),
    "json": ("nested", nested),
    "parquet": ("plain", parquet_file),
}
"""The ending of a file, the mapping that reads it, and what writes it."""


def format_members(folder: Path, ids: Iterator[int]) -> Iterator[Member]:
    """Yield a company for each kind of file that no preset reads in the same way."""
    for ending, (mapping, write) in FORMATS.items():
        company_id = next(ids)
        rows = lines(company_id)
        write(folder / f"{company_id}.{ending}", rows)
        kept = [account(company_id, row) for row in rows[:2]]
        yield Member(company_id, company(company_id, f"{company_id}.{ending}", mapping), kept, 1, 0)


def workbook_member(folder: Path, company_id: int) -> Member:
    """Return a company whose two lists are two sheets of a workbook, and a third one, which may be missing, a file."""
    rows, book = lines(company_id), Workbook()
    book.active.title = "Accounts"
    for sheet, head in ((book.active, HEAD), (book.create_sheet("Departments"), HEAD)):
        for cells in (head, *rows):
            sheet.append(cells)
    book.save(folder / f"{company_id}.xlsx")
    settings = f"""[[companies]]
id = {company_id}
sources = [
    {{ source = "{company_id}.xlsx#Accounts", mapping = "plain" }},
    {{ source = "{company_id}.xlsx#Departments", mapping = "departments" }},
    {{ source = "{company_id}-locations.csv", mapping = "netsuite.locations", optional = true }},
]
"""
    departments = [
        Dimension(f"{company_id}:department:{number}", "department", "Department", name, number, number)
        for number, name, _ in rows[:2]
    ]
    return Member(company_id, settings, [*(account(company_id, row) for row in rows[:2]), *departments], 2, 0)


def shared_members(folder: Path, ids: Iterator[int]) -> Iterator[Member]:
    """Yield three companies of one file, and two of one database."""
    both = {what: [next(ids) for _ in range(count)] for what, count in (("file", 3), ("database", 2))}
    rows = [(str(company_id), *row) for company_id in both["file"] for row in lines(company_id)]
    path = folder / "all.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in (("Client", *HEAD), *rows[::2], *rows[1::2])), "utf-8")
    with closing(sqlite3.connect(folder / "erp.db")) as connection, connection:
        connection.execute("create table chart (company int, Number text, Name text, Inactive text)")
        for company_id in both["database"]:
            values = [(company_id, *row) for row in lines(company_id)]
            connection.executemany("insert into chart values (?, ?, ?, ?)", values)
    for what, source, mapping in (("file", "all.csv", "shared"), ("database", "sql:erp", "plain")):
        for company_id in both[what]:
            kept = [account(company_id, row) for row in lines(company_id)[:2]]
            yield Member(company_id, company(company_id, source, mapping), kept, 1, 0)


class Program:
    """A source of a program: an async iterable of batches, which tells no digest."""

    def __init__(self, rows: Sequence[Dimension]) -> None:
        self.rows = rows

    async def __aiter__(self) -> AsyncIterator[Sequence[Dimension]]:
        for row in self.rows:
            yield [row]


@pytest.mark.sockets
async def test_one_fleet_of_every_preset_and_format_at_once(world: World, tmp_path: Path) -> None:
    ids = iter(range(2001, 3000))
    members = [
        *preset_members(tmp_path, ids),
        *format_members(tmp_path, ids),
        workbook_member(tmp_path, next(ids)),
        *shared_members(tmp_path, ids),
    ]
    settings = tmp_path / "dimsync.toml"
    settings.write_text("\n".join((ACCOUNT, PLAIN, *(one.settings for one in members))), encoding="utf-8")
    coded = next(ids)
    members.append(Member(coded, "", [account(coded, row) for row in lines(coded)], 0, 0))
    fleet = (
        *load(settings, {**ENV, "ERP": f"sqlite:///{tmp_path}/erp.db"}).companies,
        Company(id=coded, name="in code", source=Program(members[-1].kept)),
    )
    assert [one.id for one in fleet] == [one.id for one in members]
    for one in members:
        world.place(one.id)

    first = await world.sync(*fleet)

    assert first.exit_code == 3  # three samples have an invalid row
    kept, left_out, invalid = (sum(counts) for counts in zip(*map(counted, members), strict=True))
    assert columns(first) == {"created": kept, "invalid": invalid}
    assert first.totals.read_rows == kept + left_out + invalid
    assert (first.totals.left_out, first.totals.source_rows) == (left_out, kept + invalid)
    for one, result in zip(members, first.companies, strict=True):
        balance = result.balance
        told = (balance.created, balance.left_out, balance.invalid)
        assert told == counted(one), (one.settings, result.problems)
        assert result.exit_code == (3 if one.invalid else 0), one.settings
        assert_exact(world, one.id, one.kept)

    again = await world.sync(*fleet)

    assert (again.exit_code, world.sent()) == (3, 0)
    assert columns(again) == {"unchanged": kept, "invalid": invalid}
    assert again.totals.read_rows == first.totals.read_rows
    assert [verdict(each)[1:] for each in again.companies] == [verdict(each)[1:] for each in first.companies]


def counted(member: Member) -> tuple[int, int, int]:
    return len(member.kept), member.left_out, member.invalid
