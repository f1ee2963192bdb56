"""Made-up clients: restaurants and hospitality groups on several ERPs, the same ones for the same seed.

Names and ids are untidy, as ERPs export them: leading zeros, dotted ids, several rows with one name, letters of many
scripts, some of them decomposed (NFD). Keys and natural keys are unique in each company.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import NormalDist
from unicodedata import normalize

import orjson

from engine.model.dimension import Dimension
from engine.sandbox.names import ACCOUNTS, CITIES, DEPARTMENTS, FIRST, ITEMS, PROJECTS, SCRIPTS, SECOND, TASKS, VARIANTS

SMALLEST, LARGEST = 50, 5_000
SIZES = NormalDist(
    mu=6.28, sigma=0.95
)  # of ln(rows of a company): with both ends clipped, companies have about 800 rows on average
COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "code", "erp_dimension_id")
NDJSON_EVERY = 5  # every fifth company exports NDJSON, the others CSV


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCompany:
    """One made-up client company and its export. Rows are as an ERP writes them, not yet normalised to NFC."""

    id: int
    name: str
    erp: str
    rows: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one ERP exports rows: type labels, ids, and the form of keys."""

    labels: Mapping[str, str]  # type code -> label, as integration pages of that ERP name it
    shares: Mapping[str, int]  # type code -> weight in a company's rows
    ids: Mapping[str, Callable[[int], str]]  # type code -> the id of that type's n-th row
    key: str  # a template with {company}, {type} and {id}


def _dotted(n: int) -> str:
    return f"{24 + n // 400}.{n % 400 // 20:02d}.{n % 20:02d}"


STYLES: Mapping[str, Style] = {
    "netsuite": Style(
        labels={
            "account": "Account",
            "location": "Location",
            "department": "Department",
            "project": "Job",
            "item": "Item",
        },
        shares={"account": 40, "location": 10, "department": 10, "project": 15, "item": 25},
        ids={
            "account": lambda n: f"{4000 + n // 5}-{n % 5 * 10:02d}",
            "location": lambda n: f"L{n:03d}",
            "department": lambda n: f"{n + 1}",
            "project": _dotted,
            "item": lambda n: f"SKU-{n:05d}",
        },
        key="{company}:{type}:{id}",
    ),
    "intacct": Style(
        labels={
            "account": "GL Account",
            "location": "Location",
            "department": "Department",
            "project": "Project",
            "task": "Task",
            "cost_type": "Cost Type",
            "item": "Item",
        },
        shares={"account": 35, "location": 10, "department": 8, "project": 20, "task": 12, "cost_type": 3, "item": 12},
        ids={
            "account": lambda n: f"{n + 100:04d}",
            "location": lambda n: f"{n + 1:03d}",
            "department": lambda n: f"{(n + 1) * 10:04d}",
            "project": lambda n: f"P-{n:05d}",
            "task": lambda n: f"{n // 10:03d}.{n % 10}",
            "cost_type": lambda n: f"CT{n:02d}",
            "item": lambda n: f"{n + 1:06d}",
        },
        key="{type}-{id}",
    ),
    "business_central": Style(
        labels={
            "account": "GLAccount",
            "location": "Location",
            "department": "Department",
            "project": "Job",
            "item": "Item",
        },
        shares={"account": 45, "location": 8, "department": 12, "project": 15, "item": 20},
        ids={
            "account": lambda n: f"{10_000 + 10 * n}",
            "location": lambda n: f"LOC{n:02d}",
            "department": lambda n: f"DEPT/{n:02d}",
            "project": lambda n: f"J{n:05d}",
            "item": lambda n: f"{1000 + n}-S",
        },
        key="bc/{company}/{type}/{id}",
    ),
    "acumatica": Style(
        labels={
            "account": "Account",
            "location": "Branch",
            "department": "Subaccount",
            "project": "Project",
            "task": "Cost Code",
            "item": "StockItem",
        },
        shares={"account": 35, "location": 5, "department": 20, "project": 15, "task": 10, "item": 15},
        ids={
            "account": lambda n: f"{n // 100 + 10}{n % 100:03d}",
            "location": lambda n: f"BR{n:02d}",
            "department": lambda n: f"{n // 100:03d}-{n % 100:02d}-000",
            "project": lambda n: f"PR{n:08d}",
            "task": lambda n: f"{n // 100:02d}-{n % 100:03d}",
            "item": lambda n: f"AC{n:06d}",
        },
        key="{company}|{type}|{id}",
    ),
    "quickbooks": Style(
        labels={"account": "Account", "department": "Department", "item": "Item"},
        shares={"account": 50, "department": 10, "item": 40},
        ids={
            "account": lambda n: f"{n + 1}",
            "department": lambda n: f"{(n + 1) * 100_000_000_001}",
            "item": lambda n: f"{n + 1}",
        },
        key="qbo-{company}-{type}-{id}",
    ),
}
WORDS: Mapping[str, Sequence[str]] = {
    "account": ACCOUNTS,
    "location": CITIES,
    "department": DEPARTMENTS,
    "project": PROJECTS,
    "task": TASKS,
    "cost_type": TASKS,
    "item": ITEMS,
}


