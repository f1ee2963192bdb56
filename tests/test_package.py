"""What is shipped: the wheel's contents, the light start, and files that say nothing of where they were made."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import aiohttp
import pytest
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

import engine
import engine.errors
import engine.events
import engine.testing
from engine.model.resource import Resource
from engine.sources.reading import Reading
from engine.testing import MemoryLedger

ROOT = Path(__file__).parent.parent
ELSEWHERE = {
    "aiohttp": aiohttp,
    "CollectorRegistry": CollectorRegistry,
    "MeterProvider": MeterProvider,
    "TracerProvider": TracerProvider,
}
"""What public methods take of other packages, which are imported by those who use them."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"engine/py.typed", "dimsync/__init__.py", "dimsync/py.typed", "dimsync/testing/fixtures.py"} <= names
    assert {"engine/model/result-1.schema.json", "engine/__main__.py"} <= names
    sources = {
        str(path.relative_to(ROOT))
        for kind in ("*.py", "*.sql", "*.jinja", "*.css")
        for path in (ROOT / "engine").rglob(kind)
    }
    assert "engine/ledger/sqlite/migrations/01-rows-intents-runs.sql" in sources
    assert "engine/ledger/postgres/statements/rows.sql" in sources
    alias = "engine/distribution/"  # what is below it lies at the top there
    assert {each.removeprefix(alias) for each in sources} <= names
    assert not [name for name in names if name.startswith("engine/distribution")]
    assert not [name for name in names if name.startswith("tests/")]


ALIAS = """
import importlib
import sys
import dimsync
print([m for m in ("aiohttp", "pydantic", "rich") if m in sys.modules])
import engine
assert engine.__file__.startswith(sys.path[0]), engine.__file__
assert dimsync.__all__ == engine.__all__ and dir(dimsync) == dir(engine)
assert all(getattr(dimsync, name) is getattr(engine, name) for name in engine.__all__)
from dimsync import Engine
assert Engine is engine.Engine
for name in ("errors", "events", "testing", "testing.faults"):
    one, other = (importlib.import_module(f"{package}.{name}") for package in ("engine", "dimsync"))
    assert one.__all__ == other.__all__ and one.__name__ != other.__name__
    assert all(getattr(one, public) is getattr(other, public) for public in one.__all__)
"""


