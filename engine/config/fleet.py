"""`[fleet]`: a company for each file that matches a template such as `exports/{company_id}.csv`."""

from __future__ import annotations

import os.path
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from engine.config.values import company_id, source_path

FIELD = "{company_id}"
_STAY = "it has to stay in the folder of the settings file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the folder of a template holds."""

    ids: tuple[int, ...] = ()  # ascending
    faults: tuple[str, ...] = ()  # why the template cannot be used
    strays: tuple[str, ...] = ()  # what almost matches: no company's, and likely meant to be


def fleet_template(text: str) -> str:
    """Return a template that holds the company's id once and does not leave its folder. Raises `ValueError`."""
    source_path(text)
    if text.count(FIELD) != 1 or set(text.replace(FIELD, "")) & {"{", "}"}:
        raise ValueError(f"{text!r} must hold {FIELD} exactly once, and no other placeholder")
    path = PurePath(text)
    if path.is_absolute() or path.drive:
        raise ValueError(f"{text!r} is absolute: {_STAY}")
    if ".." in path.parts:
        raise ValueError(f"{text!r} climbs with '..': {_STAY}")
    return text


def expand(text: str, number: int) -> str:
    """Return the path of one company's file."""
    return text.replace(FIELD, str(number))


def find(folder: Path, text: str) -> Found:
    """Look for the files that match a sound template below `folder`; links that lead out of it are faults."""
    parts = PurePath(text).parts
    depth = next(index for index, part in enumerate(parts) if FIELD in part)
    looked, pattern, rest = folder.joinpath(*parts[:depth]), parts[depth], PurePath(*parts[depth + 1 :])
    home = folder.resolve()
    if (fault := _escape(looked, home)) is not None:
        return Found(faults=(fault,))
    try:
        names = sorted(path.name for path in looked.iterdir())
    except OSError as error:
        return Found(faults=(f"no file matches {text!r}: the folder {looked} cannot be read: {error.strerror}",))
    ids, faults, strays = [], [], []
    for name in names:
        path = looked / name / rest
        number, there = _number(name, pattern), os.path.lexists(path)
        if number is not None and (fault := _escape(path, home)) is not None:
            faults.append(fault)
        elif number is not None and there:  # a link to nothing, too: its company fails, and is not forgotten
            ids.append(number)
        elif number is not None:
            strays.append(f"{looked / name} has no {rest} in it, so it is no company's")
        elif there and _alike(name, pattern):
            strays.append(f"{path} does not look like {text}: an id is digits alone, without leading zeros")
    if not ids and not faults:
        faults = [f"no file matches {text!r} in the folder {looked}", *strays]
    return Found(ids=tuple(sorted(ids)), faults=tuple(faults), strays=tuple(strays))


def without_gone(found: Found, gone: Collection[object]) -> Found:
    """Return what was found without the companies that are named as gone; a file of such a one is told."""
    back = [number for number in found.ids if number in gone]
    strays = [f"company {number} has a file, and is named under fleet.gone: it is left out" for number in back]
    ids = tuple(number for number in found.ids if number not in gone)
    return replace(found, ids=ids, strays=(*found.strays, *strays))


def _escape(path: Path, home: Path) -> str | None:
    """Return how a path leaves `home` by a link; None: it stays. Links in circles stay, and cannot be read."""
    real = os.path.realpath(path)
    return None if PurePath(real).is_relative_to(home) else f"{path} is a link that leads out, to {real}: {_STAY}"


def _number(name: str, pattern: str) -> int | None:
    """Return the id that a name bears; None: it does not match."""
    middle = _middle(name, pattern)
    return None if middle is None else company_id(middle)


def _alike(name: str, pattern: str) -> bool:
    """Return whether a name has some digit where the id belongs. Hidden files are copies under way, or a desktop's."""
    middle = _middle(name.casefold(), pattern.casefold())
    return middle is not None and any(map(str.isdigit, middle)) and not middle.startswith(".")


def _middle(name: str, pattern: str) -> str | None:
    """Return what stands in a name in the place of the field; None: the name does not fit around it."""
    before, after = pattern.split(FIELD)
    fits = len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
    return name[len(before) : len(name) - len(after)] if fits else None
