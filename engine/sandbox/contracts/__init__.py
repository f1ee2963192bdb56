"""The contracts that the sandbox speaks: each module here is one, with a value `CONTRACT`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it brings what the command line does not need for a list of names
    from engine.sandbox.contract import Contract

NAMES = tuple(found.name for found in iter_modules(__path__))
"""In alphabetical order."""


def contracts() -> Mapping[str, Contract]:
    """Return the contracts by name."""
    return {name: import_module(f"{__name__}.{name}").CONTRACT for name in NAMES}
