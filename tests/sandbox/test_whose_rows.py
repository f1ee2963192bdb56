"""No client's rows at another client, and no source taken for what it is not: guards over whole runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engine import Company, Dimension, FileSource, Guards
from engine.sources.several import Several
from engine.sources.sharing import shared
from tests.sandbox.conftest import (
    BLIND,
    OPEN,
    World,
    assert_exact,
    columns,
    company,
    dims,
    kinds,
    slugs,
    verdict,
)
from tests.unit.test_sources_once import generated
from tests.unit.test_swapped_source import chart

HEAD = "unique_key,type,dimension_type_code,name,code,erp_dimension_id"
BULK = {"operation": "bulk"}


def text_of(rows: Iterable[Dimension]) -> str:
    lines = (f"{row.key},{row.type_label},{row.type_code},{row.name},{row.code or ''},{row.erp_id}" for row in rows)
    return "\n".join([HEAD, *lines, ""])


def filed(folder: Path, company_id: int, rows: Iterable[Dimension], **settings: Any) -> Company:
    """Return a company whose rows stand in a file."""
    path = folder / f"{company_id}.csv"
    path.write_text(text_of(rows), encoding="utf-8")
    return Company(id=company_id, source=FileSource(path), **settings)


# L1


@pytest.mark.sockets
async def test_l1_companies_with_one_file_fail_alone_before_any_request(world: World, tmp_path: Path) -> None:
    for n in (1, 2, 3):
        world.place(n)
    own, one = filed(tmp_path, 3, dims(3)), filed(tmp_path, 1, dims(3)).source
    both = [Company(id=1, source=one), Company(id=2, source=FileSource(f"{tmp_path}/./1.csv"))]
    result = await world.sync(*both)
    assert (result.exit_code, world.sandbox.service.log) == (1, [])
    for each in result.companies:
        assert verdict(each) == ("failed", 1, ["shared-source"])
        assert (each.balance.source_rows, each.balance.deferred) == (None, None)
    beside = await world.sync(*both, own)
    assert [verdict(each) for each in beside.companies[:2]] == [("failed", 1, ["shared-source"])] * 2
    assert columns(beside.companies[2]) == {"created": 3}
    assert world.stored(1) == world.stored(2) == []


async def test_l1_a_file_with_two_names_is_one_file(tmp_path: Path) -> None:
    """A hard link, and a link to one: to an empty company, the other's rows would all be created."""
    one, other = filed(tmp_path, 1, dims(20)), filed(tmp_path, 4, dims(20))
    (tmp_path / "2.csv").hardlink_to(tmp_path / "1.csv")
    (tmp_path / "3.csv").symlink_to("2.csv")
    links = [Company(id=n, source=FileSource(tmp_path / f"{n}.csv")) for n in (2, 3)]
    assert sorted(shared([one, *links, other])) == [1, 2, 3]
    assert shared([one, other]) == {}


@pytest.mark.sockets
async def test_l1_a_company_that_the_run_leaves_out_shares_it_all_the_same(world: World, tmp_path: Path) -> None:
    world.place(1)
    one = filed(tmp_path, 1, dims(3))
    world.companies = (one, Company(id=2, source=FileSource(tmp_path / "1.csv")))
    assert verdict((await world.sync(one)).companies[0]) == ("failed", 1, ["shared-source"])
    world.companies = (one, Company(id=2, source=FileSource(tmp_path / "2.csv")))
    assert (await world.sync(one)).exit_code == 0


@pytest.mark.sockets
async def test_l1_who_says_so_may_share(world: World, tmp_path: Path) -> None:
    for n in (1, 2):
        world.place(n)
    one = filed(tmp_path, 1, dims(3)).source
    result = await world.sync(*(Company(id=n, source=one, shares_source=True) for n in (1, 2)))
    assert (result.exit_code, result.totals.created) == (0, 6)


