"""Whether the dimensions that invoices name exist in a company, and what was probably meant where they do not. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches

from engine.model.dimension import RemoteRow
from engine.model.directory import Directory, VisibleLocation
from engine.model.invoice import DimensionUse, Finding, Invoice

MOST_NEAREST = 3

LIKENESS = 0.6
"""How alike two texts are, at least, for one to be named as meant for the other: difflib's own default."""

LONGEST_COMPARED = 80
"""Characters of an id that are compared for likeness: the time grows with their square."""


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
                self._by_folded[_folded(label)].append(label)
            if label not in (labels := self._by_code[_folded(row.type_code)]):
                labels.append(label)
            self._by_label[label][row.erp_id].append(row)

    @property
    def labels(self) -> list[str]:
        """The labels of the company's types, sorted."""
        return sorted(self._by_label)

    def meant(self, name: str) -> list[str]:
        """Return the labels that an invoice's type means; none: the company has no such type."""
        if name in self._by_label:
            return [name]
        folded = _folded(name)
        return self._by_folded.get(folded) or self._by_code.get(folded, [])

    def has(self, labels: Iterable[str], erp_id: str) -> bool:
        """Return whether a row of one of these labels bears an id."""
        return any(erp_id in self._by_label[label] for label in labels)

    def nearest(self, labels: Sequence[str], erp_id: str) -> tuple[str, ...]:
        """Return what may have been meant by an id that no row of these labels bears, the likeliest first.

        1. The same id but for case, blanks and leading zeros. 2. The id of a row whose name or code was given instead.
        3. The same id of another type. 4. Where there is none of these, ids that look like it.
        """
        found: dict[str, None] = {}
        rows = [row for label in labels for bearers in self._by_label[label].values() for row in bearers]
        wanted, name = _folded_id(erp_id), _folded(erp_id)
        found |= {_shown(row): None for row in rows if _folded_id(row.erp_id) == wanted}
        found |= {_shown(row): None for row in rows if name and name in {_folded(row.name), _folded(row.code or "")}}
        others = (ids.get(erp_id, ()) for label, ids in sorted(self._by_label.items()) if label not in labels)
        found |= {_shown(row, of_type=True): None for bearers in others for row in bearers}
        if not found:
            by_id = {row.erp_id[:LONGEST_COMPARED]: row for row in rows}
            close = get_close_matches(erp_id[:LONGEST_COMPARED], by_id, n=MOST_NEAREST, cutoff=LIKENESS)
            found |= {_shown(by_id[each]): None for each in close}
        return tuple(found)[:MOST_NEAREST]


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
    return rows.meant(name) or [_folded(name)]


def look_up_location(invoice: Invoice, directory: Directory) -> tuple[Finding, ...]:
    """Return what is wrong with the location that an invoice names. The API names a location's company, without its id.

    `directory`: with locations. The invoice names a location and a company.
    """
    names = {company.id: company.name for company in directory.companies}
    own = _folded(names.get(invoice.company_id or 0, ""))
    locations = directory.locations or ()
    found = next((each for each in locations if each.id == invoice.location_id), None)
    near = tuple(f"{each.id} {each.name}" for each in locations if own and _folded(each.company) == own)[:MOST_NEAREST]
    if found is None:
        text = f"the account has no location {invoice.location_id}"
        return (Finding("no-such-location", "ottimate_location_id", text, near),)
    if not own:
        text = f"the account's list does not show company {invoice.company_id}, so that nothing shows whose it is"
        return (Finding("location-unclear", "ottimate_location_id", text),)
    if _folded(found.company) != own:
        text = f"location {found.id} {found.name!r} is of {_owner(found, directory)}"
        return (Finding("foreign-location", "ottimate_location_id", text, near),)
    if sum(_folded(name) == own for name in names.values()) > 1:
        text = f"several companies are called {found.company!r}, so that nothing shows which of them it is of"
        return (Finding("location-unclear", "ottimate_location_id", text),)
    return ()


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


def _owner(location: VisibleLocation, directory: Directory) -> str:
    owners = [each for each in directory.companies if _folded(each.name) == _folded(location.company)]
    return f"company {owners[0].id} {location.company!r}" if len(owners) == 1 else f"company {location.company!r}"


def _shown(row: RemoteRow, *, of_type: bool = False) -> str:
    type_text = f"{row.type_label or row.type_code} " if of_type else ""
    return f"{type_text}{row.erp_id} {row.name}"


def _folded(text: str) -> str:
    """Return a text without its case, blanks, `_` and `-`."""
    return "".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _folded_id(erp_id: str) -> str:
    folded = "".join(erp_id.casefold().split())
    return folded.lstrip("0") or folded
