"""Companies that have one file are found for runs that follow each other, without looking at all files each time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.model.settings import Company
from engine.run import shared_sources
from engine.run.shared_sources import SharedSources
from engine.sources import sharing
from engine.sources.files import FileSource
from engine.sources.sharing import AbsentSource, refusals


def company(number: int, path: Path) -> Company:
    return Company(id=number, source=FileSource(path))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many companies each look was at."""
    found: list[int] = []
    shared = sharing.shared

    def counted(companies: list[Company]) -> object:
        found.append(len(companies))
        return shared(companies)

    monkeypatch.setattr("engine.run.shared_sources.shared", counted)
    return found


def test_a_run_of_one_company_after_the_other_takes_one_look(tmp_path: Path, looks: list[int]) -> None:
    every = [company(1, tmp_path / "a.csv"), company(2, tmp_path / "a.csv"), company(3, tmp_path / "b.csv")]
    known = SharedSources()
    for one in every:
        assert {n: str(error) for n, error in known.refusals([one], list(every)).items()} == {
            n: str(error) for n, error in refusals([one], every).items()
        }
    assert (looks, list(known.refusals(every, every))) == ([3], [1, 2])


def test_other_companies_and_another_minute_are_looked_at_anew(
    tmp_path: Path, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = company(1, tmp_path / "a.csv"), company(2, tmp_path / "a.csv")
    known = SharedSources()
    assert known.refusals([one], [one]) == {}
    assert list(known.refusals([one], [one, other])) == [1]
    assert list(known.refusals([one], [one, company(2, tmp_path / "a.csv")])) == [1]
    later_s = time.monotonic() + shared_sources.FRESH_S
    monkeypatch.setattr("engine.run.shared_sources.time.monotonic", lambda: later_s)
    known.refusals([one], [one, other])
    assert looks == [1, 2, 2, 2]


def test_a_missing_file_is_told_by_the_run_that_it_belongs_to(tmp_path: Path) -> None:
    absent = Company(id=1, source=AbsentSource(tmp_path / "a.csv"))
    assert list(SharedSources().refusals([absent], [absent, company(2, tmp_path / "b.csv")])) == [1]
    assert list(SharedSources().refusals([], [absent])) == []