def test_the_distribution_s_name_gives_the_same_objects(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    path = {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", ALIAS]
    done = subprocess.run(command, env={**os.environ, **path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_importing_the_package_brings_nothing_heavy() -> None:
    """Start-up is a third of a second of a small run: names are imported when they are used."""
    code = (
        "import engine, engine.__main__, sys; print([m for m in ('aiohttp', 'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


NOT_LOADED = """
import sys
from engine import Account, Api, Company, Engine, FileSource, Limits, Secret, Settings, Verify, open_ledger
rooms = ("cli", "config", "distributed", "sandbox", "testing", "net.http.sealing", "ledger.postgres.ledger")
heavy = ("click", "pydantic", "rich", "jinja2", "psycopg", "pyarrow", "openpyxl", "sqlalchemy", "opentelemetry")
print(sorted(name for name in (*heavy, *(f"engine.{room}" for room in rooms)) if name in sys.modules))
"""


def test_a_program_that_syncs_loads_nothing_of_other_rooms() -> None:
    done = subprocess.run([sys.executable, "-c", NOT_LOADED], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_without_telemetry_nothing_of_it_is_imported() -> None:
    code = "import sys; from engine import Engine, Telemetry; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_all_there() -> None:
    assert all(getattr(engine, name) is not None for name in engine.__all__)
    assert set(dir(engine)) == set(engine.__all__)


def test_events_and_errors_have_modules_of_their_own() -> None:
    errors = {
        each.__name__ for each in vars(engine.errors).values() if isinstance(each, type) and issubclass(each, Exception)
    }
    assert set(engine.errors.__all__) == errors
    events = {each.__name__ for each in get_args(engine.Event)}
    parts = {"CompanyAhead", "KeyAhead", "WaitKind"}
    assert set(engine.events.__all__) == events | parts | {"Event"}
    for module in (engine.errors, engine.events):
        assert all(getattr(engine, name) is getattr(module, name) for name in {*errors, *events} & {*module.__all__})


def test_all_that_public_methods_take_give_or_raise_is_public() -> None:
    """From each public name through the types of its fields, methods and properties, to all that it leads to.

    Not followed: the methods of ledgers, which are for who writes another one (`engine.ledger.protocols`), how the
    engine makes its own objects, the iterator of a source, which is one like any other, the declaration of a row's
    fields, which the engine alone asks, and what the sandbox asks its own faults and ways.
    """
    testing = (engine.testing, engine.testing.faults)
    public = {getattr(module, name) for module in (engine, *testing) for name in module.__all__}
    errors = [each for each in vars(engine.errors).values() if isinstance(each, type)]
    left, seen, missing = [*public, *errors], {Reading, Resource, MemoryLedger}, set[Any]()
    while left:
        thing = left.pop()
        if thing in seen or not getattr(thing, "__module__", "").startswith("engine."):
            continue
        seen.add(thing)
        if isinstance(thing, type) and thing not in public:
            missing.add(thing)
        elif thing not in (engine.Ledger, engine.SqlLedger, engine.SqliteLedger) and not thing.__module__.startswith(
            "engine.sandbox."
        ):
            left += [part for annotation in annotations_of(thing) for part in parts_of(annotation)]
    assert {each.__qualname__ for each in missing} == set()


IMPLIED = {"__aenter__", "__aiter__", "__anext__", "__await__", "__call__", "__enter__"}
"""Methods that a program calls without naming them."""


def annotations_of(thing: Any) -> Iterator[object]:
    """Yield the types of a function's arguments and result, or of a class's public fields, methods and properties."""
    own = [thing]
    if isinstance(thing, type):
        is_made_by_us = thing in (engine.Run, engine.Pending, engine.CompanyApi, engine.ListedRows)
        own += [
            member.fget if isinstance(member, property) else member
            for name, member in vars(thing).items()
            if inspect.isfunction(member) or isinstance(member, property)
            if not name.startswith("_") or name in IMPLIED or (name == "__init__" and not is_made_by_us)
        ]
    for one in own:
        yield from (hint for name, hint in get_type_hints(one, localns=ELSEWHERE).items() if not name.startswith("_"))


def parts_of(annotation: object) -> Iterator[object]:
    """Yield what a type is made of: of `Mapping[str, tuple[Row, ...]] | None`, among others `Row`."""
    if isinstance(annotation, TypeVar):
        yield from parts_of(annotation.__bound__)
    elif isinstance(annotation, list):
        for part in annotation:
            yield from parts_of(part)
    elif (origin := get_origin(annotation)) is not None:
        yield origin
        for part in get_args(annotation):
            yield from parts_of(part)
    else:
        yield annotation


def test_requirements_are_pinned_with_hashes_and_name_no_address() -> None:
    runtime, testing = ((ROOT / name).read_text() for name in ("requirements.txt", "requirements-test.txt"))
    for text in (runtime, testing):
        assert "://" not in text
        packages = re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE)
        assert len(packages) > 10
        assert text.count("--hash=sha256:") >= len(packages)
    pins = [set(re.findall(r"^[\w.-]+==[\w.]+", text, flags=re.MULTILINE)) for text in (runtime, testing)]
    assert pins[0] <= pins[1], "tests run on other versions than the program does"


def test_each_dependency_is_imported() -> None:
    """`pip install .` brings no more than it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[>=<\[]", name)[0] for name in project["dependencies"]}
    text = "\n".join(path.read_text() for path in (ROOT / "engine").rglob("*.py"))
    assert wanted == {name for name in wanted if re.search(rf"^\s*(import|from) {name}\b", text, flags=re.MULTILINE)}
