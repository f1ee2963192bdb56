"""Text that tries to be something else: to a terminal, a spreadsheet, a parser, a database, a reader.

What a source may hold is stored as it is, in NFC and trimmed; what it may not is told by row. The remote side may hold
anything. Nothing of either reaches a terminal as more than text.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from engine import Company, Dimension, FileSource, Verify, VerifyMode, run_json
from engine.sandbox.tenant import Values
from tests.cli.program import SETTINGS
from tests.nursery import Nursery, environment
from tests.result_schema import SCHEMA
from tests.sandbox.conftest import OPEN, Rows, World, assert_exact, columns, company, dims, kinds, verdict

COLUMNS = ("unique_key", "dimension_type_code", "type", "name", "erp_dimension_id", "code")

TEXTS: Mapping[str, str] = {
    "html": '<script>alert("x")</script> &amp; <b>bold</b><!--',
    "formula": "=1+1",
    "formula with a call": "@SUM(1+9)*cmd|' /C calc'!A0",
    "plus": "+1 (555) 0100",
    "minus": "-2+3",
    "quotes": '"O\'Brien" \'\'""',
    "backslashes": r"C:\new\temp \x1b[31m \u202e \\",
    "JSON": '","name":"other","x":["{}',
    "SQL": "'; DROP TABLE rows; --",
    "shell": "`id` $(id) ${HOME} %s %n {0} {name}",
    "markup": "[bold red]x[/] :smile: [link=http://x]",
    "separators": "a,b;c|d",
    "spaces": "a    b",
    "a space of another kind": "a\u00a0b\u3000c",
    "an outer space": "  padded \u3000",
    "RTL override": "invoice\u202egnp.exe",
    "isolates": "\u2066a\u2067b\u2069\u2069",
    "right to left": "חשבון 123 العربية",
    "zero width": "a\u200bb\u200dc\u2060d\ufeffe\u00adf",
    "a byte order mark": "\ufeffname",
    "four bytes": "🍣 𠮷野家 \U0001d54f 👩\u200d👩\u200d👧 🏴\U000e0067\U000e007f",
    "NFC": unicodedata.normalize("NFC", "Café Ångström 한글"),
    "NFD": unicodedata.normalize("NFD", "Crème brûlée Ḍ̇ 각"),
    "singletons": "\u212b \u2126 \u1e9b\u0323",
    "compatibility": "\ufb01 \u2460 \uff21",
    "marks": "Z" + "\u0301\u0323" * 40,
    "a mark alone": "\u0301a",
    "line separators": "a\u2028b\u2029c",
    "not characters": "a\uffffb\U0010ffff\ufdd0",
    "private": "\ue000\U000f0000",
    "replaced": "a\ufffdb",
    "long": "x" * 10_000,
    "long, of four bytes": "🍣" * 10_000,
}
"""Text that a source may hold."""

FORBIDDEN: Mapping[str, str] = {
    "NUL": "a\0b",
    "bell": "a\x07b",
    "escape": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07x",
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "delete": "a\x7fb",
    "CSI of one byte": "a\x9b2Jb",
    "next line": "a\x85b",
}
"""Control characters: no source may hold them, and any remote row may."""

ALL = " ".join([*(text for text in TEXTS.values() if len(text) < 1_000), *FORBIDDEN.values()])


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def hostile_rows(texts: Iterable[str] = TEXTS.values()) -> list[Dimension]:
    """Return a row for each text, which stands in every field that is free; in ids without what nobody can see."""
    return [Dimension(f"K{n} {seen(t)}", "account", "GL Account", t, f"{n} {seen(t)}", t) for n, t in enumerate(texts)]


def seen(text: str) -> str:
    """Return a text without characters that are invisible: in an id they are refused."""
    return "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Zl", "Zp"})


def clean(rows: Iterable[Dimension]) -> list[Dimension]:
    """Return the rows as they are to be stored."""
    return [Dimension(*(nfc(field or "") for field in row)) for row in rows]


def turned(rows: list[Dimension]) -> list[Dimension]:
    """Return the rows with each other's names."""
    return [row._replace(name=other.name) for row, other in zip(rows, [*rows[1:], rows[0]], strict=True)]


