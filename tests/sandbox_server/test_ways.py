"""Servers with ways of their own: what each way stores, answers and lists, and what the record says of it."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

from engine.sandbox.faults.catalogue import describe_ways
from engine.sandbox.faults.rules import BadScript
from engine.sandbox.service import Options
from engine.sandbox.ways import Spelling, Way, Ways, parse_ways
from tests.sandbox_server.conftest import BOTH, DEMO, OTHER, OURS, THEIRS, Caller, open_caller, row
from tests.tables import each_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def follow(caller: Caller, *ways: dict[str, Any]) -> None:
    caller.sandbox.service.ways = Ways(parse_ways(list(ways)))


async def listed(caller: Caller, company: int = OURS) -> list[dict[str, Any]]:
    url = f"/dimensions?ottimate_company_id={company}"
    shown: list[dict[str, Any]] = (await caller.call("GET", url, honest=False)).json["dimensions"]
    return shown


async def recorded(caller: Caller, name: str) -> list[Any]:
    rows = (await caller.control("GET", f"rows?company={OURS}")).json["rows"]
    return [each[name] for each in rows]


@pytest.mark.parametrize(
    ("spelling", "sent", "kept"),
    [
        ({"shortened": 5}, "Wages and tips", "Wages"),
        ({"squeezed": True}, "Front  of \t House ", "Front of House"),
        ({"escaped": True}, "R&D <old>", "R&amp;D &lt;old&gt;"),
        ({"capitals": True}, "Straße", "STRASSE"),
        ({"curly": True}, 'Joe\'s "A" - B', "Joe\u2019s \u201dA\u201d \u2013 B"),
        ({"straight": True}, "Joe\u2019s \u201cA\u201d \u2013 B", 'Joe\'s "A" - B'),
        ({"zeros_stripped": True}, "00150", "150"),
        ({"zeros_stripped": True}, "000", "0"),
        ({"squeezed": True, "escaped": True, "shortened": 6}, "R  & D", "R &amp"),
    ],
)
def test_spellings(spelling: dict[str, Any], sent: str, kept: str) -> None:
    assert Spelling(**spelling)(sent) == kept


@BOTH
async def test_w1_values_are_stored_otherwise(caller: Caller, contract: str) -> None:
    follow(
        caller,
        {"name": {"shortened": 5}, "erp_id": {"zeros_stripped": True}, "code": {"capitals": True}},
    )
    reply = await caller.bulk([row("new", name="Wages and tips", erp_dimension_id="0150", code="ab")])
    assert reply.json["created"][0]["name"] == "Wages"
    shown = (await listed(caller))[-1]
    assert (shown["name"], shown["erp_dimension_id"]) == ("Wages", "150")
    assert shown.get("code") == (None if contract == "guide" else "AB")
    assert (await recorded(caller, "name"))[-1] == "Wages"
    assert (await recorded(caller, "code"))[-1] == "AB"


@BOTH
async def test_w2_values_are_only_listed_otherwise(caller: Caller) -> None:
    follow(caller, {"spelled": "listed", "name": {"escaped": True}, "erp_id": {"capitals": True}})
    reply = await caller.bulk([row("new", name="R&D", erp_dimension_id="a1")])
    assert reply.json["created"][0]["name"] == "R&D"
    shown = (await listed(caller))[-1]
    alone = (await caller.call("GET", f"/dimensions/{shown['id']}")).json["dimension"]
    assert (shown["name"], shown["erp_dimension_id"]) == ("R&amp;D", "A1")
    assert alone == shown
    assert ((await recorded(caller, "name"))[-1], (await recorded(caller, "erp_dimension_id"))[-1]) == ("R&D", "a1")


async def test_one_company_has_its_ways_alone(caller: Caller) -> None:
    follow(caller, {"companies": [THEIRS], "name": {"capitals": True}}, {"companies": [OURS], "name": {"shortened": 4}})
    assert (await caller.bulk([row("new")])).json["created"][0]["name"] == "Name"


async def test_ways_compose_in_their_order(caller: Caller) -> None:
    follow(caller, {"name": {"shortened": 3}}, {"spelled": "listed", "name": {"capitals": True}})
    await caller.bulk([row("new", name="Wages")])
    assert ((await listed(caller))[-1]["name"], (await recorded(caller, "name"))[-1]) == ("WAG", "Wag")


@pytest.mark.parametrize(
    ("way", "keys", "kept"),
    [({"keys_folded": True}, ("Rent", "RENT"), "Rent"), ({"key": {"shortened": 4}}, ("Rent-a", "Rent-b"), "Rent")],
)
async def test_w3_two_keys_become_one_row(
    caller: Caller, way: dict[str, Any], keys: tuple[str, str], kept: str
) -> None:
    follow(caller, way)
    rows = [row(keys[0], name="First"), row(keys[1], name="Second")]
    reply = (await caller.bulk(rows)).json
    assert ([each["name"] for each in reply["created"]], [each["name"] for each in reply["updated"]]) == (
        ["First"],
        ["Second"],
    )
    assert reply["created"][0]["id"] == reply["updated"][0]["id"]
    assert (await caller.bulk(rows)).json["updated_count"] == 2
    assert (await recorded(caller, "unique_key"))[5:] == [kept]
    assert (await recorded(caller, "name"))[5:] == ["Second"]
    follow(caller)
    assert (await caller.bulk([row(keys[1])])).json["created_count"] == 1


async def test_w3_a_batch_tells_of_keys_as_they_were_sent(caller: Caller) -> None:
    follow(caller, {"key": {"shortened": 4}})
    caller.script({"effect": "batch", "polls": 0, "style": "rows"})
    taken = (await caller.bulk([row("Rent-a"), row("Rent-b")])).json
    tasks = (await caller.call("GET", taken["results_url"].removeprefix("/v1"))).json["results"]
    assert [(task["task"], task["result"]["unique_key"]) for task in tasks] == [(1, "Rent-a"), (2, "Rent-b")]


@pytest.mark.parametrize("pattern", ["^k1$", "^E-k1$", "^Name k1$"])
async def test_w4_hidden_rows_keep_their_keys(caller: Caller, pattern: str) -> None:
    hidden = caller.sandbox.tenant.companies[OURS].rows[1]
    follow(caller, {"hidden": pattern})
    page = (await caller.page()).json
    assert (page["count"], hidden.id in [each["id"] for each in page["dimensions"]]) == (4, False)
    assert (await caller.call("GET", f"/dimensions/{hidden.id}")).status == 404
    assert (await caller.bulk([row("k1")])).json["updated"] == [{"id": hidden.id, "name": "Name k1"}]
    assert len(await recorded(caller, "name")) == 5


async def test_w4_rows_are_deactivated_at_any_moment(caller: Caller) -> None:
    edit = {"company": OURS, "hide": [{"unique_key": f"k{n}"} for n in range(5)]}
    await caller.control("POST", "edit", edit)
    assert (await caller.page()).json["count"] == 0
    assert (await caller.bulk([row("k1")])).json["updated_count"] == 1
    assert [each.get("hidden") for each in (await caller.control("GET", f"rows?company={OURS}")).json["rows"]] == [
        True
    ] * 5
    await caller.control("POST", "edit", {"company": OURS, "show": [{"unique_key": "k1"}]})
    assert [each["name"] for each in await listed(caller)] == ["Name k1"]


@BOTH
async def test_w5_types_are_respelled_in_listings(caller: Caller, contract: str) -> None:
    follow(caller, {"types": {"account": "ACCOUNT", "department": "class"}})
    await caller.bulk([row("new", dimension_type_code="department")])
    column = "dimension_type" if contract == "guide" else "ottimate_type"
    assert [each[column] for each in await listed(caller)] == ["ACCOUNT"] * 5 + ["class"]
    assert (await recorded(caller, "dimension_type_code"))[-1] == "department"


async def test_w6_count_by_page(caller: Caller) -> None:
    follow(caller, {"count": "page"})
    counts = [(await caller.page(page=page, limit=2)).json["count"] for page in (1, 2, 3, 4)]
    assert counts == [2, 2, 1, 0]


@pytest.mark.parametrize(
    ("counters", "told"), [("text", ["1", "1", "0", "0"]), ("null", [None] * 4), ("absent", ["-"] * 4)]
)
async def test_w7_counters(caller: Caller, counters: str, told: list[object]) -> None:
    follow(caller, {"counters": counters})
    reply = (await caller.bulk([row("new")], honest=False)).json
    names = ("success_count", "created_count", "updated_count", "error_count")
    assert [reply.get(name, "-") for name in names] == told


@pytest.mark.parametrize(
    ("way", "columns"),
    [
        ({"answer_names": False}, {"id"}),
        ({"answer_ids": "number"}, {"id", "name"}),
        ({"answer_ids": "absent"}, {"name"}),
        ({"answer_ids": "absent", "answer_names": False}, set()),
    ],
)
@pytest.mark.parametrize("contract", ["guide", "reference"])
async def test_w7_what_answers_tell_of_a_row(caller: Caller, way: dict[str, Any], columns: set[str]) -> None:
    follow(caller, way)
    (created,) = (await caller.bulk([row("new")], honest=False)).json["created"]
    (alone,) = (await caller.bulk([row("k1")], honest=False)).json["updated"]
    assert created.keys() == alone.keys() == columns
    shown = (await listed(caller))[-1]["id"]
    assert shown.startswith("dim_")
    if way.get("answer_ids") == "number":
        assert created["id"] == int(shown.removeprefix("dim_"), 16)


async def test_ids_are_numbers_everywhere(caller: Caller) -> None:
    follow(caller, {"listed_ids": "number", "answer_ids": "number"})
    (created,) = (await caller.bulk([row("new")], honest=False)).json["created"]
    shown = (await listed(caller))[-1]
    alone = await caller.call("GET", f"/dimensions/{shown['id']}", honest=False)
    assert (created["id"], alone.json["dimension"]) == (shown["id"], shown)
    assert (await caller.call("GET", f"/dimensions/dim_{shown['id']:08x}")).status == 404


async def test_w7_the_answer_to_one_create(caller: Caller) -> None:
    follow(caller, {"answer_ids": "number", "answer_names": False})
    body = {"ottimate_company_id": OURS, **row("new")}
    made = (await caller.call("POST", "/dimensions", json=body, honest=False)).json
    assert (type(made["id"]), "name" in made) == (int, False)


@pytest.mark.parametrize(("error_keys", "told"), [("lower case", "bad-k"), ("prefixed", f"{OURS}/Bad-K")])
async def test_w8_keys_of_errors(caller: Caller, error_keys: str, told: str) -> None:
    follow(caller, {"error_keys": error_keys})
    caller.script({"effect": "reject-rows", "key": "^Bad"})
    assert (await caller.bulk([row("Bad-K")])).json["errors"][0]["unique_key"] == told


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 401, "envelope": "Unauthorized"},
        {"status": 403},
        {"status": 404, "envelope": "Not found"},
        {"status": 429, "envelope": "Daily quota exceeded"},
    ],
    ids=lambda answer: str(answer["status"]),
)
async def test_w9_and_w12_one_row_fails_its_whole_chunk(caller: Caller, answer: dict[str, Any]) -> None:
    for pattern in ("^b$", "^E-b$", "^Name b$"):
        caller.script({"effect": "status", **answer, "match": {"operation": "bulk", "row": pattern}})
        chunks = ([row("a"), row("b")], [row("a")], [row("b")])
        statuses = [(await caller.bulk(rows, honest=False)).status for rows in chunks]
        assert statuses[::2] == [answer["status"]] * 2
        assert statuses[1] < 300


async def test_w10_all_answers_of_a_while_are_lost() -> None:
    second = 100.0
    async with open_caller() as caller:
        caller.sandbox.service._second = lambda: second
        caller.script({"effect": "status", "status": 504, "commit": True, "after": 1, "lasts_s": 10})
        statuses = []
        for key, second in (("a", 100.0), ("b", 101.0), ("c", 111.0), ("d", 111.1), ("e", 300.0)):  # noqa: B007
            statuses.append((await caller.bulk([row(key)])).status)
        assert statuses == [201, 504, 504, 201, 201]
        assert len(caller.sandbox.tenant.companies[OURS].rows) == 10


@pytest.mark.parametrize("last", [True, False])
async def test_w13_the_host_is_down_for_a_number_of_requests(caller: Caller, last: bool) -> None:
    down = {"effect": "status", "status": 503, "after": 1, "times": 3}
    caller.script(down | ({"headers": {"Retry-After": "9"}} if last else {}))
    replies = [await caller.call("GET", "/accounts") for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 503, 503, 503, 200]
    assert replies[1].headers.get("Retry-After") == ("9" if last else None)


async def test_w13_nobody_is_let_in_for_a_while(caller: Caller) -> None:
    caller.script({"effect": "outage", "seconds": 0.2, "match": {"operation": "bulk"}, "times": 1})
    assert (await caller.page()).status == 200
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await caller.bulk([row("new")])
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.page()
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.control("GET", "health")
    while True:
        try:
            reply = await caller.page()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0)
        else:
            break
    assert reply.json["count"] == 5
    (entry,) = [entry for entry in caller.sandbox.service.log if entry.operation == "bulk"]
    assert (entry.status, entry.committed) == ("reset", False)


async def test_w14_dates_ahead(caller: Caller) -> None:
    follow(caller, {"date_skew_s": 3600})
    caller.sandbox.service._clock = lambda: NOON
    caller.script({"effect": "status", "status": 429, "retry_date_s": 3})
    headers = (await caller.page()).headers
    assert parsedate_to_datetime(headers["Date"]) == NOON + timedelta(hours=1)
    assert parsedate_to_datetime(headers["Retry-After"]) == NOON + timedelta(hours=1, seconds=3)


@BOTH
async def test_w15_pages_that_are_none(caller: Caller, contract: str) -> None:
    follow(caller, {"count": "absent", "listed_ids": "absent"})
    pages = [f"/dimensions?ottimate_company_id={OURS}"]
    if contract == "reference":
        pages.append(f"{pages[0]}&detail=basic")
    for url in pages:
        page = (await caller.call("GET", url, honest=False)).json
        assert "count" not in page
        assert len(page["dimensions"]) == 5
        assert not any("id" in each for each in page["dimensions"])


@pytest.mark.parametrize(("grant_body", "statuses"), [("any", [200, 200]), ("json", [200, 415]), ("form", [415, 200])])
async def test_w17_what_the_token_endpoint_takes(caller: Caller, grant_body: str, statuses: list[int]) -> None:
    follow(caller, {"grant_body": grant_body})
    grant = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
    form = "&".join(f"{name}={value}" for name, value in grant.items()).encode()
    told = [
        await caller.call("POST", "/oauth/token", json=grant),
        await caller.call("POST", "/oauth/token", body=form, headers={"Content-Type": FORM}),
    ]
    assert [reply.status for reply in told] == statuses


@pytest.mark.parametrize(
    ("fixed", "kept"),
    [
        ([], ["New", "E-new", "N", "Dept", "department"]),
        (["name"], ["Name k1", "E-new", "N", "Dept", "department"]),
        (["type", "code"], ["New", "E-new", "C", "Account", "account"]),
        (["name", "erp_id", "code", "type"], ["Name k1", "E-k1", "C", "Account", "account"]),
    ],
)
async def test_updates_are_acknowledged_and_not_carried_out(caller: Caller, fixed: list[str], kept: list[str]) -> None:
    follow(caller, {"fixed": fixed})
    news = {
        "name": "New",
        "erp_dimension_id": "E-new",
        "code": "N",
        "type": "Dept",
        "dimension_type_code": "department",
    }
    reply = (await caller.bulk([row("k1", **news), row("new", **news)])).json
    assert ([each["name"] for each in reply["updated"]], reply["created_count"]) == (["New"], 1)
    columns = ("name", "erp_dimension_id", "code", "type", "dimension_type_code")
    assert [(await recorded(caller, column))[1] for column in columns] == kept
    assert (await recorded(caller, "revision"))[1] == (1 if len(fixed) == 4 else 2)
    assert (await recorded(caller, "name"))[-1] == "New"


async def test_ways_of_the_options_and_through_the_other_door() -> None:
    options = Options(accounts=(DEMO, OTHER), ways=(Way(name=Spelling(shortened=4)),))
    async with open_caller(options) as caller:
        await caller.bulk([row("a")])
        ways = {"ways": [{"companies": [OURS], "name": {"capitals": True}}]}
        assert (await caller.control("POST", "ways", ways)).json == {"ways": 1}
        await caller.bulk([row("b")])
        assert (await recorded(caller, "name"))[-2:] == ["Name", "NAME B"]
        reply = await caller.control("POST", "ways", {"ways": [{"count": "none"}]})
        assert (reply.status, reply.json) == (400, {"error": "ways[0].count: 'none' does not fit"})


@each_of(
    [
        ({}, "ways: must be a list"),
        (["x"], "ways[0]: must be a table"),
        ([{}, {"nmae": {}}], "ways[1].nmae: unknown; known are companies"),
        ([{"name": 40}], "ways[0].name: must be a table"),
        ([{"name": {"shortened": 0}}], "ways[0].name.shortened: must be at least 1"),
        ([{"name": {"short": 40}}], "ways[0].name.short: unknown; known are zeros_stripped"),
        ([{"name": {"capitals": 1}}], "ways[0].name.capitals: 1 does not fit"),
        ([{"companies": 3}], "ways[0].companies: 3 does not fit"),
        ([{"companies": ["3"]}], "ways[0].companies: ['3'] does not fit"),
        ([{"companies": [True]}], "ways[0].companies: [True] does not fit"),
        ([{"fixed": ["key"]}], "ways[0].fixed: ['key'] does not fit"),
        ([{"hidden": "("}], "ways[0].hidden: missing )"),
        ([{"types": {"account": 1}}], "ways[0].types: {'account': 1} does not fit"),
        ([{"companies": [3], "grant_body": "json"}], "ways[0].grant_body: is for the whole server"),
        ([{"companies": [3], "date_skew_s": 5}], "ways[0].date_skew_s: is for the whole server"),
        ([{"date_skew_s": float("inf")}], "ways[0].date_skew_s: inf does not fit"),
    ]
)
def test_a_bad_way_is_named(raw: object, words: str) -> None:
    with pytest.raises(BadScript) as caught:
        parse_ways(raw)
    assert words in str(caught.value)


def test_every_way_is_described() -> None:
    lines = list(describe_ways())
    for kind in (Way, Spelling):
        for column in fields(kind):
            assert any(line.startswith(f"    {column.name}: ") for line in lines)
    for line in (
        "    companies: list of whole number, default []",
        "    name: spelling, default as sent",
        '    fixed: list of "name" | "erp_id" | "code" | "type", default []',
        "    shortened: whole number, not set",
    ):
        assert line in lines
