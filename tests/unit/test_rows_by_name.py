"""Rows are read by the names of their fields: a number tells a reader nothing, and a new field shifts what it means.

A subscript counts as a field by number when it is a whole number that is written out and

1. is an argument of `itemgetter`; or
2. is neither 0 nor -1, which stand for the first and the last of a list; or
3. is 0 or -1, of a name that stands for one row (`ONE_ROW`), or of what another such number picked (`pair[0][0]`); or
4. bounds a slice of a name that stands for one row, or both bounds of any slice (`row[1:5]`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.tables import each_of

ENGINE = Path(__file__).parents[2] / "engine"
ROOMS = ("compare", "guards", "model", "run", "send", "sources", "wire", "net", "ledger")

ONE_ROW = frozenset(
    {"change", "each", "entry", "item", "known", "line", "other", "own", "pair"}
    | {"record", "remote", "result", "row", "seen", "shown", "stray", "wanted"}
)
"""Names that stand for one row, whatever its kind: `Dimension`, `RemoteRow`, `RowRecord`, `Change`, `ItemResult` ..."""

_JSON = "an array of the audit trail as it is stored: empty ends are left out, so that it has no fields by name"
_SQL = "a line of a query that stands beside it, made at once into a value with fields by name"
_GROUP = "a group of a regular expression"
_CELLS = "cells of a line of a file, before its columns have names"
_PAIR = "of a pair that the function before has made, in the same module"
_FIRST = "the only one, or the first two, of a list"

ALLOWED: dict[tuple[str, str], str] = {
    ("ledger/jobs/attempts.py", "line[0]"): _JSON,
    ("ledger/jobs/attempts.py", "row[2]"): _JSON,
    ("ledger/jobs/attempts.py", "row[3]"): _JSON,
    ("ledger/jobs/attempts.py", "row[:2]"): _JSON,
    ("ledger/jobs/attempts.py", "row[:3]"): _JSON,
    ("ledger/jobs/attempts.py", "row[:4]"): _JSON,
    ("ledger/jobs/attempts.py", "row[4]"): _JSON,
    ("ledger/jobs/attempts.py", "row[:5]"): _JSON,
    ("ledger/jobs/runs.py", "line[11]"): _SQL,
    ("ledger/jobs/runs.py", "line[4]"): _SQL,
    ("ledger/jobs/runs.py", "line[5:11]"): _SQL,
    ("ledger/jobs/runs.py", "line[:4]"): _SQL,
    ("ledger/jobs/scopes.py", "clean[1]"): _SQL,
    ("ledger/jobs/scopes.py", "clean[2]"): _SQL,
    ("ledger/jobs/to_retry.py", "newest[1]"): _SQL,
    ("guards/swapped_source.py", "found[1]"): _GROUP,
    ("sources/openpyxl_rows.py", "match[1]"): _GROUP,
    ("sources/files.py", "match[1]"): _GROUP,
    ("sources/files.py", "match[2]"): _GROUP,
    ("model/settings_rules.py", "shown[:60]"): "the beginning of a text",
    ("ledger/jobs/scopes.py", "clean[3]"): _SQL,
    ("sources/delimited.py", "said[1]"): _GROUP,
    ("sources/expressions.py", "found[1]"): _GROUP,
    ("sources/furniture.py", "row[0]"): _CELLS,
    ("sources/furniture.py", "row[1:]"): _CELLS,
    ("sources/guess/columns.py", "row[0]"): _CELLS,
    ("sources/guess/head.py", "widths.most_common(1)[0][0]"): _PAIR,
    ("sources/guess/objects.py", "one[1]"): _PAIR,
    ("sources/guess/propose.py", "Counter((match[2] for match in found)).most_common(1)[0][0]"): _PAIR,
    ("sources/guess/propose.py", "match[2]"): _GROUP,
    ("sources/guess/text.py", "_delimited(text, mark)[1]"): _PAIR,
    ("sources/guess/text.py", "content[1:2]"): "the second byte",
    ("sources/guess/text.py", "line[0]"): _CELLS,
    ("sources/guess/text.py", "line[1:]"): _CELLS,
    ("sources/guess/text.py", "named[1]"): _GROUP,
    ("sources/iif.py", "row[0]"): _CELLS,
    ("sources/iif.py", "row[1:]"): _CELLS,
    ("sources/layout.py", "there[1]"): _FIRST,
    ("sources/plugins.py", "match[1]"): _GROUP,
    ("sources/plugins.py", "match[2]"): _GROUP,
    ("sources/preview.py", "row[0]"): "the only row of a part that has one",
    ("sources/several.py", "known[0]"): _FIRST,
    ("sources/sharing.py", "place[1]"): "the name of a place: a pair made and read in this module",
    ("sources/spools.py", "own[0]"): _FIRST,
}
"""(file, expression) -> why it is no field of a row, or why it may be read by its number."""


def numbered(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that read a field by its number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "itemgetter" and any(map(_is_number, node.args)):
                yield node
        elif isinstance(node, ast.Subscript) and _picks_field(node):
            yield node


def _picks_field(node: ast.Subscript) -> bool:
    is_one_row = isinstance(node.value, ast.Name) and node.value.id in ONE_ROW
    if isinstance(node.slice, ast.Slice):
        bounds = [bound for bound in (node.slice.lower, node.slice.upper) if bound is not None]
        numbers = list(map(_is_number, bounds))
        return any(numbers) and (is_one_row or numbers == [True, True])
    if not _is_number(node.slice):
        return False
    is_picked = isinstance(node.value, ast.Subscript) and _is_number(node.value.slice)
    return is_one_row or is_picked or ast.literal_eval(node.slice) not in {0, -1}


def _is_number(node: ast.expr) -> bool:
    try:
        return type(ast.literal_eval(node)) is int
    except ValueError:
        return False


@cache
def found() -> frozenset[tuple[str, str]]:
    """Return where in the rooms of the engine a field is read by its number: file and expression."""
    files = [path for room in ROOMS for path in sorted((ENGINE / room).rglob("*.py"))]
    return frozenset(
        (path.relative_to(ENGINE).as_posix(), ast.unparse(node))
        for path in files
        for node in numbered(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_no_field_of_a_row_is_read_by_its_number() -> None:
    assert found() - ALLOWED.keys() == set()


def test_what_is_allowed_is_there() -> None:
    assert ALLOWED.keys() - found() == set()


@each_of(
    [
        ("itemgetter(1)", True),
        ("operator.itemgetter(0, 2)", True),
        ("itemgetter(*places)", False),
        ("seen[1:5] == remote[1:5]", True),
        ("cells[7] & SURE", True),
        ("change[0][0]", True),
        ("known[0]", True),
        ("entry[-1]", True),
        ("row[2:]", True),
        ("candidates[0]", False),
        ("history[-1]", False),
        ("names[:3]", False),
        ("column[at]", False),
        ("shown['name']", False),
    ]
)
def test_the_rule(text: str, is_numbered: bool) -> None:
    assert any(numbered(ast.parse(text))) == is_numbered
