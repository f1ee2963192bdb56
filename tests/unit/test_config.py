"""The settings file: what it gives, and every way in which it can be wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.config import ConfigFaults, explained, load, source_problems
from engine.model.settings import Api, Limits, Secret, Settings, Verify, VerifyMode
from engine.sources.expressions import Named
from engine.sources.files import FileSource
from engine.sources.filters import OneOf, Switch
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS
from engine.sources.sql import SqlSource
from tests.unit.settings_file import ACCOUNT, COMPANY, ENV, MINIMAL, WEST, configured, faults


def test_the_least_file_has_the_defaults(tmp_path: Path) -> None:
    found = configured(tmp_path, MINIMAL)
    (account,) = found.settings.accounts
    assert (account.name, account.account_id, account.limits) == ("main", "racc_1", Limits())
    assert account.client_secret == Secret("hush")
    assert found.settings == Settings(accounts=(account,), ledger_url=f"sqlite:///{tmp_path}/dimsync.db")
    assert (found.settings.api, found.settings.verify) == (Api(), Verify())
    (company,) = found.companies
    assert (company.id, company.name, company.account, company.write, company.relabel) == (123, "", None, True, False)
    assert company.verify is None
    assert isinstance(company.source, FileSource)
    assert company.source.path == tmp_path / "exports/123.csv"
    assert (found.path, found.mappings, found.erps) == (tmp_path / "dimsync.toml", {}, {})


def test_a_full_file_gives_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n".replace(" ", "-"), encoding="utf-8")
    text = """
    [api]
    base_url = "http://127.0.0.1:8080/v1/"
    contract = "reference"
    token_url = "https://auth.ottimate.com/oauth/token"
    api_version = "1.1.0"
    scope = "all"
    [accounts.east]
    account_id = "racc_2"
    api_key = "file:secret"
    client_id = "env:ID"
    client_secret = "env:SECRET"
    [limits]
    requests_per_second = 10
    requests_per_day = 500
    reserve_per_day = 0
    max_concurrency = 4
    page_size = 20
    chunk_rows = 50
    chunk_bytes = "64KiB"
    timeout = "1500ms"
    server_timeout = "1s"
    max_attempts = 2
    [verify]
    mode = "full"
    verify_after = "30d"
    [ledger]
    url = "sqlite:////var/lib/dimsync.db"
    [mapping.netsuite]
    preset = "netsuite"
    columns = { name = "Title" }
    type_codes = { Phase = "task" }
    labels = { task = "Phase" }
    where = { Inactive = "No", Kind = ["a", "b"] }
    [mapping.plain]
    type_code = "item"
    type = "Item"
    key = "{company_id}-{code}"
    [[companies]]
    id = 5
    name = "Harbor Grill"
    account = "east"
    source = "/exports/5.NDJSON"
    mapping = "netsuite"
    write = false
    relabel = true
    verify = { probe_after = "90m" }
    [[companies]]
    id = 6
    account = "main"
    source = "6.json"
    mapping = "plain"
    """
    found = configured(tmp_path, ACCOUNT + text)
    assert found.settings.api == Api(
        base_url="http://127.0.0.1:8080/v1",
        contract="reference",
        token_url="https://auth.ottimate.com/oauth/token",
        api_version="1.1.0",
        scope="all",
    )
    limits = Limits(
        requests_per_second=10.0,
        requests_per_day=500,
        reserve_per_day=0,
        max_concurrency=4,
        page_size=20,
        chunk_rows=50,
        chunk_bytes=65_536,
        timeout_s=1.5,
        server_timeout_s=1.0,
        max_attempts=2,
    )
    assert [account.limits for account in found.settings.accounts] == [limits, limits]
    assert found.settings.accounts[1].api_key == Secret("from-a-file")
    assert found.settings.verify == Verify(mode=VerifyMode.FULL, verify_after_s=2_592_000.0)
    assert found.settings.ledger_url == "sqlite:////var/lib/dimsync.db"
    first, second = found.companies
    assert (first.name, first.account, first.write, first.relabel) == ("Harbor Grill", "east", False, True)
    assert first.verify == Verify(mode=VerifyMode.FULL, verify_after_s=2_592_000.0, probe_after_s=5_400.0)
    assert (found.mappings, found.erps) == ({5: ("netsuite",), 6: ("plain",)}, {5: ("netsuite",)})
    assert isinstance(first.source, FileSource)
    assert isinstance(second.source, FileSource)
    mapping = first.source.mapping
    assert mapping.columns == {**PRESETS["netsuite"].columns, "name": Named("Title")}
    assert mapping.type_codes == {**PRESETS["netsuite"].type_codes, "Phase": "task"}
    assert (mapping.key, mapping.where) == (
        PRESETS["netsuite"].key,
        {"Inactive": Switch(keep=False), "Kind": OneOf(("a", "b"))},
    )
    plain = second.source.mapping
    assert (plain.type_code, plain.type_label, plain.key) == ("item", "Item", "{company_id}-{code}")


def limited(line: str) -> str:
    return f"{MINIMAL}\n[limits]\n{line}\n"


def mapped(line: str) -> str:
    return f"{MINIMAL}\n[mapping.m]\n{line}\n"


def api(line: str) -> str:
    return f"{MINIMAL}\n[api]\n{line}\n"


def account(line: str) -> str:
    return f"{COMPANY}{ACCOUNT}{line}\n"


DATABASE = """
[databases.erp]
url = "env:KEY"
query = "select * from dims where client = :company_id"
"""


def on_database(name: str = "erp") -> str:
    return MINIMAL.replace("exports/123.csv", f"sql:{name}") + DATABASE


def keyed(line: str) -> str:
    return MINIMAL.replace('"env:KEY"', line)


FAULTS = {
    "unknown key": (limited("page_sise = 1"), "limits.page_sise", "did you mean 'page_size'?"),
    "unknown section": (f"{MINIMAL}[limit]\n", "limit", "did you mean 'limits'?"),
    "unknown account key": (f"{ACCOUNT}api_kee = 1\n{COMPANY}", "accounts.main.api_kee", "did you mean 'api_key'?"),
    "unknown company key": (f"{MINIMAL}sauce = 1", "companies[0].sauce", "did you mean 'source'?"),
    "unknown verify key": (f"{MINIMAL}verify.mod = 1", "companies[0].verify.mod", "did you mean 'mode'?"),
    "unlike any": (api("zzz = 1"), "api.zzz", "known: api_version, base_url, contract, scope, token_url"),
    "unknown group key": (f"{MINIMAL}[groups.west]\nmaping = 1", "groups.west.maping", "did you mean 'mapping'?"),
    "unknown limit of an account": (
        account("limits = { page = 9 }"),
        "accounts.main.limits.page",
        "did you mean 'page_size'?",
    ),
    "unknown verify key of a mapping": (mapped("verify = { mod = 1 }"), "mapping.m.verify.mod", "did you mean 'mode'?"),
    "no accounts": (COMPANY, "accounts", "is required"),
    "an account twice": (
        MINIMAL.replace("id = 123", 'id = 123\naccount = "main"') + WEST.replace("env:KEY_2", "env:KEY"),
        "accounts.west.api_key",
        "is that of [accounts.main], too: one account stands under one name",
    ),
    "a share beyond all": (f"{MINIMAL}[guard]\nshrink_share = 1.5", "guard.shrink_share", "less than or equal to 1"),
    "an unknown guard": (f"{MINIMAL}[guard]\nmass_creates = 5", "guard.mass_creates", "did you mean 'mass_create_"),
    "no companies": (ACCOUNT, "companies", "is required, unless there is a companies_file or a [fleet]"),
    "an empty list of companies": (f"companies = []\n{ACCOUNT}", "companies", "is required"),
    "companies by name": (f"{ACCOUNT}[companies.a]\nid = 1", "companies", "is a list"),
    "no source": (f"{ACCOUNT}[[companies]]\nid = 1", "companies[0].source", "is required: there is no [fleet]"),
    "NUL in a path": (MINIMAL.replace("123.csv", r"\u0000.csv"), "companies[0].source", "it holds NUL"),
    "text for a number": (limited('page_size = "9"'), "limits.page_size", "whole number"),
    "number for text": (f"{MINIMAL}name = 7", "companies[0].name", "must be text, in quotes"),
    "text for a switch": (f'{MINIMAL}write = "no"', "companies[0].write", "true or false"),
    "page size": (limited("page_size = 1001"), "limits.page_size", "less than or equal to 1000"),
    "chunk rows, guide": (limited("chunk_rows = 1001"), "limits.chunk_rows", "at most 1000 under the guide contract"),
    "chunk rows, reference": (
        api('contract = "reference"\n[limits]\nchunk_rows = 101'),
        "limits.chunk_rows",
        "at most 100 under the reference contract",
    ),
    "nothing a second": (limited("requests_per_second = 0"), "limits.requests_per_second", "greater than 0"),
    "endless rate": (limited("requests_per_second = inf"), "limits.requests_per_second", "finite"),
    "reserve": (limited("reserve_per_day = 10000"), "limits.reserve_per_day", "takes all of requests_per_day"),
    "reserve by default": (limited("requests_per_day = 900"), "limits.reserve_per_day", "must be smaller"),
    "reserve, although one account has its own": (
        f"{MINIMAL}account = 'main'\n{WEST}limits.reserve_per_day = 0\n[limits]\nrequests_per_day = 900",
        "limits.reserve_per_day",
        "1000 takes all of requests_per_day = 900",
    ),
    "reserve of an account": (
        account("limits.requests_per_day = 300\n[limits]\nreserve_per_day = 300"),
        "accounts.main.limits.reserve_per_day",
        "300 takes all of requests_per_day = 300",
    ),
    "page size of an account": (
        account("limits.page_size = 1001"),
        "accounts.main.limits.page_size",
        "less than or equal to 1000",
    ),
    "chunk rows of an account, reference": (
        account('limits.chunk_rows = 101\n[api]\ncontract = "reference"'),
        "accounts.main.limits.chunk_rows",
        "at most 100 under the reference contract",
    ),
    "no attempts": (limited("max_attempts = 0"), "limits.max_attempts", "greater than or equal to 1"),
    "duration as a number": (limited("timeout = 35"), "limits.timeout", 'a duration such as "30s"'),
    "duration without a unit": (limited('timeout = "35"'), "limits.timeout", "'35' is not a duration"),
    "no duration": (limited('timeout = "0s"'), "limits.timeout", "more than 0"),
    "size": (limited('chunk_bytes = "1 megabyte"'), "limits.chunk_bytes", 'a size such as "500kB", "1MB" or "64KiB"'),
    "contract": (api('contract = "guides"'), "api.contract", "'guide' or 'reference'"),
    "http": (api('base_url = "http://api.ottimate.com/v1"'), "api.base_url", "use https://"),
    "http to a name": (api('base_url = "http://localhost.evil.com"'), "api.base_url", "use https://"),
    "no scheme": (api('base_url = "api.ottimate.com"'), "api.base_url", "is not an address"),
    "bad port": (api('base_url = "https://x:99999"'), "api.base_url", "is not an address"),
    "query": (api('base_url = "https://x/?a=1"'), "api.base_url", "neither a query"),
    "userinfo": (api('token_url = "https://me:hush@x/t"'), "api.token_url", "no user or password"),
    "address as a number": (api("base_url = 1"), "api.base_url", "must be text"),
    "mode": (f'{MINIMAL}[verify]\nmode = "some"', "verify.mode", "'auto', 'full', 'probe' or 'none'"),
    "ledger": (f'{MINIMAL}[ledger]\nurl = "dimsync.db"', "ledger.url", 'write "sqlite:///FILE"'),
    "ledger-password": (
        f'{MINIMAL}[ledger]\nurl = "postgresql://me:hush@db/dimsync"',
        "ledger.url",
        "holds a password",
    ),
    "ledger-database": (f'{MINIMAL}[ledger]\nurl = "postgresql://me@db"', "ledger.url", "names no database"),
    "inline secret": (keyed('"hush-hush"'), "accounts.main.api_key", 'must be a reference, "env:NAME" or "file:PATH"'),
    "inline with a colon": (keyed('"hush:hush"'), "accounts.main.api_key", "must be a reference"),
    "inline number": (keyed("112358"), "accounts.main.api_key", "must be a reference"),
    "unset variable": (keyed('"env:NONE"'), "accounts.main.api_key", "the environment variable NONE is not set"),
    "empty variable": (keyed('"env:EMPTY"'), "accounts.main.api_key", "env:EMPTY is empty"),
    "spaces": (keyed('"env:SPACED"'), "accounts.main.api_key", "no credential has"),
    "two lines": (keyed('"env:TWO"'), "accounts.main.api_key", "no credential has"),
    "missing file": (keyed('"file:none"'), "accounts.main.api_key", "none cannot be read: No such file"),
    "id twice": (f"{MINIMAL}{COMPANY}", "companies[1].id", "123 is already the id of companies[0]"),
    "id of too many digits": (
        MINIMAL.replace("123\n", "9223372036854775808\n"),
        "companies[0].id",
        "less than 9223372036854775808",
    ),
    "id of nothing": (MINIMAL.replace("123\n", "0\n"), "companies[0].id", "greater than or equal to 1"),
    "unknown account": (f'{MINIMAL}account = "maim"', "companies[0].account", "did you mean 'main'?"),
    "account left out": (
        MINIMAL + WEST,
        "companies[0].account",
        "is required: there are main, west",
    ),
    "unknown account of a group": (
        f'{MINIMAL}[groups.west]\naccount = "maim"',
        "groups.west.account",
        "there is no [accounts.maim]; did you mean 'main'?",
    ),
    "unknown mapping of a group": (
        mapped('type = "GL"\n[groups.west]\nmapping = "n"'),
        "groups.west.mapping",
        "there is no [mapping.n]; known: m",
    ),
    "unknown group": (
        f'{MINIMAL}groups = ["west", "eas"]\n[groups.west]\n[groups.east]',
        "companies[0].groups",
        "there is no [groups.eas]; did you mean 'east'?",
    ),
    "one group without a list": (f'{MINIMAL}groups = "west"\n[groups.west]', "companies[0].groups", "square brackets"),
    "unknown mapping": (f'{MINIMAL}mapping = "m"', "companies[0].mapping", "there is no [mapping.m]; none is defined"),
    "source of another kind": (MINIMAL.replace(".csv", ".xls"), "companies[0].source", "one of .csv"),
    "unknown database": (
        on_database("epr"),
        "companies[0].source",
        "there is no [databases.epr]; did you mean 'erp'?",
    ),
    "a database without a name": (on_database(""), "companies[0].source", "write sql:NAME, where there is a"),
    "no databases": (
        MINIMAL.replace("exports/123.csv", "sql:erp"),
        "companies[0].source",
        "there is no [databases.erp]; none is defined",
    ),
    "unknown key of a database": (f"{on_database()}quary = 1", "databases.erp.quary", "did you mean 'query'?"),
    "inline address": (
        on_database().replace('url = "env:KEY"', 'url = "postgresql://me:hush@db/erp"'),
        "databases.erp.url",
        'must be a reference, "env:NAME" or "file:PATH"',
    ),
    "no query": (on_database().replace("query =", "# query ="), "databases.erp.query", "is required"),
    "a sheet of no workbook": (MINIMAL.replace("123.csv", "123.csv#S"), "companies[0].source", "one of .csv"),
    "unknown preset": (mapped('preset = "netsweet"'), "mapping.m.preset", "did you mean 'netsuite'?"),
    "unknown column": (mapped('columns = { nam = "x" }'), "mapping.m.columns.nam", "did you mean 'name'?"),
    "key template": (mapped('key = "{name}"'), "mapping.m.key", "cannot be part of a key"),
    "filter": (mapped("where = { Inactive = 1.5 }"), "mapping.m.where.Inactive", "must be text"),
}


@pytest.mark.parametrize(("text", "key", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_by_its_key(tmp_path: Path, text: str, key: str, message: str) -> None:
    found = faults(tmp_path, text)
    assert {place for place, _ in found} == {key}
    assert any(message in said for _, said in found)
    assert not any(secret in said for _, said in found for secret in ("hush", "112358"))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace("env:KEY", "inline").replace("env:ID", "env:NOPE") + COMPANY + '[limits]\ntimeout = "x"\n'
    assert {key for key, _ in faults(tmp_path, text)} == {
        "accounts.main.api_key",
        "accounts.main.client_id",
        "companies[1].id",
        "limits.timeout",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[api\n", "at line 1"), (b"a = 1\na = 2\n", "at line 2"), (b"a = '\xe9'\n", "byte 6 is not UTF-8")],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "dimsync.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigFaults, match=message):
        load(path, ENV)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As the editor of Windows writes files."""
    path = tmp_path / "dimsync.toml"
    path.write_text(MINIMAL, encoding="utf-8-sig")
    assert [each.id for each in load(path, ENV).companies] == [123]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match=r"dimsync\.toml: cannot be read: No such file"):
        load(tmp_path / "dimsync.toml", ENV)


