"""The engine under the distribution's name: `dimsync.Engine` is `engine.Engine`, and so with all public names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import engine

if TYPE_CHECKING:
    from engine import *  # noqa: F403  all that `engine.__all__` lists, and nothing else
    from engine import __version__ as __version__

__all__ = engine.__all__


def __getattr__(name: str) -> object:
    if name not in __all__:  # a module of the package, such as `errors`, is imported under this name
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(engine, name)


def __dir__() -> list[str]:
    return dir(engine)
