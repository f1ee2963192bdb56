"""Whether the dimensions that invoices name exist in a company, and what was probably meant where they do not. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches

from engine.model.dimension import RemoteRow
from engine.model.invoice import DimensionUse, Finding, Invoice

MOST_NEAREST = 3

LIKENESS = 0.6
"""How alike two texts are, at least, for one to be named as meant for the other: difflib's own default."""

LONGEST_COMPARED = 80
"""Characters of an id that are compared for likeness: the time grows with their square."""

MOST_COMPARED = 20
"""Ids that are compared for likeness with a company's: each takes some 10 ms where it has 2,000."""


class RowsByType:
    """A company's rows in Ottimate, to be asked about by the types and ids that invoices name.

    An invoice's type is a label ("GL Account"), as the guide has it, or a type code ("ACCOUNT"), as the reference has
    it. It means the rows whose label is written so; else those whose label is, but for case, blanks, `_` and `-`; else
    those of that type code.
    """

    def __init__(self, rows: Iterable[RemoteRow]) -> None:
        self._by_label: dict[str, dict[str, list[RemoteRow]]] = defaultdict(lambda: defaultdict(list))
        self._by_folded: dict[str, list[str]] = defaultdict(list)  # folded label -> labels
        self._by_code: dict[str, list[str]] = defaultdict(list)  # folded type code -> labels; `cost_type` = `costtype`
        for row in rows:
            label = row.type_label or row.type_code
            if label not in self._by_label:
                self._by_folded[folded(label)].append(label)
            if label not in (labels := self._by_code[folded(row.type_code)]):
                labels.append(label)
            self._by_label[label][row.erp_id].append(row)
        self._near: dict[tuple[str, ...], _Near] = {}
        self._compared = 0  # ids that were compared for likeness

    @property
    def labels(self) -> list[str]:
        """The labels of the company's types, sorted."""
        return sorted(self._by_label)

    def meant(self, name: str) -> list[str]:
        """Return the labels that an invoice's type means; none: the company has no such type."""
        if name in self._by_label:
            return [name]
        plain = folded(name)
        return self._by_folded.get(plain) or self._by_code.get(plain, [])

    def has(self, labels: Iterable[str], erp_id: str) -> bool:
        """Return whether a row of one of these labels bears an id."""
        return any(erp_id in self._by_label[label] for label in labels)

    def nearest(self, labels: Sequence[str], erp_id: str) -> tuple[str, ...]:
        """Return what may have been meant by an id that no row of these labels bears, the likeliest first.

        1. The same id but for case, blanks and leading zeros. 2. The id of a row whose name or code was given instead.
        3. The same id of another type. 4. Where there is none of these, ids that look like it.
        """
        near = self._near_of(tuple(labels))
        others = [ids.get(erp_id, ()) for label, ids in sorted(self._by_label.items()) if label not in labels]
        found = [*near.ids.get(_folded_id(erp_id), ()), *near.texts.get(folded(erp_id), ())]
        told = dict.fromkeys(map(_shown, found))
        told |= dict.fromkeys(_shown(row, of_type=True) for bearers in others for row in bearers)
        if not told and self._compared < MOST_COMPARED:
            self._compared += 1
            close = get_close_matches(erp_id[:LONGEST_COMPARED], near.exact, n=MOST_NEAREST, cutoff=LIKENESS)
            told |= dict.fromkeys(_shown(near.exact[each]) for each in close)
        return tuple(told)[:MOST_NEAREST]

    def _near_of(self, labels: tuple[str, ...]) -> _Near:
        if labels not in self._near:
            self._near[labels] = _Near(self._of(labels))
        return self._near[labels]

    def _of(self, labels: Iterable[str]) -> Iterator[RemoteRow]:
        return (row for label in labels for bearers in self._by_label[label].values() for row in bearers)


class _Near:
    """Rows of some labels, by other texts that an invoice may give for their id: id in another spelling, name, code."""

    def __init__(self, rows: Iterable[RemoteRow]) -> None:
        self.ids: dict[str, list[RemoteRow]] = {}  # by folded id
        self.texts: dict[str, list[RemoteRow]] = {}  # by folded name and code
        self.exact: dict[str, RemoteRow] = {}  # by the beginning of the id
        for row in rows:
            self.ids.setdefault(_folded_id(row.erp_id), []).append(row)
            self.exact[row.erp_id[:LONGEST_COMPARED]] = row
            for text in {folded(row.name), folded(row.code or "")} - {""}:
                self.texts.setdefault(text, []).append(row)


