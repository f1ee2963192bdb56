"""Ways: permanent habits in which a server differs from its documents. Pure values.

A `Way` is one table `[[ways]]` of a script, for all companies or for those that it names. Several are applied in the
order of the script, so that one may change what is stored and the next only what is listed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.sandbox.exchange import PageMade
from engine.sandbox.tables import BadScript, build
from engine.sandbox.tenant import Row, Values

KEY_COLUMNS = ("unique_key", "reference_id")
TYPE_COLUMNS = ("dimension_type", "ottimate_type")
SPELLED = {"key": KEY_COLUMNS, "name": ("name",), "erp_id": ("erp_dimension_id",), "code": ("code",)}
"""The fields of `Values` that a server may spell otherwise, and the columns in which listings show each."""

COUNTERS = ("success_count", "created_count", "updated_count", "error_count")
CURLY = str.maketrans({"'": "\u2019", '"': "\u201d", "-": "\u2013"})
STRAIGHT = str.maketrans(
    {**dict.fromkeys("\u2018\u2019", "'"), **dict.fromkeys("\u201c\u201d", '"'), **dict.fromkeys("\u2013\u2014", "-")}
)
FIELDS = {"name": "name", "erp_id": "erp_id", "code": "code", "type": "type_code"}
"""The names that `fixed` may hold, and the fields of `Values` that each stands for."""

Shown = dict[str, Any]
"""A row or an answer as a JSON object that is about to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a server writes a text that it was sent; the changes are made in the order of these keys."""

    zeros_stripped: bool = False  # leading zeros are removed
    squeezed: bool = False  # several blanks become one, and those at the ends are removed
    straight: bool = False  # typographic quotes and dashes become plain ones
    curly: bool = False  # plain quotes and dashes become typographic ones
    capitals: bool = False
    escaped: bool = False  # & < > become &amp; &lt; &gt;
    shortened: int | None = None  # cut to this number of characters; None: not cut

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a length that leaves nothing."""
        if self.shortened is not None and self.shortened < 1:
            raise ValueError("shortened: must be at least 1")

    def __call__(self, text: str) -> str:
        """Return the text as the server writes it."""
        if self.zeros_stripped:
            text = text.lstrip("0") or text[-1:]
        if self.squeezed:
            text = " ".join(text.split())
        if self.straight:
            text = text.translate(STRAIGHT)
        if self.curly:
            text = text.translate(CURLY)
        if self.capitals:
            text = text.upper()
        if self.escaped:
            text = html.escape(text, quote=False)
        return text[: self.shortened]


PLAIN = Spelling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Let the server of some companies, or of all, differ from its documents for good."""

    companies: tuple[int, ...] = ()  # ids; empty: all companies
    spelled: Literal["stored", "listed"] = (
        "stored"  # "listed": stored and acknowledged as sent, and respelled only in listings
    )
    key: Spelling = PLAIN
    name: Spelling = PLAIN
    erp_id: Spelling = PLAIN
    code: Spelling = PLAIN
    keys_folded: bool = False  # keys that differ in case alone count as one
    types: Mapping[str, str] = field(
        default_factory=dict
    )  # type code as the contract lists it -> as this server lists it
    hidden: str | None = None  # rows whose key, ERP id or name has a match are neither listed nor found by id
    fixed: tuple[
        Literal["name", "erp_id", "code", "type"], ...
    ] = ()  # an update is acknowledged and does not change these
    count: Literal["all", "page", "absent"] = "all"  # what a listing's `count` counts
    listed_ids: Literal["text", "number", "absent"] = "text"
    answer_ids: Literal["text", "number", "absent"] = "text"
    answer_names: bool = True
    counters: Literal["number", "text", "null", "absent"] = "number"
    error_keys: Literal["as sent", "lower case", "prefixed"] = "as sent"
    grant_body: Literal["any", "json", "form"] = (
        "any"  # format that the token endpoint accepts; for the server as a whole
    )
    date_skew_s: float = 0.0  # seconds by which the header `Date` is ahead; for the server as a whole

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a bad pattern, or a server-wide field beside `companies`."""
        try:
            re.compile(self.hidden or "")
        except re.error as error:
            raise ValueError(f"hidden: {error}") from error
        if self.companies and self.grant_body != "any":
            raise ValueError("grant_body: is for the whole server: name no companies in this way")
        if self.companies and self.date_skew_s:
            raise ValueError("date_skew_s: is for the whole server: name no companies in this way")

    def store(self, values: Values) -> Values:
        """Return the values as they are stored."""
        if self.spelled == "listed":
            return values
        spelled: dict[str, Any] = {name: self._spell(name, getattr(values, name)) for name in SPELLED}
        return values._replace(**spelled)

    def keep(self, old: Values, new: Values) -> Values:
        """Return the values of a stored row after an update."""
        kept = {FIELDS[name]: getattr(old, FIELDS[name]) for name in self.fixed}
        if "type" in self.fixed:
            kept["label"] = old.label
        return new._replace(**kept)

    def hides(self, row: Row) -> bool:
        """Return whether the row is hidden from everybody."""
        texts = (row.values.key or "", row.values.erp_id, row.values.name)
        return self.hidden is not None and any(re.search(self.hidden, text) for text in texts)

    def show(self, shown: Shown) -> Shown:
        """Return a row as listings show it."""
        if self.spelled == "listed":
            for name, columns in SPELLED.items():
                shown |= {column: self._spell(name, shown[column]) for column in columns if column in shown}
        shown |= {column: self.types.get(shown[column], shown[column]) for column in TYPE_COLUMNS if column in shown}
        if self.listed_ids == "absent":
            shown.pop("id", None)
        elif self.listed_ids == "number" and isinstance(shown.get("id"), str):
            shown["id"] = number(shown["id"])
        return shown

    def answer(self, body: Shown, company_id: int) -> Shown:
        """Return a bulk answer as it is sent."""
        for key in ("created", "updated"):
            body[key] = [self.acknowledge(entry) for entry in body[key]]
        body["errors"] = [self._error(entry, company_id) for entry in body["errors"]]
        for counter in COUNTERS:
            if self.counters == "absent":
                body.pop(counter, None)
            elif self.counters != "number" and counter in body:
                body[counter] = None if self.counters == "null" else str(body[counter])
        return body

    def acknowledge(self, entry: Shown) -> Shown:
        """Return what an answer says about a stored row."""
        if not self.answer_names:
            entry = {column: value for column, value in entry.items() if column != "name"}
        if self.answer_ids == "absent":
            entry = {column: value for column, value in entry.items() if column != "id"}
        elif self.answer_ids == "number" and isinstance(entry.get("id"), str):
            entry = {**entry, "id": number(entry["id"])}
        return entry

    def _error(self, entry: Shown, company_id: int) -> Shown:
        keys = {column: entry[column] for column in KEY_COLUMNS if entry.get(column) is not None}
        if self.error_keys == "lower case":
            return {**entry, **{column: key.lower() for column, key in keys.items()}}
        if self.error_keys == "prefixed":
            return {**entry, **{column: f"{company_id}/{key}" for column, key in keys.items()}}
        return entry

    def _spell(self, name: str, text: str | None) -> str | None:
        spelling: Spelling = getattr(self, name)
        return None if text is None else spelling(text)


