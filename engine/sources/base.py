"""Read any source of a company into `Wanted`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import AsyncGeneratorType
from typing import TypeAlias
from weakref import WeakValueDictionary

from anyio.lowlevel import checkpoint

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import RawRow, SourceRows
from engine.model.wanted import FileEnd, Wanted
from engine.sources.batch import Batch
from engine.sources.intake import Intake
from engine.sources.left_out_rows import LeftOutSearch
from engine.sources.reading import Told
from engine.sources.several import Several, combined
from engine.sources.turn import in_turn

_Item: TypeAlias = Dimension | RawRow | Sequence[Dimension | RawRow]

_BREATH = 1_000
"""Rows that are taken before other tasks may run: about 2 ms of work."""

_RAISED = (Exception, SystemExit)
"""What a program's own source may raise. It may call `sys.exit`, as scripts do, which would end the event loop."""

_SINGLE = 500
"""Rows that a source gives one by one and that are taken together: 2 ms, half of it for the source to give them."""


async def read(
    source: SourceRows,
    *,
    company_id: int,
    type_codes: frozenset[str],
    file: str | None = None,
    search: LeftOutSearch | None = None,
) -> Wanted:
    """Read a source to its end, and return its valid rows and, separately, its invalid ones.

    `type_codes`: the canonical codes that the contract allows. `file`: the source's name in messages; None: its own
    `name`. A source with a method `of_company` is asked for the rows of this company only. The parts of `Several` are
    read in turn. `search`: is shown the rows that mappings leave out. Each source is closed in any case. Raises
    `SourceError` when one cannot be read.
    """
    name = file or getattr(source, "name", None)
    parts = source.parts if isinstance(source, Several) else (source,)
    intake = Intake(company_id=company_id, type_codes=type_codes, file=name, search=search)
    told: list[Told] = []
    for number, part in enumerate(parts, 1):
        part_name = name if len(parts) == 1 else getattr(part, "name", None) or f"source {number} of {len(parts)}"
        intake.begin(part_name)
        told.append(await _read_part(part, intake, company_id, part_name))
    wanted = intake.wanted(combined([one.digest for one in told]))
    marks = [mark._replace(end=one.end) for mark, one in zip(wanted.marks, told, strict=True)]
    return replace(wanted, marks=tuple(marks))


async def _read_part(source: SourceRows, intake: Intake, company_id: int, name: str | None) -> Told:
    """Read one source to its end, and return what is known about it then."""
    items = _begin(source, company_id, name)
    try:
        await _take_items(items, intake, name)
    finally:
        await _close(items, name)
    digest, end = getattr(items, "digest", None), getattr(items, "end", None)
    return Told(  # a program's own source may use these names for anything
        digest if isinstance(digest, bytes) else None, end if isinstance(end, FileEnd) else None
    )


async def _take_items(items: AsyncIterator[_Item], intake: Intake, name: str | None) -> None:
    """Take all that a source gives. Rows that it gives one by one are gathered first."""
    single: list[Dimension | RawRow] = []
    pending = 0
    while True:
        try:
            item: object = await _next(items, name)
        except StopAsyncIteration:
            break
        if isinstance(item, Dimension):
            single.append(item)
        elif isinstance(item, Mapping):
            single.append(dict(item))  # a program may use one object for all
        elif isinstance(item, Batch):
            _take(intake, single)
            await in_turn(len(item), partial(intake.take_batch, item))
            pending += len(item)
            del item  # else it is held while the next one is read
        elif isinstance(item, Sequence):
            _take(intake, single)
            await _take_all(intake, item)
        else:  # it is no row, which is told at once
            intake.take_rows([*single, item])
        if pending >= _BREATH or len(single) >= _SINGLE:
            pending = 0
            _take(intake, single)
            await checkpoint()
    _take(intake, single)


def _take(intake: Intake, rows: list[Dimension | RawRow]) -> None:
    """Take rows, if there are any, and empty the list."""
    if rows:
        intake.take_rows(rows)
        rows.clear()


def _begin(source: SourceRows, company_id: int, name: str | None) -> AsyncIterator[_Item]:
    try:
        of_company = getattr(source, "of_company", None)
        items: AsyncIterator[_Item] = aiter(source if of_company is None else of_company(company_id))
    except SourceError:
        raise
    except _RAISED as error:
        raise _failure(error, name) from error
    _require_unread(items, name)
    return items


_READ: WeakValueDictionary[int, object] = WeakValueDictionary()
"""Iterators that have been read, by identity, in any run of any engine of this process, while they exist."""


def _require_unread(items: object, name: str | None) -> None:
    """Refuse an iterator that was read before: it would give no rows, or only some of them.

    A generator can be asked whether it has ended; other iterators are remembered in `_READ`.
    """
    if _READ.get(id(items)) is items or (isinstance(items, AsyncGeneratorType) and items.ag_frame is None):
        raise SourceError(
            f"{name or 'the source'} has been read, and can be read once: give a source that can be read again, "
            "whose `__aiter__` begins anew each time",
            file=name,
        )
    with suppress(TypeError):  # an object without weak references cannot be remembered
        _READ[id(items)] = items


async def _close(items: object, name: str | None) -> None:
    """Close a source, if it has a method for it. Raises `SourceError` if that fails: its rows may be incomplete."""
    if (aclose := getattr(items, "aclose", None)) is not None:
        try:
            await aclose()
        except SourceError:
            raise
        except _RAISED as error:
            raise _failure(error, name) from error


async def _next(items: AsyncIterator[_Item], name: str | None) -> _Item:
    """Return a source's next item. Whatever it raises, except its end, becomes a `SourceError` of this company."""
    try:
        return await anext(items)
    except (StopAsyncIteration, SourceError):
        raise
    except _RAISED as error:
        raise _failure(error, name) from error


def _failure(error: BaseException, name: str | None) -> SourceError:
    return SourceError(f"{name or 'the source'} failed: {type(error).__name__}: {error}", file=name)


async def _take_all(intake: Intake, rows: Sequence[Dimension | RawRow]) -> None:
    """Take a batch of a program, in parts, so that a large one does not keep other tasks waiting."""
    for start in range(0, len(rows), _BREATH):
        intake.take_rows(rows[start : start + _BREATH])
        await checkpoint()
