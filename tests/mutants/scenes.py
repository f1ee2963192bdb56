"""What there is to do in the worlds that mutants are run in, and with what it ends when nothing is wrong.

A process plays one scene. Time passes thirty times as fast in it: most of what a lost answer costs is waiting.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.model.dimension import Dimension
from engine.model.settings import Allow, RawRow
from engine.sandbox.server import Options, Sandbox
from tests.mutants.mutate import Ended
from tests.mutants.world import MAIN, OTHER, World

PACE = 30.0
BULK = {"operation": "bulk", "company": 1}


def dims(count: int, *, first: int = 0, type_code: str = "account", name: str = "Name") -> list[Dimension]:
    """Return rows that differ in everything."""
    return [
        Dimension(f"K{n:03}", type_code, type_code.title(), f"{name} {n:03}", f"{n:03}", f"C{n}")
        for n in range(first, first + count)
    ]


def twins(count: int, *, first: int) -> list[Dimension]:
    """Return rows of one name."""
    return [row._replace(name="Twin") for row in dims(count, first=first)]


def cousin(number: int) -> Dimension:
    """Return a row that has an account's identifier and is no account, so that it is not plainly new."""
    return Dimension(f"D{number:03}", "department", "Department", f"Cousin {number:03}", f"{number:03}", f"D{number}")


# Scenes whose runs all end green


async def grown(world: World) -> None:
    """Three companies of two accounts are loaded, changed, and found unchanged."""
    world.place(1)
    world.place(2)
    world.place(3, other=True)
    world.wanted = {
        1: dims(5) + twins(3, first=10),
        2: twins(2, first=0) + dims(2, first=10),
        3: dims(5, type_code="item"),
    }
    await world.run()
    world.wanted[1] = dims(2, name="New") + dims(3, first=2) + twins(3, first=10) + dims(1, first=20)
    world.wanted[3] = dims(1, type_code="item", name="New") + dims(4, first=1, type_code="item")
    await world.run()
    await world.run()


async def adopted(world: World) -> None:
    """Somebody else's rows, some of them nobody's in the source."""
    world.place(1, [*dims(8), cousin(100)], keys=False)
    world.wanted = {1: dims(6) + dims(2, first=20) + [cousin(7), cousin(100)]}
    await world.run()


async def keyed(world: World) -> None:
    """A listing that shows keys."""
    world.place(1, [*dims(5), cousin(100)])
    world.wanted = {1: dims(2, name="New") + dims(3, first=2) + dims(1, first=20) + [cousin(1), cousin(100)]}
    await world.run()


async def paged(world: World) -> None:
    """A listing of three pages; somebody else made its rows."""
    world.place(1, dims(45), keys=False)
    world.wanted = {1: dims(47)}
    await world.run()


async def lost(world: World) -> None:
    """A chunk is stored, and no answer to it comes back: it is read back."""
    world.place(1)
    world.wanted = {1: dims(4)}
    await world.run()
    world.wanted[1] = dims(2, name="New") + dims(4, first=2)
    world.script({"effect": "reset", "commit": True, "match": BULK, "times": 3})
    await world.run()


async def halved(world: World) -> None:
    """A chunk that is too slow goes in two."""
    world.place(1)
    world.wanted = {1: dims(4)}
    world.script({"effect": "status", "status": 504, "match": BULK, "times": 2})
    await world.run()


async def parted(world: World) -> None:
    """A chunk that is too large goes in parts."""
    world.place(1)
    world.wanted = {1: dims(7)}
    world.script({"effect": "too-many-rows", "above": 2})
    await world.run()


async def regrouped(world: World) -> None:
    """An error names one of three rows of that name, and is mended by the time they are sent apart."""
    world.place(1)
    world.wanted = {1: dims(2) + twins(3, first=10)}
    world.script(
        {"effect": "reject-rows", "erp_id": "011", "match": BULK, "times": 1},
        {"effect": "error-style", "keyless": True, "shape": "bare", "match": BULK},
    )
    await world.run()


