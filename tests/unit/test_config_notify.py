"""`[[notify]]` in the settings file: addresses by reference alone, one way each, and faults that stop no account."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load
from engine.config.targets import Target
from engine.model.settings import Secret
from tests.unit.settings_file import ENV, MINIMAL, configured, faults

HOOK = "https://hooks.slack.com/services/T0/B0/hush"


def test_without_notify_nobody_is_told(tmp_path: Path) -> None:
    assert configured(tmp_path, MINIMAL).notify == ()


def test_targets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENV, "HOOK", f"{HOOK}\n")
    (tmp_path / "hook").write_text("http://127.0.0.1:8080/x?y=z\n", encoding="utf-8")
    text = (
        '[[notify]]\nwebhook = "env:HOOK"\nformat = "slack"\n'
        '[[notify]]\non = ["recovery"]\nwebhook = "file:hook"\n'
        '[[notify]]\non = ["trouble"]\ncommand = ["./page", "--team", "erp"]\n'
    )
    found = configured(tmp_path, MINIMAL + text)
    both, local = frozenset({"trouble", "recovery"}), Secret("http://127.0.0.1:8080/x?y=z")
    assert found.notify == (
        Target(key="notify[0]", on=both, webhook=Secret(HOOK), format="slack", folder=tmp_path),
        Target(key="notify[1]", on=frozenset({"recovery"}), webhook=local, folder=tmp_path),
        Target(key="notify[2]", on=frozenset({"trouble"}), command=("./page", "--team", "erp"), folder=tmp_path),
    )
    assert "hush" not in repr(found)


REFERENCE = 'must be a reference, "env:NAME" or "file:PATH": secrets themselves have no place in this file'
LIST = 'must be a list of words, such as ["/usr/local/bin/page", "--team", "erp"]; no shell reads it'
FAULTS = [
    (f'webhook = "{HOOK}"', "notify[0].webhook", REFERENCE),
    ("", "notify[0].webhook", "is required, or a command"),
    (
        'webhook = "env:KEY"\ncommand = ["a"]',
        "notify[0].command",
        "excludes `webhook`: write a [[notify]] for each of them",
    ),
    ('command = ["a"]\nformat = "slack"', "notify[0].format", "is of webhooks: a command is given JSON"),
    ('command = "page --team erp"', "notify[0].command", LIST),
    ("command = []", "notify[0].command", LIST),
    ('command = [" "]', "notify[0].command", "must name a program, and hold no NUL"),
    ('command = ["a"]\nurl = "x"', "notify[0].url", "unknown key; known: command, format, on, webhook"),
]


@pytest.mark.parametrize(("lines", "key", "message"), FAULTS, ids=[each[0] for each in FAULTS])
def test_faults_name_their_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, key: str, message: str
) -> None:
    monkeypatch.setitem(ENV, "KEY", "https://a.test")
    assert (key, message) in faults(tmp_path, f"{MINIMAL}[[notify]]\n{lines}\n")


@pytest.mark.parametrize("on", ["[]", '["panic"]', '"trouble"'])
def test_what_is_told_is_a_list_of_trouble_and_recovery(tmp_path: Path, on: str) -> None:
    found = faults(tmp_path, f'{MINIMAL}[[notify]]\ncommand = ["a"]\non = {on}\n')
    assert [place.startswith("notify[0].on") for place, _ in found] == [True]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (None, "the environment variable HOOK is not set"),
        ("ftp://a.test/hush", "env:HOOK: is not an address such as https://hooks.slack.com/..."),
        ("https:///hush", "env:HOOK: is not an address such as https://hooks.slack.com/..."),
        ("https://a.test:hush/", "env:HOOK: is not an address such as https://hooks.slack.com/..."),
        (
            "http://a.test/hush",
            "env:HOOK: would send names of companies in the clear: use https:// (http:// is for loopback)",
        ),
    ],
)
def test_an_address_that_is_wrong_is_told_without_it_and_stops_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, message: str
) -> None:
    if address is not None:
        monkeypatch.setitem(ENV, "HOOK", address)
    found = configured(tmp_path, f'{MINIMAL}[[notify]]\nwebhook = "env:HOOK"\n')
    assert [(fault.key, fault.message) for fault in found.unset] == [("notify[0].webhook", message)]
    (target,) = found.notify
    assert target.webhook is not None
    assert target.webhook.fault == message
    assert [account.fault for account in found.settings.accounts] == [""]


def test_what_sends_nothing_needs_no_address(tmp_path: Path) -> None:
    path = tmp_path / "dimsync.toml"
    path.write_text(f'{MINIMAL}[[notify]]\nwebhook = "env:HOOK"\n', encoding="utf-8")
    assert load(path, {}, needs_secrets=False).unset == ()
