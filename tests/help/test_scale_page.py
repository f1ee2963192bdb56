"""The page on several workers: its tables are the simulation's, and its examples parse and say what the page says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from benchmarks.scale_simulation import SCALES, narrow_parts, sizes
from engine.cli.main import command_of
from engine.cli.show.pages import page
from tests.help.generated import path_of

TEXT = path_of("scale").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", TEXT, flags=re.DOTALL))
COMPOSE = yaml.safe_load(BLOCKS["compose.yaml"])
WORKER, SCHEDULE = yaml.safe_load(BLOCKS["workers.yaml"])["items"]
PODS: list[dict[str, Any]] = [one["spec"]["template"]["spec"] for one in (WORKER, SCHEDULE)]


def test_the_examples_say_that_they_are_not_tested() -> None:
    headings = re.findall(r"^## With .*$", page("scale"), re.MULTILINE)
    assert len(headings) == 2
    assert all("(an example, not tested here)" in heading for heading in headings)


@pytest.mark.parametrize(("name", "table"), [("sizes", sizes), ("narrow parts", narrow_parts)])
def test_the_tables_are_those_of_the_simulation(name: str, table: Any) -> None:
    begin, end = f"<!-- {name}: written by benchmarks/scale_simulation.py -->", f"<!-- end of {name} -->"
    assert TEXT.partition(begin)[2].partition(end)[0].strip() == table(), "run python -m benchmarks.scale_simulation"
    assert SCALES == (1, 10, 100)


def test_what_is_run_is_understood() -> None:
    services = [service["command"] for name, service in COMPOSE["services"].items() if name != "database"]
    pods = [container["args"] for pod in PODS for container in pod["containers"]]
    assert [verb for verb, *_ in (*services, *pods)] == ["worker", "schedule"] * 2
    for verb, *words in (*services, *pods):
        known = {option for parameter in command_of(verb).params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_secrets_are_references_and_all_are_declared() -> None:
    services = COMPOSE["services"].values()
    assert {secret for service in services for secret in service["secrets"]} == set(COMPOSE["secrets"])
    assert "PASSWORD: " not in TEXT
    for pod in PODS:
        (volume,) = (one for one in pod["volumes"] if one["name"] == "credentials")
        assert volume["secret"]["secretName"] == "dimsync-credentials"


def test_nobody_is_root_and_nothing_is_kept_by_a_worker() -> None:
    for pod in PODS:
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        own = container["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["capabilities"]) == (False, {"drop": ["ALL"]})
        mounts = {mount["name"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
        assert [name for name, is_read_only in mounts.items() if not is_read_only] == ["tmp"]


def test_one_scheduler_is_enough_and_workers_are_given_the_time_to_end() -> None:
    assert (WORKER["spec"]["replicas"], SCHEDULE["spec"]["replicas"]) == (4, 1)
    assert COMPOSE["services"]["schedule"]["deploy"]["replicas"] == 1
    assert {pod["terminationGracePeriodSeconds"] for pod in PODS} == {90}
    for one in (WORKER, SCHEDULE):
        assert one["spec"]["selector"]["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
