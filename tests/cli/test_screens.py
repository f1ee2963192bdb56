"""The help page's screens are what the program shows."""

from __future__ import annotations

import pytest

from tests.cli.bad_week import PAGE, page, play, week
from tests.nursery import Nursery


@pytest.mark.long
def test_the_screens_of_the_help_page_are_those_of_a_bad_week_in_the_sandbox(nursery: Nursery) -> None:
    with week(nursery) as there:
        screens = list(play(there))
    assert page(screens) == PAGE.read_text(encoding="utf-8"), "write the page again: scripts/screens"
    for one in screens:
        longest = max(one.text.splitlines(), key=len)
        assert len(longest) <= one.width or longest.lstrip().startswith("dimsync "), longest
