"""Recipes and public surface have types for a second checker, too: basedpyright, as a program's author runs it.

`python -m tests.public.second_checker` prints what it finds and then exits 1; `scripts/test` runs it beside mypy.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.help.recipes import FOLDER
from tests.nursery import ROOT
from tests.public.names import CLASSES, MODULES, attributes, exported, members

SETTINGS = {
    "include": ["recipes", "surface.py"],
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "venvPath": ".",
    "venv": "env",
}


def main() -> int:
    """Print what the checker finds in its strictest mode; return 1 if it is anything."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        lay_out(folder)
        command = [sys.executable, "-m", "basedpyright", "-p", str(folder), "--outputjson"]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
        assert told["summary"]["filesAnalyzed"] > len(list(FOLDER.glob("*.py")))
        found = list(faults(told, folder))
    sys.stdout.writelines(f"basedpyright: {fault}\n" for fault in found)
    return int(bool(found))


def faults(told: dict[str, Any], folder: Path) -> Iterator[str]:
    """Yield what the checker finds, with its place and the line there."""
    for fault in told["generalDiagnostics"]:
        place, at = Path(fault["file"]), fault["range"]["start"]["line"]
        line = place.read_text("utf-8").splitlines()[at].strip()
        yield f"{place.relative_to(folder)}:{at + 1}: {line}: {fault['message']} ({fault.get('rule')})"


def lay_out(folder: Path) -> None:
    """Write a program's folder: the recipes, what touches all public names, and an environment with the package."""
    (folder / "recipes").mkdir()
    for path in FOLDER.glob("*.py"):
        text = path.read_text("utf-8")
        is_notebook = "# %%\n" in text
        name, text = (f"{path.stem}.ipynb", json.dumps(notebook(text))) if is_notebook else (path.name, text)
        (folder / "recipes" / name).write_text(text, "utf-8")
    (folder / "surface.py").write_text("\n".join(touches()), "utf-8")
    installed = folder / "env" / "lib" / "python3.11" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "engine").symlink_to(ROOT / "engine")
    (installed / "dimsync").symlink_to(ROOT / "engine" / "distribution" / "dimsync")
    (installed / "others.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps(SETTINGS), "utf-8")


def notebook(text: str) -> dict[str, Any]:
    """Return cells as Jupyter keeps them."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell}
        for cell in text.split("# %%\n")[1:]
    ]
    return {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}


def touches() -> Iterator[str]:
    """Yield the lines of a program that touches each public name, and each member of public classes.

    In its strict mode the checker tells of each whose type it knows in part only.
    """
    told: set[str] = set()
    yield from (f"import {module.__name__}" for module in MODULES)
    for module in MODULES:
        for name, value in exported(module).items():
            full, number = f"{module.__name__}.{name}", len(told)
            yield f"def touch_{module.__name__.replace('.', '_')}_{name}() -> object:\n    return {full}"
            if value in CLASSES and name not in told:
                touched = {*members(value), *attributes(value), *getattr(value, "__annotations__", ())}
                shown = sorted(one for one in touched if not one.startswith("_"))
                yield from (f"def touch_{number}_{one}(it: {full}) -> object:\n    return it.{one}" for one in shown)
            told.add(name)


if __name__ == "__main__":
    sys.exit(main())
