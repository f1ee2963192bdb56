"""`[fleet]`: a company for each file that matches a template such as `exports/{company_id}.csv`."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from engine.config.values import company_id, source_path

FIELD = "{company_id}"
_STAY = "it has to stay in the folder of the settings file, or of the template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found in the folder of a template."""

    ids: tuple[int, ...] = ()  # ascending
    faults: tuple[str, ...] = ()  # why the template cannot be used
    strays: tuple[str, ...] = ()  # a message for each file that is ignored but was probably meant
    unlisted: tuple[int, ...] = ()  # companies whose files are left out, since the lists say which companies there are


def fleet_template(text: str) -> str:
    """Check a template: it must hold the company's id once. Raises `ValueError`.

    It may lead anywhere, since the operator wrote it; what is found by it may not lead out of its folder.
    """
    source_path(text)
    if text.count(FIELD) != 1 or set(text.replace(FIELD, "")) & {"{", "}"}:
        raise ValueError(f"{text!r} must hold {FIELD} exactly once, and no other placeholder")
    parts = PurePath(text).parts
    if ".." in parts[next(index for index, part in enumerate(parts) if FIELD in part) :]:
        raise ValueError(f"{text!r} climbs with '..' after {FIELD}: {_STAY}")
    return text


def expand(text: str, number: int) -> str:
    """Return the template with the company's id in place of its field."""
    return text.replace(FIELD, str(number))


def find_all(folder: Path, texts: Sequence[str]) -> Found:
    """Find the files that match any of several checked templates: a company is there when one of its files is.

    Paths are relative to `folder`. Links that lead out of both `folder` and the template's own folder are faults.
    """
    looked = [_look(folder, text) for text in texts]
    ids = sorted({number for one in looked for number in one.ids})
    faults = [fault for one in looked for fault in one.faults]
    strays = [text for one in looked for number, text in one.strays if number not in ids]
    if not ids and not faults:
        return Found(faults=(*(one.nothing for one in looked), *strays), strays=tuple(strays))
    return Found(ids=tuple(ids), faults=tuple(faults), strays=tuple(strays))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What one template finds."""

    nothing: str  # what is said if there is no company at all
    ids: Collection[int] = ()
    faults: Sequence[str] = ()
    strays: Sequence[tuple[int | None, str]] = ()  # with the company's id, where the name tells it


def _look(folder: Path, text: str) -> _Looked:
    place, pattern, rest = _parts(folder, text)
    nothing = f"no file matches {text!r} in the folder {place}"
    try:
        names = sorted(path.name for path in place.iterdir())
    except OSError as error:
        return _Looked(nothing=f"no file matches {text!r}: the folder {place} cannot be read: {error.strerror}")
    ids: list[int] = []
    faults: list[str] = []
    strays: list[tuple[int | None, str]] = []
    homes = (folder.resolve(), place.resolve())
    for name in names:
        path = place / name / rest
        number, there = _number(name, pattern), os.path.lexists(path)
        if number is not None and (fault := _escape(path, homes)) is not None:
            faults.append(fault)
        elif number is not None and there:  # also a broken link: its company has to fail, not to be forgotten
            ids.append(number)
        elif number is not None:
            strays.append((number, f"{place / name} has no {rest} in it, so it is no company's"))
        elif there and _alike(name, pattern):
            strays.append((None, f"{path} does not look like {text}: an id is digits alone, without leading zeros"))
    return _Looked(nothing=nothing, ids=ids, faults=faults, strays=strays)


def _parts(folder: Path, text: str) -> tuple[Path, str, PurePath]:
    """Return the folder that a template looks in, the pattern of names there, and the path below these."""
    parts = PurePath(text).parts
    depth = next(index for index, part in enumerate(parts) if FIELD in part)
    return folder.joinpath(*parts[:depth]), parts[depth], PurePath(*parts[depth + 1 :])


def leads_out(folder: Path, text: str, number: int) -> str | None:
    """Return the fault of a template's file for one company, if a link leads it out; None: it stays inside."""
    place, pattern, rest = _parts(folder, text)
    return _escape(place / expand(pattern, number) / rest, (folder.resolve(), place.resolve()))


def without_gone(found: Found, gone: Collection[object]) -> Found:
    """Return what was found without the companies in `gone`; the file of such a company becomes a stray."""
    back = [number for number in found.ids if number in gone]
    strays = [f"company {number} has a file, and is named under fleet.gone: it is left out" for number in back]
    ids = tuple(number for number in found.ids if number not in gone)
    return replace(found, ids=ids, strays=(*found.strays, *strays))


def _escape(path: Path, homes: Sequence[Path]) -> str | None:
    """Return the fault of a path that a link leads out of all `homes`; None: it stays, as do links in a circle."""
    real = os.path.realpath(path)
    if any(PurePath(real).is_relative_to(home) for home in homes):
        return None
    return f"{path} is a link that leads out, to {real}: {_STAY}"


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
