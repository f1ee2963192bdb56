"""`explain`: the life of one row, as source, Ottimate, ledger and the server's own log tell it. And rehearsals."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine import Company, Dimension
from engine.cli.show.row_life import life_document, life_lines
from engine.model.ledger_writes import Intent
from engine.model.origin import origin_of
from engine.model.settings import CompanyKey
from engine.run.inspect import Explanation
from engine.sandbox.server import Options, Sandbox
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from tests.sandbox.conftest import BLIND, DEMO, OTHER, World, columns, company, dims

ROWS = dims(5)
BULK = {"operation": "bulk"}


async def explained(
    world: World, rows: Sequence[Dimension | Mapping[str, object]], key: str, *, ask: bool = True, company_id: int = 1
) -> Explanation:
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        told = await engine.explain(company(company_id, rows), key, ask=ask)
    assert told.key == key
    assert world.sent("get") == world.sent() - world.sent("token") <= ask
    return told


async def loaded(world: World, rows: Sequence[Dimension] = ROWS) -> None:
    world.place(1)
    assert columns(await world.sync_one(1, rows)) == {"created": len(rows)}


def outcomes(told: Explanation) -> list[str]:
    return [each.column for each in told.life.attempts]


async def test_a_row_that_nobody_knows(world: World) -> None:
    await loaded(world)
    told = await explained(world, ROWS, "K99999")
    assert (told.source, told.source_problems, told.life.known, told.life.attempts) == (None, (), None, ())
    assert (told.remote, told.remote_is) == (None, "not known")


async def test_a_row_that_is_not_sent_yet(world: World) -> None:
    told = await explained(world, ROWS, "K00001")
    assert (told.source, told.life.known, told.remote_is) == (ROWS[1], None, "not known")


async def test_a_row_that_we_created(either_world: World) -> None:
    """Bulk answers give names and ids, so that the row can be asked for: one request."""
    world = either_world
    await loaded(world)
    told = await explained(world, ROWS, "K00001")
    known = told.life.known
    assert (told.source, known and known.row, known and known.confirmed) == (ROWS[1], ROWS[1], True)
    assert (told.remote_is, told.remote and told.remote.name) == ("shown", "Name 00001")
    assert (outcomes(told), told.life.acknowledged_by) == (["created"], told.life.attempts[0].run_id)
    assert told.life.acknowledged_at == world.clock()


async def test_attempts_are_those_of_the_servers_log(either_world: World) -> None:
    """Created, updated after a 503, refused: each with status, request id and idempotency key of the server's log."""
    world = either_world
    await loaded(world)
    log = [entry for entry in world.sandbox.service.log if entry.operation == "bulk"]
    for name, rule in (
        ("Second", {"effect": "status", "status": 503, "times": 1, "match": BULK}),
        ("Third", {"effect": "reject-rows", "erp_id": "^00001$"}),
    ):
        world.clock.forward(minutes=1)
        world.script(rule)
        wanted = [ROWS[0], ROWS[1]._replace(name=name), *ROWS[2:]]
        await world.sync_one(1, wanted)
        log += [entry for entry in world.sandbox.service.log if entry.operation == "bulk"]
    world.script()
    told = await explained(world, wanted, "K00001")
    attempts = told.life.attempts
    assert ([each.column for each in attempts], [each.sends for each in attempts]) == (
        ["rejected", "updated", "created"],
        [1, 2, 1],
    )
    last_of = {entry.idempotency_key: entry for entry in log}
    for each in attempts:
        entry = last_of[each.attempt]
        assert (each.request_id, each.status) == (f"req-{entry.number:08d}", entry.status)
    assert told.life.rejection is not None
    assert (told.life.known and told.life.known.row.name, told.remote and told.remote.name) == ("Second", "Second")


async def test_a_row_that_was_adopted(world: World) -> None:
    world.place(1, ROWS)
    await world.sync_one(1, ROWS)
    told = await explained(world, ROWS, "K00001")
    known = told.life.known
    assert known is not None
    assert (known.confirmed, known.code_known, told.life.acknowledged_at, outcomes(told)) == (False, False, None, [])
    assert told.remote_is == "shown"


async def test_a_row_of_unknown_outcome(world: World) -> None:
    await loaded(world)
    world.limit(max_attempts=1)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))
    wanted = [ROWS[0], ROWS[1]._replace(name="New"), *ROWS[2:]]
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 4, "uncertain": 1}
    world.script()
    told = await explained(world, wanted, "K00001")
    assert told.life.known is not None
    assert (told.life.known.outcome_known, outcomes(told)) == (False, ["uncertain", "created"])
    assert told.remote is not None
    assert told.remote.name == "New"