async def miscounted(world: World) -> None:
    """An answer that contradicts itself, with names in it that tell some rows and not others."""
    world.place(1)
    world.wanted = {1: dims(2) + twins(2, first=10)}
    world.script({"effect": "lying-counter", "counter": "success_count", "by": 1, "match": BULK})
    await world.run()


async def tried(world: World) -> None:
    """Rows of unconfirmed key that differ are tried out: one, ten, the rest, type by type."""
    world.place(1, dims(13) + dims(2, first=20, type_code="item"))
    world.wanted = {1: dims(13, name="New") + dims(2, first=20, type_code="item", name="New")}
    await world.run(allow=[Allow("canary", 1)])


async def planned(world: World) -> None:
    """A dry run of creates and updates."""
    world.place(1, dims(3))
    world.wanted = {1: dims(1, name="New") + dims(5, first=1)}
    await world.run("plan")


# Scenes that end with trouble of their own


async def refused(world: World) -> None:
    """Some rows of one company are refused, and then rest; the other company is well."""
    world.place(1)
    world.place(2)
    world.wanted = {1: dims(5), 2: dims(3)}
    world.script({"effect": "reject-rows", "erp_id": "00[13]", "match": BULK})
    await world.run()
    await world.run()


async def mended(world: World) -> None:
    """Of rows that were refused, one is changed in the source and is good now; the other one rests."""
    world.place(1)
    world.wanted = {1: dims(5)}
    world.script({"effect": "reject-rows", "name": "Name 00[13]"})
    await world.run()
    world.wanted[1] = dims(1) + dims(1, first=1, name="Good") + dims(3, first=2)
    await world.run()


async def invalid(world: World) -> None:
    """Good rows, and bad ones among the last of them: a key twice, and no name."""
    world.place(1)
    bad: RawRow = {"unique_key": "K900", "dimension_type_code": "account", "type": "Account", "name": ""}
    good = {**bad, "unique_key": "K901", "name": "Last", "erp_dimension_id": "901"}
    world.wanted = {1: [*dims(60), *dims(1, first=50), bad, good]}
    await world.run()


async def unread(world: World) -> None:
    """No answer to a chunk comes back, and nobody can read it back."""
    world.place(1)
    world.wanted = {1: dims(4)}
    world.script(
        {"effect": "reset", "match": BULK},
        {"effect": "status", "status": 403, "envelope": "not now", "match": {"operation": "list"}, "after": 1},
    )
    await world.run()


async def unlanded(world: World) -> None:
    """A chunk is lost on its way, and what is there shows it."""
    world.place(1)
    world.wanted = {1: dims(4)}
    await world.run()
    world.wanted[1] = dims(2, name="New") + dims(2, first=2)
    world.script({"effect": "reset", "match": BULK, "times": 3})
    await world.run()


async def unconfirmed(world: World) -> None:
    """A row that differs, of a key that nothing has confirmed."""
    world.place(1, dims(3))
    world.wanted = {1: dims(1, name="New") + dims(2, first=1)}
    await world.run()


async def troubled(world: World) -> None:
    """Everything at once: adopted, created, held and invalid rows, orphans, and a chunk that nobody can read back."""
    stray = Dimension("other", "account", "Account", "Stray", "900")
    alike = Dimension("other-2", "account", "Account", "Alike", "0700")
    there = [*dims(3), *dims(1, first=5), *dims(1, first=5), *dims(1, first=50), stray, alike]
    world.place(1, there, keys=False)
    twice: RawRow = {"unique_key": "K050", "dimension_type_code": "account", "type": "Account", "name": "Twice"}
    world.wanted = {
        1: [
            *dims(3),
            *dims(1, first=5),  # there twice
            *dims(2, first=10),
            Dimension("K700", "account", "Account", "Not quite", "700"),
            {**twice, "erp_dimension_id": "050"},
            {**twice, "erp_dimension_id": "051"},
            {"unique_key": "K060", "dimension_type_code": "account", "type": "Account", "name": ""},
            *dims(2, first=70),
        ]
    }
    world.script(
        {"effect": "reject-rows", "erp_id": "011"},
        {"effect": "reset", "match": BULK, "after": 1},
        {"effect": "status", "status": 403, "envelope": "not now", "match": {"operation": "list"}, "after": 1},
    )
    await world.run()


