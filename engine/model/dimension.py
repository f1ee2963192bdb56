"""The dimensions' rows, as wanted and as the API shows them, which fields they have, and what is asked of any row.

Both are named tuples rather than dataclasses: there is one per row, and a tuple is built, compared and hashed in C
(a frozen dataclass costs four times as much to build).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, TypeVar
from unicodedata import is_normalized, normalize

from engine.model.resource import Field, Resource, When
from engine.model.table import Column, Table

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

    @property
    def resource(self) -> Resource:
        """The resource that it is a row of."""
        return DIMENSIONS


class RemoteRow(NamedTuple):
    """One row as a listing shows it. `None` is "not shown": unknown, never empty."""

    id: str  # `dim_...`
    type_code: str  # canonical; empty: not shown
    type_label: str  # empty: not shown
    name: str
    erp_id: str
    code: str | None = None
    key: str | None = None

    @property
    def resource(self) -> Resource:
        """The resource that it is a row of."""
        return DIMENSIONS


DIMENSIONS = Resource(
    name="dimensions",
    fields=(
        Field("key", "unique_key", When.NEVER),
        Field("type_code", "dimension_type_code", When.IF_SHOWN),
        Field("type_label", "type", When.IF_RELABEL),
        Field("name", "name", When.ALWAYS),
        Field("erp_id", "erp_dimension_id", When.ALWAYS),
        Field("code", "code", When.IF_SHOWN, optional=True, stand_in="erp_id"),
    ),
    natural_key=("type_code", "erp_id"),
    natural_words="type and ERP id",
    wanted=Dimension,
    remote=RemoteRow,
    prefix="",
)
"""The chart of accounts, departments, locations ... of a company. A source's columns have the guide's names."""


AnyRow = TypeVar("AnyRow", Dimension, RemoteRow)

NaturalKey = tuple[str, ...]
"""What identifies a row where no key is shown; of a dimension, (canonical type code, ERP id). Not promised to be
unique. Its last part is the identifier, the parts before it are the row's kind."""


def dimensions(columns: Iterable[Column]) -> Table[Dimension]:
    """Return a table of wanted rows: a column for each field of `Dimension`."""
    return DIMENSIONS.wanted_rows(columns)


def dimension_table(rows: Iterable[Dimension]) -> Table[Dimension]:
    """Return wanted rows as a table; returns the argument if it is one."""
    return DIMENSIONS.wanted_table(rows)


def remote_table(rows: Iterable[RemoteRow]) -> Table[RemoteRow]:
    """Return remote rows as a table; returns the argument if it is one."""
    return DIMENSIONS.remote_table(rows)


def canonical_type(code: str) -> str:
    """Return the one spelling of a type code that is used inside; unknown codes pass unchanged."""
    return TYPE_ALIASES.get(code, code)


def listed_type(code: str) -> str:
    """Return the canonical spelling of a type code that a server shows, in whichever case."""
    (found,) = listed_types([code])
    return found


def listed_types(codes: Iterable[str]) -> list[str]:
    """Return the canonical spellings of several."""
    folded = list(map(str.casefold, codes))
    return list(map(TYPE_ALIASES.get, folded, folded))


def clean(text: str) -> str:
    """Return `text` trimmed and in NFC, the form in which text is compared and sent."""
    text = text.strip()
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def natural_key(row: Dimension | RemoteRow) -> NaturalKey:
    """Return what identifies a row where no key is shown. Both kinds of row hold canonical spellings already."""
    return row.resource.natural(row)


def told(row: Dimension | RemoteRow) -> str:
    """Return a row's natural key in words: `account '6000'`."""
    return " ".join((*row.resource.kind_of(row), repr(getattr(row, row.resource.identifier))))


def kind_words(row: Dimension | RemoteRow) -> str:
    """Return of which kind a row is, in words; empty: its resource has one kind of row alone."""
    return " ".join(row.resource.kind_of(row))


def without_label(row: Dimension) -> Dimension:
    """Return a row without its label: the label is the remote side's to choose, unless a company relabels."""
    label = row.resource.label
    return row if label is None else row._replace(**{label: ""})


def as_wanted(key: str, remote: RemoteRow) -> Dimension:
    """Return a remote row as a wanted one under this key, without its optional fields."""
    resource = remote.resource
    required = {field.name: getattr(remote, field.name) for field in resource.required}
    row: Dimension = resource.wanted(key=key, **required, **dict.fromkeys(resource.optional))
    return row


def stood_in(row: Dimension, name: str) -> str | None:
    """Return what is sent in place of a value that the source does not give, where the contract demands one."""
    stand_in = next(field.stand_in for field in row.resource.fields if field.name == name)
    sent: str | None = None if stand_in is None else getattr(row, stand_in)
    return sent


def shows_the_same(one: Dimension | RemoteRow, other: Dimension | RemoteRow) -> bool:
    """Return whether two rows are alike in all fields that each listing shows."""
    listed = one.resource.listed
    return listed(one) == listed(other)


def differs_where_shown(one: Dimension | RemoteRow, other: Dimension | RemoteRow) -> bool:
    """Return whether an optional field is there in both rows, and not the same."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in one.resource.optional)
    return any(here != there for here, there in pairs if here is not None and there is not None)


def by_natural_key(rows: Iterable[AnyRow]) -> dict[NaturalKey, list[AnyRow]]:
    """Return rows of one side by natural key, which is not promised to be unique. The one place that does so."""
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
