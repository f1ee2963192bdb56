"""The first settings: written from what is there, run as they stand."""

from __future__ import annotations

import os
import subprocess

from tests.cli.conftest import Here
from tests.cli.program import PROGRAM, Fleet
from tests.nursery import CREDENTIALS, PATIENCE_S, environment

REFERENCES = tuple(word for name in CREDENTIALS for word in (f"--{name.lower().replace('_', '-')}", f"env:{name}"))
JOINED = "Type,Internal ID,Number,Name,Inactive\nAccount,211,6100,Repairs,No\nAccount,212,6200,Smallwares,Yes\n"


def init(fleet: Fleet, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return fleet.run("init", "--exports", "exports", "--base-url", fleet.door.base_url, *REFERENCES, *words, **env)


def test_from_init_to_sync(fleet: Fleet) -> None:
    companies = [(111, "Harbor Grill"), (112, "Fig & Olive"), (113, "Red Oak"), (114, "Konto Ltd")]
    fleet.door.ask("companies", {"companies": [{"id": number, "name": name} for number, name in companies]})
    exports = fleet.folder / "exports"
    exports.mkdir()
    (exports / "111.csv").write_text(JOINED, encoding="utf-8")
    (exports / "112-accounts.csv").write_text("Internal ID,Number,Name,Inactive\n1,10,Cash,No\n", encoding="utf-8")
    (exports / "112-departments.csv").write_text("Internal ID,Name,Inactive\n7,Front,No\n", encoding="utf-8")
    (exports / "114.csv").write_text("Konto;Kontenbeschriftung\n1000;Kasse\n", encoding="utf-8")
    (exports / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = len(fleet.door.ask("log")["requests"])
    done = init(fleet, "--erp", "netsuite")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(fleet.door.ask("log")["requests"]) - before <= 4 + 1  # tokens, accounts, pages of 100 companies
    said = " ".join(done.stdout.split())
    assert "3 with exports rows: 6 read = 5 to send" not in said
    assert "113 Red Oak" in said
    assert "exports/notes.csv has neither the id nor the name of a company that is seen" in said
    assert "1 company is read-only until you have looked at the rows 114: 114.csv: its mapping is a guess" in said
    assert all(len(line) <= 80 for line in done.stdout.splitlines())

    assert fleet.run("validate", "--files").returncode == 0
    assert fleet.run("plan").returncode == 0
    synced = fleet.run("sync")
    assert synced.returncode == 0, synced.stdout + synced.stderr
    stored = {number: [row["unique_key"] for row in fleet.door.rows(number)] for number, _ in companies}
    assert stored == {
        111: ["111:account:211"],
        112: ["112:account:1", "112:department:7"],
        113: [],
        114: [],  # its mapping was guessed: nothing is written before a person has looked
    }
    text = (fleet.folder / "dimsync.toml").read_text("utf-8")
    assert not [secret for secret in CREDENTIALS.values() if secret in text]
    again = init(fleet)
    assert (again.returncode, again.stdout) == (2, "")
    assert "dimsync.toml and companies.csv are there already, and nothing was written" in again.stderr
    assert (fleet.folder / "dimsync.toml").read_text("utf-8") == text


def test_many_accounts_from_a_file_and_one_that_is_refused(fleet: Fleet) -> None:
    fleet.door.place(3511)
    (fleet.folder / "exports").mkdir()
    (fleet.folder / "exports/3511.csv").write_text(JOINED, encoding="utf-8")
    (fleet.folder / "accounts.csv").write_text(
        "name,account_id,api_key,client_id,client_secret\n"
        "main,,env:API_KEY,env:CLIENT_ID,env:CLIENT_SECRET\n"
        "second,racc_2,env:KEY_2,env:CLIENT_ID,env:CLIENT_SECRET\n",
        encoding="utf-8",
    )
    words = ("init", "--exports", "exports", "--base-url", fleet.door.base_url, "--accounts", "accounts.csv")
    done = fleet.run(*words)
    assert done.returncode == 0, done.stderr
    assert "account second: has no credentials: the environment variable KEY_2 is not set" in " ".join(
        done.stdout.split()
    )
    synced = fleet.run("sync")
    assert (synced.returncode, len(fleet.door.rows(3511))) == (0, 1)  # no company is the second account's


def test_what_cannot_be_begun_is_said(fleet: Fleet, here: Here) -> None:
    base = ("init", "--base-url", fleet.door.base_url, *REFERENCES)
    faults = {
        ("--exports", "none"): "--exports none: there is no such folder",
        ("--exports", ".", "--erp", "netsuit"): "did you mean 'netsuite'?",
        ("--exports", ".", "--contract", "guides"): "write guide or reference",
        ("--exports", ".", "--api-key", "hush"): "must be a reference",
        ("--exports", ".", "--api-key", "env:NONE"): "the environment variable NONE is not set",
    }
    for words, said in faults.items():
        done = here(*base, *words)
        assert done.returncode in {2, 8}, done.stderr
        assert said in done.stderr
        assert "hush" not in done.stderr
    assert not (fleet.folder / "dimsync.toml").exists()


def test_in_a_terminal_it_asks_for_what_no_option_says(fleet: Fleet) -> None:
    fleet.door.place(3531)
    (fleet.folder / "out").mkdir()
    (fleet.folder / "out/3531.csv").write_text(JOINED, encoding="utf-8")
    ours, its = os.openpty()
    words = [*PROGRAM, "init", "--base-url", fleet.door.base_url]
    with subprocess.Popen(
        words, cwd=fleet.folder, env=environment(), stdin=its, stderr=its, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        os.write(ours, b"env:API_KEY\nenv:CLIENT_ID\nenv:CLIENT_SECRET\nout\nnetsuite\n")
        out, _ = process.communicate(timeout=PATIENCE_S)
    asked = os.read(ours, 4096).decode()
    for end in (ours, its):
        os.close(end)
    assert (process.returncode, "written: dimsync.toml and companies.csv" in out) == (0, True)
    assert "In which folder are the exports? [exports]" in asked
    assert "3531," in (fleet.folder / "companies.csv").read_text("utf-8")


def test_without_an_export_of_any_company_nothing_is_written(fleet: Fleet) -> None:
    fleet.door.place(3521)
    (fleet.folder / "exports").mkdir()
    (fleet.folder / "exports/notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = init(fleet)
    assert done.returncode == 2
    assert "nothing was written: no company has an export" in done.stderr
    assert "exports/notes.csv: has neither the id nor the name" in done.stderr
    assert not (fleet.folder / "dimsync.toml").exists()
