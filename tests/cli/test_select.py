from __future__ import annotations

import pytest
from click import UsageError

from engine.cli.select import pick
from engine.model.settings import Company
from engine.sources.files import FileSource

COMPANIES = [Company(id=number, source=FileSource(f"{number}.csv")) for number in (7, 111, 112, 12345)]


@pytest.mark.parametrize(
    ("select", "exclude", "chosen"),
    [
        ((), (), [7, 111, 112, 12345]),
        (("company:112", "company:7"), (), [7, 112]),
        ((), ("company:7", "company:111"), [112, 12345]),
        (("company:111", "company:112"), ("company:112",), [111]),
    ],
)
def test_the_union_without_the_exclusions_in_the_order_of_the_settings(
    select: tuple[str, ...], exclude: tuple[str, ...], chosen: list[int]
) -> None:
    assert [company.id for company in pick(COMPANIES, select, exclude)] == chosen


@pytest.mark.parametrize(
    ("select", "exclude", "told"),
    [
        (("company:113",), (), "no company '113'; did you mean company:112 or company:111?"),
        (("company:99999",), (), "no company '99999'; there are 7, 111, 112, 12345"),
        (("group:west",), (), "'group:west' is not a selector: understood is company:ID, such as company:7"),
        (("7",), (), "'7' is not a selector"),
        (("company:\x1b[2J",), (), r"no company '\x1b[2J'"),
        ((), ("company:8",), "no company '8'"),
        (("company:7",), ("company:7",), "the selectors leave no company"),
    ],
)
def test_what_selects_nothing_is_an_error(select: tuple[str, ...], exclude: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        pick(COMPANIES, select, exclude)
    assert told in caught.value.message


def test_all_wrong_selectors_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        pick(COMPANIES, ("company:1", "erp:x"), ("company:2",))
    assert len(caught.value.message.splitlines()) == 3
