"""How single values are written in the settings file: durations, sizes, addresses, references to secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.ledger.postgres.address import fault_of, is_postgres
from engine.model.settings import Secret
from engine.model.settings_rules import COMPANY_IDS, private_address
from engine.sources.files import ending_fault

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the meaning of a value can depend on: the file's folder, the environment, and the file's `api.contract`."""

    folder: Path
    env: Mapping[str, str]
    contract: str
    needs_secrets: bool = True  # False: nothing is sent, so that secrets need not be there
    lets_secrets_lack: bool = False  # True: a reference that leads nowhere gives a secret with that fault


def duration(value: object) -> float:
    """Return seconds: "30s", "1.5h", "500ms". Raises `ValueError`."""
    return _amount(value, _SECONDS, 'a duration such as "30s", "90m", "24h" or "7d"')


def size(value: object) -> int:
    """Return bytes: "1MB" is 10^6, "64KiB" is 65,536; case does not matter. Raises `ValueError`."""
    units = {unit.casefold(): count for unit, count in _BYTES.items()}
    wanted = 'a size such as "500kB", "1MB" or "64KiB" (kB is 1,000 bytes, KiB 1,024)'
    return int(_amount(value, units, wanted, spelled=str.casefold))


def spelled_duration(seconds: float) -> str:
    """Return a duration in the largest unit of which it is a whole number: 604,800 is "7d"."""
    ms = round(seconds * 1_000, 6)
    unit = next((unit for unit in ("d", "h", "m", "s") if ms % (_SECONDS[unit] * 1_000) == 0), "ms")
    return f"{ms / (_SECONDS[unit] * 1_000):.15g}{unit}"


def spelled_size(count: int) -> str:
    """Return a size with its unit: 1,000,000 is "1MB", 65,536 is "64KiB"."""
    unit = max((unit for unit in _BYTES if count % _BYTES[unit] == 0), key=_BYTES.__getitem__)
    return f"{count // _BYTES[unit]}{unit}"


def company_id(text: str) -> int | None:
    """Return the company id that a text is: digits only, no leading zeros, at most 63 bits; None: it is no id."""
    number = int(text) if re.fullmatch(r"[1-9][0-9]{0,18}", text) else 0
    return number if 0 < number < COMPANY_IDS else None


def source_path(text: str) -> str:
    """Check the path of a source file; its ending must be a known one. Raises `ValueError`."""
    if "\0" in text:
        raise ValueError(f"{text!r} is no path: it holds NUL")
    if (fault := ending_fault(text)) is not None:
        raise ValueError(f"{text!r}: {fault}")
    return text


def _amount(value: object, units: Mapping[str, float], wanted: str, *, spelled: Callable[[str], str] = str) -> float:
    """Return a number times its unit. `spelled` turns a unit into its form in `units`. Raises `ValueError`."""
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if match is None or (unit := spelled(match[2])) not in units:
        raise ValueError(f"{value!r} is not {wanted}")
    amount = float(match[1]) * units[unit]
    if amount > 1e15:
        raise ValueError(f"{match[0][:40]!r} is too large")
    if amount <= 0:
        raise ValueError(f"{value!r} must be more than 0")
    return amount


def address(value: object) -> str:
    """Return an API address without a trailing slash. Raises `ValueError`, which never shows credentials."""
    if (fault := private_address(value)) is not None:
        raise ValueError(fault)
    return str(value).rstrip("/")


def secret(value: object, around: Surroundings) -> Secret:
    """Return the secret that `env:NAME` or `file:PATH` refers to. Raises `ValueError`, which never shows it."""
    kind, colon, where = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not colon or kind not in {"env", "file"} or not where:
        raise ValueError(
            'must be a reference, "env:NAME" or "file:PATH": secrets themselves have no place in this file'
        )
    if not around.needs_secrets:
        return Secret(str(value))
    try:
        return _resolved(kind, where, around)
    except ValueError as error:
        if not around.lets_secrets_lack:
            raise
        return Secret(str(value), fault=str(error))


def _resolved(kind: str, where: str, around: Surroundings) -> Secret:
    text = _from_env(where, around) if kind == "env" else _from_file(where, around)
    text = text.rstrip("\r\n")
    if not text:
        raise ValueError(f"{kind}:{where} is empty")
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError(f"{kind}:{where} holds spaces around it or characters that no credential has")
    return Secret(text)


def _from_env(name: str, around: Surroundings) -> str:
    if name not in around.env:
        raise ValueError(f"the environment variable {name} is not set")
    return around.env[name]


def _from_file(where: str, around: Surroundings) -> str:
    path = around.folder / where
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None


def ledger_url(value: object, around: Surroundings) -> str:
    """Return the ledger's URL, a file's with an absolute path. Raises `ValueError`, without any part of the URL."""
    prefix = "sqlite:///"
    if isinstance(value, str) and is_postgres(value):
        if (fault := fault_of(value)) is not None:
            raise ValueError(fault)
        return value
    if not isinstance(value, str) or not value.startswith(prefix) or not value.removeprefix(prefix):
        raise ValueError('is not a ledger\'s address: write "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"')
    return f"{prefix}{(around.folder / value.removeprefix(prefix)).absolute()}"