async def test_a_row_that_a_dead_run_was_sending(world: World) -> None:
    await loaded(world)
    async with world.open_ledger() as ledger:
        await ledger.begin(company_key(world), Intent(id="dead", run_id="dead", keys=("K00001",), at=world.clock()))
    told = await explained(world, ROWS, "K00001")
    assert told.life.in_flight == world.clock()
    assert (await explained(world, ROWS, "K00002")).life.in_flight is None


def company_key(world: World, company_id: int = 1) -> CompanyKey:
    return CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=company_id)


async def test_a_row_that_is_invalid_or_gone_in_the_source(world: World) -> None:
    await loaded(world)
    told = await explained(world, [*ROWS, ROWS[1]], "K00001")
    assert (told.source, [each.code for each in told.source_problems]) == (None, ["duplicate-key"] * 2)
    gone = await explained(world, ROWS[2:], "K00001")
    assert (gone.source, gone.source_problems, gone.remote_is) == (None, (), "shown")


async def test_a_row_that_is_gone_or_changed_in_ottimate(either_world: World) -> None:
    world = either_world
    await loaded(world)
    there = world.sandbox.tenant.companies[1]
    row = there.by_key["K00001"]
    world.sandbox.tenant.change(there, row, row.values._replace(name="Theirs"))
    told = await explained(world, ROWS, "K00001")
    assert (told.life.known and told.life.known.row.name, told.remote and told.remote.name) == ("Name 00001", "Theirs")
    world.sandbox.tenant.remove(there, row)
    told = await explained(world, ROWS, "K00001")
    assert (told.remote, told.remote_is) == (None, "gone")


async def test_a_row_that_was_pushed_back(world: World) -> None:
    await loaded(world)
    there = world.sandbox.tenant.companies[1]
    row = there.by_key["K00001"]
    world.sandbox.tenant.change(there, row, row.values._replace(name="Theirs"))
    world.clock.forward(days=12)
    await world.sync_one(1, ROWS)
    told = await explained(world, ROWS, "K00001")
    assert (told.life.reverts, outcomes(told)) == ((world.clock(),), ["updated", "created"])


async def test_a_source_or_an_api_that_cannot_be_read_is_told_in_its_place(world: World) -> None:
    await loaded(world)

    class Broken:
        def __aiter__(self) -> object:
            raise OSError("no such share")

    async with world.engine() as engine:
        told = await engine.explain(Company(id=1, source=Broken()), "K00001", ask=False)  # type: ignore[arg-type]
    assert [each.code for each in told.source_problems] == ["source"]
    assert (told.life.known is not None, told.remote_is) == (True, "not asked")
    world.script({"effect": "status", "status": 403, "envelope": "not now", "match": {"operation": "get"}})
    told = await explained(world, ROWS, "K00001")
    assert (told.remote, "403" in told.remote_is) == (None, True)
    world.script({"effect": "status", "status": 401, "match": {"operation": "get"}})
    async with world.engine() as engine:
        told = await engine.explain(company(1, ROWS), "K00001")
    assert (told.remote, told.remote_is in {"shown", "gone", "not known"}) == (None, False)


async def test_offline_costs_nothing(world: World) -> None:
    await loaded(world)
    told = await explained(world, ROWS, "K00001", ask=False)
    assert (told.remote_is, len(world.sandbox.service.log)) == ("not asked", 0)


@pytest.mark.sockets
async def test_another_companys_row_is_never_shown(either_world: World) -> None:
    """Both have the key; then the ledger is made to say that company 1's row is the one of company 2."""
    world = either_world
    world.place(2)
    await loaded(world)
    await world.sync(company(2, [row._replace(name=f"Secret {row.name}") for row in ROWS]))
    told = await explained(world, ROWS, "K00001")
    assert (told.remote and told.remote.name, len(told.life.attempts)) == ("Name 00001", 1)
    foreign = world.sandbox.tenant.companies[2].by_key["K00001"].id
    with closing(sqlite3.connect(world.ledger_url.removeprefix("sqlite:///"))) as ledger, ledger:
        ledger.execute(
            "update rows set remote_id = ? where key = ? and scope = (select id from scopes where company_id = 1)",
            (foreign, "K00001"),
        )
    world.limit(max_attempts=1)
    told = await explained(world, ROWS, "K00001")
    assert (told.remote, told.remote_is == "shown") == (None, False)


