"""Every config in the help page on sources is loaded and read, with the sample that stands above it."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from shutil import copyfile
from typing import Any

import click
import pytest

from engine.cli.main import VERBS
from engine.cli.verbs import maps
from engine.config import load
from engine.sources.base import read
from engine.wire import guide
from tests.unit.settings_file import ACCOUNT, ENV

HERE = Path(__file__).parent
PAGE = resources.files("engine").joinpath("help", "sources.md").read_text("utf-8")
RECIPES = re.findall(r"<!-- test: (.+?) \| (.+?) -->\n```toml\n(.*?)```", PAGE, flags=re.DOTALL)
"""For each config: `FILE=SAMPLE ...`, then `COMPANY: ROWS kept, ROWS left out, ROWS invalid; ...`, and its text."""


def test_each_config_of_the_page_has_its_sample() -> None:
    assert len(RECIPES) == PAGE.count("```toml\n") >= 15


@pytest.mark.parametrize(
    ("files", "counts", "text"),
    [pytest.param(*recipe, id=recipe[0].split("=")[-1]) for recipe in RECIPES],
)
async def test_a_config_of_the_page_reads_its_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str, counts: str, text: str
) -> None:
    if "env:DUCKDB" in text:
        pytest.importorskip("duckdb_engine")  # an environment made before the recipe does not have it
    monkeypatch.chdir(tmp_path)
    for name, _, sample in (each.partition("=") for each in files.split()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copyfile(HERE / sample, tmp_path / name)
    path = tmp_path / "dimsync.toml"
    path.write_text(f"{ACCOUNT}\n{text}", encoding="utf-8")
    told = []
    for company in load(path, {**ENV, "DUCKDB": "duckdb:///:memory:"}).companies:
        found = await read(company.source, company_id=company.id, type_codes=guide.DIALECT.type_codes)
        told.append(f"{company.id}: {len(found.rows)} kept, {found.left_out} left out, {found.invalid} invalid")
    assert "; ".join(told) == counts


async def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- test: python -->\n```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "my_package"}
    exec(compile(text, "sources.md", "exec", dont_inherit=True), names)  # noqa: S102  ours
    await names["test_the_shelf"](tmp_path)


def test_the_page_names_commands_that_there_are_and_all_of_map() -> None:
    named = set(re.findall(r"\bdimsync ([a-z]+)", PAGE)) - {"help", "import", "is"}
    assert {"map", "validate", "explain", "plan", "companies", "sync"} <= named <= set(VERBS)
    assert isinstance(maps.map, click.Group)
    for name, command in maps.map.commands.items():
        assert f"dimsync map {name}" in PAGE
        given = set(re.findall(rf"dimsync map {name}.*?(--[a-z]+)", PAGE))
        assert given <= {text for each in command.params for text in each.opts}


def test_the_page_names_every_preset_that_there_is_and_no_other() -> None:
    families = {
        "NetSuite": "netsuite",
        "Sage Intacct": "sage-intacct",
        "Business Central": "business-central",
        "Acumatica": "acumatica",
        "QuickBooks Online": "quickbooks-online",
        "QuickBooks Desktop": "quickbooks-desktop",
        "Xero": "xero",
    }
    for title, family in families.items():
        section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0].replace("```toml", "```")
        prose = re.sub(r"```.*?```", "", section, flags=re.DOTALL)
        written = resources.files("engine").joinpath("sources", "presets", f"{family}.toml").read_text("utf-8")
        lists = set(re.findall(r"^\[([\w-]+)\]$", written, re.MULTILINE))
        assert set(re.findall(r"`([a-z-]+)`", prose)) - {"query"} == lists, title