def make_fleet(companies: int = 200, seed: int = 7) -> list[MadeCompany]:
    """Return companies of 50 to 5,000 rows, about 800 on average. From 20 companies on, both extremes occur."""
    random = Random(seed)  # noqa: S311  the same fleet for the same seed
    sizes = _sizes(companies)
    random.shuffle(sizes)
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    random.shuffle(names)
    erps = list(STYLES)
    return [
        _company(1001 + index, names[index % len(names)], erps[index % len(erps)], size, random)
        for index, size in enumerate(sizes)
    ]


def _sizes(companies: int) -> list[int]:
    """Return evenly spaced quantiles of `SIZES`, so that the mean does not depend on random draws."""
    drawn = (math.exp(SIZES.inv_cdf((index + 0.5) / companies)) for index in range(companies))
    sizes = [min(LARGEST, max(SMALLEST, round(size))) for size in drawn]
    if companies >= 20:
        sizes[0], sizes[-1] = SMALLEST, LARGEST
    return sizes


def _company(company_id: int, name: str, erp: str, size: int, random: Random) -> MadeCompany:
    shares = STYLES[erp].shares
    counts = {code: size * share // sum(shares.values()) for code, share in shares.items()}
    counts["account"] += size - sum(counts.values())
    rows = tuple(_row(company_id, erp, code, n, random) for code, count in counts.items() for n in range(count))
    return MadeCompany(id=company_id, name=name, erp=erp, rows=rows)


def _row(company_id: int, erp: str, code: str, n: int, random: Random) -> Dimension:
    """Return the n-th row of a type: ids are computed from n, words are drawn at random."""
    style = STYLES[erp]
    erp_id = style.ids[code](n)
    return Dimension(
        key=style.key.format(company=company_id, type=code, id=erp_id),
        type_code=code,
        type_label=style.labels[code],
        name=_name(WORDS[code], n, random),
        erp_id=erp_id,
        code=None if random.random() < 0.3 else erp_id[-8:].lstrip("0-./") or "0",
    )


def _name(words: Sequence[str], n: int, random: Random) -> str:
    """Return a word for the first rows, then variants; some are in another script or have a decomposed accent."""
    chance = random.random()
    if chance < 0.03:
        name = f"{random.choice(SCRIPTS)} {n % 90 + 1}"
        return normalize("NFD", name) if chance < 0.01 else name
    word = words[n % len(words)]
    return word if n < len(words) else f"{word} - {random.choice(VARIANTS)}"


def edit_fleet(fleet: Sequence[MadeCompany], share: float = 0.02, seed: int = 8) -> list[MadeCompany]:
    """Change `share` of all rows, in about half of the companies: 60 % renamed, 20 % added, 20 % given another code."""
    random = Random(seed)  # noqa: S311  the same edits for the same seed
    touched = sorted(random.sample(range(len(fleet)), math.ceil(len(fleet) / 2)))
    open_rows = sum(len(fleet[index].rows) for index in touched)
    edits = max(3, round(share * sum(len(company.rows) for company in fleet)))
    kinds = [("rename", "rename", "rename", "add", "code")[number % 5] for number in range(2, edits + 2)]
    edited, given, rows_before = list(fleet), 0, 0
    for index in touched:
        rows_before += len(fleet[index].rows)
        upto = round(edits * rows_before / open_rows)
        edited[index] = _edit(fleet[index], kinds[given:upto], random)
        given = upto
    return edited


def _edit(company: MadeCompany, kinds: Sequence[str], random: Random) -> MadeCompany:
    rows = list(company.rows)
    changed = iter(random.sample(range(len(rows)), min(len(kinds), len(rows))))
    for kind, place in zip(kinds, changed, strict=False):
        if kind == "add":
            rows.append(_row(company.id, company.erp, rows[place].type_code, len(rows), random))
        elif kind == "rename":
            rows[place] = rows[place]._replace(name=f"{rows[place].name} ({random.choice(VARIANTS)})")
        else:
            rows[place] = rows[place]._replace(code=f"{rows[place].code or rows[place].erp_id}-R")
    return replace(company, rows=tuple(rows))


def write_sources(fleet: Iterable[MadeCompany], folder: Path) -> dict[int, Path]:
    """Write each company's rows to `{id}.csv` or `{id}.ndjson`, with the guide's columns; return the paths by id."""
    folder.mkdir(parents=True, exist_ok=True)
    return {company.id: _write(company, folder) for company in fleet}


def _write(company: MadeCompany, folder: Path) -> Path:
    cells = ((row.key, row.type_label, row.type_code, row.name, row.code, row.erp_id) for row in company.rows)
    if company.id % NDJSON_EVERY == 0:
        path = folder / f"{company.id}.ndjson"
        objects = (
            {column: cell for column, cell in zip(COLUMNS, row, strict=True) if cell is not None} for row in cells
        )
        path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
        return path
    path = folder / f"{company.id}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(cells)
    return path