async def assert_unchanged(world: World, rows: list[Dimension]) -> None:
    """Check that the rows are known to be there: by the ledger alone, and by a listing."""
    again = await world.sync_one(1, rows)
    assert (again.state, kinds(again.requests)) == ("unchanged", {})
    world.verify = Verify(mode=VerifyMode.FULL)
    again = await world.sync_one(1, rows)
    assert (again.state, kinds(again.requests)) == ("unchanged", {"list": 1})


# From a source


async def test_it_is_stored_compared_and_changed_as_any_text(either_world: World) -> None:
    world, rows = either_world, hostile_rows()
    world.guards = OPEN
    world.place(1)
    first = await world.sync_one(1, rows)
    assert (verdict(first), columns(first)) == (("synced", 0, []), {"created": len(rows)})
    assert_exact(world, 1, clean(rows))
    await assert_unchanged(world, rows)

    changed = await world.sync_one(1, turned(rows))
    assert (verdict(changed), columns(changed)) == (("synced", 0, []), {"updated": len(rows)})
    assert_exact(world, 1, clean(turned(rows)))


async def test_rows_that_are_there_already_are_recognised(either_world: World) -> None:
    """First contact: the ledger is empty, and the names are compared with those of a listing."""
    world, rows = either_world, hostile_rows()
    world.place(1, clean(rows))
    result = await world.sync_one(1, rows)
    assert (verdict(result), columns(result)) == (("unchanged", 0, []), {"unchanged": len(rows)})
    assert (result.balance.matched, result.balance.orphans) == (len(rows), 0)


@pytest.mark.parametrize("kind", ["program", "csv", "ndjson", "json"])
@pytest.mark.sockets
async def test_every_kind_of_source_reads_it_alike(world: World, tmp_path: Path, kind: str) -> None:
    rows = hostile_rows()
    world.place(1)
    source = Rows(map(spelled, rows)) if kind == "program" else file_source(tmp_path / f"1.{kind}", rows)
    result = await world.sync(Company(id=1, source=source))
    assert (result.exit_code, columns(result)) == (0, {"created": len(rows)})
    assert_exact(world, 1, clean(rows))


@pytest.mark.parametrize("text", FORBIDDEN.values(), ids=FORBIDDEN)
@pytest.mark.parametrize("kind", ["program", "csv", "ndjson"])
@pytest.mark.sockets
async def test_control_characters_are_refused_by_row(world: World, tmp_path: Path, kind: str, text: str) -> None:
    """Told with file, line and key; the rows around it are sent."""
    rows = [dims(1)[0], dims(2)[1]._replace(name=text), dims(3)[2]]
    world.place(1)
    source = Rows(map(spelled, rows)) if kind == "program" else file_source(tmp_path / f"1.{kind}", rows)
    (result,) = (await world.sync(Company(id=1, source=source))).companies
    assert (verdict(result), columns(result)) == (
        ("partial", 3, ["control-characters"]),
        {"created": 2, "invalid": 1},
    )
    (problem,) = result.problems
    place = {"program": (None, None), "csv": (f"{tmp_path}/1.csv", 3), "ndjson": (f"{tmp_path}/1.ndjson", 2)}[kind]
    assert (problem.key, (problem.file, problem.line)) == ("K00001", place)
    assert problem.message.isprintable()
    assert_exact(world, 1, [rows[0], rows[2]])


@pytest.mark.parametrize("column", COLUMNS)
async def test_no_field_may_hold_one(world: World, column: str) -> None:
    world.place(1)
    rows = [*map(spelled, dims(2)), {**spelled(dims(3)[2]), column: "a\x1b[2Jb"}]
    (result,) = (await world.sync(Company(id=1, source=Rows(rows)))).companies
    assert columns(result) == {"created": 2, "invalid": 1}
    (problem,) = result.problems
    assert problem.code in {"control-characters", "unknown-type"}
    assert problem.key == (None if column == "unique_key" else "K00002")
    assert problem.message.isprintable()


