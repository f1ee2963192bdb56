"""Companies whose rows are in the service's own database."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import sqlalchemy
from dimsync import ColumnMap, Company, GivenRows, from_cursor

ACCOUNTS = ColumnMap(
    columns={"erp_dimension_id": "number", "name": "title"},
    type_code="account",
    type_label="GL Account",
    key="{company_id}:account:{erp_dimension_id}",
    numbers_as_ids=True,  # the column is an integer; ids are text
)
QUERY = sqlalchemy.text(
    "select number, title from accounts where client = :client"
)


def companies(
    database: sqlalchemy.Engine, clients: dict[int, int]
) -> list[Company]:
    """Return companies. `clients`: company id -> our client number."""
    return [
        Company(id=company_id, source=accounts_of(database, client))
        for company_id, client in clients.items()
    ]


def accounts_of(database: sqlalchemy.Engine, client: int) -> GivenRows:
    """Return a source: the query is sent anew in each run, in a thread."""
    opened = partial(_opened, database, client)
    return from_cursor(opened, ACCOUNTS, name=f"accounts of {client}")


@contextmanager
def _opened(
    database: sqlalchemy.Engine, client: int
) -> Generator[sqlalchemy.CursorResult[Any], None, None]:
    with database.connect() as connection:
        streamed = connection.execution_options(yield_per=2_000)
        yield streamed.execute(QUERY, {"client": client})
