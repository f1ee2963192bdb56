"""The log file: who may read it, how large it grows, what is never in it, and a disk that is full."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.cli.progress.log_file import Files, Format, Log, opened_log, without
from engine.errors import ConfigError
from engine.model.balance import Balance, ExitCode, State
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    Parked,
    RequestSent,
    RunStarted,
    SourceRead,
    Waiting,
)
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests
from engine.model.settings import Account, Secret
from engine.net.redaction import redacted
from tests.unit.model_server import STEADY

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

HELD = CompanyResult(
    company_id=7,
    name="\x1b[2JChez Zoë\n2026-01-01T00:00:00.000Z INFO all is well",
    account="main",
    state=State.HELD,
    exit_code=ExitCode.HELD,
    balance=Balance(source_rows=25, held=25),
    requests=Requests(list=1),
    problems=(
        Problem(code="mass-update", message="25 of 25 rows would be updated"),
        *(Problem(code="look-alike", key=f"k{n}", message="it looks like another one") for n in range(24)),
    ),
)

EVENTS: list[Event] = [
    RunStarted(run_id="r1", companies=1),
    RequestSent(account="main", company_id=7, kind="list"),
    CompanyStarted(company_id=7, name="Red Oak"),
    SourceRead(company_id=7, rows=25, invalid=0),
    Waiting(account="main", seconds=0.2, reason="HTTP 429"),
    Parked(account="main", reason="the key is refused"),
    ChunkSettled(company_id=7, created=20, updated=3, rejected=1, uncertain=0),
    CompanyFinished(result=HELD),
]


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def test_each_step_is_one_dated_line_with_its_level_and_names_cannot_forge_one(tmp_path: Path) -> None:
    with opened_log(tmp_path / "run.log") as log:
        assert log is not None
        for event in EVENTS:
            log.take(event)
    lines = lines_of(tmp_path / "run.log")
    assert all(re.fullmatch(rf"{STAMP} (INFO   |WARNING|ERROR  ) .+", line) for line in lines)
    told = [re.sub(rf"^{STAMP} ", "", line) for line in lines]
    assert told[:7] == [
        "INFO    run r1 begins: 1 company",
        "INFO    company 7 Red Oak: begins",
        "INFO    company 7: 25 source rows, 0 invalid",
        "WARNING account main waits 1 s: HTTP 429",
        "ERROR   account main can do no more in this run: the key is refused",
        "INFO    company 7: bulk request answered: 20 created, 3 updated, 1 rejected, 0 uncertain",
        r"WARNING company 7 \x1b[2JChez Zoë\n2026-01-01T00:00:00.000Z INFO all is well: held, exit 4: # 25, 1 request",
    ]
    assert told[7] == "WARNING company 7: mass-update: 25 of 25 rows would be updated"
    assert told[-1] == "WARNING company 7: 5 more problems"
    assert len(told) == 7 + 20 + 1


def test_only_its_owner_may_read_it_and_it_is_rotated(tmp_path: Path) -> None:
    handler, format_ = Files(tmp_path / "run.log", largest_bytes=300), Format()
    handler.setFormatter(format_)
    log = Log(handler, format_)
    for number in range(60):
        log.say(f"line {number}")
    log.close()
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["run.log", *(f"run.log.{n}" for n in range(1, 6))]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert all(file.stat().st_size <= 300 for file in files)
    assert lines_of(tmp_path / "run.log")[-1].endswith(" line 59")


def test_another_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with opened_log(tmp_path / "run.log") as log:
            assert log is not None
            log.say(text)
    assert [line.rpartition(" ")[2] for line in lines_of(tmp_path / "run.log")] == ["first", "second"]


def test_what_ends_a_run_is_written_down(tmp_path: Path) -> None:
    with pytest.raises(ConfigError), opened_log(tmp_path / "run.log"):
        raise ConfigError("dimsync.toml: api.base_url: is missing")
    (line,) = lines_of(tmp_path / "run.log")
    assert line.endswith("ERROR   dimsync.toml: api.base_url: is missing")


def test_no_credential_is_written_down(tmp_path: Path) -> None:
    account = Account(
        name="main",
        account_id="racc_1",
        api_key=Secret("s3cr3t/Key"),
        client_id=Secret("client-id"),
        client_secret=Secret("env:SECRET", fault="it is not set"),
    )
    with opened_log(tmp_path / "run.log") as log:
        assert log is not None
        log.hide([account])
        log.say(r"S3CR3T/key and s3cr3t\/Key and s3cr3t%2FKey and s3cr3t\u002fKey; client-id; env:SECRET is not set")
    (line,) = lines_of(tmp_path / "run.log")
    assert line.endswith("WARNING *** and *** and *** and ***; ***; env:SECRET is not set")


PARTS = st.sampled_from(["s", "3", "/", "%", "\\", "%2f", "\\/", "\\u002f", "%25", "K", " ", "a b"])


@STEADY
@given(st.lists(PARTS, max_size=12).map("".join), st.lists(PARTS, min_size=1, max_size=4).map("".join))
@example("<%53%33>", "s3")
@example(r"<\\u0073\3>", "s3")
def test_to_look_for_secrets_quickly_finds_as_many(text: str, word: str) -> None:
    secret = Secret(word)
    assert without(text, [secret]) == redacted(text, [secret])


def test_a_full_disk_is_told_once_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with opened_log(Path("/dev/full")) as log:
        assert log is not None
        for _ in range(3):
            log.say("something")
    assert capsys.readouterr().err == "Note: /dev/full could not be written; the run goes on without its log\n"


def test_a_folder_that_is_not_there_is_an_error_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened_log(tmp_path / "nowhere" / "run.log"):
        pass
