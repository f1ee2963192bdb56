"""The recipes for programs that have the engine inside do what they say."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import sqlalchemy

from engine import Company, Engine
from engine.testing import Rule, Sandbox, faults
from tests.sandbox.world import Rows, dims
from tests.service.recipes import prometheus_metrics
from tests.service.recipes.own_rows import companies
from tests.service.recipes.service_tests import (
    test_a_lost_answer_creates_nothing_twice,
    test_a_row_that_is_refused_is_no_exception,
    test_an_unchanged_company_costs_one_request_a_day,
    test_rows_arrive,
)
from tests.service.recipes.structlog_logs import set_up

__all__ = [
    "test_a_lost_answer_creates_nothing_twice",
    "test_a_row_that_is_refused_is_no_exception",
    "test_an_unchanged_company_costs_one_request_a_day",
    "test_rows_arrive",
]

pytest_plugins = ["dimsync.testing.fixtures"]
REFUSED = Rule(effect=faults.RejectRows(key="K00002"))


def company() -> Company:
    return Company(id=123, source=Rows(dims(5)))


async def test_prometheus_reads_the_metrics_of_a_run() -> None:
    async with Sandbox(faults=[REFUSED]) as api:
        api.place(123)
        async with prometheus_metrics.engine(api.settings()) as syncs:
            await syncs.sync([company()]).result()
    lines = prometheus_metrics.page().decode().splitlines()
    for line in (
        'dimsync_requests_total{account="main",kind="bulk",status="207"} 1.0',
        'dimsync_rows_total{account="main",column="created"} 4.0',
        'dimsync_rows_total{account="main",column="rejected"} 1.0',
        'dimsync_companies_total{account="main",state="partial"} 1.0',
        'dimsync_request_duration_seconds_count{kind="bulk"} 1.0',
        'dimsync_runs_total{exit_code="3",verb="sync"} 1.0',
    ):
        assert line in lines
    (left,) = [line for line in lines if line.startswith("dimsync_quota_left_requests{")]
    assert 8_900 < float(left.split()[-1]) < 9_000


async def test_structlog_writes_a_json_object_for_each_record() -> None:
    stream = io.StringIO()
    handler = set_up(stream, logging.DEBUG)
    try:
        async with Sandbox() as api, Engine(api.settings()) as syncs:
            api.place(123)
            result = await syncs.sync([company()]).result()
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger("dimsync").setLevel(logging.NOTSET)
    told = [json.loads(line) for line in stream.getvalue().splitlines() if '"dimsync"' in line]
    assert {each["run_id"] for each in told} == {result.run_id}
    (finished,) = [each for each in told if each["event"] == "company is synced: no problems"]
    assert (finished["company_id"], finished["level"], finished["logger"]) == (123, "info", "dimsync")
    assert sum(each["request_id"] is not None for each in told) == result.requests.total


async def test_rows_of_the_service_s_own_database_arrive(tmp_path: Path) -> None:
    database = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/service.db", poolclass=sqlalchemy.NullPool)
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("create table accounts (client integer, number integer, title text)"))
        connection.execute(sqlalchemy.text("insert into accounts values (7, 6000, 'Rent'), (8, 100, 'Food')"))
    async with Sandbox() as api, Engine(api.settings()) as syncs:
        for company_id in (123, 124):
            api.place(company_id)
        result = await syncs.sync(companies(database, {123: 7, 124: 8})).result()
        assert (result.ok, result.totals.created) == (True, 2)
        assert [(row.key, row.erp_id, row.name) for row in api.rows(123)] == [("123:account:6000", "6000", "Rent")]
