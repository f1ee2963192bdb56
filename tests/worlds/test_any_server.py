"""Whatever server answers, as long as it is deterministic: no run is green but wrong, and spending is bounded.

48 servers are drawn from seeds, with up to three ways of their own each (`ways.py`); `history.py` says what they are
put through, and the bound. `DIMSYNC_WORLDS=2000` draws so many, and lets every tenth run in each hour of the 30 days;
`DIMSYNC_WORLDS=2000 scripts/test tests/worlds -k "any_server and 1017-"` plays one again.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch

import pytest

from tests.worlds.draw import draw
from tests.worlds.history import play
from tests.worlds.ways import WAYS

MORE = int(os.environ.get("DIMSYNC_WORLDS", "0"))
WORLDS = MORE or 48

SILENT = tuple(
    f"{answer}:{what}:any:{when}"
    for answer in ("broken", "unavailable")
    for what in ("all", "token")
    for when in ("always", "later")
)
"""Servers that in the end answer nothing but 5xx, or hand out no token and so show nothing else: these are no servers
that answer. A host that is down leaves no trace, so that the run after it does everything: each run finds out anew."""

LEFT_OUT = SILENT
RULED = tuple(name for name in WAYS if not any(fnmatch(name, pattern) for pattern in LEFT_OUT))
"""The ways that are drawn."""


MET = (763,)
"""Seeds beyond those that are always played, which once found a fault."""


@pytest.mark.parametrize("seed", sorted({*range(WORLDS), *MET}), ids=lambda seed: f"{seed}-")
def test_any_server(seed: int) -> None:
    play(draw(seed, RULED), every_hour=bool(MORE) and seed % 10 == 0)


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_server(seed: int) -> None:
    history = play(draw(seed, []))
    assert not history.is_account_troubled
    assert not any(trouble.rows or trouble.not_listed for trouble in history.troubles.values())


def test_the_ways_that_are_left_out_are_there() -> None:
    for pattern in LEFT_OUT:
        assert any(fnmatch(name, pattern) for name in WAYS), f"no way is called {pattern}"
