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
    """What was found in the folder of a template."""

    ids: tuple[int, ...] = ()  # ascending
    faults: tuple[str, ...] = ()  # why the template cannot be used
    strays: tuple[str, ...] = ()  # a message for each file that is ignored but was probably meant


def fleet_template(text: str) -> str:
    """Check a template: it must hold the company's id once and not leave its folder. Raises `ValueError`."""
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
    """Return the template with the company's id in place of its field."""
    return text.replace(FIELD, str(number))


def find(folder: Path, text: str) -> Found:
    """Find the files below `folder` that match a checked template. Links that lead out of `folder` are faults."""
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
        elif number is not None and there:  # also a broken link: its company has to fail, not to be forgotten
            ids.append(number)
        elif number is not None:
            strays.append(f"{looked / name} has no {rest} in it, so it is no company's")
        elif there and _alike(name, pattern):
            strays.append(f"{path} does not look like {text}: an id is digits alone, without leading zeros")
    if not ids and not faults:
        faults = [f"no file matches {text!r} in the folder {looked}", *strays]
    return Found(ids=tuple(sorted(ids)), faults=tuple(faults), strays=tuple(strays))


def without_gone(found: Found, gone: Collection[object]) -> Found:
    """Return what was found, without the companies in `gone`. If one of them has a file, that becomes a stray."""
    back = [number for number in found.ids if number in gone]
    strays = [f"company {number} has a file, and is named under fleet.gone: it is left out" for number in back]
    ids = tuple(number for number in found.ids if number not in gone)
    return replace(found, ids=ids, strays=(*found.strays, *strays))


def _escape(path: Path, home: Path) -> str | None:
    """Return the fault of a path that a link leads out of `home`; None: it stays inside, as do links in a circle."""
    real = os.path.realpath(path)
    return None if PurePath(real).is_relative_to(home) else f"{path} is a link that leads out, to {real}: {_STAY}"


def _number(name: str, pattern: str) -> int | None:
    """Return the id in a file's name; None: the name does not match."""
    middle = _middle(name, pattern)
    return None if middle is None else company_id(middle)


def _alike(name: str, pattern: str) -> bool:
    """Return whether a name has a digit where the id belongs. Hidden files, such as unfinished copies, do not count."""
    middle = _middle(name.casefold(), pattern.casefold())
    return middle is not None and any(map(str.isdigit, middle)) and not middle.startswith(".")


def _middle(name: str, pattern: str) -> str | None:
    """Return the part of a name in the place of the field; None: the rest of the name does not match."""
    before, after = pattern.split(FIELD)
    fits = len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
    return name[len(before) : len(name) - len(after)] if fits else None