def number(row_id: str) -> int:
    """Return a row's id as a number."""
    return int(row_id.removeprefix("dim_"), 16)


class Ways:
    """All ways of a server, in the order of the script."""

    def __init__(self, ways: Iterable[Way] = ()) -> None:
        self.all = tuple(ways)

    def of(self, company_id: int | None) -> Iterator[Way]:
        """Yield the ways of a company, in order; None: those of the server as a whole."""
        return (way for way in self.all if not way.companies or company_id in way.companies)

    def store(self, values: Values, company_id: int) -> Values:
        """Return the values as this company's rows are stored."""
        for way in self.of(company_id):
            values = way.store(values)
        return values

    def keep(self, old: Values, new: Values, company_id: int) -> Values:
        """Return the values of a stored row of this company after an update."""
        for way in self.of(company_id):
            new = way.keep(old, new)
        return new

    def keeps(self, company_id: int) -> bool:
        """Return whether any field of this company is left as it was by updates."""
        return any(way.fixed for way in self.of(company_id))

    def hides(self, row: Row) -> bool:
        """Return whether the row is hidden from everybody."""
        return row.hidden or any(way.hides(row) for way in self.of(row.company_id))

    def folds_keys(self, company_id: int) -> bool:
        """Return whether keys that differ in case alone count as one for this company."""
        return any(way.keys_folded for way in self.of(company_id))

    def show(self, shown: Shown, company_id: int) -> Shown:
        """Return a row of this company as listings show it."""
        for way in self.of(company_id):
            shown = way.show(shown)
        return shown

    def answer(self, body: Shown, company_id: int) -> Shown:
        """Return a bulk answer to this company as it is sent."""
        for way in self.of(company_id):
            body = way.answer(body, company_id)
        return body

    def acknowledge(self, entry: Shown, company_id: int) -> Shown:
        """Return what an answer says about a stored row of this company."""
        for way in self.of(company_id):
            entry = way.acknowledge(entry)
        return entry

    def numbers_ids(self, company_id: int) -> bool:
        """Return whether listings of this company show ids as numbers; single rows are then found by these numbers."""
        return any(way.listed_ids == "number" for way in self.of(company_id))

    def count(self, page: PageMade, company_id: int | None) -> None:
        """Set the `count` of a page to what this server counts for the company."""
        for way in self.of(company_id):
            page.tells_count = page.tells_count and way.count != "absent"
            if way.count == "page":
                page.count = len(page.rows)

    def takes_grant_body(self, kind: Literal["json", "form"]) -> bool:
        """Return whether the token endpoint accepts a body of this format."""
        return all(way.grant_body in ("any", kind) for way in self.of(None))

    @property
    def date_skew_s(self) -> float:
        """The seconds by which the header `Date` is ahead."""
        return sum(way.date_skew_s for way in self.of(None))


def parse_ways(raw: object, where: str = "ways") -> tuple[Way, ...]:
    """Build ways from decoded JSON or TOML: `{"companies": [1003], "name": {"shortened": 40}}`.

    Raises BadScript, which names the first bad key with its path, such as `ways[2].name.shortened`.
    """
    if not isinstance(raw, list):
        raise BadScript(f"{where}: must be a list of ways")
    return tuple(build(Way, entry, f"{where}[{index}]") for index, entry in enumerate(raw))
