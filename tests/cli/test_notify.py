"""Who is to be notified is told of new trouble, of recovery and of silence, once each; a run's end stays as it is."""

from __future__ import annotations

import json
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.cli.program import Fleet, undated
from tests.webhook import Reply, Webhook, serving

ROWS = [f"Account {n}" for n in range(40)]


@pytest.fixture(scope="module")
def server() -> Iterator[Webhook]:
    with serving() as webhook:
        yield webhook


@pytest.fixture
def hook(server: Webhook) -> Webhook:
    for each in (server.received, server.replies, server.paths, server.types):
        each.clear()
    return server


WEBHOOK = '[[notify]]\nwebhook = "env:HOOK"\n'


def notified(fleet: Fleet, *company_ids: int, lines: str = WEBHOOK) -> None:
    """Configure companies, and somebody who is notified."""
    fleet.door.place(*company_ids)
    fleet.configure(*company_ids)
    for one in company_ids:
        fleet.source(one, ROWS)
    path = fleet.folder / "dimsync.toml"
    path.write_text(path.read_text("utf-8") + lines, encoding="utf-8")


def codes(told: list[dict[str, Any]]) -> list[tuple[str, list[int]]]:
    return [(each["code"], [one["company_id"] for one in each["companies"]]) for each in told]


def test_new_trouble_and_recovery_are_told_once_by_cause(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 981, 982, 983)
    assert fleet.run("sync", HOOK=hook.url).returncode == 0
    assert hook.received == [], "nothing is told where nothing is new"

    for one in (982, 983):
        (fleet.folder / f"{one}.csv").rename(fleet.folder / f"{one}.away")
    fleet.source(981, [f"New {n}" for n in range(40)])
    assert fleet.run("plan", HOOK=hook.url).returncode == 1
    assert hook.received == [], "a plan tells nobody"
    assert fleet.run("sync", HOOK=hook.url).returncode == 1
    (message,) = hook.received
    assert message["title"] == "dimsync sync: 3 companies need a person"
    assert (message["event"], message["verb"], message["exit_code"], message["recovered"]) == ("run", "sync", 1, [])
    assert codes(message["trouble"]) == [("source", [982, 983]), ("mass-update", [981])]
    assert message["trouble"][1]["remedy"] == "dimsync sync --select company:981 --allow mass-update:981"
    assert message["trouble"][1]["rows"] == 40

    assert fleet.run("sync", HOOK=hook.url).returncode == 1
    assert len(hook.received) == 1, "what is known is not told again"

    (fleet.folder / "982.away").rename(fleet.folder / "982.csv")
    assert fleet.run("sync", "--allow", "mass-update:981", HOOK=hook.url).returncode == 1
    message = hook.received[1]
    assert (message["title"], message["trouble"]) == ("dimsync sync: 2 recovered", [])
    assert codes(message["recovered"]) == [("mass-update", [981]), ("source", [982])]
    assert message["recovered"][0]["since"] is not None
    assert fleet.run("sync", HOOK=hook.url).returncode == 1
    assert len(hook.received) == 2


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(404, "no_service"), "HTTP 404: no_service"),
        (Reply(302, "", "/elsewhere"), "HTTP 302: it answers with another address, which is not followed"),
    ],
)
def test_a_notification_that_fails_is_one_line_and_changes_nothing(
    fleet: Fleet, hook: Webhook, reply: Reply, reason: str
) -> None:
    notified(fleet, 984)
    (fleet.folder / "984.csv").unlink()
    hook.replies = [reply]
    done = fleet.run("sync", "--output", "json", HOOK=hook.url)
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], len(hook.received)) == (1, 1, 1)
    assert undated(done.stderr).splitlines()[-1] == f"Warning: notify[0] was not delivered: {reason}"
    assert "SECRET" not in done.stderr + done.stdout


def test_who_was_not_reached_is_told_all_that_needs_a_person(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 991, 992)
    (fleet.folder / "991.csv").unlink()
    hook.replies = [Reply(404)]
    assert fleet.run("sync", HOOK=hook.url).returncode == 1
    hook.replies = [Reply(404)]
    assert fleet.run("sync", "--select", "company:992", HOOK=hook.url).returncode == 0
    assert len(hook.received) == 2
    assert fleet.run("sync", "--select", "company:992", HOOK=hook.url).returncode == 0
    assert codes(hook.received[2]["trouble"]) == [("source", [991])]
    assert fleet.run("sync", HOOK=hook.url).returncode == 1
    assert len(hook.received) == 3


