"""A database as a source: the rows of one query, read with SQLAlchemy (the extra `sql`) and the database's driver."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from engine.errors import SourceError
from engine.model.settings import Secret
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.reading import Batches, Reading
from engine.sources.table import BATCH_ROWS, cell, require, rows_at_once, table

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine, TextClause

_SHOWN = 600  # most characters of a database's message that an error shows
_PASSWORD = re.compile("//[^/@:]*:(.*)@")  # up to the last @, as a password may contain one that is not escaped
_OPTION = re.compile(r"(?i)(?:pass\w*|pwd|secret|\w*token|\w*key)\s*=\s*([^;&]+)")


class SqlSource:
    """A query's rows: an async iterable of batches. It can be read more than once, each time with its own connection.

    `url`: SQLAlchemy's; it is never shown. `query`: its parameter `:company_id`, if it has one, is the id of the
    company that reads, so that companies can share the source. It runs in a transaction that is rolled back.
    """

    def __init__(
        self,
        url: Secret | str,
        query: str,
        mapping: ColumnMap | None = None,
        *,
        name: str = "the database",
    ) -> None:
        self._url = url if isinstance(url, Secret) else Secret(url)
        self.query = query
        self.mapping: ColumnMap = mapping or ColumnMap()
        self.name = name  # the source's name in messages

    def __repr__(self) -> str:
        return f"SqlSource({self.name!r})"

    @property
    def identity(self) -> tuple[str, str, str]:
        """A value that is equal for sources with the same database and query. It contains the URL: never show it."""
        return "sql", self._url.reveal(), " ".join(self.query.split())

    def absence(self) -> str | None:
        """Return why nothing can be read, as far as is known without a connection; None: no reason is known."""
        try:
            with self._guarded():
                self._engine()
                self._query(0)
        except SourceError as error:
            return str(error)
        return None

    def __aiter__(self) -> Reading:
        """Yield the rows of a query without `:company_id` in batches. Raises `SourceError`."""
        return Reading(self._batches(None))

    def of_company(self, company_id: int) -> Reading:
        """Yield the rows of one company in batches. Raises `SourceError`."""
        return Reading(self._batches(company_id))

    def _batches(self, company_id: int | None) -> Batches:
        with self._guarded():
            engine = self._engine()
            statement, values = self._query(company_id)
            with engine.connect() as connection:
                transaction = connection.begin()
                try:
                    streaming = {"yield_per": BATCH_ROWS}  # the rest stays in the database, if its driver can do that
                    with connection.execute(statement, values, execution_options=streaming) as result:
                        yield from self._tables(result)
                finally:
                    transaction.rollback()
        return None

    def _tables(self, result: CursorResult[Any]) -> Generator[Batch, None, None]:
        if not result.returns_rows:
            raise SourceError(f"{self.name}: the query gives no rows: it must be a SELECT", file=self.name)
        columns = tuple(str(name).strip() for name in result.keys())  # noqa: SIM118  a result's `keys`, not a dict's
        yield table(columns, (), lines=None, mapping=self.mapping)
        for rows in result.yield_per(rows_at_once(len(columns))).partitions():
            yield table(columns, (tuple(map(cell, row)) for row in rows), lines=None, mapping=self.mapping)

    def _query(self, company_id: int | None) -> tuple[TextClause, dict[str, int]]:
        """Return the query and its parameters. Raises `SourceError` for a parameter other than `:company_id`."""
        from sqlalchemy import text  # noqa: PLC0415  an optional dependency

        statement = text(self.query)
        known = {} if company_id is None else {"company_id": company_id}
        wanted = set(statement.compile().params)
        if unknown := sorted(wanted - known.keys()):
            raise SourceError(
                f"{self.name}: the query wants :{unknown[0]}; what it can be given is a company's :company_id "
                r"(a colon that is only text is written \:)",
                file=self.name,
            )
        return statement, {name: known[name] for name in wanted}

    def _engine(self) -> Engine:
        """Return SQLAlchemy's engine, which has not connected yet. Raises `SourceError`."""
        if self._url.fault:
            raise SourceError(f"{self.name}: its url is not known: {self._url.fault}", file=self.name)
        require("sqlalchemy", extra="sql", name=self.name)
        from sqlalchemy import NullPool, create_engine  # noqa: PLC0415  an optional dependency

        try:
            return create_engine(self._url.reveal(), poolclass=NullPool, hide_parameters=True)
        except ModuleNotFoundError as error:
            message = f"the driver that its URL asks for, the Python module {error.name!r}, is not installed"
            raise SourceError(
                f"{self.name}: {message}: install it beside 'dimsync[sql]', which brings none", file=self.name
            ) from None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn whatever a driver raises into `SourceError`, without URL and passwords."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001  each driver has exceptions of its own
            words = " ".join(str(getattr(error, "orig", None) or error).split())
            for hidden in _hidden(self._url.reveal()):
                words = words.replace(hidden, "***")
            message = f"{self.name} cannot be read: {type(error).__name__}: {words[:_SHOWN]}"
            raise SourceError(message, file=self.name) from None  # the cause would show the password


def _hidden(url: str) -> list[str]:
    """Return the texts that no message may contain, longest first: the URL, and its password in each spelling."""
    found = [password for match in _PASSWORD.findall(url) for password in (match, *match.split("@"))]
    found += _OPTION.findall(url) + _OPTION.findall(unquote_plus(url))
    found.append(url)
    spelled = {*found, *map(unquote, found), *map(unquote_plus, found)}
    return sorted(filter(None, spelled), key=len, reverse=True)