@pytest.mark.parametrize("half", ["\ud83c", "a\udf63", "\udf63\ud83c"])
@pytest.mark.sockets
async def test_half_a_surrogate_pair_is_no_text(world: World, tmp_path: Path, half: str) -> None:
    world.place(1)
    rows = [*dims(2), dims(3)[2]._replace(name=half)]
    (result,) = (await world.sync(company(1, rows))).companies
    assert (verdict(result), columns(result)) == (("partial", 3, ["not-text"]), {"created": 2, "invalid": 1})
    assert (result.problems[0].key, result.problems[0].message.isprintable()) == ("K00002", True)
    source = file_source(tmp_path / "1.ndjson", rows)
    (result,) = (await world.sync(Company(id=1, source=source))).companies
    assert (verdict(result), columns(result)) == (("partial", 3, ["bad-json"]), {"unchanged": 2, "invalid": 1})
    assert result.problems[0].line == 3


async def test_names_that_differ_only_in_their_spelling_are_one_name(either_world: World) -> None:
    """NFD against NFC, and spaces around: nothing to send, whichever side spells it how."""
    world = either_world
    composed = [row._replace(name=f"Café {row.key}") for row in dims(5)]
    decomposed = [row._replace(name=f" {unicodedata.normalize('NFD', row.name)}\t") for row in composed]
    world.place(1, decomposed)
    result = await world.sync_one(1, composed)
    assert (result.state, result.balance.unchanged) == ("unchanged", 5)
    await assert_unchanged(world, decomposed)


async def test_names_that_only_look_alike_are_two(either_world: World) -> None:
    """What no eye tells apart is told apart: a zero-width space, a Greek letter, a ligature."""
    world = either_world
    names = ["Office", "Of\u200bfice", "\u039fffice", "O\ufb03ce", "office", "Office\u034f"]
    rows = [row._replace(name=name) for row, name in zip(dims(6), names, strict=True)]
    world.place(1)
    assert (await world.sync_one(1, rows)).balance.created == 6
    assert_exact(world, 1, rows)


# From the remote side


async def test_remote_names_may_hold_anything(either_world: World) -> None:
    """Rows that no source row means are orphans, and stay so: nothing in them reads as a change of the listing."""
    world = either_world
    texts = [*TEXTS.values(), *FORBIDDEN.values(), "\0", " ", ""]
    world.place(1, hostile_rows(texts), keys=False)
    result = await world.sync_one(1, dims(3))
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"created": 3})
    assert (result.balance.orphans, result.balance.matched) == (len(texts), 0)
    await assert_unchanged(world, dims(3))


@pytest.mark.parametrize("text", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_a_control_character_over_there_is_a_difference(either_world: World, text: str) -> None:
    """A row of ours that somebody else has spoilt is put right; it never compares as equal."""
    world = either_world
    world.place(1)
    await world.sync_one(1, dims(3))
    tenant = world.sandbox.tenant
    row = tenant.companies[1].rows[1]
    tenant.change(tenant.companies[1], row, row.values._replace(name=f"{row.values.name}{text}"))
    world.verify = Verify(mode=VerifyMode.FULL)
    result = await world.sync_one(1, dims(3))
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"unchanged": 2, "updated": 1})
    assert_exact(world, 1, dims(3))


async def test_a_page_that_is_no_unicode_fails_its_company_in_readable_words(world: World) -> None:
    """Half a surrogate pair, escaped in JSON: no decoder of ours takes it, and nothing is compared or written."""
    world.place(1)
    row = '{"id":"dim_1","name":"\\ud800","type":"A","erp_dimension_id":"1"}'
    body = f'{{"version":"1","count":1,"page":1,"limit":100,"dimensions":[{row}]}}'
    world.limit(max_attempts=1)
    world.script({"effect": "status", "status": 200, "body": body, "match": {"operation": "list"}})
    result = await world.sync_one(1, dims(3))
    assert (verdict(result), columns(result)) == (("failed", 1, ["unavailable"]), {"deferred": 3})
    assert result.problems[0].message.isprintable()
    assert world.stored(1) == []