async def hopeless(world: World) -> None:
    """Rows are refused alone with the same words, one after the other, until the rest is refused with them."""
    world.place(1)
    world.wanted = {1: dims(20)}
    world.script({"effect": "status", "status": 400, "envelope": "no", "match": BULK})
    await world.run()


async def balked(world: World) -> None:
    """The row that is tried out is refused: all after it are held."""
    world.place(1, dims(5))
    world.wanted = {1: dims(5, name="New")}
    world.script({"effect": "reject-rows", "name": "New"})
    await world.run(allow=[Allow("canary", 1)])


async def locked_out(world: World) -> None:
    """The API key is refused before anything is read."""
    world.place(1)
    world.wanted = {1: dims(4)}
    world.script({"effect": "status", "status": 403})
    await world.run()


async def cut_short(world: World) -> None:
    """The API key is refused when the first chunk is through."""
    world.place(1)
    world.wanted = {1: dims(8)}
    refused = {"effect": "status", "status": 403, "after": 1}
    world.script({**refused, "match": BULK}, {**refused, "match": {"operation": "companies"}})
    await world.run()


async def overtaken(world: World) -> None:
    """A create meets a row that another key was matched with, and changes it."""
    first, second = dims(2)
    world.place(1, [first._replace(key=second.key)])
    world.wanted = {1: [first, second]}
    await world.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene, the sandbox that it plays in, and with what its runs end when nothing is wrong with the engine."""

    act: Callable[[World], Awaitable[None]]
    ends: tuple[int, ...] = (0,)
    chunk_rows: int = 100
    options: Mapping[str, Any] = field(default_factory=dict)


SCENES: Mapping[str, Scene] = {
    scene.act.__name__: scene
    for scene in (
        Scene(act=grown, ends=(0, 0, 0), chunk_rows=3),
        Scene(act=adopted),
        Scene(act=keyed, options={"contract": "reference"}),
        Scene(act=paged, options={"max_limit": 20}),
        Scene(act=lost, ends=(0, 0)),
        Scene(act=halved),
        Scene(act=parted),
        Scene(act=regrouped),
        Scene(act=miscounted),
        Scene(act=tried),
        Scene(act=planned, options={"contract": "reference"}),
        Scene(act=refused, ends=(3, 3)),
        Scene(act=mended, ends=(3, 3)),
        Scene(act=invalid, ends=(3,)),
        Scene(act=unread, ends=(10,)),
        Scene(act=unlanded, ends=(0, 10)),
        Scene(act=unconfirmed, ends=(4,)),
        Scene(act=troubled, ends=(10,), chunk_rows=2),
        Scene(act=hopeless, ends=(3,)),
        Scene(act=balked, ends=(4,)),
        Scene(act=locked_out, ends=(8,)),
        Scene(act=cut_short, ends=(8,), chunk_rows=2),
        Scene(act=overtaken, ends=(5,)),
    )
}


class _Selector(selectors.DefaultSelector):
    """Waits for a share of the seconds that it is asked to wait."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / PACE if timeout else timeout)


class _Hurried(asyncio.SelectorEventLoop):
    """An event loop whose clock runs `PACE` times as fast."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * PACE


def play(name: str) -> list[Ended]:
    """Play a scene to its end and return what its runs ended with."""
    with asyncio.Runner(loop_factory=_Hurried) as runner:
        return runner.run(_play(SCENES[name]))


async def _play(scene: Scene) -> list[Ended]:
    options = Options(accounts=(MAIN, OTHER), timeout_s=3_600.0, **scene.options)
    with TemporaryDirectory() as folder:
        async with Sandbox(options) as sandbox:
            ledger_url = f"sqlite:///{Path(folder) / 'ledger.db'}"
            world = World(sandbox=sandbox, ledger_url=ledger_url, chunk_rows=scene.chunk_rows)
            await scene.act(world)
            return world.runs
