"""The contracts that the sandbox speaks: each module here is one, with a value `CONTRACT`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from engine.sandbox.contract import Contract

CONTRACTS: Final[Mapping[str, Contract]] = {
    found.name: import_module(f"{__name__}.{found.name}").CONTRACT for found in iter_modules(__path__)
}
"""By name, in alphabetical order."""