# On the terminal and in JSON


def spelled(row: Dimension) -> dict[str, object]:
    return dict(zip(COLUMNS, row, strict=True))


def file_source(path: Path, rows: Iterable[Dimension]) -> FileSource:
    """Write the rows as the file's ending says, and return the source that reads them."""
    objects = [spelled(row) for row in rows]
    if path.suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([COLUMNS, *(list(one.values()) for one in objects)])
        path.write_bytes(text.getvalue().encode())
    elif path.suffix == ".json":
        path.write_bytes(orjson.dumps(objects))
    else:  # `json` escapes what is not ASCII, half a surrogate pair too
        path.write_text("".join(f"{json.dumps(one)}\n" for one in objects), encoding="ascii")
    return FileSource(path)


Dimsync = Callable[..., Awaitable[subprocess.CompletedProcess[bytes]]]


@pytest.fixture
def dimsync(nursery: Nursery, tmp_path: Path) -> Dimsync:
    """Run the program in a folder with a settings file for company 1 (not named, so the API's name is shown)."""

    async def run(world: World, *words: str) -> subprocess.CompletedProcess[bytes]:
        text = SETTINGS.format(base_url=world.sandbox.base_url, max_concurrency=4)
        text = text.replace("[accounts.main]", f'contract = "{world.contract}"\n[accounts.main]')
        text += '[[companies]]\nid = 1\nsource = "1.ndjson"\n'
        (tmp_path / "dimsync.toml").write_text(text, encoding="utf-8")
        return await asyncio.to_thread(nursery.run, "engine", *words, cwd=tmp_path, env=environment())

    return run


def lines(done: subprocess.CompletedProcess[bytes]) -> Iterator[str]:
    """Yield what was printed; a terminal must find nothing to obey in it, and no line that is another's."""
    for output in (done.stdout, done.stderr):
        for line in output.decode().split("\n"):
            assert line.isprintable(), ascii(line)  # which no control, bidi, zero-width or separator character is
            yield line


def document(done: subprocess.CompletedProcess[bytes], output: str) -> dict[str, Any]:
    """Return the result as JSON, whichever of the two forms it has, checked against its schema."""
    read: dict[str, Any]
    if output == "json":
        read = json.loads(done.stdout)
    else:
        *companies, last = (json.loads(line) for line in done.stdout.decode().split("\n") if line)
        read = {**last, "companies": companies}
    jsonschema.Draft202012Validator(SCHEMA).validate(read)
    assert read["exit_code"] == done.returncode
    return read


def reject_all(world: World, folder: Path) -> None:
    """Let every row be refused, in hostile words, in a company with a hostile name."""
    world.sandbox.service.place(1, name=ALL)
    world.script({"effect": "reject-rows", "name": "", "message": ALL, "kind": ALL}, *error_style(world))
    file_source(folder / "1.ndjson", hostile_rows())


def error_style(world: World) -> list[dict[str, object]]:
    """The reference's own errors carry no words: then the guide's."""
    return [{"effect": "error-style", "shape": "guide"}] if world.contract == "reference" else []


@pytest.mark.sockets
async def test_what_a_table_shows_cannot_harm_a_terminal(either_world: World, tmp_path: Path, dimsync: Dimsync) -> None:
    reject_all(either_world, tmp_path)
    done = await dimsync(either_world, "sync")
    shown = list(lines(done))
    assert done.returncode == 3
    assert any(line.startswith("rows       rejected  1 <script>alert") for line in shown)
    assert any(r"\u202e" in line for line in shown)
    assert max(map(len, shown)) < 1_200  # a line of progress; those of the table are wrapped
    assert len(shown) < 60, "ten thousand characters are not shown"


