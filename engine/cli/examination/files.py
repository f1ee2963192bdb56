"""Companies' files: whether they can be read, what is invalid in them, what the mappings leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from engine.cli.examination.diagnosis import Diagnosis, Grade
from engine.cli.show.preview import faults, totals
from engine.model.wanted import LeftOut, Wanted, tell_left_out
from engine.model.wording import counted

MOSTLY = 0.5
"""Share of a company's rows from which on it is told that its mapping leaves them out."""


def file_findings(
    read: Mapping[int, Wanted],
    broken: Mapping[int, str],
    unfit: Mapping[int, str],
    strays: Sequence[str],
    times: Sequence[datetime],
) -> Iterator[Diagnosis]:
    """Yield how the files are.

    By company id: `read`; `broken`, why its files cannot be read; `unfit`, why it fails before they are read, with what
    to do. `strays`: rows and files that seem to be meant for some company, in sentences. `times`: when the files were
    last written, in UTC.
    """
    for number, why in broken.items():
        advice = "have it exported again, or correct its mapping (`dimsync map guess FILE`); the next sync takes it"
        yield Diagnosis(Grade.FAIL, "files", why, advice, (str(number),))
    for number, why in unfit.items():
        yield Diagnosis(Grade.FAIL, "files", why, "put that right; the next sync takes it", (str(number),))
    for text in strays:
        yield Diagnosis(Grade.WARN, "files", text, "see what it says; `dimsync validate --files` lists all")
    for number, wanted in read.items():
        for fault in faults(wanted):
            advice = "correct them in the ERP, or leave them out with `where` in the mapping"
            yield Diagnosis(Grade.WARN, "files", f"invalid rows: {fault}", advice, (str(number),))
    if read:
        written = f"; last written {min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC" if times else ""
        companies = counted(len(read), "company", "companies")
        yield Diagnosis(Grade.OK, "files", f"of {companies} can be read: {totals(*read.values())}{written}")
    yield from _left_out(read)


def _left_out(read: Mapping[int, Wanted]) -> Iterator[Diagnosis]:
    """Yield what the mappings leave out, summed by reason, and the companies of which they leave out most."""
    rows: Counter[LeftOut] = Counter()
    for number, wanted in read.items():
        for reason in wanted.left_out_by:
            rows[reason._replace(type_code=None, rows=0)] += reason.rows
        if wanted.left_out > MOSTLY * wanted.read_rows:
            text = f"over half of the rows are left out: {tell_left_out(wanted.left_out_by, 2)}"
            advice = "compare `where` of the mapping with the file: dimsync map preview FILE"
            yield Diagnosis(Grade.WARN, "mapping", text, advice, (str(number),))
    if rows:
        reasons = [reason._replace(rows=count) for reason, count in rows.most_common()]
        yield Diagnosis(Grade.OK, "mapping", f"left out {sum(rows.values()):,}: {tell_left_out(reasons, 3)}")
