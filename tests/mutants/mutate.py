"""A mutant: one engine module with one small change, planted in a process before the engine is imported there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` stands once in the module, and `new` is wrong.

    `scene` is what it is run in (see `scenes.py`), or `test` a file of tests of which one fails with it.
    """

    name: str
    module: str  # below `engine`
    old: str
    new: str
    scene: str = ""
    test: str = ""
    sign: str = "unbalanced"  # problem code with which a run that is not green names it
    why: str = ""  # of one that no balance can see

    @property
    def source(self) -> str:
        """The module's text with the change. Raises `LookupError` when the change does not fit it any more."""
        text = (ROOT / "engine" / f"{self.module.replace('.', '/')}.py").read_text()
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times in engine.{self.module}")
        return text.replace(self.old, self.new)

    def plant(self) -> None:
        """Let this process import the changed module in the real one's place."""
        name = f"engine.{self.module}"
        if name in sys.modules:
            raise RuntimeError(f"{name} is imported already")
        sys.meta_path.insert(0, _Finder(name, self.source))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one run of a scene ended with, and what the sandbox's record says against it."""

    exit_code: int
    codes: list[str]  # of its problems, each once
    untrue: str  # how a run that ended green is not as it says; empty: it is


class _Loader(SourceFileLoader):
    """Compiles a given text instead of the file's, and writes no bytecode."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        code = compile(self._text, self.get_filename(fullname), "exec", dont_inherit=True)
        assert isinstance(code, CodeType)
        return code


class _Finder(MetaPathFinder):
    """Finds one module, and leaves the others to the finders after it."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._name else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._text)
        return spec
