"""Which values settings may have: one set of rules for the library's settings and for the settings file. Pure.

Each rule returns what is wrong with one value, in words that follow its name in a message; None: nothing is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from math import isfinite
from os import PathLike, fspath
from typing import TypeAlias
from urllib.parse import urlsplit

from engine.errors import ConfigError

Rule: TypeAlias = Callable[[object], str | None]

COMPANY_IDS = 2**63
"""Company ids are below this, so that the ledger's databases can hold them as whole numbers."""


def require(what: str, value: object, rules: Mapping[str, Rule]) -> None:
    """Raise one `ConfigError` that names every field of `value` that breaks its rule. `what`: the value's name."""
    if faults := list(_faults(value, rules)):
        raise ConfigError("; ".join(f"{what}: {fault}" for fault in faults))


def _faults(value: object, rules: Mapping[str, Rule]) -> Iterator[str]:
    for name, rule in rules.items():
        if (fault := rule(getattr(value, name))) is not None:
            yield f"{name} {fault}"


def whole(least: int, most: int | None = None) -> Rule:
    """Return the rule for whole numbers from `least` to `most`, both included. True and False are not whole numbers."""

    def rule(value: object) -> str | None:
        bounds = f"of {least:,} or more" if most is None else f"from {least:,} to {most:,}"
        is_sound = type(value) is int and least <= value and (most is None or value <= most)
        return None if is_sound else f"is {_shown(value)}: it must be a whole number {bounds}"

    return rule


def number(least: float, most: float | None = None, *, above: bool = False) -> Rule:
    """Return the rule for finite numbers from `least` to `most`, both included. `above`: `least` itself is excluded."""

    def rule(value: object) -> str | None:
        bounds = f"more than {least:g}" if above else f"{least:g} or more" if most is None else f"{least:g} to {most:g}"
        is_sound = type(value) in {int, float} and isinstance(value, int | float) and isfinite(value)
        if is_sound and isinstance(value, int | float):
            is_sound = (value > least if above else value >= least) and (most is None or value <= most)
        return None if is_sound else f"is {_shown(value)}: it must be a number, {bounds}"

    return rule


def kind(*kinds: type) -> Rule:
    """Return the rule for values of one of these types."""
    names = " or ".join(each.__name__ for each in kinds)
    return lambda value: None if isinstance(value, kinds) else f"is {_shown(value)}: it must be of type {names}"


def text(value: object) -> str | None:
    """Return what is wrong with a text: it may not be empty, and may hold printable characters only."""
    if not isinstance(value, str):
        return f"is {_shown(value)}: it must be text"
    return None if value.strip() and value.isprintable() else f"is {_shown(value)}: it must be text that can be seen"


def ledger_address(value: object) -> str | None:
    """Return what is wrong with the address of a ledger's database, as far as that can be told without opening it."""
    if isinstance(value, PathLike):
        return f"is a path: it must be text, such as {f'sqlite:///{fspath(value)}'!r}"
    return text(value)


def all_of(one: type, example: str) -> Rule:
    """Return the rule for tuples and lists of values of this type. `example`: how one is made."""

    def rule(value: object) -> str | None:
        wanted = f"it must be a tuple, each item {example}"
        if not isinstance(value, tuple | list) or isinstance(value, one):
            return f"is of type {type(value).__name__}: {wanted}"
        strange = [type(each).__name__ for each in value if not isinstance(each, one)]
        return f"has an item of type {strange[0]}: {wanted}" if strange else None

    return rule


def function(value: object) -> str | None:
    """Return what is wrong with a function, as far as that shows without calling it."""
    return None if callable(value) else f"is of type {type(value).__name__}: it must be a function"


def private_address(value: object) -> str | None:
    """Return what is wrong with an address to which credentials are sent. `http://` is allowed on loopback only."""
    if (fault := address(value)) is not None or not isinstance(value, str):
        return fault
    parts = urlsplit(value)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return f"{value!r} would send credentials in the clear: use https:// (http:// is for loopback)"
    return None


def address(value: object) -> str | None:
    """Return what is wrong with the address of an API. The words hold no credentials."""
    if not isinstance(value, str):
        return 'must be text, such as "https://api.ottimate.com/v1"'
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return "is not an address such as https://api.ottimate.com/v1"
    if parts.username is not None or parts.password is not None:
        return "may hold no user or password: credentials belong in [accounts.NAME]"
    if parts.query or parts.fragment or "?" in value or "#" in value:
        return "may have neither a query (?) nor a fragment (#)"
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", value):
        return f"{value!r} is not an address such as https://api.ottimate.com/v1"
    return None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def optional(rule: Rule) -> Rule:
    """Return the rule that also accepts None."""
    return lambda value: None if value is None else rule(value)


def _shown(value: object) -> str:
    """Return any value as a message shows it, cut to 60 characters."""
    try:
        shown = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


share = number(0, 1)
company_id = whole(1, COMPANY_IDS - 1)
