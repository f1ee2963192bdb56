"""What a case of `test_field_cases` is: a folder with an export and settings, and what each run of it must be like."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent

SERVER = """
[api]
base_url = "{base_url}"

[accounts.main]
account_id = "racc_demo"
api_key = "env:API_KEY"
client_id = "env:CLIENT_ID"
client_secret = "env:CLIENT_SECRET"
"""

Stored = tuple[str, str, str, str]
"""A row in Ottimate: type code, ERP id, name, code; the code is empty where there is none."""


def accounts(*rows: tuple[str, str] | tuple[str, str, str]) -> tuple[Stored, ...]:
    """Return accounts as they are stored: of each its ERP id, name and, where it has one, code."""
    return tuple(("account", row[0], row[1], row[2] if len(row) > 2 else "") for row in rows)


def coded(*rows: tuple[str, str]) -> tuple[Stored, ...]:
    """Return accounts whose code is their ERP id."""
    return tuple(("account", erp_id, name, erp_id) for erp_id, name in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a run shows of one company. None: it does not matter."""

    state: str | None
    read_rows: int | None  # None: the source could not be read
    left_out: int | None = 0
    columns: Mapping[str, int] = field(default_factory=dict)  # of the source rows, without those that are 0
    codes: tuple[str, ...] | None = ()  # the different codes of the problems, sorted
    words: tuple[str, ...] = ()  # what the messages of the problems must say between them
    lines: tuple[int, ...] | None = None  # of the problems, in order
    stored: tuple[Stored, ...] | None = None  # what Ottimate has afterwards, in any order
    never: tuple[str, ...] = ()  # names that Ottimate may not have afterwards
    left_out_by: Mapping[tuple[str, str], int] | None = None  # (column, value) -> rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run. A file `runN-NAME` of the folder is put in the place of NAME before the N-th run."""

    exit: int
    seen: tuple[Seen, ...]  # in the order of the companies
    allow: tuple[str, ...] = ()
    told: tuple[str, ...] = ()  # what one message says, once for all companies


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A folder, one of its settings files, and the runs."""

    folder: str
    steps: tuple[Step, ...]
    settings: str = "dimsync.toml"
    companies: tuple[int, ...] = ()  # where the settings file does not list them

    def lay_out(self, into: Path, base_url: str) -> tuple[int, ...]:
        """Copy the files, add the server to the settings, and return the ids of the companies."""
        text = (FOLDER / self.folder / self.settings).read_text(encoding="utf-8")
        shutil.copytree(FOLDER / self.folder, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.toml", "run*"))
        (into / "dimsync.toml").write_text(text + SERVER.format(base_url=base_url), encoding="utf-8")
        return self.companies or tuple(dict.fromkeys(each["id"] for each in tomllib.loads(text)["companies"]))

    def begin(self, number: int, into: Path) -> None:
        """Put the files of the run of this number in their places."""
        prefix = f"run{number}-"
        for file in (FOLDER / self.folder).glob(f"{prefix}*"):
            shutil.copy(file, into / file.name.removeprefix(prefix))


def done(created: int, *, read: int | None = None, stored: tuple[Stored, ...] | None = None, **more: object) -> Step:
    """Return a first run in which all is well: what is not created is left out."""
    read_rows = created if read is None else read
    seen = Seen(
        state="synced",
        read_rows=read_rows,
        left_out=read_rows - created,
        columns={"created": created},
        stored=stored,
        **more,  # type: ignore[arg-type]  # the other fields of `Seen`
    )
    return Step(exit=0, seen=(seen,))


def again(unchanged: int, *, left_out: int = 0, stored: tuple[Stored, ...] | None = None) -> Step:
    """Return a run that finds nothing to do."""
    read_rows = unchanged + left_out
    columns = {"unchanged": unchanged}
    seen = Seen(state="unchanged", read_rows=read_rows, left_out=left_out, columns=columns, stored=stored)
    return Step(exit=0, seen=(seen,))


def failed(*words: str, code: str = "source", stored: tuple[Stored, ...] = (), line: int | None = None) -> Step:
    """Return a run that cannot read the source: one problem, whose message says these words."""
    lines = None if line is None else (line,)
    codes = (code,)
    seen = Seen(state="failed", read_rows=None, left_out=None, codes=codes, words=words, lines=lines, stored=stored)
    return Step(exit=1, seen=(seen,))


def partial(invalid: int, *codes: str, created: int = 0, left_out: int = 0, **more: object) -> Step:
    """Return a first run in which some rows are invalid."""
    columns = {"created": created, "invalid": invalid} if created else {"invalid": invalid}
    seen = Seen(
        state="partial",
        read_rows=created + invalid + left_out,
        left_out=left_out,
        columns=columns,
        codes=codes,
        **more,  # type: ignore[arg-type]  # the other fields of `Seen`
    )
    return Step(exit=3, seen=(seen,))


def held(code: str, company_id: int, rows: int) -> Step:
    """Return a first run in which a guard holds the company, and names the words that let it pass."""
    seen = Seen(
        state="held",
        read_rows=rows,
        columns={"held": rows},
        codes=(code,),
        words=(f"--allow {code}:{company_id}",),
        stored=(),
    )
    return Step(exit=4, seen=(seen,))
