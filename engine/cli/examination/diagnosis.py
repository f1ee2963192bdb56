"""One thing that was looked at, and how it is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from engine.model.balance import ExitCode


class Grade(StrEnum):
    """How a thing is: in order, to be seen to, or in the way of the next run."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Diagnosis(NamedTuple):
    """One line of `doctor`."""

    grade: Grade
    check: str  # "settings", "account", "clock", "ledger", "backup", "disk", "files", "companies", "quota", "last-run"
    text: str  # what was found
    remedy: str = ""  # what to do; empty: nothing
    subjects: tuple[str, ...] = ()  # accounts, companies or files that it is about; empty: all


def grouped(findings: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Return one finding for all that are alike, with the text and the remedy of the first, in the order of these.

    Alike are those that differ in their subjects alone, be it that a text has the subject in it: a file's name, an id.
    """
    groups: dict[Diagnosis, Diagnosis] = {}
    for each in findings:
        text = each.text
        for subject in each.subjects:
            text = text.replace(subject, "*")
        first = groups.setdefault(each._replace(text=text, remedy="", subjects=()), each)
        if first is not each:
            subjects = tuple(dict.fromkeys((*first.subjects, *each.subjects)))
            groups[each._replace(text=text, remedy="", subjects=())] = first._replace(subjects=subjects)
    return list(groups.values())


def exit_code(findings: Iterable[Diagnosis]) -> ExitCode:
    """Return 2 for a fault of the settings, 1 for any other failure, 0 for warnings: the next run does its work."""
    failed = {each.check for each in findings if each.grade is Grade.FAIL}
    if "settings" in failed:
        return ExitCode.USAGE
    return ExitCode.FAILED if failed else ExitCode.DONE
