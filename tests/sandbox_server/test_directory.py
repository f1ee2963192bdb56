"""Accounts, companies and locations: what an API key's account sees, how it is paged, and where pages begin."""

from __future__ import annotations

import pytest

from engine.sandbox.server import Options
from tests.sandbox_server.conftest import BOTH, DEMO, OTHER, OURS, THEIRS, Caller, Reply, open_caller

COMPANIES = f"/accounts/{DEMO.account_id}/companies"
LOCATIONS = f"/accounts/{DEMO.account_id}/locations"


def _names(reply: Reply) -> list[str]:
    return [entry["name"] for entry in reply.json["results"]]


@BOTH
async def test_an_account_sees_what_is_its_own(caller: Caller) -> None:
    for credentials, company, name, locations in ((DEMO, OURS, "Harbor Grill", 1), (OTHER, THEIRS, str(THEIRS), 3)):
        await caller.log_in(credentials)
        base = f"/accounts/{credentials.account_id}"
        accounts, companies, places = [
            (await caller.call("GET", path)).json for path in ("/accounts", f"{base}/companies", f"{base}/locations")
        ]
        assert accounts["results"][0] | {"created_date": "", "created_date_utc": ""} == {
            "id": credentials.account_id,
            "name": credentials.account_id,
            "created_date": "",
            "created_date_utc": "",
            "company_count": 1,
            "location_count": locations,
        }
        assert companies == {
            "count": 1,
            "page": 1,
            "limit": 20,
            "results": [{"id": company, "name": name, "location_count": locations, "plan": "standard"}],
        }
        assert places["count"] == locations
        assert {place["company"] for place in places["results"]} == {name}


@pytest.mark.parametrize("path", ["/accounts", COMPANIES, LOCATIONS])
async def test_credentials_are_asked_for_and_requests_counted(caller: Caller, path: str) -> None:
    refused = [
        await caller.call("GET", path, headers=headers)
        for headers in ({"Authorization": "Bearer nonsense"}, {"X-Api-Key": "nobody"})
    ]
    assert [reply.status for reply in refused] == [401, 403]
    await caller.call("GET", path)
    entry = caller.sandbox.service.log[-1]
    assert (entry.operation, entry.account, entry.company, entry.status) == (
        path.rpartition("/")[2],
        DEMO.account_id,
        None,
        200,
    )
    assert caller.sandbox.service.access.meters[DEMO.api_key].used == 3  # the token, one without a good one, one more


@pytest.mark.parametrize("account", [OTHER.account_id, "racc_none"])
async def test_another_account_is_not_there(caller: Caller, account: str) -> None:
    reply = await caller.call("GET", f"/accounts/{account}/companies")
    assert (reply.status, reply.json["message"]) == (404, "No such account.")


async def test_locations_are_the_same_each_time_and_name_their_group_by_version(caller: Caller) -> None:
    caller.sandbox.service.place(44, name="Cedar Tavern")
    listed = [
        (await caller.call("GET", LOCATIONS, headers=headers)).json["results"]
        for headers in ({}, {"X-API-Version": "1.0.0"}, {"X-API-Version": "1.1.0"})
    ]
    assert listed[0] == listed[1]
    assert [set(place) for place in (listed[0][0], listed[2][0])] == [
        {"id", "name", "company", "group"},
        {"id", "name", "company", "location_group"},
    ]
    assert [place["company"] for place in listed[0]] == ["Harbor Grill", *["Cedar Tavern"] * 3]
    assert len({place["id"] for place in listed[0]}) == len({place["name"] for place in listed[0]}) == 4


@pytest.mark.parametrize(
    ("query", "names", "count"),
    [
        ("?search=CEDAR", ["Cedar Tavern"], 1),
        ("?search=nothing", [], 0),
        ("?search=a&limit=1&page=2", ["Cedar Tavern"], 2),
        ("?limit=1", ["Harbor Grill"], 3),
        ("?limit=2&page=2", ["45"], 3),
        ("?limit=2&page=3", [], 3),
        ("?limit=2&page=0", ["Harbor Grill", "Cedar Tavern"], 3),  # as in the vendor's example: page 1 is shown
        ("?limit=5000", ["Harbor Grill", "Cedar Tavern", "45"], 3),
    ],
)
async def test_search_and_paging(caller: Caller, query: str, names: list[str], count: int) -> None:
    caller.sandbox.service.place(44, name="Cedar Tavern")
    caller.sandbox.service.place(45)
    reply = await caller.call("GET", COMPANIES + query)
    assert (_names(reply), reply.json["count"]) == (names, count)
    assert reply.json["limit"] <= 100
    assert reply.json["page"] >= 1


async def test_pages_may_begin_at_0() -> None:
    async with open_caller(Options(accounts=(DEMO, OTHER), directory_base=0)) as caller:
        caller.sandbox.service.place(44, name="Cedar Tavern")
        replies = [await caller.call("GET", f"{COMPANIES}?limit=1{page}") for page in ("", "&page=0", "&page=1")]
        assert [_names(reply) for reply in replies] == [["Harbor Grill"], ["Harbor Grill"], ["Cedar Tavern"]]
        assert [reply.json["page"] for reply in replies] == [0, 0, 1]
        assert (await caller.page(page=1)).json["page"] == 1  # dimensions begin at 1 all the same


@pytest.mark.parametrize("query", ["?page=x", "?limit=0", "?limit=-1"])
async def test_bad_query(caller: Caller, query: str) -> None:
    assert (await caller.call("GET", COMPANIES + query, lawful=False)).status == 400
