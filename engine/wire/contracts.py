"""The contracts that are understood: each module of this package that has a value `DIALECT` is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from engine.wire.dialect import Dialect


def _found() -> Iterator[Dialect]:
    for each in iter_modules([str(Path(__file__).parent)]):
        name = f"{__package__}.{each.name}"
        if name != __name__ and (dialect := getattr(import_module(name), "DIALECT", None)) is not None:
            yield dialect


DIALECTS: Final[Mapping[str, Dialect]] = {dialect.name: dialect for dialect in _found()}
"""By name, in alphabetical order of their modules."""
