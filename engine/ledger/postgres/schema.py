"""The schema of a Postgres ledger, for people who ask it with another program."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.ledger.postgres.migrate import Migration
from engine.ledger.postgres.session import SCHEMA
from engine.ledger.sqlite.schema import NOTES, comment

OWN_NOTES = {
    "key_rates": """
        API keys that workers have sent requests with. `ahead_s`: at `asked_at`, permits were given out for this many
        seconds to come; `paused_s`: the API had asked to send nothing for this many seconds.
    """,
    "key_seats": """
        Workers that use an API key: `wants`, how many requests they could have out, and `seats`, how many they may.
        `has_turn`: it has one seat more than others, since `turn_at`. If nothing is heard of a worker until `free_at`,
        its seats go to others.
    """,
    "key_tokens": """
        API keys' tokens as workers share them. `sealed`: encrypted; no secret that opens it is in the ledger.
    """,
    "turns": "What one worker does for all, such as to fetch a token, until it ends or its time is over.",
}
"""Comments on the tables that only Postgres has. They are empty, or may be emptied, while no worker runs."""

MADE = re.compile(r"^create (?:table|view) (\w+)", re.MULTILINE)
CONVENTIONS = f"""
    A Postgres database; all tables are in the schema {SCHEMA}. Instants are ISO 8601 texts in UTC, all of one width, so
    that they sort; booleans are 0 or 1; what is null is not known, or was never. U+FDD0 in a text stands for NUL,
    unless U+FDD1 is before it.
    What workers share of API keys has Postgres' own instants and booleans.
"""


def describe(migrations: Sequence[Migration]) -> str:
    """Return the statements of all steps, each table and view below a comment. Run them in an empty schema."""
    steps = (MADE.sub(_noted, step.script.strip()) for step in migrations)
    return "\n\n".join((f"{comment(CONVENTIONS)}\n\nset search_path to {SCHEMA};", *steps)) + "\n"


def _noted(found: re.Match[str]) -> str:
    note = {**NOTES, **OWN_NOTES}.get(found.group(1))
    return f"{comment(note)}\n{found.group()}" if note else found.group()
