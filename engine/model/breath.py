"""Let other threads of the program go on, between two slices of work on many rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from time import sleep
from typing import TypeVar

Value = TypeVar("Value")

_LEAST_S = 1e-6
"""Any sleep lets go of the interpreter; the shortest one takes some 60 us, in which another thread wakes up."""


def breathe() -> None:
    """Let a thread that waits for the interpreter have it now.

    Otherwise it would wait for 5 ms, and then for the end of the call in C that is under way. An event loop that waits
    like this is late for each of its turns while another thread works on a giant.
    """
    sleep(_LEAST_S)


def sliced(values: Iterable[Value], at_once: int) -> Iterator[list[Value]]:
    """Yield many values in lists of `at_once`, and let other threads go on between two of them."""
    left = iter(values)
    while part := list(islice(left, at_once)):
        yield part
        if len(part) == at_once:
            breathe()
