"""What the pages of help show is what happens: their files are loaded, their commands run, their program executed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from openpyxl import Workbook

from engine import SqlSource
from engine.cli.show.pages import topics
from engine.cli.verbs.simulate import read_rules, read_ways
from engine.config import explained, load, source_problems
from engine.model.balance import SEVERITY
from engine.sandbox.access import Credentials
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.ways import Way
from engine.sources.base import read
from engine.wire.guide import DIALECT
from tests.help.generated import path_of
from tests.help.settings_reference import groups
from tests.nursery import ROOT, Nursery, environment

TEXTS = {topic: path_of(topic).read_text("utf-8") for topic in topics() if topic != "sources"}
"""The pages but that of sources, whose configurations are read in `tests/presets`."""

BLOCKS = {
    name: block
    for text in TEXTS.values()
    for name, block in re.findall(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", text, flags=re.DOTALL)
}
CREDENTIALS = Credentials(account_id="racc_1")
ENVIRONMENT = {
    "OTTIMATE_API_KEY": CREDENTIALS.api_key,
    "OTTIMATE_CLIENT_ID": CREDENTIALS.client_id,
    "OTTIMATE_CLIENT_SECRET": CREDENTIALS.client_secret,
}
PUBLIC_URL = "https://api.ottimate.com/v1"
EXPORTS = ("exports/123.csv", "exports/124.csv")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Options(accounts=(CREDENTIALS,))) as running:
        running.service.place(123)
        running.service.place(124)
        yield running


def write(folder: Path, *names: str, url: str = PUBLIC_URL) -> None:
    """Write blocks of the pages as files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BLOCKS[name].replace(PUBLIC_URL, url), encoding="utf-8")


async def test_the_settings_shown_work_as_pasted(sandbox: Sandbox, nursery: Nursery, tmp_path: Path) -> None:
    write(tmp_path, "dimsync.toml", *EXPORTS, url=sandbox.base_url)
    for line in ("dimsync validate", *BLOCKS["saved"].splitlines()):
        program, *arguments = line.split("#")[0].split()
        assert program == "dimsync"
        done = await asyncio.to_thread(nursery.run, "engine", *arguments, cwd=tmp_path, env=environment(**ENVIRONMENT))
        assert done.returncode == 0, f"{line}\n{done.stdout.decode()}\n{done.stderr.decode()}"
    stored = {n: sorted(row.values.key or "" for row in sandbox.tenant.companies[n].rows) for n in (123, 124)}
    assert stored == {
        123: ["123:account:0100", "123:account:0200", "123:department:D-7"],
        124: ["124:account:211", "124:department:7"],
    }
    with closing(sqlite3.connect(tmp_path / "dimsync.db")) as connection:
        assert [outcome for *_, outcome, _ in connection.execute(BLOCKS["audit"])] == ["created"] * 3


def test_the_defaults_told_are_the_defaults(tmp_path: Path) -> None:
    write(tmp_path, "dimsync.toml")
    path = tmp_path / "dimsync.toml"
    plain = load(path, ENVIRONMENT)
    told = [path.read_text("utf-8")]
    for group in groups():
        if group.title.startswith(("`[limits]`", "`[verify]`", "`[guard]`:", "`[ledger]`")):
            told.append(re.match(r"`(\[\w+\])`", group.title)[1])  # type: ignore[index]  # its beginning is known
            told += [f"{key.name} = {key.default.partition('`')[2].rstrip('`')}" for key in group.keys]
    path.write_text("\n".join(told), encoding="utf-8")
    assert len(told) > 25
    assert load(path, ENVIRONMENT).settings == plain.settings


async def test_several_lists_of_a_company_are_read_as_shown(tmp_path: Path) -> None:
    path, folder, book = tmp_path / "dimsync.toml", tmp_path / "exports" / "126", Workbook()
    path.write_text(f"{BLOCKS['dimsync.toml']}\n{BLOCKS['sources']}", encoding="utf-8")
    folder.mkdir(parents=True)
    sample = ROOT / "tests" / "presets" / "samples" / "netsuite.accounts.csv"
    (folder / "accounts.csv").write_bytes(sample.read_bytes())
    book.active.title = "Jobs"
    for row in (
        ("Job No.", "Description", "Status"),
        ("J1", "Pier", "Open"),
        ("J2", "Hall", "Closed"),
        ("J3", "", "?"),
    ):
        book.active.append(row)
    book.save(folder / "lists.xlsx")
    company = load(path, ENVIRONMENT).companies[-1]
    found = await read(company.source, company_id=company.id, type_codes=DIALECT.type_codes)
    assert [(one.read_rows, one.left_out) for one in found.sources] == [(18, 5), (3, 1)]
    assert ([row.key for row in found.rows[-1:]], found.invalid) == (["126:project:J1"], 1)


def test_a_database_is_a_source_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "dimsync.toml"
    path.write_text(f"{BLOCKS['dimsync.toml']}\n{BLOCKS['sql']}", encoding="utf-8")
    loaded = load(path, ENVIRONMENT | {"ERP_DB_URL": "sqlite://"})
    assert isinstance(loaded.companies[-1].source, SqlSource)
    assert loaded.companies[-1].source.absence() is None


def test_hundreds_of_companies_load_as_shown(tmp_path: Path) -> None:
    write(tmp_path, "companies.csv", "many.toml")
    (tmp_path / "exports").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/second.key").write_text("key-of-the-second")
    for company_id in (123, 124, 125):
        (tmp_path / f"exports/{company_id}.csv").write_text(BLOCKS["exports/124.csv"])
    loaded = load(tmp_path / "many.toml", ENVIRONMENT)
    assert not source_problems(loaded)
    assert {one.id: (one.account, one.write, one.relabel) for one in loaded.companies} == {
        123: ("main", True, False),
        124: ("second", False, False),
        125: ("main", True, True),
    }
    assert [account.limits.page_size for account in loaded.settings.accounts] == [100, 50]
    decided = {setting.key: setting.origin for setting in explained(loaded, 124)}
    assert (decided["write"], decided["mapping"]) == ("[groups.slow]", "[groups.west]")


def test_the_faults_shown_are_understood(tmp_path: Path) -> None:
    write(tmp_path, "faults.toml")
    assert len(read_rules(tmp_path / "faults.toml")) == 5
    assert [way.companies for way in read_ways(tmp_path / "faults.toml")] == [(1005, 1006), (1007,)]


def test_every_way_of_the_sandbox_is_told() -> None:
    rows = re.findall(r"^\| (`.*?`) \| ", TEXTS["sandbox"], re.MULTILINE)
    named = {name for cell in rows for name in re.findall(r"`([a-z_]+)`", cell)}
    assert {column.name for column in fields(Way)} - {"companies", "spelled"} <= named


def test_each_exit_code_is_told() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", TEXTS["results"], flags=re.MULTILINE)
    assert {int(code) for cell in rows for code in cell.split(",")} == set(SEVERITY)
