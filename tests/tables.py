"""Makes one test of a check and its table of cases.

For tables of pure cases that take microseconds each: as a test of its own, each would take three milliseconds more, of
the tests' runner. All cases are checked, and each that fails is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any

import pytest

FAILURES = (Exception, pytest.fail.Exception)
"""What a check raises that does not hold; the second is pytest's own, of `pytest.raises` where nothing is raised."""


def each_of(cases: Mapping[Any, Any] | Iterable[Any]) -> Callable[[Callable[..., object]], Callable[[], None]]:
    """Return a decorator: the test checks all values of a mapping, which its keys name, or all of other cases.

    A case is the only argument of a check, or a tuple of all of them.
    """
    named = [*cases.items()] if isinstance(cases, Mapping) else [(case, case) for case in cases]
    assert named, "there are no cases"

    def made(check: Callable[..., object]) -> Callable[[], None]:
        is_whole = len(signature(check).parameters) == 1

        def test() -> None:
            failed = []
            for name, case in named:
                try:
                    check(case) if is_whole else check(*case)
                except FAILURES as error:
                    error.add_note(f"in the case {name!r}")
                    failed.append(error)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(named)} cases", failed)

        test.__name__, test.__qualname__ = check.__name__, check.__qualname__
        test.__module__, test.__doc__ = check.__module__, check.__doc__
        return test

    return made