@pytest.mark.sockets
async def test_l1_a_file_with_two_companies_rows_sends_each_its_own(world: World, tmp_path: Path) -> None:
    for n in (1, 2):
        world.place(n)
    lines = text_of(dims(6)).splitlines()
    owned = [f"{line},{1 + n % 2}" for n, line in enumerate(lines[1:])]
    path = tmp_path / "all.csv"
    path.write_text("\n".join([f"{lines[0]},ottimate_company_id", *owned, ""]), encoding="utf-8")
    result = await world.sync(*(Company(id=n, source=FileSource(path), shares_source=True) for n in (1, 2)))
    assert [verdict(each) for each in result.companies] == [("partial", 3, ["foreign-company"])] * 2
    assert [columns(each) for each in result.companies] == [{"created": 3, "invalid": 3}] * 2
    assert {row.key for row in world.stored(1)}.isdisjoint(row.key for row in world.stored(2))


# L2, L3


async def test_l2_two_files_swapped_at_the_first_load_whose_keys_begin_with_ids(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    rows = {n: chart(n, keys=f"{n}:account:") for n in (1, 2)}
    result = await world.sync(company(1, rows[2]), company(2, rows[1]))
    for each, other in zip(result.companies, (2, 1), strict=True):
        assert verdict(each) == ("held", 4, ["wrong-client"])
        assert f"begin with {other}, the id of another company" in each.problems[0].message
        assert f"--allow wrong-client:{each.company_id}" in each.problems[0].message
        assert world.stored(each.company_id) == []
    assert world.sent("bulk") == 0
    again = await world.sync(company(1, rows[2]), company(2, rows[1]))
    assert (again.exit_code, world.sent()) == (4, 0)  # they rest
    right = await world.sync(*(company(n, rows[n]) for n in (1, 2)))
    assert (right.exit_code, right.totals.created) == (0, 80)


async def test_l2_the_other_company_may_be_one_that_the_run_leaves_out(world: World) -> None:
    for n in (1, 3):
        world.place(n)
    rows = chart(2, keys="2:account:")
    assert (await world.sync(company(1, rows))).exit_code == 0  # nobody knows of a company 2
    rows = chart(3, keys="2:account:")
    world.companies = tuple(company(n, []) for n in (1, 2, 3))
    assert verdict((await world.sync(company(3, rows))).companies[0]) == ("held", 4, ["wrong-client"])


async def test_l2_a_leave_is_wanted_once(world: World) -> None:
    """Keys that were sent under it are the company's from then on."""
    for n in (1, 2):
        world.place(n)
    rows = chart(1, keys="2:account:")
    first = await world.sync(company(1, rows), company(2, []), allow=[("wrong-client", 1)])
    assert columns(first.companies[0]) == {"created": 40}
    more = chart(1, 41, keys="2:account:")
    assert columns((await world.sync(company(1, more), company(2, []))).companies[0]) == {"unchanged": 40, "created": 1}


@pytest.mark.parametrize("keys", [True, False])
async def test_l2_two_files_swapped_where_both_have_rows_already(world: World, keys: bool) -> None:
    """A third of their charts is common: what is left tells whose they are."""
    world.guards = OPEN
    common = dims(12, first=900, prefix="C")
    for n in (1, 2):
        world.place(n, [*chart(n), *common], keys=keys)
    swapped = await world.sync(company(1, [*chart(2), *common]), company(2, [*chart(1), *common]))
    held = [each for each in swapped.companies if verdict(each) == ("held", 4, ["wrong-client"])]
    assert held, "at least the second that is listed is known for the first one's"


async def test_l3_40_rows_there_25_in_the_source_none_in_common(either_world: World) -> None:
    world = either_world
    world.place(1, chart(1))
    result = await world.sync_one(1, chart(2, 25, keys="L"))
    assert (result.state, result.exit_code, slugs(result)[-1]) == ("held", 4, "wrong-client")
    assert "0 of the source's 25 rows are among the 40" in result.problems[-1].message
    assert (world.sent("bulk"), columns(result)) == (0, {"held": 25})
    leave = (await world.sync(company(1, chart(2, 25, keys="L")), allow=[("wrong-client", 1)])).companies[0]
    assert columns(leave) == {"created": 25}
    assert (await world.sync_one(1, chart(2, 25, keys="L"))).exit_code == 0


async def test_l3_the_figures_are_the_companys(world: World) -> None:
    world.place(1, chart(1))
    world.guards = Guards(wrong_client_rows=26)
    assert columns(await world.sync_one(1, chart(2, 25, keys="L"))) == {"created": 25}


# W10


async def test_w10_one_chart_in_many_companies_and_all_answers_lost(world: World) -> None:
    """What was sent is their own: the next run finds out what became of it, and holds nobody."""
    fleet = [company(n, chart(1)) for n in range(1, 6)]
    for each in fleet:
        world.place(each.id)
    assert (await world.sync(fleet[0])).exit_code == 0
    lost = {"effect": "reset", "commit": True, "match": BULK}
    world.script(lost, *BLIND)
    blind = await world.sync(*fleet)
    assert blind.totals.uncertain
    world.script()
    world.clock.forward(hours=30)
    after = await world.sync(*fleet)
    assert [slug for each in after.companies for slug in slugs(each) if slug in HOLDING] == []
    assert after.totals.held == 0
    for each in fleet:
        assert_exact(world, each.id, chart(1))


HOLDING = ("wrong-client", "mass-create", "mass-update", "shrunken-source")


async def test_w10_what_the_approved_plan_left_uncertain_is_not_counted_again(world: World) -> None:
    world.place(1)
    rows = dims(60)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *BLIND)
    assert columns(await world.sync_one(1, rows)) == {"uncertain": 60}
    world.script()
    world.clock.forward(hours=30)
    again = await world.sync_one(1, rows)
    assert (again.exit_code, [slug for slug in slugs(again) if slug in HOLDING]) == (0, [])


