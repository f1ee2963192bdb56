"""What `dimsync doctor` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from engine.cli.examination.diagnosis import Diagnosis, Grade, exit_code
from engine.observe.terminal import safe

SCHEMA = "dimsync.doctor/1"
WIDTH = 80
FEW = 5
"""Subjects that a line names; JSON has all."""

LABEL = 17  # "FAIL  companies  "


def finding_lines(findings: Sequence[Diagnosis]) -> Iterator[str]:
    """Yield a line for each finding, with its remedy below, and one with what they come to."""
    for each in findings:
        head = f"{each.grade:<4}  {each.check:<9}  "
        who = _who(each.subjects)
        yield from _wrapped(head, f"{who}: {each.text}" if who else each.text)
        if each.remedy:
            yield from _wrapped(" " * LABEL, f"-> {each.remedy}")
    counts = Counter(each.grade for each in findings)
    told = ", ".join(f"{counts[grade]} {grade}" for grade in (Grade.FAIL, Grade.WARN, Grade.OK) if counts[grade])
    yield ""
    yield f"{told}: exit {int(exit_code(findings))}"


def findings_json(findings: Sequence[Diagnosis]) -> dict[str, object]:
    """Return the same as a document."""
    listed = [each._asdict() | {"subjects": list(each.subjects)} for each in findings]
    return {"schema": SCHEMA, "exit_code": int(exit_code(findings)), "findings": listed}


def _who(subjects: Sequence[str]) -> str:
    more = f" and {len(subjects) - FEW:,} more" if len(subjects) > FEW else ""
    return f"{', '.join(subjects[:FEW])}{more}"


def _wrapped(head: str, text: str) -> Iterator[str]:
    wrapper = TextWrapper(
        WIDTH, initial_indent=head, subsequent_indent=" " * LABEL, break_long_words=False, break_on_hyphens=False
    )
    yield from wrapper.wrap(safe(text))
