"""A world drawn from a seed: companies, what is wanted in them, what is there, and the ways of their server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from engine import Dimension
from tests.worlds.server import Row, Way
from tests.worlds.ways import WAYS, Facts

MOST_WAYS = 3
KINDS = [("account", "GL Account"), ("department", "Department")]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One account's companies, their sources, and the server that they meet."""

    seed: int
    contract: str
    wanted: dict[int, list[Dimension]]
    there: list[Row]  # before the first run
    page_rows: int
    most_rows: int  # of a page, as the server has it
    chunk_rows: int
    adopt: str
    names: tuple[str, ...]  # of the ways
    ways: tuple[Way, ...]

    def __str__(self) -> str:
        rows = ", ".join(f"{company_id}: {len(rows)}" for company_id, rows in self.wanted.items())
        ways = "; ".join(f"{name} ({way})" for name, way in zip(self.names, self.ways, strict=True))
        pages = f"pages of {self.page_rows} asked and {self.most_rows} given, chunks of {self.chunk_rows}"
        there = f"{len(self.there)} rows there, adopt = {self.adopt}"
        return f"seed {self.seed}: {self.contract}, rows wanted {{{rows}}}, {there}, {pages}; {ways or 'honest'}"


def draw(seed: int, names: Sequence[str]) -> World:
    """Return the world of a seed, whose ways are drawn from these names; the same one each time."""
    rng = Random(f"world {seed}")
    contract = rng.choice(["guide", "guide", "guide", "reference"])
    wanted = {100 + number: _rows(rng, 100 + number) for number in range(rng.choice([1, 1, 1, 2, 2, 3, 4]))}
    facts = Facts(contract=contract, wanted=wanted)
    drawn = (
        tuple(sorted({_one_of(rng, names) for _ in range(rng.randint(1, min(MOST_WAYS, len(names))))})) if names else ()
    )
    return World(
        seed=seed,
        contract=contract,
        wanted=wanted,
        there=_there(rng, wanted),
        page_rows=rng.choice([3, 5, 100]),
        most_rows=rng.choice([2, 100, 100]),
        chunk_rows=rng.choice([2, 5, 100]),
        adopt=rng.choice(["trust", "trust", "push", "hold"]),
        names=drawn,
        ways=tuple(WAYS[name](rng, facts) for name in drawn),
    )


def _one_of(rng: Random, names: Sequence[str]) -> str:
    """Return a name: statuses are many, and come up half of the time."""
    families: dict[bool, list[str]] = {False: [], True: []}
    for name in sorted(names):
        families[name.count(":") == 3].append(name)
    chosen = [family for family in families.values() if family]
    return rng.choice(rng.choice(chosen))


def _rows(rng: Random, company_id: int) -> list[Dimension]:
    """Return a source's rows. Some keys differ in case alone, some names stand twice."""
    twins = rng.random() < 0.3
    rows = []
    for number in range(rng.randint(3, 12)):
        kind = KINDS[number % 2 if rng.random() < 0.5 else 0]
        key = f"Key-{company_id}-{number:02}" if number % 2 or not twins else f"KEY-{company_id}-{number + 1:02}"
        name = f"Name {number:02} of {company_id}" if number % 3 or not twins else f"Twin of {company_id}"
        code = rng.choice([None, f"C{number}"])
        rows.append(Dimension(key, *kind, name, f"e{company_id}x{number:02}", code))
    return rows


def _there(rng: Random, wanted: dict[int, list[Dimension]]) -> list[Row]:
    """Return what is there already: for each company nothing, or some of its rows, equal or not, or others."""
    found: list[Row] = []
    for company_id, rows in wanted.items():
        if rng.random() < 0.5:
            continue
        for row in rng.sample(rows, rng.randint(1, len(rows))):
            row_id = f"dim_{1000 + len(found)}"
            key = row.key if rng.random() < 0.5 else rng.choice([None, f"theirs-{row.erp_id}"])
            values = row if rng.random() < 0.8 else row._replace(name=f"Old {row.erp_id}")
            if rng.random() < 0.1:
                values = row._replace(name=f"Other {row.erp_id}", erp_id=f"o{row.erp_id}")
                key = None
            found.append(Row(id=row_id, company_id=company_id, key=key, values=values._replace(key=key or "")))
    return found
