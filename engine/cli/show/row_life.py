"""The life of one row: its fields in source, ledger and Ottimate, what is known of it, and each attempt to send it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from engine.cli.desk.remedy import lead, remedy_for
from engine.cli.show.details import LONGEST_VALUE
from engine.cli.show.row_hits import hit_lines
from engine.cli.show.table import columns
from engine.cli.show.wrapping import wrap
from engine.compare.agreement import is_pending
from engine.guards.registry import REGISTRY, Level
from engine.model.difference import FieldDifference
from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow
from engine.model.dimension import told as told_row
from engine.model.outcome import Problem
from engine.model.resting import MADE_ANEW, RestingRow
from engine.model.result import field_json, problem_json
from engine.model.row_history import Life, RowAttempt
from engine.model.row_record import RowRecord
from engine.observe.terminal import LONGEST_NAME, brief, safe
from engine.run.inspect import Explanation
from engine.sources.left_out_rows import LeftOutRow

EXPLAIN_SCHEMA = "dimsync.explain/1"

LABEL = 10
"""Width of the labels in front of notes."""

HOLDING = frozenset(guard.slug for guard in REGISTRY if guard.level is not Level.RUN)
"""Codes under which a row is held, alone or with its company."""

REMOTE = {"shown": "as Ottimate shows it now", "gone": "gone from Ottimate", "not asked": "not asked"}


def life_lines(told: Explanation, width: int = 80, config: str = "dimsync.toml") -> Iterator[str]:
    """Yield the lines that `dimsync explain` prints, of `width` cells; commands are never wrapped."""
    if told.matching:
        yield from hit_lines(told, width)
        return
    life = told.life
    yield from _wrapped(f"company {told.company_id}, key {brief(told.key, LONGEST_NAME)}", "", width)
    if life.wire_key != told.key:
        yield from _wrapped(f"on the wire it goes by {brief(life.wire_key, LONGEST_NAME)} (dimsync rekey)", "", width)
    yield ""
    yield from _table(list(_sides(told)), width)
    yield ""
    for note in _notes(told):
        yield from _wrapped(note, " " * LABEL, width)
    for problem in told.told:
        yield from _held_lines(told, problem, width, config)
    if life.attempts:
        yield ""
        yield from _wrapped("attempts, the newest first; times are UTC, of when they were written down", "  ", width)
        for each in life.attempts:
            yield from _attempt(each, width)


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """Yield a text, wrapped so that all lines but the first are indented."""
    first, *more = wrap(text, "", width)
    yield first.plain
    rest = text[len(first.plain) :].strip() if more else ""
    yield from (line.plain for line in (wrap(rest, indent, width) if rest else ()))


def _table(sides: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """Yield the fields in columns; where these do not fit the width, each value in a line of its own."""
    head = ("", "SOURCE", "LEDGER", "OTTIMATE")
    lines = list(columns(head, sides))
    if max(map(cell_len, lines)) <= width:
        yield from lines
        return
    for name, *values in sides:
        for place, value in zip(head[1:], values, strict=True):
            if value:
                yield from _wrapped(f"{name:<12}{place:<10}{value}", " " * 22, width)


def _held_lines(told: Explanation, problem: Problem, width: int, config: str) -> Iterator[str]:
    """Yield what the last run told of the row, since when, and what to type."""
    word = "held" if problem.code in HOLDING else "last run"
    since = f" since {problem.since:%Y-%m-%d %H:%M} UTC" if problem.since else ""
    is_told = problem.code == "rejected" and told.life.rejection is not None  # in the server's words, above
    said = "" if is_told else f": {safe(problem.message)}"
    text = f"{word:<{LABEL}}{problem.code}{since}{said}"
    yield from _wrapped(text, " " * LABEL, width)
    command = remedy_for(problem.code, [told.company_id], key=told.key, config=config)
    yield f"{'':{LABEL}}{lead(command)}"
    yield f"{'':{LABEL}}{command}"


def _sides(told: Explanation) -> Iterator[tuple[str, ...]]:
    known = told.life.known
    source = told.source or (told.left_out[0].row if len(told.left_out) == 1 else None)  # a note tells of this
    for name, optional in ((field.name, field.optional) for field in DIMENSIONS.fields_but_key):
        sent = getattr(known.row, name) if known else None
        if optional and known and not known.code_known:
            sent = "(not observable)"
        sides = (getattr(source, name, None), sent, getattr(told.remote, name, None))
        yield (name, *(brief(side or "", LONGEST_NAME) for side in sides))


def _notes(told: Explanation) -> Iterator[str]:
    life, known = told.life, told.life.known
    if told.source is not None:
        yield f"source    there{_place(told.file, told.line)}"
    elif not told.source_problems and not told.left_out:
        yield "source    no valid row has this key"
    yield from _left_out_lines(told)
    for problem in told.source_problems:
        yield f"source    {problem.code}: {safe(problem.message)}"
    yield f"ottimate  {safe(REMOTE.get(told.remote_is, told.remote_is))}{_id(life)}"
    if known is None:
        yield "ledger    nothing is known of it"
    else:
        by = f" by run {life.acknowledged_by}" if life.acknowledged_by else ""
        last = (
            f"acknowledged {life.acknowledged_at:%Y-%m-%d %H:%M} UTC{by}"
            if life.acknowledged_at
            else "never acknowledged"
        )
        words = "its key is confirmed" if known.confirmed else "nothing shows yet that its key leads there"
        doubt = "" if known.outcome_known else "; it was sent since, and its outcome is not known"
        yield f"ledger    {last}; {words}{doubt}"
        yield from _field_lines(told.fields, known)
    if life.in_flight is not None:
        yield f"          a request with it was begun at {life.in_flight:%Y-%m-%d %H:%M:%S} UTC and never settled"
    if life.rejection is not None:
        yield f"          refused at {life.rejection.at:%Y-%m-%d %H:%M} UTC: {safe(life.rejection.message)}"
    if life.resting is not None and life.resting.code != MADE_ANEW:
        yield from _resting_lines(life.resting)
    for at in life.reverts:
        yield f"          pushed back at {at:%Y-%m-%d %H:%M} UTC: somebody had changed it in Ottimate"


def _place(file: str | None, line: int | None) -> str:
    number = f":{line}" if line is not None else ""
    return f" ({safe(file)}{number})" if file else ""


def _why(row: LeftOutRow) -> str:
    return f"{safe(row.why.words)}{_place(row.file, row.line)}"


def _left_out_lines(told: Explanation) -> Iterator[str]:
    """Yield why rows are left out: that of this key, or those in whose name or ERP id the key stands."""
    for each in told.left_out:
        if each.row.key == told.key:
            yield f"source    left out: {_why(each)}"
    others = [each for each in told.left_out if each.row.key != told.key]
    if others:
        yield "source    no valid row has this key; rows that are left out and are like it:"
    for each in others:
        row = each.row
        named = [told_row(row), *filter(None, (row.name, row.key and f"key {row.key}"))]
        words = ", ".join([brief(text, LONGEST_NAME) for text in named])
        yield f"          {words}: {_why(each)}"


def _field_lines(fields: Iterable[FieldDifference], known: RowRecord) -> Iterator[str]:
    """Yield each field that is spelled otherwise, pending or moved, and who made it so."""
    if known.outcome_known and known.is_fresh:
        yield "          it was sent since the last listing, and none has shown it: not yet verified"
    for field in fields:
        values = (
            ("source", field.source),
            ("sent", field.acknowledged),
            ("last listed as", field.remote),
            ("agreed spelling", field.spelled if field.spelled != field.remote else None),
            ("answered", field.answered),
        )
        told = ", ".join(f"{words} {_quoted(value)}" for words, value in values if value is not None)
        yield f"          {field.name}: {told}: {field.whose}"


def _quoted(value: str) -> str:
    return f"'{brief(value, LONGEST_VALUE)}'"


def _resting_lines(rest: RestingRow) -> Iterator[str]:
    """Yield why a row is not sent for now, and when that ends."""
    yield f"          {rest.code} since {rest.since:%Y-%m-%d %H:%M} UTC: {safe(rest.message)}"
    if rest.next_at is not None:
        yield f"          tried or looked for again after {rest.next_at:%Y-%m-%d %H:%M} UTC"
    yield f"          what that means, and what to do: dimsync help {rest.code}"


def _id(life: Life) -> str:
    return f", id {safe(life.known.remote_id)}" if life.known and life.known.remote_id else ""


def _attempt(each: RowAttempt, width: int) -> Iterator[str]:
    """Yield one attempt: when, what became of it, by which run; below it the server's request id and words."""
    sends = "1 send" if each.sends == 1 else f"{each.sends:,} sends"
    http = "no answer" if each.status is None else f"HTTP {each.status}"
    yield from _wrapped(
        f"{each.at:%Y-%m-%d %H:%M:%S}  {each.column:<9} {sends}, {http}, run {each.run_id}", "  ", width
    )
    said = [f"request {brief(each.request_id, LONGEST_NAME)}" if each.request_id else "", safe(each.message)]
    if any(said):
        yield from (line.plain for line in wrap(": ".join(filter(None, said)), " " * LABEL, width))