async def test_a_row_that_shares_its_wire_key(world: World) -> None:
    await loaded(world)
    moved = [row._replace(key=f"N{row.key}") for row in ROWS]
    async with world.engine() as engine:
        await engine.rekey(company(1, moved), await engine.changed_keys(company(1, moved)))
    both = [*moved, ROWS[1]._replace(erp_id="77")]
    assert columns(await world.sync_one(1, both)) == {"unchanged": 4, "invalid": 2}
    for key in ("NK00001", "K00001"):
        told = await explained(world, both, key)
        assert [each.code for each in told.source_problems] == ["rekeyed-twice"]


class Export:
    """The file of company 1, whose mapping takes rows that are not inactive."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.path = folder / "1.csv"
        self.path.write_text("\n".join(("Number,Name,Inactive", *lines, "")), encoding="utf-8")

    @property
    def company(self) -> Company:
        mapping = ColumnMap(
            type_code="account",
            type_label="Account",
            key="{type_code}:{erp_dimension_id}",
            columns={"erp_dimension_id": "Number", "name": "Name"},
            where={"Inactive": "No", "Number": {"empty": False}},
        )
        return Company(id=1, name="Company 1", source=FileSource(self.path, mapping))


LEFT_OUT_ROWS: dict[str, tuple[str, list[tuple[str, str, int]], str]] = {
    "by its key": ("account:6100", [("6100", "Inactive is 'Yes'", 3)], "left out: Inactive is 'Yes' ({path}:3)"),
    "by its id": ("6100", [("6100", "Inactive is 'Yes'", 3)], "left out: Inactive is 'Yes' ({path}:3)"),
    "by a part of its name": (
        "TRAVEL",
        [("6100", "Inactive is 'Yes'", 3), ("", "Number is empty", 4), ("6200", "Inactive is 'Yes'", 5)],
        "company 1: 4 rows are meant by 'TRAVEL'",
    ),
    "not where the row is there": ("account:6000", [], "source    there ({path}:2)"),
    "a line below the list": ("Total", [("Total", "total", 6)], "left out: total ({path}:6)"),
    "one that nobody has": ("account:9", [], "no valid row has this key"),
}


@pytest.mark.sockets
@pytest.mark.parametrize(("key", "rows", "words"), LEFT_OUT_ROWS.values(), ids=LEFT_OUT_ROWS)
async def test_a_row_that_the_mapping_leaves_out_is_told_with_its_reason(
    world: World, tmp_path: Path, key: str, rows: list[tuple[str, str, int]], words: str
) -> None:
    lines = ("6000,Travel,No", "6100,Old travel,Yes", ",Heading: travel,No", "6200,Older travel,Yes", "Total,,")
    export = Export(tmp_path, *lines)
    async with world.engine() as engine:
        told = await engine.explain(export.company, key, ask=False)
    assert [(each.row.erp_id, each.why.words, each.line) for each in told.left_out] == rows
    assert words.format(path=export.path) in "\n".join(life_lines(told, 300))
    document = life_document(told)["left_out"]
    assert isinstance(document, list)
    assert [(each["file"], each["line"]) for each in document] == [(str(export.path), line) for *_, line in rows]


# What a word means


FOUND: dict[str, tuple[str, str]] = {
    "its key": ("K00001", "K00001"),
    "its ERP id": ("00001", "K00001"),
    "its code": ("c-one", "K00001"),
    "a part of its name": ("name 00001", "K00001"),
    "its id in Ottimate": ("REMOTE", "K00001"),
    "the name that Ottimate had before the source changed": ("was called", "K00002"),
    "a row that is in the ledger alone": ("00004", "K00004"),
}


@pytest.mark.parametrize(("word", "key"), FOUND.values(), ids=FOUND)
async def test_a_row_is_found_by(world: World, word: str, key: str) -> None:
    first = [ROWS[0], ROWS[1]._replace(code="C-ONE"), ROWS[2]._replace(name="Was called so"), *ROWS[3:]]
    world.place(1)
    await world.sync_one(1, first)
    now = [*first[:2], ROWS[2], ROWS[3]]
    if word == "REMOTE":
        word = world.sandbox.tenant.companies[1].by_key["K00001"].id
    async with world.engine() as engine:
        told = await engine.explain(company(1, now), word, ask=False)
    assert (told.key, told.matching, told.life.known is not None) == (key, 0, True)


async def test_rows_that_are_meant_alike_are_listed(world: World) -> None:
    """What is nearest alone: an ERP id wins over ids in which it stands. Rows in Ottimate alone have no key to type."""
    world.place(1, dims(3, first=7, prefix="X"))
    await world.sync_one(1, ROWS)
    told = await explained(world, ROWS, "name", ask=False)
    assert told.matching == 8
    lines = list(life_lines(told))
    assert lines[0] == "company 1: 8 rows are meant by 'name'"
    assert lines[1].split() == ["KEY", "ROW", "NAME", "WHERE"]
    assert lines[2].split() == ["K00000", "account", "'00000'", "Name", "00000", "in", "the", "source"]
    assert sum(line.endswith("in Ottimate alone") for line in lines) == 3
    assert lines[-2:] == [
        "all about one of them: dimsync explain 1 KEY",
        "what Ottimate shows of one without a key: dimsync get 1 ID",
    ]
    assert max(map(len, lines)) <= 80
    matches = life_document(told)["matches"]
    assert isinstance(matches, list)
    assert [each["place"] for each in matches] == ["source"] * 5 + ["ottimate"] * 3


async def test_a_held_row_says_since_when_and_what_to_type(world: World) -> None:
    world.place(1, dims(1))
    held = [ROWS[0]._replace(key="NEW", erp_id="0"), *ROWS[1:]]
    await world.sync_one(1, held)
    told = await explained(world, held, "NEW", ask=False)
    assert [each.code for each in told.told] == ["look-alike"]
    text = "\n".join(life_lines(told))
    assert f"held      look-alike since {world.clock():%Y-%m-%d %H:%M} UTC: " in text
    assert "          dimsync sync --select company:1 --allow look-alike:1" in text.splitlines()
    assert max(map(len, life_lines(told))) <= 80


async def test_a_row_of_a_held_company_says_what_holds_the_company(world: World) -> None:
    await loaded(world, dims(40))
    changed = [row._replace(name=f"New {row.name}") for row in dims(40)]
    world.clock.forward(minutes=1)
    await world.sync_one(1, changed)
    told = await explained(world, changed, "K00001", ask=False)
    assert [each.code for each in told.told] == ["mass-update"]
    assert "          dimsync sync --select company:1 --allow mass-update:1" in list(life_lines(told))
    world.clock.forward(minutes=1)
    await world.sync_one(1, dims(40))
    assert (await explained(world, dims(40), "K00001", ask=False)).told == ()


async def test_long_values_stand_below_each_other(world: World) -> None:
    world.place(1)
    rows = [ROWS[0]._replace(name="A name that is as long as forty characters")]
    await world.sync_one(1, rows)
    lines = list(life_lines(await explained(world, rows, "K00000")))
    assert "name        SOURCE    A name that is as long as forty characters" in lines
    assert max(map(len, lines)) <= 80
    assert max(map(len, life_lines(await explained(world, rows, "K00000"), 60))) <= 60


# A rehearsal is none of the real thing


@pytest.mark.sockets
async def test_a_rehearsal_counts_for_nothing(world: World) -> None:
    """One ledger file, two base_urls, the same companies and keys: no verb takes one for the other."""
    await loaded(world)
    moved = [row._replace(key=f"N{row.key}") for row in ROWS]
    world.script({"effect": "reject-rows", "erp_id": "^00001$"})
    await world.sync_one(1, [ROWS[0], ROWS[1]._replace(name="New"), *ROWS[2:]])
    async with world.engine() as engine:
        await engine.rekey(company(1, moved), await engine.changed_keys(company(1, moved)))
    async with Sandbox(Options(accounts=(DEMO, OTHER)), clock=world.clock) as sandbox:
        real = replace(world, sandbox=sandbox)
        real.place(1)
        async with real.engine() as engine:
            assert await engine.changed_keys(company(1, moved)) == []
            assert await engine.unkey(company(1, moved)) == 0
            assert await engine.distrust(company(1, moved)) == 0
            told = await engine.explain(company(1, moved), "NK00001")
            checked = await engine.check([company(1, ROWS)]).result()
        assert (told.life.known, told.life.attempts, told.life.wire_key) == (None, (), "NK00001")
        assert {str(each.whose) for each in checked.companies[0].differences} == {"changed in ERP"}
        assert checked.totals.created == 5
        async with real.open_ledger() as ledger:
            assert await ledger.in_trouble(company_key(real).origin, None) is None
            rehearsed = await ledger.in_trouble(company_key(world).origin, None)
            assert rehearsed is not None
            assert await ledger.in_trouble(company_key(real).origin, rehearsed.run_id) is None
        assert columns(await real.sync_one(1, ROWS)) == {"created": 5}
        async with real.engine() as engine:
            assert await engine.distrust(company(1, ROWS)) == 5
    async with world.open_ledger() as ledger:
        record = await ledger.read(company_key(world))
    assert len(record.wire_keys) == 5
    assert record.state.listed_at is not None
