"""Saved plans as files, which a person reviews between `plan` and `apply`."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from engine.documents.plan_file import read_plan, write_plan
from engine.errors import ConfigError
from engine.model.saved_plan import SavedPlan


def save_plan(saved: SavedPlan, file: str | PathLike[str]) -> None:
    """Write a plan's file, as `dimsync plan -o FILE` does. Raises `OSError`."""
    Path(file).write_text(f"{write_plan(saved)}\n", encoding="utf-8")


def load_plan(file: str | PathLike[str]) -> SavedPlan:
    """Return the plan in a file. Raises `ConfigError` for a file that is no plan or was changed, and `OSError`."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no saved plan: it is not UTF-8") from error
    return read_plan(text, str(path))