def test_a_reference_that_leads_nowhere_stops_no_company(fleet: Fleet) -> None:
    notified(fleet, 985)
    assert fleet.run("sync").returncode == 0
    (fleet.folder / "985.csv").unlink()
    done = fleet.run("sync")
    lacks = "the environment variable HOOK is not set"
    assert (done.returncode, undated(done.stderr).splitlines()[-1]) == (
        1,
        f"Warning: notify[0] was not delivered: {lacks}",
    )
    told = fleet.run("validate")
    assert (told.returncode, f"notify[0].webhook: {lacks}" in told.stdout) == (2, True)


def test_a_command_is_given_what_is_told(fleet: Fleet) -> None:
    notified(fleet, 986, lines='[[notify]]\ncommand = ["./page"]\n')
    page = fleet.folder / "page"
    page.write_text(f"#!{sys.executable}\nimport sys\nopen('told', 'a').write(sys.stdin.read() + '\\n')\n", "utf-8")
    page.chmod(page.stat().st_mode | stat.S_IXUSR)
    (fleet.folder / "986.csv").unlink()
    done = fleet.run("sync", "--output", "json")
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (1, 1)
    (line,) = (fleet.folder / "told").read_text("utf-8").splitlines()
    assert codes(json.loads(line)["trouble"]) == [("source", [986])]


def test_a_run_that_breaks_is_told_until_one_ends(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 987)
    assert fleet.run("sync", HOOK=hook.url).returncode == 0
    (path,) = fleet.folder.glob("*.db")
    break_ledger = "create trigger broken before insert on runs begin select raise(abort, 'no space'); end"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(break_ledger)
    for _ in range(2):
        assert fleet.run("sync", HOOK=hook.url).returncode == 1
    (message,) = hook.received
    assert (message["event"], message["title"]) == ("broken", "dimsync sync broke before its end")
    assert "no space" in message["trouble"][0]["cause"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("drop trigger broken")
    for _ in range(2):
        assert fleet.run("sync", HOOK=hook.url).returncode == 0
    assert (len(hook.received), hook.received[1]["title"]) == (2, "dimsync sync ends again")


def test_a_run_whose_end_is_not_written_down_is_told(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 988)
    assert fleet.run("sync", HOOK=hook.url).returncode == 0
    (path,) = fleet.folder.glob("*.db")
    break_ledger = "create trigger broken before insert on run_totals begin select raise(abort, 'no space'); end"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(break_ledger)
    done = fleet.run("sync", HOOK=hook.url)
    assert done.returncode == 1
    (message,) = hook.received
    assert (message["title"], codes(message["trouble"])) == ("dimsync sync: the run needs a person", [("ledger", [])])


def test_silence_is_told_once_and_so_is_its_end(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 989)

    def look(age: str = "26h") -> int:
        return fleet.run("status", "--max-age", age, "--notify", HOOK=hook.url).returncode

    assert [look(), look()] == [1, 1]
    (message,) = hook.received
    assert (message["event"], message["title"]) == ("silence", "dimsync is silent")
    assert message["trouble"][0]["cause"] == "no sync has finished yet"
    assert fleet.run("sync", HOOK=hook.url).returncode == 0
    assert [look(), look()] == [0, 0]
    assert [each["title"] for each in hook.received[1:]] == ["dimsync: syncs end again"]
    assert hook.received[1]["recovered"][0]["since"] is not None

    began = fleet.kill_a_sync()
    hook.replies = [Reply(404)]
    assert [look(), look(), look()] == [1, 1, 1], "what nobody took is told the next time, and then no more"
    assert [each["trouble"][0]["cause"] for each in hook.received[2:]] == [
        f"the sync that began {began:%Y-%m-%d %H:%M} UTC died before its end"
    ] * 2


def test_silence_needs_an_age_and_a_ledger_that_cannot_be_read_is_told(fleet: Fleet, hook: Webhook) -> None:
    notified(fleet, 990)
    assert fleet.run("status", "--notify", HOOK=hook.url).returncode == 2
    (fleet.folder / "dimsync.db").write_text("no ledger", encoding="utf-8")
    assert fleet.run("status", "--max-age", "26h", "--notify", HOOK=hook.url).returncode == 1
    assert [each["title"] for each in hook.received] == ["dimsync cannot read its ledger"]
