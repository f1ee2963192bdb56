"""What `scripts/second-checker` does in its environment: basedpyright over the recipes and over the public surface."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import engine
import engine.errors
from tests.help.recipes import FOLDER

HOMES = {f"{home}.{name}" for name, home in engine._HOMES.items()}
HOMES |= {f"engine.errors.{name}" for name in engine.errors.__all__}


def main(checker: str, work: Path) -> int:
    """Check the recipes; print how much of the public surface has a known type. `work`: has the wheel's files."""
    lay_out(work)
    told = f"{work}/pyrightconfig.json"
    recipes = subprocess.run([checker, "-p", told], check=False).returncode
    command = [checker, "-p", told, "--ignoreexternal", "--outputjson", "--verifytypes", "engine"]
    found = json.loads(subprocess.run(command, check=False, capture_output=True).stdout)
    symbols = [each for each in found["typeCompleteness"]["symbols"] if is_public(each["name"])]
    unknown = [each["name"] for each in symbols if not each["isTypeKnown"] or each["isTypeAmbiguous"]]
    print(f"{len(symbols) - len(unknown)} of {len(symbols)} public symbols have a known type", *unknown, sep="\n")
    return int(bool(recipes or unknown or not symbols))


def lay_out(work: Path) -> None:
    """Write the recipes, cells as a notebook, and the checker's settings."""
    (work / "recipes").mkdir()
    for path in FOLDER.glob("*.py"):
        text = path.read_text("utf-8")
        if "# %%\n" in text:
            (work / "recipes" / f"{path.stem}.ipynb").write_text(json.dumps(notebook(text)))
        else:
            (work / "recipes" / path.name).write_text(text)
    settings = {
        "include": ["recipes"],
        "extraPaths": ["site"],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "venvPath": str(Path(sys.prefix).parent),
        "venv": Path(sys.prefix).name,
    }
    (work / "pyrightconfig.json").write_text(json.dumps(settings))


def notebook(text: str) -> dict[str, Any]:
    """Return cells as Jupyter keeps them."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell}
        for cell in text.split("# %%\n")[1:]
    ]
    return {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}


def is_public(name: str) -> bool:
    """Return whether a symbol is a public name, or a member of one."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in HOMES for length in range(2, len(parts) + 1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
