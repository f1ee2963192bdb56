"""The schema of a Postgres ledger, for people who ask it with another program."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.ledger.postgres.migrate import Migration
from engine.ledger.postgres.session import SCHEMA
from engine.ledger.sqlite.schema import NOTES, comment

MADE = re.compile(r"^create (?:table|view) (\w+)", re.MULTILINE)
CONVENTIONS = f"""
    A Postgres database; all tables are in the schema {SCHEMA}. Instants are ISO 8601 texts in UTC, all of one width, so
    that they sort; booleans are 0 or 1; what is null is not known, or was never. U+FDD0 in a text stands for NUL.
"""


def describe(migrations: Sequence[Migration]) -> str:
    """Return the statements of all steps, each table and view below a comment. Run them in an empty schema."""
    steps = (MADE.sub(_noted, step.script.strip()) for step in migrations)
    return "\n\n".join((f"{comment(CONVENTIONS)}\n\nset search_path to {SCHEMA};", *steps)) + "\n"


def _noted(found: re.Match[str]) -> str:
    name = found.group(1)
    return f"{comment(NOTES[name])}\n{found.group()}" if name in NOTES else found.group()
