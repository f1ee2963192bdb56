"""One row of a company's accounting dimensions: as wanted, and as the API shows it.

Both are named tuples rather than dataclasses: there is one per row, and a tuple is built, compared and hashed in C
(a frozen dataclass costs four times as much to build).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple, TypeVar
from unicodedata import is_normalized, normalize

from engine.model.table import Column, Table, transposed

TYPE_ALIASES = {"costtype": "cost_type"}
"""Spellings that mean the same type: the one in the API's reference -> the one in its guide, which is used here."""


class Dimension(NamedTuple):
    """One wanted row of a company, spelled the same way whichever contract carries it.

    Text is NFC and trimmed on entry, so `==` means "nothing to send". Ids are text: "0100" is not 100.
    """

    key: str  # unique in the company: `unique_key` (guide), `reference_id` (reference)
    type_code: str  # "account", "department" ...: canonical, see `canonical_type`
    type_label: str  # as the client's ERP calls it ("GL Account"); the key of invoice dimensions
    name: str
    erp_id: str
    code: str | None = None  # None: the source gives none


class RemoteRow(NamedTuple):
    """One row as a listing shows it. `None` is "not shown": unknown, never empty."""

    id: str  # `dim_...`
    type_code: str  # canonical; empty: not shown
    type_label: str  # empty: not shown
    name: str
    erp_id: str
    code: str | None = None
    key: str | None = None


AnyRow = TypeVar("AnyRow", Dimension, RemoteRow)

as_dimension = partial(tuple.__new__, Dimension)
as_remote_row = partial(tuple.__new__, RemoteRow)
"""Make a row of a tuple of its fields, as `_make` does, without the cost of a Python call for each row."""


def dimensions(columns: Iterable[Column]) -> Table[Dimension]:
    """Return a table of wanted rows: a column for each field of `Dimension`."""
    return Table(Dimension._fields, columns, as_dimension)


def remote_rows(columns: Iterable[Column]) -> Table[RemoteRow]:
    """Return a table of remote rows: a column for each field of `RemoteRow`."""
    return Table(RemoteRow._fields, columns, as_remote_row)


def dimension_table(rows: Iterable[Dimension]) -> Table[Dimension]:
    """Return wanted rows as a table; returns the argument if it is one."""
    return rows if isinstance(rows, Table) else dimensions(transposed(rows, len(Dimension._fields)))


def remote_table(rows: Iterable[RemoteRow]) -> Table[RemoteRow]:
    """Return remote rows as a table; returns the argument if it is one."""
    return rows if isinstance(rows, Table) else remote_rows(transposed(rows, len(RemoteRow._fields)))


NaturalKey = tuple[str, str]
"""(canonical type code, ERP id): the only identity that a guide listing shows. Not promised to be unique."""


def canonical_type(code: str) -> str:
    """Return the one spelling of a type code that is used inside; unknown codes pass unchanged."""
    return TYPE_ALIASES.get(code, code)


def listed_type(code: str) -> str:
    """Return the canonical spelling of a type code that a server shows, in whichever case. Raises `TypeError`."""
    folded = str.casefold(code)
    return TYPE_ALIASES.get(folded, folded)


def clean(text: str) -> str:
    """Return `text` trimmed and in NFC, the form in which text is compared and sent."""
    text = text.strip()
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def natural_key(row: Dimension | RemoteRow) -> NaturalKey:
    """Return the row's type and ERP id. Both kinds of row hold canonical type codes already."""
    return row.type_code, row.erp_id


def shows_the_same(one: Dimension | RemoteRow, other: Dimension | RemoteRow) -> bool:
    """Return whether two rows are alike in all fields that each listing shows: codes are shown by some only."""
    return _listed_fields(one) == _listed_fields(other)


_listed_fields = attrgetter("type_code", "type_label", "name", "erp_id")


def by_natural_key(rows: Iterable[AnyRow]) -> dict[NaturalKey, list[AnyRow]]:
    """Return rows of one side by type and ERP id, which are not promised to be unique. The one place that does so."""
    found: dict[NaturalKey, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(natural_key(row), []).append(row)
    return found


def fingerprint(row: Dimension) -> bytes:
    """Return 16 bytes that are the same for the same row in every process and version; fields are length-prefixed."""
    digest = blake2b(digest_size=16)
    for field in row:
        text = b"-" if field is None else b"%d:%s" % (len(field), field.encode("utf-8", "surrogatepass"))
        digest.update(text)
    return digest.digest()
