"""Where the settings say that each account's secrets are, for messages: `env:NAME` or `file:PATH`, never a secret."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

SECRETS = ("api_key", "client_id", "client_secret")


def secret_references(path: Path) -> dict[str, Mapping[str, str]]:
    """Return the references of each account by key, of a settings file that was read well before."""
    accounts = tomllib.loads(path.read_text(encoding="utf-8")).get("accounts", {})
    return {
        name: {key: section[key] for key in SECRETS if isinstance(section.get(key), str)}
        for name, section in accounts.items()
    }
