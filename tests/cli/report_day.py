"""A bad day of a small fleet: all that a report has to tell, for its tests and its pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.cli.program import Fleet

HOSTILE = '=HYPERLINK("http://evil.example/") </script><script>alert(1)</script> <img src=//evil.example> \u202eexe'
"""What somebody may name a row or a company, to be run by whoever opens the report."""

MAPPING = """
[mapping.plain]
where = { Inactive = "No" }
"""
HEADER = "unique_key,type,dimension_type_code,name,code,erp_dimension_id,Inactive\n"

WORDS = ("Food sales", "Beverage sales", "Catering", "Rent", "Utilities", "Repairs", "Smallwares", "Linen", "Payroll")


class Ids(NamedTuple):
    """The companies of the day."""

    changed: int  # rows created, updated, pushed back
    hostile: int  # rows that the server refuses; every text is hostile
    missing: int  # its file is not there
    swapped: int  # it has the file of `other`
    other: int
    filtered: int  # rows left out, one added in Ottimate
    quiet: int  # nothing changes


def ids(first: int) -> Ids:
    """Return the ids of the companies, from `first` on."""
    return Ids(*range(first, first + len(Ids._fields)))


NAMES = ("Harbor Grill", f"Fig & Olive {HOSTILE}", "Red Oak", "Cedar Trattoria", "Lantern Catering", "Pier 9", "Elm")


def names_of(company_id: int, count: int) -> list[str]:
    """Return names of rows that no other company has."""
    return [f"{WORDS[n % len(WORDS)]} {company_id}-{n}" for n in range(count)]


def play(fleet: Fleet, there: Ids, *report: str) -> int:
    """Sync all companies, let the day go wrong, and sync again with these words; return that run's exit code."""
    fleet.door.place(*there)
    fleet.configure(*there, names=dict(zip(there, NAMES, strict=True)))
    settings = fleet.folder / "dimsync.toml"
    text = settings.read_text(encoding="utf-8").replace("[[companies]]\n", '[[companies]]\nmapping = "plain"\n')
    settings.write_text(text + MAPPING, encoding="utf-8")
    for one in there:
        source(fleet, one, names_of(one, 40))
    first = fleet.run("sync", "-q")
    assert first.returncode == 0, first.stdout + first.stderr
    go_wrong(fleet, there)
    done = fleet.run("sync", "-q", "--verify", "full", *report)
    fleet.door.faults()
    return done.returncode


def go_wrong(fleet: Fleet, there: Ids) -> None:
    """Change sources, and rows in Ottimate, between two syncs."""
    renamed = [f"{name} (old)" if n in {3, 7} else name for n, name in enumerate(names_of(there.changed, 42))]
    source(fleet, there.changed, renamed)
    fleet.door.rename(there.changed, "k5", "Somebody's own words")
    source(fleet, there.hostile, [*names_of(there.hostile, 40), HOSTILE.replace('"', "'"), "Bank"])
    match = {"company": there.hostile}
    fleet.door.faults({"effect": "reject-rows", "name": "Bank", "message": HOSTILE, "match": match})
    (fleet.folder / f"{there.missing}.csv").unlink()
    source(fleet, there.swapped, names_of(there.other, 40))
    source(fleet, there.filtered, names_of(there.filtered, 38), inactive=range(30, 38))


def source(fleet: Fleet, company_id: int, names: Iterable[str], inactive: Iterable[int] = ()) -> None:
    """Write a company's file."""
    left_out = set(inactive)
    rows = (
        f'k{n},Account,account,"{name}",c{n},{1000 + n},{"Yes" if n in left_out else "No"}\n'
        for n, name in enumerate(names)
    )
    (fleet.folder / f"{company_id}.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
