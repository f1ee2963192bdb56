"""What workers that share an API key ask of the place that they share it through, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class KeyName(NamedTuple):
    """One API key behind one origin."""

    origin: str  # the API's scheme, host and port, and its base path
    key_id: str  # `Account.key_id`


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one worker asks for: permits to send, and seats, of which each request that is out takes one."""

    worker: str  # a name of its own
    permits: int  # 0: none are wanted, and it tells how many seats it needs
    interval_s: float  # between two permits of the key, whoever uses them
    lateness_s: float  # how long after its moment a permit may be used
    most: int  # requests that all workers together may have out
    wants: int  # seats that it could use now, those in use included
    out: int  # its requests that are out, and those that may set off before it has the answer
    keep_s: float  # its seats are free for others when it was not heard of for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What it was given. Moments are told as waits from its coming on, so that no two machines' clocks are compared.

    The first permit may be used after `wait_s`, each further one `interval_s` after the one before it.
    """

    permits: int  # as many as were asked for; 0 during a pause
    at_s: float  # when it would have come if it had not been late, on the clock of the worker's event loop
    wait_s: float
    pause_s: float  # the API asked to send nothing for so long; 0: it did not
    seats: int  # requests that the worker may have out from now on; fewer than are out: it sends none before
    is_contended: bool  # all workers together want more seats than there are


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a worker is told of its key without having asked."""

    pause_s: float = 0.0  # another worker was asked by the API to send nothing for so long
    is_wanted: bool = False  # another worker lacks seats
    is_free: bool = False  # seats came free
    is_lost: bool = False  # the way to the other workers is cut: what was leased is void


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """An API key's token as the workers share it."""

    number: int  # one more with each new token of the key
    sealed: bytes  # encrypted by the worker that fetched it
    usable_s: float  # how long it may still be used
