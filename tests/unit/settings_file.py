"""A settings file for tests, and what is read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import ConfigFaults, Configured, load
from engine.errors import ConfigError

ENV = {
    "KEY": "key-of-the-api",
    "KEY_2": "another-key",
    "ID": "client",
    "SECRET": "hush\n",
    "EMPTY": "\n",
    "SPACED": "a b ",
    "TWO": "a\nb",
}
ACCOUNT = """
[accounts.main]
account_id = "racc_1"
api_key = "env:KEY"
client_id = "env:ID"
client_secret = "env:SECRET"
"""
WEST = ACCOUNT.replace("main", "west").replace("racc_1", "racc_2").replace("env:KEY", "env:KEY_2")
COMPANY = """
[[companies]]
id = 123
source = "exports/123.csv"
"""
MINIMAL = ACCOUNT + COMPANY


def configured(folder: Path, text: str) -> Configured:
    path = folder / "dimsync.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, ENV)


def faults(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigFaults) as caught:
        configured(folder, text)
    found = caught.value.faults
    assert isinstance(caught.value, ConfigError)
    assert str(caught.value).splitlines() == [str(fault) for fault in found]
    assert len(set(found)) == len(found)
    return [(place(fault.file, fault.key), fault.message) for fault in found]


def place(file: Path, key: str) -> str:
    """Return where a fault is; the settings file goes without saying."""
    return key if file.name == "dimsync.toml" else f"{file.name}: {key}"
