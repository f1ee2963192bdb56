"""A report as one HTML page that needs nothing else: no script, no address, no file beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from engine.cli.desk.remedy import lead
from engine.documents.report import Part, Report
from engine.model.dimension import DIMENSIONS
from engine.observe.terminal import safe

COLUMNS = (
    ("unchanged", "=", "Unchanged"),
    ("created", "+", "Created"),
    ("updated", "~", "Updated"),
    ("rejected", "!", "Refused"),
    ("invalid", "!", "Invalid"),
    ("held", "#", "Held"),
    ("uncertain", "?", "Outcome unknown"),
    ("deferred", " ", "Deferred"),
)
"""Columns of the trial balance that a source row can be in: name, glyph, words."""

KINDS = (
    ("list", "Listings"),
    ("probe", "Probes of row counts"),
    ("bulk", "Writing"),
    ("batch", "Waiting for batches"),
    ("directory", "What the API user may see"),
    ("token", "Tokens"),
    ("retry", "Repeats"),
)
"""Kinds of requests, in words."""


def page(report: Report) -> Iterator[str]:
    """Yield the pieces of the page. Every text of others is escaped, what is not printable in it too."""
    style = Markup(_file("report.css"))  # noqa: S704  a file of this package
    template = _environment().from_string(_file("report.html.jinja"))
    return template.generate(
        report=report,
        style=style,
        policy=policy(str(style)),
        sections=_sections(report),
        columns=COLUMNS,
        used=[column for column in COLUMNS if any(_has(part, column[0]) for part in report.parts)],
        spans=len(report.runs) > 1,
        kinds=KINDS,
        orphaned=[part for part in report.parts if part.balance["orphans"]],
        allowed=any(run.allowed for run in report.runs),
    )


def _has(part: Part, column: str) -> bool:
    """Return whether a company has any row in a column, in its newest run or, for what was written, in any."""
    return bool(part.balance[column] or getattr(part, column, 0))


def policy(style: str) -> str:
    """Return a Content-Security-Policy that allows this very style and nothing else, no script and no request."""
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _file(name: str) -> str:
    return files("engine.cli.show").joinpath(name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    environment.filters |= {
        "n": _number,
        "coded": _coded,
        "lead": lead,
        "moment": _moment,
        "took": _took,
        "value": _value,
        "words": lambda name: DIMENSIONS.columns.get(name, name),
    }
    return environment


def _printable(value: object) -> object:
    """Return a text with its unprintable characters escaped, such as marks that turn the direction of writing."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _number(count: int | None) -> str:
    return "not known" if count is None else f"{count:,}"


def _value(text: str | None) -> str:
    return "not known" if text is None else text or "(empty)"


def _coded(text: str) -> Markup:
    """Return a text with what is in backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(safe(text)))))  # noqa: S704  it is escaped


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _took(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def _sections(report: Report) -> list[tuple[str, str]]:
    """Return the sections that the page has: (id, words)."""
    parts = report.parts
    there = [
        ("causes", "What to do", bool(report.causes)),
        ("balance", "Trial balance", True),
        ("companies", "Companies", report.is_fleet),
        ("changed", "Changes", True),
        ("refused", "Rows to look at", any(part.troubled_rows for part in parts)),
        ("left-out", "Left out", any(part.left_out for part in parts)),
        ("undone", "Changed by hand", any(part.undone_rows for part in parts)),
        ("orphans", "In Ottimate alone", bool(report.balance["orphans"])),
        ("requests", "Requests", True),
        ("runs", "Runs", len(report.runs) > 1 or any(run.allowed for run in report.runs)),
    ]
    return [(name, words) for name, words, is_there in there if is_there]