async def test_w10_rows_of_the_approved_plan_that_are_others_by_now_count(world: World) -> None:
    """Half of an allowed plan was done; what stands under its other keys now is not what was looked at."""
    world.place(1)
    world.limit(chunk_rows=20, max_concurrency=1)
    rows = dims(120)
    quota = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK, "after": 2}
    world.script(quota)
    assert columns(await world.sync_one(1, rows)) == {"created": 40, "deferred": 80}
    world.script()
    world.clock.forward(hours=1)
    others = [*rows[:40], *(row._replace(name=f"Other {row.name}") for row in rows[40:])]
    result = await world.sync_one(1, others)
    assert verdict(result) == ("held", 4, ["mass-create"])
    assert "would create 80 rows where 40 are" in result.problems[0].message
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 40, "created": 80}


# L4


REFUSED = {"effect": "reject-rows", "key": "^bad$", "message": "no such period"}
BAD = Dimension("bad", "account", "Account", "Refused", "666")


async def always_partial(world: World, count: int = 40) -> None:
    """Load companies 1 and 2, of whose rows one is refused in each run."""
    for n in (1, 2):
        world.place(n)
    world.script(REFUSED)
    result = await world.sync(*(company(n, [*chart(n, count), BAD]) for n in (1, 2)))
    assert [verdict(each) for each in result.companies] == [("partial", 3, ["rejected"])] * 2


async def test_l4_a_company_that_is_partial_in_every_run_is_known_by_its_rows(world: World) -> None:
    world.guards = OPEN
    await always_partial(world)
    swapped = await world.sync(company(1, [*chart(2), BAD]), company(2, [*chart(1), BAD]))
    assert [verdict(each) for each in swapped.companies] == [("held", 4, ["rejected", "wrong-client"])] * 2
    for each, other in zip(swapped.companies, (2, 1), strict=True):
        assert any(f"are company {other}'s" in problem.message for problem in each.problems)
    assert world.sent("bulk") == 0


