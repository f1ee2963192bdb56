"""Where notifications go: what `[[notify]]` says, and the rules of its values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.config.values import Surroundings, secret
from engine.model.settings import Secret
from engine.model.settings_rules import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place that is told of trouble, of recovery, or of both: a webhook or a command."""

    key: str  # its place in the settings file, such as "notify[0]"
    on: frozenset[str]  # "trouble", "recovery"
    webhook: Secret | None = None  # the address; it is a secret, since whoever knows it may write there
    format: str = "json"  # "json", "slack" or "teams"
    command: tuple[str, ...] = ()  # the program and its arguments; empty: there is a webhook
    folder: Path = Path()  # that of the settings file, in which the command runs


def webhook(value: object, around: Surroundings) -> Secret:
    """Return the address that a reference leads to. Raises `ValueError`, which never shows it."""
    found = secret(value, around)
    if not around.needs_secrets or found.fault or (fault := _address_fault(found.reveal())) is None:
        return found
    if not around.lets_secrets_lack:
        raise ValueError(f"{value}: {fault}")
    return Secret(str(value), fault=f"{value}: {fault}")


def _address_fault(text: str) -> str | None:
    """Return what is wrong with the address of a webhook, without showing it; None: nothing is."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "is not an address such as https://hooks.slack.com/..."
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not an address such as https://hooks.slack.com/..."
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "would send names of companies in the clear: use https:// (http:// is for loopback)"
    return None


def command(value: object) -> tuple[str, ...]:
    """Return a program and its arguments. Raises `ValueError`."""
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise ValueError('must be a list of words, such as ["/usr/local/bin/page", "--team", "erp"]; no shell reads it')
    if not value[0].strip() or any("\0" in word for word in value):
        raise ValueError("must name a program, and hold no NUL")
    return tuple(value)
