"""One test for a table: all its cases are checked, and those that fail are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.tables import each_of


@pytest.mark.parametrize(
    "cases",
    [{"two": (2, 2), "three": (3, 4), "four": (4, 4), "five": (5, 0)}, [(2, 2), (3, 4), (4, 4), (5, 0)]],
    ids=["by name", "by what they are"],
)
def test_each_case_that_fails_is_named(cases: Mapping[str, tuple[int, int]] | Iterable[tuple[int, int]]) -> None:
    @each_of(cases)
    def test(first: int, second: int) -> None:
        """Check that they are the same."""
        assert first == second, f"{first} is not {second}"

    assert (test.__name__, test.__doc__) == ("test", "Check that they are the same.")
    with pytest.raises(BaseExceptionGroup) as caught:
        test()
    assert caught.value.message == "2 of 4 cases"
    failed = ["three", "five"] if isinstance(cases, Mapping) else [(3, 4), (5, 0)]
    assert [error.__notes__ for error in caught.value.exceptions] == [[f"in the case {name!r}"] for name in failed]
    assert [str(error).split("\n")[0] for error in caught.value.exceptions] == ["3 is not 4", "5 is not 0"]


def test_nothing_raised_where_something_should_be_is_a_failure() -> None:
    @each_of([1, 0])
    def test(number: int) -> None:
        with pytest.raises(ZeroDivisionError):
            assert 1 / number

    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases"):
        test()


def test_a_table_without_cases_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no cases"):
        each_of({})