def test_missing_sources_are_told_when_asked(tmp_path: Path) -> None:
    found = configured(tmp_path, MINIMAL + '[[companies]]\nid = 2\nsource = "2.csv"\n')
    (tmp_path / "2.csv").touch()
    ((_, key, message),) = source_problems(found)
    assert key == "companies[0].source"
    assert message.endswith("exports/123.csv cannot be read: No such file or directory")


def test_a_database_is_a_source_and_its_address_stays_hidden(tmp_path: Path) -> None:
    (tmp_path / "companies.csv").write_text("id,source,mapping\n7,sql:erp,erp\n")
    text = f'companies_file = "companies.csv"\n{on_database()}[mapping.erp]\ntype = "GL"\n'
    (tmp_path / "url").write_text("sqlite:///hush.db\n")
    found = configured(tmp_path, text.replace('url = "env:KEY"', 'url = "file:url"'))
    first, second = (company.source for company in found.companies)
    assert isinstance(first, SqlSource)
    assert isinstance(second, SqlSource)
    assert (first.name, first.query) == ("sql:erp", "select * from dims where client = :company_id")
    assert (first.mapping, second.mapping) == (ColumnMap(), ColumnMap(type_label="GL"))
    assert ("source", "sql:erp", "companies[0]") in explained(found, 123)
    assert ("source", "sql:erp", f"line 2 of {tmp_path / 'companies.csv'}") in explained(found, 7)
    assert source_problems(found) == []
    assert "hush" not in f"{found}{explained(found, 7)}"


def test_what_keeps_a_database_from_being_read_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured(tmp_path, on_database() + '[[companies]]\nid = 2\nsource = "sql:erp"\n')
    ((_, key, message),) = source_problems(found)
    assert (key, message.partition(":")[0]) == ("databases.erp", "sql")
    assert "cannot be read: ArgumentError" in message
    assert ENV["KEY"] not in message
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    ((_, _, message),) = source_problems(found)
    assert message == "sql:erp cannot be read without sqlalchemy: pip install 'dimsync[sql]'"


def test_what_keeps_a_file_from_being_read_is_told_at_its_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "5.xlsx").touch()
    found = configured(tmp_path, MINIMAL.replace("exports/123.csv", "5.xlsx#Dims"))
    assert source_problems(found) == []
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    ((_, key, message),) = source_problems(found)
    assert key == "companies[0].source"
    assert message.endswith("5.xlsx#Dims cannot be read without openpyxl: pip install 'dimsync[excel]'")


def test_no_other_part_loads_pydantic() -> None:
    code = "import sys, engine.sources.base, engine.sources.files; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