def look_up(invoice: Invoice, rows: RowsByType, require: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return what is wrong with the dimensions that an invoice names; nothing: all of them are there.

    `require`: types that each line has to have, of its own or by the header; where there are no lines, the header.
    """
    ignored = [name for name in sorted(invoice.loose) if not rows.meant(name)]
    return (
        *(Finding("column-ignored", "", f"column {name!r} is no type of this company") for name in ignored),
        *(
            finding
            for use in _looked_up(invoice, rows)
            for finding in _of_use(use, rows, keyed_by_label=invoice.keyed_by_label)
        ),
        *_missing(invoice, rows, require),
    )


def unknown_ids(invoice: Invoice, rows: RowsByType) -> tuple[DimensionUse, ...]:
    """Return the dimensions of an invoice whose type or id the company does not have."""
    return tuple(use for use in _looked_up(invoice, rows) if not rows.has(rows.meant(use.type), use.erp_id))


def _looked_up(invoice: Invoice, rows: RowsByType) -> Iterator[DimensionUse]:
    """Yield the dimensions of an invoice, without columns of a table that are no type of the company."""
    return (use for use in invoice.uses if use.type not in invoice.loose or rows.meant(use.type))


def _of_use(use: DimensionUse, rows: RowsByType, *, keyed_by_label: bool) -> Iterator[Finding]:
    labels = rows.meant(use.type)
    if not labels:
        there = rows.labels
        near = get_close_matches(use.type, there, n=MOST_NEAREST, cutoff=LIKENESS) or there[:MOST_NEAREST]
        yield Finding("no-such-type", use.where, f"the company has no dimension of type {use.type!r}", tuple(near))
        return
    if keyed_by_label and use.type not in labels:
        text = f"the type is written {use.type!r}, and in this company it is {' or '.join(map(repr, labels))}"
        yield Finding("type-spelling", use.where, text, tuple(labels[:MOST_NEAREST]))
    if not rows.has(labels, use.erp_id):
        text = f"no {labels[0]} has the ERP id {use.erp_id!r}"
        yield Finding("no-such-dimension", use.where, text, rows.nearest(labels, use.erp_id))


def _missing(invoice: Invoice, rows: RowsByType, require: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each required type that a line, or a header without lines, does not have."""
    header = {label for use in invoice.header for label in _all_meant(use.type, rows)}
    for name in require:
        wanted = set(_all_meant(name, rows))
        if wanted & header:
            continue
        for where, uses in invoice.lines or (("", ()),):
            if not wanted & {label for use in uses for label in _all_meant(use.type, rows)}:
                yield Finding("missing-dimension", where, f"no {name} is given, and it is required")


def _all_meant(name: str, rows: RowsByType) -> list[str]:
    """Return the labels that a type means, and its folded name where the company has none of them."""
    return rows.meant(name) or [folded(name)]


def elsewhere(unknown: Sequence[DimensionUse], bearing: Iterable[tuple[int, str, str, str]]) -> tuple[Finding, ...]:
    """Return a finding where another company of the account has every dimension that this one does not.

    `bearing`: company id, type code, label and ERP id of rows that the ledger knows.
    """
    having: dict[int, list[RemoteRow]] = defaultdict(list)
    for company_id, type_code, label, erp_id in bearing:
        having[company_id].append(RemoteRow("", type_code, label, "", erp_id))
    others = []
    for company_id, rows in sorted(having.items()):
        there = RowsByType(rows)
        if unknown and all(there.has(there.meant(use.type), use.erp_id) for use in unknown):
            others.append(str(company_id))
    if not others:
        return ()
    count = f"all {len(unknown)} that are missing here" if len(unknown) > 1 else "the one that is missing here"
    text = f"company {' and '.join(others[:MOST_NEAREST])} has {count}: is the invoice that company's?"
    return (Finding("other-company", "ottimate_company_id", text, tuple(others[:MOST_NEAREST])),)


def _shown(row: RemoteRow, *, of_type: bool = False) -> str:
    type_text = f"{row.type_label or row.type_code} " if of_type else ""
    return f"{type_text}{row.erp_id} {row.name}"


def folded(text: str) -> str:
    """Return a text without its case, blanks, `_` and `-`."""
    return "".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _folded_id(erp_id: str) -> str:
    plain = "".join(erp_id.casefold().split())
    return plain and (plain.lstrip("0") or "0")
