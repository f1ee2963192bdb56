"""What agreement costs: exact counts of requests, by operation, for fleets that live through changes and nights.

On a faithful server each run costs what it cost before there were agreements, but one. On a server that respells a
twentieth of the names, a company costs one more listing and one more request to write, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from engine import Dimension, RunResult
from tests.sandbox.conftest import World, company, dims, kinds, slugs

COMPANIES = (1, 2, 3)
ROWS = 100
SIZES = {"page_size": 40, "chunk_rows": 60}
"""So that a company is read in three pages, and loaded in two requests."""


class Fleet:
    """Companies whose sources and remote rows are changed from run to run."""

    def __init__(self, world: World, rows: Mapping[int, list[Dimension]]) -> None:
        self.world = world
        self.rows = {number: list(each) for number, each in rows.items()}

    async def run(self) -> RunResult:
        """Run all companies once."""
        return await self.world.sync(*(company(number, rows) for number, rows in self.rows.items()))

    def operations(self) -> dict[str, int]:
        """Return the requests of the last run by operation, those of the account (directory, token) included."""
        return dict(Counter(entry.operation for entry in self.world.sandbox.service.log))

    def hour(self) -> None:
        """Let an hour pass: no company is to be listed."""
        self.world.clock.forward(hours=1)

    def day(self) -> None:
        """Let a day pass: each company is to be probed."""
        self.world.clock.forward(hours=25)

    def night(self) -> None:
        """Let ten days pass: each company is to be listed."""
        self.world.clock.forward(days=10)

    def rename(self, place: int, name: str, *numbers: int) -> None:
        """Give a row another name in the sources of these companies, or of all."""
        for number in numbers or self.rows:
            self.rows[number][place] = self.rows[number][place]._replace(name=name)

    def edit(self, number: int, place: int) -> None:
        """Let a person give a row another name in Ottimate."""
        there = self.world.sandbox.tenant.companies[number]
        row = there.by_key[self.rows[number][place].key]
        self.world.sandbox.tenant.change(there, row, row.values._replace(name="By hand"))

    def add(self, *numbers: int) -> None:
        """Give the sources of these companies, or of all, a new row."""
        for number in numbers or self.rows:
            self.rows[number] += dims(1, first=len(self.rows[number]), prefix=f"{number}-")


class Step(NamedTuple):
    """What happens, and what the run after it costs."""

    happens: tuple[Callable[[Fleet], None], ...]
    before: Mapping[str, int]  # measured with the last version without agreements (commit 1155fef)
    more: Mapping[str, int] = {}  # than that
    because: str = ""


DAILY = {"companies": 1, "token": 1}
"""The account's directory, and a token that has run out."""
LISTED = {"list": 9, **DAILY}
TOKEN = {"token": 1}
NOTHING: Mapping[str, int] = {}

STEPS = {
    "a first load": Step((), {"list": 3, "bulk": 6, **DAILY}),
    "unchanged": Step((Fleet.hour,), NOTHING),
    "a row changed in each (1 %)": Step((lambda fleet: fleet.rename(0, "Second"),), {"bulk": 3, **TOKEN}),
    "unchanged after that": Step((Fleet.hour,), NOTHING),
    "unchanged, a day later": Step((Fleet.day,), {"list": 3, **DAILY}),
    "unchanged, on the night of the first listing": Step((Fleet.night,), LISTED),
    "unchanged after that night": Step((Fleet.hour,), NOTHING),
    "a row changed in each, on a night": Step(
        (lambda fleet: fleet.rename(1, "Second"), Fleet.night), {"bulk": 3, **LISTED}
    ),
    "unchanged after that, too": Step((Fleet.hour,), NOTHING),
    "unchanged, on the next night": Step((Fleet.night,), LISTED),
    "a row edited by a person, listed before": Step(
        (lambda fleet: fleet.edit(1, 1), Fleet.night), {"bulk": 1, **LISTED}
    ),
    "that pushed back, on the next night": Step((Fleet.night,), LISTED),
    "a new row in each": Step((Fleet.add,), {"list": 3, "bulk": 3, **TOKEN}),
    "new rows, on the next night": Step((Fleet.night,), LISTED),
    "a row changed by both, on a night": Step(
        (lambda fleet: fleet.edit(1, 2), lambda fleet: fleet.rename(2, "Ours", 1), Fleet.night), {"bulk": 1, **LISTED}
    ),
    "what both changed, on the next night": Step((Fleet.night,), LISTED),
    "a row changed": Step((lambda fleet: fleet.rename(3, "Second", 2),), {"bulk": 1, **TOKEN}),
    "and changed back": Step((lambda fleet: fleet.rename(3, "Name 00003", 2),), {"bulk": 1, **TOKEN}),
    "what was changed back, on a night": Step((Fleet.night,), LISTED),
    "a row changed that a person had edited": Step(
        (lambda fleet: fleet.edit(2, 4), lambda fleet: fleet.rename(4, "Second", 2)), {"bulk": 1, **TOKEN}
    ),
    "another row edited by a person, meanwhile": Step(
        (lambda fleet: fleet.edit(2, 5), Fleet.night), {"bulk": 1, **LISTED}
    ),
    "another change": Step((lambda fleet: fleet.rename(6, "Second", 3),), {"bulk": 1, **TOKEN}),
    "that edited by a person and changed once more": Step(
        (lambda fleet: fleet.edit(3, 6), lambda fleet: fleet.rename(6, "Third", 3), Fleet.night), {"bulk": 1, **LISTED}
    ),
    "what was changed once more, on a night": Step((Fleet.night,), LISTED),
    "one more change": Step((lambda fleet: fleet.rename(7, "Second", 3),), {"bulk": 1, **TOKEN}),
    "that edited by a person before its first listing": Step(
        (lambda fleet: fleet.edit(3, 7), Fleet.night),
        {"bulk": 1, **LISTED},
        {"list": 3},
        "the server might spell it so: the row is pushed, as before, and its company listed again to tell",
    ),
    "unchanged after that edit": Step((Fleet.hour,), NOTHING),
    "unchanged, on the night after that edit": Step((Fleet.night,), LISTED),
    "a new row": Step((lambda fleet: fleet.add(3),), {"list": 1, "bulk": 1, **TOKEN}),
    "that edited by a person before its first listing, too": Step(
        (lambda fleet: fleet.edit(3, -1), Fleet.night),
        {"bulk": 1, **LISTED},
        {"list": 3},
        "as above",
    ),
    "unchanged at last": Step((Fleet.hour,), NOTHING),
    "unchanged, on the last night": Step((Fleet.night,), LISTED),
}