async def test_l4_a_company_that_is_partial_in_every_run_is_known_by_its_size(world: World) -> None:
    await always_partial(world, count=200)
    result = await world.sync_one(1, chart(1, 7))
    assert verdict(result) == ("held", 4, ["shrunken-source"])
    assert "shrank from 201 rows to 7" in result.problems[0].message


async def test_l4_a_run_with_uncertain_rows_counts(world: World) -> None:
    world.place(1)
    world.script({"effect": "reset", "match": {**BULK}, "after": 1}, *BLIND)
    world.limit(chunk_rows=20, max_concurrency=1)
    assert columns(await world.sync_one(1, dims(40))) == {"created": 20, "uncertain": 20}
    world.script()
    world.clock.forward(hours=30)
    assert verdict(await world.sync_one(1, dims(9))) == ("held", 4, ["shrunken-source"])


async def test_l4_what_a_guard_held_is_not_kept(world: World) -> None:
    await always_partial(world, count=200)
    world.script()
    assert verdict(await world.sync_one(1, chart(1, 7))) == ("held", 4, ["shrunken-source"])
    world.clock.forward(hours=30)
    assert verdict(await world.sync_one(1, chart(1, 7))) == ("held", 4, ["shrunken-source"])
    (leave,) = (await world.sync(company(1, chart(1, 7)), allow=[("shrunken-source", 1)])).companies
    assert leave.exit_code == 0
    assert (await world.sync_one(1, chart(1, 7))).exit_code == 0


async def test_l4_a_guard_that_was_let_pass_does_not_rest_on_beside_held_rows(world: World) -> None:
    """A plan was let pass, and a row of it is held for itself: the next run does not bring the old trouble back."""
    there = Dimension("theirs", "account", "Account", "Food sales", "9100")
    world.place(1, [*dims(100), there])
    assert (await world.sync_one(1, dims(100))).exit_code == 0
    wanted = [*dims(140), Dimension("K", "account", "Account", "Food sales", "4000")]
    assert "mass-create" in slugs(await world.sync_one(1, wanted))
    (leave,) = (await world.sync(company(1, wanted), allow=[("mass-create", 1)])).companies
    assert (verdict(leave), columns(leave)["created"]) == (("partial", 4, ["look-alike"]), 40)
    again = await world.sync_one(1, wanted)
    assert verdict(again) == ("partial", 4, ["look-alike"])


# L7


