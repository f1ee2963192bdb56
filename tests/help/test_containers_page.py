"""The examples for containers are examples: nothing runs them, but they parse and say what the page says of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from engine.cli.main import command_of
from engine.cli.show.pages import page
from engine.config import load
from tests.help.generated import path_of

TEXT = path_of("containers").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", TEXT, flags=re.DOTALL))
DOCUMENTS = list(yaml.safe_load_all(BLOCKS["kubernetes.yaml"]))
SECRET, CLAIM, CRON = DOCUMENTS
POD: dict[str, Any] = CRON["spec"]["jobTemplate"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
MOUNTS = {mount["name"]: mount for mount in CONTAINER["volumeMounts"]}
VOLUMES = {volume["name"]: volume for volume in POD["volumes"]}
LEDGER = "/data/dimsync.db"


def test_the_page_says_first_that_nothing_of_it_is_tested() -> None:
    assert "not tested here" in page("containers").split("\n\n")[1]


def test_the_three_kinds_are_there() -> None:
    assert [one["kind"] for one in DOCUMENTS] == ["Secret", "PersistentVolumeClaim", "CronJob"]
    assert all(one["apiVersion"] and one["metadata"]["name"] for one in DOCUMENTS)


def test_nobody_is_root() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] > 0
    own = CONTAINER["securityContext"]
    assert (own["allowPrivilegeEscalation"], own["capabilities"]) == (False, {"drop": ["ALL"]})
    assert re.findall(r"^USER (\S+)$", BLOCKS["Dockerfile"], re.MULTILINE) == [str(POD["securityContext"]["runAsUser"])]


def test_secrets_are_references_and_none_is_written_down() -> None:
    assert set(SECRET["stringData"].values()) == {"REPLACE"}
    assert VOLUMES["credentials"]["secret"]["secretName"] == SECRET["metadata"]["name"]
    assert "env" not in CONTAINER
    settings = tomllib.loads(BLOCKS["container.toml"])
    where = MOUNTS["credentials"]["mountPath"]
    account = settings["accounts"]["main"]
    assert {account[name] for name in SECRET["stringData"]} == {f"file:{where}/{name}" for name in SECRET["stringData"]}


def test_the_ledger_is_on_a_volume_that_stays() -> None:
    assert VOLUMES["ledger"]["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]
    assert CLAIM["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert not MOUNTS["ledger"].get("readOnly")
    assert LEDGER.startswith(f"{MOUNTS['ledger']['mountPath']}/")
    assert tomllib.loads(BLOCKS["container.toml"])["ledger"]["url"] == f"sqlite:///{LEDGER}"
    assert re.findall(r"^VOLUME (\S+)$", BLOCKS["Dockerfile"], re.MULTILINE) == [MOUNTS["ledger"]["mountPath"]]


def test_one_run_at_a_time_and_no_repeats() -> None:
    assert CRON["spec"]["concurrencyPolicy"] == "Forbid"
    assert CRON["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert POD["restartPolicy"] == "Never"


def test_what_is_run_is_understood() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", BLOCKS["Dockerfile"], re.MULTILINE)
    for verb, *words in (yaml.safe_load(command), CONTAINER["args"]):
        known = {option for parameter in command_of(verb).params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
        assert "--expect-ledger" in words


def test_the_settings_of_the_page_load(tmp_path: Path) -> None:
    path = tmp_path / "dimsync.toml"
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in SECRET["stringData"]:
        (secrets / name).write_text("made-up", encoding="utf-8")
    text = BLOCKS["container.toml"].replace(MOUNTS["credentials"]["mountPath"], str(secrets))
    (tmp_path / "1.csv").write_text("unique_key\n", encoding="utf-8")
    path.write_text(f'{text}\n[[companies]]\nid = 1\nsource = "1.csv"\n', encoding="utf-8")
    assert load(path, {}).settings.ledger_url == f"sqlite:///{LEDGER}"
