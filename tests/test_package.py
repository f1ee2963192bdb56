"""What is shipped: the wheel's contents, the light start, and files that say nothing of where they were made."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import engine

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_what_the_program_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"engine/py.typed", "engine/model/result-1.schema.json", "engine/__main__.py"} <= names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "engine").rglob("*.py")}
    assert sources <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_importing_the_package_brings_nothing_heavy() -> None:
    """Start-up is a third of a second of a small run: names are imported when they are used."""
    code = (
        "import engine, engine.__main__, sys; print([m for m in ('aiohttp', 'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_all_there() -> None:
    assert all(getattr(engine, name) is not None for name in engine.__all__)
    assert set(dir(engine)) == set(engine.__all__)


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
