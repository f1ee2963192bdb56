from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Here
from tests.cli.program import PROGRAM, Fleet, dimsync
from tests.nursery import environment
from tests.result_schema import SCHEMA

HOSTILE = "\x1b]0;owned\x07\x1b[31mred \u202eexe [bold]x[/bold]"


def check(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_plan_sync_and_sync_again(fleet: Fleet) -> None:
    fleet.door.place(101, 102)
    fleet.configure(101, 102)
    fleet.source(101, [f"Account {n}" for n in range(25)])
    fleet.source(102, ["Cash"])

    code, document = fleet.result("plan", "--detailed-exitcode")
    check(document)
    assert (code, document["totals"]["created"], fleet.door.rows(101)) == (6, 26, [])

    done = fleet.run("sync", "--output", "ndjson", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    *companies, last = map(json.loads, done.stdout.splitlines())
    check({**last, "companies": companies})
    assert [one["created"] for one in companies] == [25, 1]
    assert len(fleet.door.rows(101)) == 25

    code, document = fleet.result("sync")
    assert (code, document["totals"]["unchanged"], document["totals"]["requests"]["total"]) == (0, 26, 0)
    code, document = fleet.result("plan", "--verify", "full", "--detailed-exitcode")
    assert code == 0
    assert [one["evidence"] for one in document["companies"]] == ["listing", "listing"]


def test_selectors_choose_companies_and_unknown_ones_are_errors(fleet: Fleet, here: Here) -> None:
    fleet.door.place(111, 112, 113)
    fleet.configure(111, 112, 113)
    for one in (111, 112, 113):
        fleet.source(one, ["Cash"])
    words = ("--select", "company:111", "--select", "company:113", "--exclude", "company:113")
    _, document = fleet.result("sync", *words)
    assert [one["company_id"] for one in document["companies"]] == [111]
    wrong = here("sync", "--select", "company:1111")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean company:111" in wrong.stderr


def test_a_company_that_fails_is_told_first_and_the_others_are_done(fleet: Fleet) -> None:
    fleet.door.place(121, 123)
    fleet.configure(121, 122, 123)  # 122 is not the account's, 123 has no source
    fleet.source(121, ["Cash"])
    fleet.source(122, ["Cash"])
    done = fleet.run("sync")
    assert done.returncode == 1
    assert done.stdout.startswith("2 companies need a person\n")
    assert "out-of-scope" in done.stdout
    assert "123.csv" in done.stdout
    end = ["exit 1    something failed: put it right, then:"]
    end += ["          dimsync sync --select company:122 --select company:123 --fresh"]
    assert done.stdout.splitlines()[-2:] == end
    assert "sync: failed 122" in done.stderr  # a plain line as it happens
    assert "\x1b" not in done.stdout + done.stderr
    assert len(fleet.door.rows(121)) == 1


def test_invalid_rows_exit_3_and_are_named_by_line(fleet: Fleet) -> None:
    fleet.door.place(131)
    fleet.configure(131)
    fleet.source(131, ["Cash", "", "Bank"])
    code, document = fleet.result("sync")
    check(document)
    assert (code, document["totals"]["created"], document["totals"]["invalid"]) == (3, 2, 1)
    (problem,) = document["companies"][0]["problems"]
    assert (problem["file"], problem["line"]) == ("131.csv", 3)


def test_a_held_company_exits_4(fleet: Fleet) -> None:
    fleet.door.place(141)
    fleet.door.faults({"effect": "lying-count", "by": 3, "match": {"company": 141}})
    fleet.configure(141)
    fleet.source(141, ["Cash"])
    done = fleet.run("sync")
    assert done.returncode == 4
    assert "incomplete-listing" in done.stdout
    assert "dimsync plan --select company:141 --details" in done.stdout


def test_refused_credentials_exit_8(fleet: Fleet) -> None:
    fleet.door.place(151)
    fleet.configure(151)
    fleet.source(151, ["Cash"])
    done = fleet.run("sync", "--output", "json", CLIENT_SECRET="not-it")
    document = json.loads(done.stdout)
    check(document)
    assert (done.returncode, document["companies"][0]["state"]) == (8, "deferred")
    assert "not-it" not in done.stdout + done.stderr


def test_names_are_shown_escaped_in_any_locale(fleet: Fleet) -> None:
    fleet.configure(161, names={161: f"{HOSTILE} Zoë"})
    done = dimsync("sync", cwd=fleet.folder, env=environment(PYTHONIOENCODING="ascii"))
    assert done.returncode == 1
    assert all(line.isprintable() and line.isascii() for line in (done.stdout + done.stderr).splitlines())
    assert r"\x1b]0;owned\x07" in done.stdout
    assert r"[bold]x[/bold] Zo\xeb" in done.stderr


def shell(fleet: Fleet, command: str) -> tuple[int, str, str]:
    """Run a command line of bash in which `dimsync` is the program; return its exit code, output and errors."""
    program = f"set -o pipefail; dimsync() {{ '{PROGRAM[0]}' -m engine \"$@\"; }}; {command}"
    done = subprocess.run(
        ["bash", "-c", program], cwd=fleet.folder, env=environment(), capture_output=True, encoding="utf-8", check=False
    )
    for sign in ("Traceback", "BrokenPipe", "Exception ignored"):
        assert sign not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def straight(fleet: Fleet, words: str, stdout: str, stderr: str) -> tuple[int, str]:
    """Run the program with its streams on files; return its exit code, and what it wrote to standard error.

    `gone`: on a pipe that nobody reads.
    """
    kept = fleet.folder / "errors"
    reader, gone = os.pipe()
    os.close(reader)
    files = {"gone": gone, "full": os.open("/dev/full", os.O_WRONLY), "kept": os.open(kept, os.O_RDWR | os.O_CREAT)}
    with ExitStack() as stack:
        opened = {name: stack.enter_context(os.fdopen(number, "wb")) for name, number in files.items()}
        program = fleet.nursery.start(
            "engine",
            *words.split(),
            cwd=fleet.folder,
            stdout=opened[stdout],
            stderr=opened[stderr],
            env=environment(),
        )
        code = program.wait()
    return code, kept.read_text("utf-8")


CLOSED = ">&-"


@pytest.mark.parametrize(
    ("streams", "code", "told"),
    [
        pytest.param(CLOSED, 1, "standard output: it is closed", id="L21: stdout closed"),
        pytest.param(f"2>&- {CLOSED}", 1, "", id="L21: stdout and stderr closed"),
        pytest.param("2>&-", 0, "", id="L21: stderr closed"),
    ],
)
def test_l21_a_stream_that_takes_nothing(fleet: Fleet, streams: str, code: int, told: str) -> None:
    """The run is done and in the journal; the exit code says whether its result was printed."""
    fleet.door.place(173)
    fleet.configure(173)
    fleet.source(173, ["Cash"])
    returned, _, stderr = shell(fleet, f"dimsync sync {streams}")
    assert returned == code
    assert told in stderr
    (run,) = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
    assert (run["exit_code"], run["created"], len(fleet.door.rows(173))) == (0, 1, 1)


@pytest.mark.parametrize(
    ("words", "streams"),
    [
        ("--version", CLOSED),
        ("--help", CLOSED),
        ("status", CLOSED),
        ("plan --output json", CLOSED),
    ],
)
def test_l21_any_verb_says_that_it_could_not_print(fleet: Fleet, words: str, streams: str) -> None:
    fleet.configure(174)
    fleet.source(174, ["Cash"])
    code, _, stderr = shell(fleet, f"dimsync {words} {streams}")
    assert code == 1
    assert "standard output" in stderr


@pytest.mark.parametrize(
    ("words", "stdout", "stderr", "code", "told"),
    [
        pytest.param("sync", "full", "kept", 1, "standard output: No space left on device", id="L21: disk full"),
        pytest.param("sync", "kept", "full", 0, "", id="L21: disk of stderr full"),
        pytest.param("sync", "gone", "gone", 0, "", id="L21: reader of both gone"),
        pytest.param("--version", "full", "kept", 1, "standard output: No space left on device", id="L21: --version"),
    ],
)
def test_l21_a_stream_that_fails(fleet: Fleet, words: str, stdout: str, stderr: str, code: int, told: str) -> None:
    fleet.door.place(1785)
    fleet.configure(1785)
    fleet.source(1785, ["Cash"])
    returned, written = straight(fleet, words, stdout, stderr)
    assert returned == code, written
    assert told in written
    assert "Traceback" not in written
    if words == "sync":
        (run,) = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
        assert (run["exit_code"], run["created"], len(fleet.door.rows(1785))) == (0, 1, 1)


def test_l21_files_are_kept_although_nothing_could_be_printed(fleet: Fleet) -> None:
    fleet.door.place(175)
    fleet.configure(175)
    fleet.source(175, ["Cash"])
    with Path("/dev/full").open("wb") as full, (fleet.folder / "errors").open("wb") as errors:
        plan = fleet.nursery.start(
            "engine", "plan", "-o", "plan.json", cwd=fleet.folder, stdout=full, stderr=errors, env=environment()
        )
        assert plan.wait() == 1
    code, document = fleet.result("apply", "plan.json")
    assert (code, document["totals"]["created"]) == (0, 1)


def test_a_guard_names_what_lets_it_pass_and_that_does(fleet: Fleet, here: Here) -> None:
    fleet.door.place(161)
    fleet.configure(161)
    fleet.source(161, [f"Account {n}" for n in range(40)])
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(161, [f"Account {n}" for n in range(80)])
    held = fleet.run("sync")
    assert (held.returncode, len(fleet.door.rows(161))) == (4, 40)
    head, example = held.stdout.splitlines()[1:3]
    assert head.split()[:3] == ["held", "mass-create", "161"]
    assert example.startswith("    would create 40 rows where 40 are")
    assert "\n    if that is right: dimsync sync --select company:161 --allow mass-create:161\n" in held.stdout
    assert "--allow mass-create:161" in " ".join(held.stdout.split())
    wrong = here("sync", "--allow", "mass-create")
    assert (wrong.returncode, "write GUARD:ID" in wrong.stderr) == (2, True)
    assert here("sync", "--allow", "everything:161").returncode == 2
    code, document = fleet.result("sync", "--allow", "mass-create:161")
    assert (code, document["totals"]["created"], len(fleet.door.rows(161))) == (0, 40, 80)


def test_a_cause_of_a_group_is_told_once_and_let_pass_by_the_groups_name(fleet: Fleet) -> None:
    ids = (181, 182, 183, 184)
    fleet.door.place(*ids)
    fleet.configure(*ids)
    settings = fleet.folder / "dimsync.toml"
    text = settings.read_text("utf-8").replace("source =", 'groups = ["west"]\nsource =') + "[groups.west]\n"
    settings.write_text(text, "utf-8")
    for one in ids:
        fleet.source(one, [f"Account {n}" for n in range(40)])
    assert fleet.run("sync", "-q").returncode == 0
    for one in ids:
        fleet.source(one, [f"Account {n}" for n in range(80 + one)])
    lines = fleet.run("sync").stdout.splitlines()
    assert lines[0] == "4 companies need a person"
    assert lines[1] == f"{'held       mass-create  4 companies, 890 rows':77}NEW"
    assert lines[2] == "    companies of account main: 181, 182, 183, 184"
    remedy = lines[lines.index("    if that is right:") + 1].strip().removeprefix("dimsync ")
    assert remedy == "sync --select group:west --allow mass-create:group:west"
    details = fleet.run("plan", "--details", "--fresh").stdout
    assert "  # k100  account  Account 100   changed in ERP   held: mass-create\n" in details
    wrong = fleet.run("sync", "--allow", "mass-create:group:east")
    assert (wrong.returncode, "no company of this run is in a group east" in wrong.stderr) == (2, True)
    assert fleet.run(*remedy.split()).returncode == 0


def test_known_trouble_fails_a_sync_only_when_it_is_new(fleet: Fleet) -> None:
    fleet.door.place(191, 192)
    fleet.configure(191, 192)
    for one in (191, 192):
        fleet.source(one, [f"Account {n}" for n in range(40)])
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(191, [f"Account {n}" for n in range(80)])
    assert fleet.run("plan", "-q").returncode == 4  # a plan makes nothing known
    code, first = fleet.result("sync", "--fail-on", "new")
    problem = first["companies"][0]["problems"][0]
    assert (code, problem["since"]) == (4, first["finished_at"])
    code, second = fleet.result("sync", "--fail-on", "new")
    assert (code, second["companies"][0]["state"]) == (0, "held")
    assert second["companies"][0]["problems"][0]["since"] == first["finished_at"]
    assert fleet.result("sync")[0] == 4
    calm = fleet.run("sync", "--fail-on", "new").stdout
    assert "  since " in calm.splitlines()[1]
    assert "what needs a person is known from earlier runs; all about it:" in " ".join(calm.split())
    fleet.source(192, [f"Account {n}" for n in range(80)])
    code, third = fleet.result("sync", "--fail-on", "new")
    assert (code, third["companies"][1]["problems"][0]["since"]) == (4, third["finished_at"])