async def test_l7_one_generator_for_two_companies_and_for_two_runs(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    shared = generated(dims(3))
    both = [Company(id=n, source=shared) for n in (1, 2)]
    result = await world.sync(*both)
    first, second = sorted(result.companies, key=lambda each: each.exit_code)
    assert (first.exit_code, columns(first)) == (0, {"created": 3})
    assert verdict(second) == ("failed", 1, ["source"])
    assert (second.balance.source_rows, world.stored(second.company_id)) == (None, [])
    again = await world.sync(both[0])  # of another engine
    assert verdict(again.companies[0]) == ("failed", 1, ["source"])


async def test_l7_a_plan_and_then_a_sync(world: World) -> None:
    world.place(1)
    it = Company(id=1, source=generated(dims(3)))
    async with world.engine() as engine:
        plan = await engine.plan([it]).result()
        assert plan.totals.created == 3
        result = await engine.sync([it]).result()
    assert (result.exit_code, "has been read" in result.companies[0].problems[0].message) == (1, True)
    assert columns(await world.sync_one(1, dims(3))) == {"created": 3}
    assert columns((await world.sync(company(1, []))).companies[0]) == {}


# L10


@pytest.mark.sockets
async def test_l10_a_file_that_is_torn_inside_its_last_cell(world: World, tmp_path: Path) -> None:
    world.place(1)
    rows = [row._replace(erp_id=f"{row.erp_id}50", code=None) for row in dims(30)]
    it = filed(tmp_path, 1, rows)
    assert columns((await world.sync(it)).companies[0]) == {"created": 30}
    whole = text_of(rows)
    path = tmp_path / "1.csv"
    path.write_text(whole[:-3], encoding="utf-8")  # the last ERP id has lost its last two characters
    result = (await world.sync(it)).companies[0]
    assert verdict(result) == ("failed", 1, ["source"])
    (problem,) = result.problems
    assert (problem.line, problem.file) == (31, str(path))
    assert "line 31: this last line has no line end" in problem.message
    assert (result.balance.source_rows, kinds(result.requests)) == (None, {})
    assert_exact(world, 1, rows)
    path.write_text(whole.removesuffix("\n"), encoding="utf-8")  # whole, and nobody can tell
    assert verdict((await world.sync(it)).companies[0]) == ("failed", 1, ["source"])
    path.write_text(whole, encoding="utf-8")
    assert (await world.sync(it)).exit_code == 0


@pytest.mark.sockets
async def test_l10_one_of_several_files_that_is_torn_is_found_although_another_has_grown(
    world: World, tmp_path: Path
) -> None:
    world.place(1)
    accounts, departments = dims(30), dims(30, first=100, type_code="department")
    paths = [tmp_path / "accounts.csv", tmp_path / "departments.csv"]
    for path, rows in zip(paths, (accounts, departments), strict=True):
        path.write_text(text_of(rows), encoding="utf-8")
    it = Company(id=1, source=Several([FileSource(path) for path in paths]))
    assert columns((await world.sync(it)).companies[0]) == {"created": 60}
    paths[0].write_text(text_of(dims(40)), encoding="utf-8")
    paths[1].write_text(text_of(departments)[:-3], encoding="utf-8")
    result = (await world.sync(it)).companies[0]
    assert verdict(result) == ("failed", 1, ["source"])
    assert (result.problems[0].file, result.problems[0].line, world.sent()) == (str(paths[1]), 31, 0)
    paths[1].write_text(text_of(departments), encoding="utf-8")
    assert columns((await world.sync(it)).companies[0]) == {"created": 10, "unchanged": 60}


@pytest.mark.parametrize("case", ["longer", "never ended", "shorter and ended", "first contact"])
@pytest.mark.sockets
async def test_l10_what_is_not_torn(world: World, tmp_path: Path, case: str) -> None:
    world.place(1)
    rows = dims(30)
    it = filed(tmp_path, 1, rows)
    path, whole = tmp_path / "1.csv", text_of(rows)
    if case == "never ended":
        path.write_text(whole.rstrip("\n"), encoding="utf-8")
    if case != "first contact":
        assert (await world.sync(it)).exit_code == 0
    after = {
        "longer": text_of(dims(31)).rstrip("\n"),
        "never ended": text_of(dims(29)).rstrip("\n"),
        "shorter and ended": text_of(dims(29)),
        "first contact": whole[:-1],
    }
    path.write_text(after[case], encoding="utf-8")
    assert (await world.sync(it)).exit_code == 0


@pytest.mark.sockets
async def test_l10_ndjson_is_a_format_of_lines_too(world: World, tmp_path: Path) -> None:
    world.place(1)
    path = tmp_path / "1.ndjson"
    names = HEAD.split(",")
    lines = [
        "{" + ",".join(f'"{name}":"{value}"' for name, value in zip(names, line.split(","), strict=True)) + "}"
        for line in text_of(dims(3)).splitlines()[1:]
    ]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    it = Company(id=1, source=FileSource(path))
    assert (await world.sync(it)).exit_code == 0
    path.write_text("\n".join(lines[:2]), encoding="utf-8")
    assert verdict((await world.sync(it)).companies[0]) == ("failed", 1, ["source"])
