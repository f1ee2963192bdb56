"""What earlier runs left noted about an account; it is set before the first request of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.quota import DayUse
from engine.model.resting import Pause, Rest


@dataclass(slots=True, kw_only=True)
class EarlierRuns:
    """Trouble of earlier runs that may go on. A new account has none."""

    unreadable: set[str] = field(default_factory=set)  # kinds of answers ("list", "bulk") that could not be read
    refused: set[int] = field(default_factory=set)  # companies whose requests were refused
    used_up: Rest | None = None  # noted when the API last called the key's day used up
    closed: DayUse | None = None  # the key's day that the API called used up, where this run tries it all the same
    pause: Pause | None = None  # a wait that the API asked of the key, where this run does not wait for its end
    was_used_up: bool = False  # the day may still be used up
    rest: Rest | None = None  # noted when the account was last stopped, as it stood when this run began
    is_left_alone: bool = False  # an earlier run's stop still holds, so this run sends nothing
