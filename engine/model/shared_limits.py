"""What workers that share an API key ask of the ledger's database, and what they are told."""

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
    permits: int  # 0: none are wanted; the question only reports its seats
    interval_s: float  # between two permits of the key, whoever uses them
    lateness_s: float  # how long after its moment a permit may be used
    most: int  # requests that all workers together may have out
    wants: int  # seats that it could use now, those in use included
    out: int  # its requests that are out, and those that may leave before the answer comes
    keep_s: float  # if nothing is heard of the worker for this many seconds, its seats are free for others


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a worker was given. Times count from its arrival, so that two machines' clocks are never compared.

    The first permit may be used after `wait_s`, each further one `interval_s` after the one before it.
    """

    permits: int  # as many as were asked for; 0 during a pause
    at_s: float  # when it would have come if it had not been late, by the clock of the worker's event loop
    wait_s: float  # from `at_s` to the moment of the first permit
    pause_s: float  # the API asked to send nothing for this many seconds; 0: it did not
    seats: int  # requests that the worker may have out from now on; while more are out, it sends none
    is_contended: bool  # all workers together want more seats than there are


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a worker is told about its key without having asked."""

    pause_s: float = 0.0  # the API asked another worker to send nothing for this many seconds
    is_wanted: bool = False  # another worker lacks seats
    is_free: bool = False  # seats came free
    is_lost: bool = False  # the connection to the database was lost: what was leased is void


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """An API key's token as the workers share it."""

    number: int  # one more with each new token of the key
    sealed: bytes  # encrypted by the worker that fetched it
    usable_s: float  # how long it may still be used