async def costs(fleet: Fleet) -> dict[str, dict[str, int]]:
    """Return what each step costs."""
    told = {}
    for name, step in STEPS.items():
        for happens in step.happens:
            happens(fleet)
        assert (await fleet.run()).exit_code == 0, name
        told[name] = fleet.operations()
    return told


async def test_faithful_servers_are_asked_no_more_than_before(either_world: World) -> None:
    world = either_world
    world.limit(**SIZES)
    for number in COMPANIES:
        world.place(number)
    fleet = Fleet(world, {number: dims(ROWS, prefix=f"{number}-") for number in COMPANIES})
    assert await costs(fleet) == {name: Counter(step.before) + Counter(step.more) for name, step in STEPS.items()}
    assert [name for name, step in STEPS.items() if step.more] == [
        "that edited by a person before its first listing",
        "that edited by a person before its first listing, too",
    ]


# Servers that respell a twentieth of the names

RESPELLED_FLEET = range(1, 7)
RESPELLED_ROWS = 40
LONG = "Profit & loss, in a name of more than forty characters"
DISTINCT = [f"{place} {LONG}" for place in (0, 20)]
ALIKE = [f"{LONG}, {place}" for place in (0, 20)]  # as far as such a server keeps them


class Server(NamedTuple):
    """A server, the names that it respells, and what a company of two pages costs more there than on a faithful one."""

    way: Mapping[str, object]
    names: list[str]
    is_there: bool  # the rows were there before us, and so spelled, under the same keys
    more: tuple[Mapping[str, int], ...]  # in a first run, and on the first two nights; else nothing
    told: tuple[str | None, ...]  # what is told of each such row, in those runs
    contracts: tuple[str, ...]


ESCAPED = {"spelled": "listed", "name": {"escaped": True}}
CUT = {"name": {"shortened": 40}}
OTHERWISE = "stored-otherwise"
EITHER = ("guide", "reference")
TWICE = {"list": 2, "bulk": 1}
"""Each such row is pushed once more, and both pages are read again."""

SERVERS = {
    "listings alone tell": Server(ESCAPED, DISTINCT, False, ({}, TWICE, {}), (None, OTHERWISE, None), EITHER),
    "answers tell": Server(CUT, DISTINCT, False, ({}, {}, {}), (OTHERWISE, None, None), EITHER),
    "answers tell, of rows that nobody can tell apart": Server(
        CUT, ALIKE, False, ({}, {}, {}), (OTHERWISE, None, None), ("guide",)
    ),
    "answers tell, and the rows were there": Server(
        CUT, DISTINCT, True, ({"bulk": 1}, {}, {}), (OTHERWISE, None, None), ("reference",)
    ),
    # before and after, the listing shows the same, which is plainly a spelling of what was sent
    "listings alone tell, and the rows were there": Server(
        ESCAPED, DISTINCT, True, ({"bulk": 1}, TWICE, {}), (None, OTHERWISE, None), ("reference",)
    ),
    # a key that nothing has confirmed writes nothing
    "the rows were there, and listings show no keys": Server(
        ESCAPED, DISTINCT, True, ({}, {}, {}), ("key-unconfirmed",) * 3, ("guide",)
    ),
}


@pytest.mark.parametrize(
    ("either_world", "server"),
    [
        pytest.param(contract, server, id=f"{contract}: {name}")
        for name, server in SERVERS.items()
        for contract in server.contracts
    ],
    indirect=["either_world"],
)
async def test_a_server_that_respells_names_costs_so_much_more_and_only_once(
    either_world: World, server: Server
) -> None:
    """A first load or first contact, two nights with listings, and the runs between: each company alike."""
    world = either_world
    world.limit(page_size=20)
    world.follow(server.way)
    rows = dims(RESPELLED_ROWS)
    for row, name in zip(rows[::20], server.names, strict=True):
        rows[int(row.erp_id)] = row._replace(name=name)
    there = rows if server.is_there else ()
    for number in RESPELLED_FLEET:
        world.place(number, there)
        for stored in world.sandbox.tenant.companies[number].rows:
            stored.values = world.sandbox.service.ways.store(stored.values, number)
    fleet = Fleet(world, dict.fromkeys(RESPELLED_FLEET, rows))
    faithful = ({"list": 2} if there else {"list": 1, "bulk": 1}, {"list": 2}, {"list": 2})
    for usual, more, code in zip(faithful, server.more, server.told, strict=True):
        result = await fleet.run()
        each = Counter(usual) + Counter(more)
        assert [kinds(one.requests) for one in result.companies] == [each] * len(RESPELLED_FLEET)
        codes = [slugs(one) for one in result.companies]
        assert codes == [[code] * 2 if code else []] * len(RESPELLED_FLEET)
        fleet.hour()
        assert kinds((await fleet.run()).requests) == {}
        fleet.night()