def life_document(told: Explanation) -> dict[str, object]:
    """Return the JSON document of `dimsync explain`."""
    life = told.life
    known = life.known
    return {
        "schema": EXPLAIN_SCHEMA,
        "company_id": told.company_id,
        "key": told.key,
        "wire_key": life.wire_key,
        "source": _row(told.source),
        "source_problems": [{"code": one.code, "message": one.message} for one in told.source_problems],
        "file": told.file,
        "line": told.line,
        "left_out": [
            {
                "row": _row(each.row),
                "reason": each.why.reason,
                "column": each.why.column,
                "value": each.why.value,
                "file": each.file,
                "line": each.line,
            }
            for each in told.left_out
        ],
        "remote": _row(told.remote),
        "remote_is": told.remote_is,
        "fields": [field_json(field) for field in told.fields],
        "ledger": known
        and {
            "row": _row(known.row),
            "remote_id": known.remote_id,
            "confirmed": known.confirmed,
            "settled": known.outcome_known,
            "code_known": known.code_known,
            "shown": dict(known.agreement.shown) if known.agreement else {},
            "answered": known.agreement and known.agreement.answered,
            "pending": is_pending(known),
            "acknowledged_at": life.acknowledged_at and life.acknowledged_at.isoformat(),
            "acknowledged_by": life.acknowledged_by,
        },
        "rejection": life.rejection and {"at": life.rejection.at.isoformat(), "message": life.rejection.message},
        "resting": life.resting
        and {
            "code": life.resting.code,
            "since": life.resting.since.isoformat(),
            "next_at": life.resting.next_at and life.resting.next_at.isoformat(),
            "message": life.resting.message,
        },
        "told": [problem_json(problem) for problem in told.told],
        "matches": [
            {"key": hit.key or None, "place": hit.place, "remote_id": hit.remote_id, "row": _row(hit.row)}
            for hit in told.matches
        ],
        "reverts": [at.isoformat() for at in life.reverts],
        "in_flight": life.in_flight and life.in_flight.isoformat(),
        "attempts": [each._asdict() | {"at": each.at.isoformat()} for each in life.attempts],
    }


def _row(row: Dimension | RemoteRow | None) -> dict[str, str | None] | None:
    return None if row is None else row._asdict()