@pytest.mark.parametrize("output", ["json", "ndjson"])
@pytest.mark.sockets
async def test_json_holds_every_text_as_it_was(
    either_world: World, tmp_path: Path, output: str, dimsync: Dimsync
) -> None:
    world = either_world
    reject_all(world, tmp_path)
    done = await dimsync(world, "sync", "--output", output)
    (told,) = document(done, output)["companies"]
    assert list(lines(done))
    assert told["name"] == ALL
    assert [(each["key"], each["line"]) for each in told["problems"]] == sorted(
        (row.key, line) for line, row in enumerate(clean(hostile_rows()), 1)
    )
    assert {each["message"] for each in told["problems"]} == {f"{ALL} ({ALL})"}


@pytest.mark.sockets
async def test_a_plan_shows_remote_text_safely(either_world: World, tmp_path: Path, dimsync: Dimsync) -> None:
    """Rows are held because of what stands over there, and the words quote it."""
    world = either_world
    wanted = [row._replace(name="Ours", erp_id=f"E{n}") for n, row in enumerate(dims(len(FORBIDDEN)))]
    there = [row._replace(name=f"{text}{ALL}") for row, text in zip(wanted, FORBIDDEN.values(), strict=True)]
    values = [Values(*row._replace(key=f"other {text}")) for row, text in zip(there, FORBIDDEN.values(), strict=True)]
    world.sandbox.service.place(1, values, name=ALL)
    file_source(tmp_path / "1.ndjson", wanted)
    done = await dimsync(world, "plan")
    assert (done.returncode, next(lines(done))) == (4, "1 company needs a person")
    read = document(await dimsync(world, "plan", "--output", "ndjson"), "ndjson")
    slug = "key-unconfirmed" if world.contract == "guide" else "key-shift"
    assert [(each["code"], each["key"]) for each in read["companies"][0]["problems"]] == [
        (slug, row.key) for row in wanted
    ]


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.sockets
async def test_a_refusal_in_hostile_words_is_shown_safely(
    world: World, tmp_path: Path, status: int, dimsync: Dimsync
) -> None:
    world.sandbox.service.place(1, name=ALL)
    envelope = {"effect": "status", "status": status, "envelope": f"{ALL} {'x' * 10_000}"}
    world.script({**envelope, "match": {"operation": "list"}})
    file_source(tmp_path / "1.ndjson", dims(3))
    done = await dimsync(world, "sync")
    assert done.returncode == 1
    assert sum(map(len, lines(done))) < 4_000
    world.script({**envelope, "match": {"operation": "companies"}})
    assert list(lines(await dimsync(world, "companies", "--refresh")))


@pytest.mark.sockets
async def test_names_of_the_directory_are_shown_safely(world: World, tmp_path: Path, dimsync: Dimsync) -> None:
    for number, text in enumerate([*TEXTS.values(), *FORBIDDEN.values()], 1):
        world.sandbox.service.place(number, name=text)
    file_source(tmp_path / "1.ndjson", dims(3))
    done = await dimsync(world, "companies", "--locations")
    assert (done.returncode, len(list(lines(done))) > len(TEXTS)) == (0, True)
    done = await dimsync(world, "companies", "--output", "json")
    (account,) = json.loads(done.stdout)["accounts"]
    assert list(lines(done))
    assert [one["name"] for one in account["companies"]] == [*TEXTS.values(), *FORBIDDEN.values()]


async def test_what_a_program_gets_can_be_spelled_in_json(world: World) -> None:
    """Whatever a source held: a service answers with it, and a strict encoder takes it."""
    world.place(1)
    texts = [*FORBIDDEN.values(), "\ud83c", "", "x" * 70_000]
    rows = [
        {**spelled(row), column: text}
        for column in COLUMNS
        for row, text in zip(dims(len(texts), prefix=column), texts, strict=True)
    ]
    result = await world.sync(Company(id=1, source=Rows(rows)))
    assert columns(result) == {"created": 1, "invalid": len(rows) - 1}  # an empty code is none
    jsonschema.Draft202012Validator(SCHEMA).validate(orjson.loads(orjson.dumps(run_json(result))))
