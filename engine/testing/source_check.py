"""For the tests of a package that has its own source: `check_source` checks all that a run relies on.

from engine.testing import check_source

async def test_my_source() -> None:
    await check_source(lambda: MySource("some list"))
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

from anyio import CancelScope, fail_after

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import SourceRows
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.wire import guide

__all__ = ["check_source"]


async def check_source(
    make: Callable[[], SourceRows],
    *,
    company_id: int = 1,
    type_codes: Collection[str] = guide.DIALECT.type_codes,
    change: Callable[[], object] | None = None,
    broken: Callable[[], SourceRows] | None = None,
    deadline_s: float = 60.0,
) -> tuple[Dimension, ...]:
    """Check a source as a run would use it, and return its good rows of the company. Nothing is sent anywhere.

    `make`: returns a new source each time, with at least one good row of the company. `change`: changes what is read,
    such as a file's text. `broken`: returns a source that cannot be read, such as one whose file is missing.
    Raises `AssertionError` with everything that is wrong, a line each, and `TimeoutError` after `deadline_s`.
    """
    check = _Check(make, company_id, frozenset(type_codes))
    with fail_after(deadline_s):
        rows = await check.everything(change, broken)
    if check.faults:
        raise AssertionError("\n".join(check.faults))
    return rows


class _Check:
    """The checks of one source; `faults` says what is wrong."""

    def __init__(self, make: Callable[[], SourceRows], company_id: int, type_codes: frozenset[str]) -> None:
        self._make = make
        self._company_id = company_id
        self._type_codes = type_codes
        self.faults: list[str] = []

    async def everything(
        self, change: Callable[[], object] | None, broken: Callable[[], SourceRows] | None
    ) -> tuple[Dimension, ...]:
        """Carry out all checks; those that need rows only if there are some."""
        source = self._make()
        self._check_name(source)
        self._check_absence(source)
        if broken is not None:
            await self._check_broken(broken)
        first = await self._read(source, "it cannot be read")
        if first is None:
            return ()
        if not first.rows:
            why = first.problems[0].message if first.problems else "there is none"
            self.faults.append(
                f"it has no good row of company {self._company_id}, so that little can be checked: {why}"
            )
            return ()
        await self._check_again(source, first)
        await self._check_side_by_side(source)
        await self._check_closing(source, first)
        await self._check_cancellation(source, first)
        if change is not None:
            await self._check_change(source, first, change)
        return tuple(first.rows)

    async def _read(self, source: SourceRows, fault: str) -> Wanted | None:
        """Read as a run does. An error is noted under the words of `fault`."""
        try:
            return await read(source, company_id=self._company_id, type_codes=self._type_codes)
        except Exception as error:  # noqa: BLE001  another package may raise anything
            self.faults.append(f"{fault}: {_told(error)}")
            return None

    def _begin(self, source: SourceRows) -> AsyncIterator[Any]:
        of_company = getattr(source, "of_company", None)
        return aiter(source if of_company is None else of_company(self._company_id))

    def _check_name(self, source: object) -> None:
        name = getattr(source, "name", None)
        if not isinstance(name, str) or not name.strip() or len(name.splitlines()) != 1:
            self.faults.append(f"`name` is to be one line of text, for messages: it is {name!r}")

    def _check_absence(self, source: object) -> None:
        absence = getattr(source, "absence", None)
        if absence is not None and not isinstance(told := absence(), str | None):
            self.faults.append(f"`absence()` is to return text or None, without waiting: it returns {told!r}")

    async def _check_broken(self, broken: Callable[[], SourceRows]) -> None:
        """Read what cannot be read, as it comes: `read` would make a `SourceError` of any error."""
        items = None
        try:
            source = broken()
            self._check_absence(source)
            items = self._begin(source)
            async for _ in items:
                pass
        except SourceError as error:
            if not str(error).strip():
                self.faults.append("the `SourceError` of the broken source has no message")
        except Exception as error:  # noqa: BLE001  a program's own source may raise anything
            self.faults.append(f"the broken source is to raise `SourceError` when it is read: it raises {_told(error)}")
        else:
            self.faults.append("the broken source ends as if it were whole: it is to raise `SourceError`")
        finally:
            await self._close(items)

    async def _check_again(self, source: SourceRows, first: Wanted) -> None:
        """Read the same object again, and a new one: with the same rows and, where there is one, the same digest."""
        for other, which in ((source, "a second reading"), (self._make(), "a source made anew")):
            await self._check_digest(other, first, which)
            again = await self._read(other, f"{which} fails")
            if again is not None:
                self._check_same(first, again, which)
                if again.digest != first.digest:
                    self.faults.append(f"{which} has another digest, although nothing has changed")

    async def _check_digest(self, source: object, wanted: Wanted, which: str) -> None:
        """Ask for the digest without reading. None (not known) is always right."""
        tell = getattr(source, "digest", None)
        told = None if tell is None else await tell()
        if not isinstance(told, bytes | None):
            self.faults.append(f"`digest()` is to return bytes or None: it returns {told!r}")
        elif told is not None and told != wanted.digest:
            self.faults.append(f"`digest()` before {which} is not the digest that a reading has at its end")

    def _check_same(self, first: Wanted, again: Wanted, which: str) -> None:
        if list(first.rows) != list(again.rows):
            self.faults.append(f"{which} gives other rows, or in another order, although nothing has changed")
        counts = [(one.read_rows, one.left_out, one.invalid) for one in (first, again)]
        if counts[0] != counts[1]:
            told = " and ".join(f"{read:,} ({out:,} left out, {bad:,} invalid)" for read, out, bad in counts)
            self.faults.append(f"{which} does not count the same rows: {told}")

    async def _check_side_by_side(self, source: SourceRows) -> None:
        """Read twice at once, in turns; rows must not change after they were given."""
        readings = [self._begin(source) for _ in range(2)]
        given: list[list[tuple[Any, str]]] = [[], []]
        open_ones = [0, 1]
        try:
            while open_ones:
                for at in list(open_ones):
                    try:
                        item = await anext(readings[at])
                    except StopAsyncIteration:
                        open_ones.remove(at)
                    else:
                        given[at].append((item, repr(_rows(item))))
        except Exception as error:  # noqa: BLE001  a program's own source may raise anything
            self.faults.append(f"two readings at once, as two runs may do: {_told(error)}")
        for reading in readings:
            await self._close(reading)
        if not open_ones and [told for _, told in given[0]] != [told for _, told in given[1]]:
            self.faults.append("two readings at once do not give the same rows: each is to begin at the first row")
        if any(repr(_rows(item)) != told for one in given for item, told in one):
            self.faults.append("a row or batch is changed after it was given: give a new object each time")

    async def _check_closing(self, source: SourceRows, first: Wanted) -> None:
        """Close a reading after its first item, twice, and read anew."""
        items = self._begin(source)
        try:
            await anext(items)
        except Exception as error:  # noqa: BLE001  a program's own source may raise anything
            self.faults.append(f"the first item of a reading: {_told(error)}")
        await self._close(items)
        await self._close(items)
        again = await self._read(source, "after a reading that was closed in the middle, it cannot be read")
        if again is not None:
            self._check_same(first, again, "the reading after one that was closed in the middle")

    async def _close(self, items: object) -> None:
        aclose = getattr(items, "aclose", None)
        try:
            if aclose is not None:
                await aclose()
        except Exception as error:  # noqa: BLE001  a program's own source may raise anything
            self.faults.append(f"`aclose()` is to work at any time: {_told(error)}")

    async def _check_cancellation(self, source: SourceRows, first: Wanted) -> None:
        """Cancel a reading at its first wait, and read anew."""
        with CancelScope() as scope:
            scope.cancel()
            await self._read(source, "a reading that is cancelled is to end with the cancellation, not with an error")
        again = await self._read(source, "after a reading that was cancelled, it cannot be read")
        if again is not None:
            self._check_same(first, again, "the reading after one that was cancelled")

    async def _check_change(self, source: SourceRows, first: Wanted, change: Callable[[], object]) -> None:
        change()
        for other, which in ((source, "the reading"), (self._make(), "the reading of a source made anew")):
            after = await self._read(other, "after the change, it cannot be read")
            if after is None:
                continue
            if list(after.rows) == list(first.rows):
                self.faults.append(
                    f"{which} gives the same rows after the change: either they are kept, or nothing changed"
                )
            elif after.digest is not None and after.digest == first.digest:
                self.faults.append(f"{which} has the same digest after the change: the company would be passed over")
            await self._check_digest(other, after, f"{which} after the change")


def _rows(item: object) -> object:
    """Return an item's rows as values: a batch may be any sequence."""
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, Sequence) and not isinstance(item, str | Dimension):
        return list(map(_rows, item))
    return item


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
