"""All rows of a report as CSV: one line for each row, or for each field of it that changed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

from engine.cli.show.csv_cells import guarded
from engine.documents.report import Line, Part

HEADER = (
    *("company_id", "company", "account", "run_id", "at", "what", "unique_key", "row", "name"),
    *(
        "field",
        "before",
        "after",
        "undid_a_change_in_ottimate",
        "rows",
        "reason",
        "file",
        "line",
        "ottimate_id",
        "since",
    ),
)


class ReportCsv:
    """The CSV file in the making. Cells that a spreadsheet would take for formulas begin with a quote."""

    def __init__(self, stream: TextIO) -> None:
        """Write the header."""
        self._writer = csv.writer(stream)
        self._writer.writerow(HEADER)
        self.lines = 0

    def put(self, part: Part, lines: Iterable[Line]) -> None:
        """Write what is told of a company. Raises `OSError`."""
        rows = [
            tuple(map(guarded, cells)) for cells in (*_notes(part), *(cells for one in lines for cells in _of(one)))
        ]
        self._writer.writerows(rows)
        self.lines += len(rows)


def _notes(part: Part) -> Iterator[tuple[str, ...]]:
    company = (str(part.company_id), part.name, part.account, "", "")
    for note in part.notes:
        yield (*company, note.code, *("",) * 8, note.message, "", "", "", note.since)
    for reason in part.left_out:
        yield (*company, "left out", *("",) * 7, str(reason.rows), reason.reason, "", "", "", "")


def _of(line: Line) -> Iterator[tuple[str, ...]]:
    head = (str(line.company_id), line.company, line.account, line.run_id, line.at, line.what)
    row = (line.key, line.row, line.name)
    number = "" if line.line is None else str(line.line)
    tail = ("yes" if line.undid else "", "1", line.reason, line.file, number, line.remote_id, line.since)
    for name, before, after in line.fields or (("", None, None),):
        yield (*head, *row, name, before or "", after or "", *tail)
