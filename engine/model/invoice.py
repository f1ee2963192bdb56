"""The dimensions that an invoice names, and what was found out about them. Values for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

NOTICES = frozenset({"type-spelling", "location-unclear", "column-ignored"})
"""Codes of findings that stop no invoice."""


class DimensionUse(NamedTuple):
    """One dimension that an invoice names."""

    where: str  # in the document: "dimensions", "line_items[2].dimensions"
    type: str  # as the invoice spells it: a label ("Department") or a type code ("DEPARTMENT")
    erp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The part of an invoice that is about dimensions, whichever contract spelled it."""

    name: str  # for people: its number, else its place in the document
    company_id: int | None  # None: it names none
    location_id: int | None = None  # None: it names none
    header: tuple[DimensionUse, ...] = ()
    lines: tuple[
        tuple[str, tuple[DimensionUse, ...]], ...
    ] = ()  # each line's place in the document, and its dimensions
    loose: frozenset[str] = frozenset()  # columns of a table that may be types, or something else altogether
    keyed_by_label: bool = False  # its contract's keys are labels, as the company spells them (guide)

    @property
    def uses(self) -> tuple[DimensionUse, ...]:
        """All dimensions that it names, the header's first."""
        return self.header + tuple(use for _, uses in self.lines for use in uses)


class Finding(NamedTuple):
    """One thing that is wrong with an invoice, or worth knowing about it, such as `column-ignored`."""

    code: str  # as `dimsync help CODE` knows it
    where: str  # in the document; empty: the invoice as a whole
    message: str
    nearest: tuple[str, ...] = ()  # what was probably meant, the likeliest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What was found out about one invoice."""

    invoice: str
    company_id: int | None
    evidence: str | None  # "ledger", "probe" or "listing"; None: the company was not looked at
    at: datetime | None  # when Ottimate last showed the rows that this rests on, or their number
    dimensions: int  # how many the invoice names
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that the invoice names is there. Notices do not count."""
        return all(finding.code in NOTICES for finding in self.findings)
