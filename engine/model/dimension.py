"""One row of a company's accounting dimensions: as wanted, and as the API shows it.

Both are named tuples rather than dataclasses: there is one per row, and a tuple is built, compared and hashed in C
(a frozen dataclass costs four times as much to build).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from typing import NamedTuple
from unicodedata import is_normalized, normalize

from engine.model.table import Column, Table, transposed

TYPE_ALIASES = {"costtype": "cost_type"}
"""Spellings that mean the same type: the reference contract's -> the guide's (API-FACTS 2.7)."""


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


as_dimension = partial(tuple.__new__, Dimension)
as_remote_row = partial(tuple.__new__, RemoteRow)
"""Make a row of a plain tuple of its fields: what `_make` calls, less a Python frame a row."""


def dimensions(columns: Iterable[Column]) -> Table[Dimension]:
    """Return a table of wanted rows: a column for each field of `Dimension`."""
    return Table(Dimension._fields, columns, as_dimension)


def remote_rows(columns: Iterable[Column]) -> Table[RemoteRow]:
    """Return a table of remote rows: a column for each field of `RemoteRow`."""
    return Table(RemoteRow._fields, columns, as_remote_row)


def dimension_table(rows: Iterable[Dimension]) -> Table[Dimension]:
    """Return wanted rows as a table, which they may be already."""
    return rows if isinstance(rows, Table) else dimensions(transposed(rows, len(Dimension._fields)))


def remote_table(rows: Iterable[RemoteRow]) -> Table[RemoteRow]:
    """Return remote rows as a table, which they may be already."""
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


def fingerprint(row: Dimension) -> bytes:
    """Return 16 bytes that are the same for the same row in every process and version; fields are length-prefixed."""
    digest = blake2b(digest_size=16)
    for field in row:
        text = b"-" if field is None else b"%d:%s" % (len(field), field.encode("utf-8", "surrogatepass"))
        digest.update(text)
    return digest.digest()
