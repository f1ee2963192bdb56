"""`dimsync sandbox`: its options, and faults from a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from engine.sandbox.faults.effects import EFFECTS
from engine.sandbox.ways import Way
from tests.cli.conftest import Here
from tests.cli.program import start

FAULTS = """\
[[faults]]                     # the token endpoint is down at first
effect = "status"
status = 503
match = { operation = "token" }
times = 2

[[faults]]
effect = "status"
status = 429
headers = { Retry-After = "1" }
[faults.match]
operation = "companies"
"""


@contextmanager
def running(*words: str, cwd: Path) -> Iterator[dict[str, Any]]:
    """Run the sandbox and give its ready line."""
    words = ("sandbox", "--port", "0", "--until-stdin-ends", *words)
    with start(*words, cwd=cwd, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        yield ready
        process.stdin.close()
        assert process.wait(10) == 0


def ask(url: str, headers: dict[str, str], body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers)) as answer:  # noqa: S310  loopback
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def log_in(base_url: str, suffix: str = "") -> tuple[int, dict[str, str]]:
    """Ask for a token of an account; returns the status and the headers of its data calls."""
    headers = {"X-Api-Key": f"demo-key{suffix}", "Content-Type": "application/json"}
    grant = {"client_id": f"demo-client{suffix}", "client_secret": f"demo-secret{suffix}"}
    status, body = ask(f"{base_url}/oauth/token", headers, {"grant_type": "client_credentials", **grant})
    return status, headers | {"Authorization": f"Bearer {body.get('access_token')}"}


def test_the_defaults_are_one_account_and_no_faults(tmp_path: Path) -> None:
    with running(cwd=tmp_path) as ready:
        base_url = ready.pop("base_url")
        assert ready == {"ready": True, "contract": "guide", "accounts": ["racc_demo"], "faults": 0}
        status, headers = log_in(base_url)
        assert status == 200
        assert ask(f"{base_url}/accounts", headers)[1]["results"][0]["company_count"] == 0
        assert ask(f"{base_url}/dimensions/bulk-create/", headers, {})[0] == 400


def test_accounts_companies_and_the_other_contract(tmp_path: Path) -> None:
    words = ("--accounts", "2", "--companies", "3", "--contract", "reference", "--directory-base", "0")
    with running(*words, cwd=tmp_path) as ready:
        assert (ready["contract"], ready["accounts"]) == ("reference", ["racc_demo", "racc_demo_2"])
        seen = {}
        for suffix, account in (("", "racc_demo"), ("-2", "racc_demo_2")):
            _, headers = log_in(ready["base_url"], suffix)
            _, page = ask(f"{ready['base_url']}/accounts/{account}/companies?page=0", headers)
            seen[account] = (page["page"], [company["id"] for company in page["results"]])
            assert ask(f"{ready['base_url']}/dimensions/bulk", headers, {})[0] == 400
            assert ask(f"{ready['base_url']}/dimensions/bulk-create/", headers, {})[0] in (404, 405)
        assert seen == {"racc_demo": (0, [1001, 1003]), "racc_demo_2": (0, [1002])}


def test_faults_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(FAULTS, "utf-8")
    with running("--faults", "faults.toml", cwd=tmp_path) as ready:
        assert ready["faults"] == 2
        tries = [log_in(ready["base_url"]) for _ in range(3)]
        assert [status for status, _ in tries] == [503, 503, 200]
        assert ask(f"{ready['base_url']}/accounts/racc_demo/companies", tries[2][1])[0] == 429


def test_ways_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "ways.toml").write_text("[[ways]]\ncompanies = [1001]\nname = { shortened = 4 }\n", "utf-8")
    with running("--faults", "ways.toml", "--companies", "2", cwd=tmp_path) as ready:
        assert ready["faults"] == 0
        _, headers = log_in(ready["base_url"])
        names = {}
        for company in (1001, 1002):
            row = {"type": "Account", "dimension_type_code": "account", "name": "Wages", "unique_key": "k"}
            rows = {"ottimate_company_id": company, "dimensions": [{**row, "erp_dimension_id": "1"}]}
            _, reply = ask(f"{ready['base_url']}/dimensions/bulk-create/", headers, rows)
            names[company] = reply["created"][0]["name"]
        assert names == {1001: "Wage", 1002: "Wages"}


def test_the_list_of_ways_names_them_all(here: Here) -> None:
    done = here("sandbox", "--list-ways")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n    {column.name}: " in done.stdout for column in fields(Way))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'[[ways]]\nname = { shortened = "40" }', "ways[0].name.shortened: '40' does not fit"),
        (b"ways = 3", "ways: must be a list of ways"),
        (b"", "faults: must be a list"),
        (b"faults = 3", "faults: must be a list"),
        (b'[[fault]]\neffect = "reset"', "fault: unknown; the file is a list of [[faults]]"),
        (b'[[faults]]\neffect = "reset"\n[[faults]]\neffect = "explode"', "faults[1].effect: 'explode' is none of"),
        (
            b'[[faults]]\neffect = "reset"\nmatch = { company = "42" }',
            "faults[0].match.company: '42' does not fit",
        ),
        (b'[[faults]]\neffect = "status"', "faults[0].status: is required"),
        (b'[[faults]]\neffect = "reset"\ntimes = -1', "faults[0].times: must not be negative"),
        (b'[[faults]]\neffect = "reset"\nafter = 2026-01-01', "faults[0].after: datetime.date(2026, 1, 1) does not"),
        (b'[[faults]]\neffect "reset"', "not TOML: Expected '=' after a key in a key/value pair (at line 2, column 8)"),
        (b"# caf\xe9", "byte 6 is not UTF-8"),
    ],
)
def test_a_bad_file_is_named_before_anything_starts(text: bytes, told: str, here: Here, tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_bytes(text)
    done = here("sandbox", "--faults", "faults.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: faults.toml: {told}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--faults", "none.toml"), "'none.toml' does not exist"),
        (("--contract", "older"), "'older' is not one of"),
        (("--accounts", "0"), "0 is not in the range"),
        (("--directory-base", "2"), "2 is not in the range"),
    ],
)
def test_options_that_make_no_sense(words: tuple[str, ...], told: str, here: Here) -> None:
    done = here("sandbox", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_the_list_of_faults_names_them_all(here: Here) -> None:
    done = here("sandbox", "--list-faults")
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.partition(":")[0].partition(" ")[0] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert names == ["every", *EFFECTS]
