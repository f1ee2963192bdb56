"""What `doctor` finds, each trouble made on purpose, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.cli.program import Fleet

Finding = dict[str, object]


def examined(fleet: Fleet, *words: str, **env: str) -> tuple[int, dict[str, list[Finding]]]:
    """Return the exit code, and what is not in order by check."""
    done = fleet.run("doctor", "--output", "json", *words, **env)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    found: dict[str, list[Finding]] = {}
    for each in document["findings"]:
        if each["grade"] != "ok":
            found.setdefault(f"{each['grade']} {each['check']}", []).append(each)
    assert all(each["remedy"] for several in found.values() for each in several)
    return done.returncode, found


@pytest.fixture
def well(fleet: Fleet) -> Fleet:
    """A company that was synced and backed up; whatever else the sandbox has is named as gone."""
    fleet.door.place(3601)
    fleet.configure(3601)
    fleet.source(3601, ["Cash", "Bank"])
    assert fleet.run("sync").returncode == 0
    assert fleet.run("ledger", "backup", "copy.db").returncode == 0
    return fleet


def edit(fleet: Fleet, old: str, new: str) -> None:
    path = fleet.folder / "dimsync.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_all_is_well_for_a_token_and_one_request(well: Fleet) -> None:
    before = len(well.door.ask("log")["requests"])
    code, found = examined(well)
    assert code == 0
    assert set(found) <= {"warn companies"}  # those of other tests
    assert len(well.door.ask("log")["requests"]) - before == 2
    code, found = examined(well, "--offline")
    assert (code, found) == (0, {})
    assert len(well.door.ask("log")["requests"]) - before == 2
    lines = well.run("doctor").stdout.splitlines()
    assert lines[0] == "ok    settings   dimsync.toml: 1 company"
    assert all(len(line) <= 80 or str(well.folder) in line for line in lines)
    assert lines[-1].endswith("ok: exit 0")


def no_version(fleet: Fleet) -> None:
    edit(fleet, '/v1"', '"')


def clock_off(fleet: Fleet) -> None:
    fleet.door.ways({"date_skew_s": 400.0})


def no_folder(fleet: Fleet) -> None:
    edit(fleet, "[limits]", '[ledger]\nurl = "sqlite:///none/dimsync.db"\n[limits]')


def no_file(fleet: Fleet) -> None:
    (fleet.folder / "3601.csv").unlink()


def misread(fleet: Fleet) -> None:
    (fleet.folder / "3601.csv").write_text("a,b\n1,2\n", encoding="utf-8")


def unseen(fleet: Fleet) -> None:
    edit(fleet, "id = 3601", "id = 999999")


def nearly_used(fleet: Fleet) -> None:
    edit(fleet, "[limits]", "[limits]\nrequests_per_day = 9\nreserve_per_day = 2")


TROUBLES: dict[str, tuple[Callable[[Fleet], None], str, str, int]] = {
    "base_url without /v1": (no_version, "FAIL account", '/v1" under [api]', 1),
    "clock off": (clock_off, "FAIL clock", "NTP", 1),
    "no folder for the ledger": (no_folder, "FAIL ledger", "correct `url` under [ledger]", 1),
    "a file is missing": (no_file, "FAIL files", "have it exported again", 1),
    "a file is misread": (misread, "FAIL files", "correct its mapping", 1),
    "an id that nobody sees": (unseen, "FAIL companies", "correct their ids", 1),
    "quota nearly used": (nearly_used, "warn quota", "--budget", 0),
}


@pytest.mark.parametrize(("spoil", "check", "remedy", "code"), TROUBLES.values(), ids=TROUBLES)
def test_each_trouble_is_found_with_its_remedy(
    well: Fleet, spoil: Callable[[Fleet], None], check: str, remedy: str, code: int
) -> None:
    spoil(well)
    exit_code, found = examined(well)
    assert exit_code == code
    assert remedy in str(found[check][0]["remedy"])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("CLIENT_SECRET", "a wrong secret, or the key of another account: compare env:API_KEY"),
        ("API_KEY", "env:API_KEY"),
    ],
)
def test_credentials_that_are_refused(well: Fleet, name: str, remedy: str) -> None:
    code, found = examined(well, **{name: "wrong"})
    assert (code, set(found) - {"warn companies"}) == (1, {"FAIL account"})
    assert remedy in str(found["FAIL account"][0]["remedy"])
    assert "wrong-" not in str(found)


def test_a_new_ledger_and_a_company_without_settings(fleet: Fleet) -> None:
    fleet.door.ask("companies", {"companies": [{"id": 3611}, {"id": 3612, "name": "Red Oak"}]})
    fleet.configure(3611)
    fleet.source(3611, ["Cash"])
    code, found = examined(fleet)
    assert (code, set(found)) == (0, {"warn ledger", "warn companies"})
    (seen,) = found["warn companies"]
    assert "3612 Red Oak" in str(seen["subjects"])
    assert "3611" not in str(seen["subjects"])


def test_faults_of_the_settings_are_all_that_is_told(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    none = here("doctor")
    assert (none.returncode, "dimsync init" in none.stdout) == (2, True)
    fleet.configure(3621)
    edit(fleet, "[limits]", "[limit]")
    done = here("doctor")
    assert done.returncode == 2
    assert done.stdout.startswith("FAIL  settings   dimsync.toml: limit: unknown key")
    assert not (tmp_path / "dimsync.db").exists()
