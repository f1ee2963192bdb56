"""Accounts, their companies and locations: `results` envelopes, which are the same under both contracts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from engine.model.directory import VisibleAccount, VisibleCompany, VisibleLocation
from engine.wire.dialect import BadAnswer
from engine.wire.reading import read_count, read_object, segment

LARGEST = 2**63
"""Ids and counts must be smaller: larger ones do not fit into a database column."""

T = TypeVar("T", VisibleAccount, VisibleCompany, VisibleLocation)


class DirectoryPage(NamedTuple, Generic[T]):
    """One page of accounts, companies or locations."""

    number: int  # page number that the answer names; 0: none
    limit: int  # page size that the answer names; 0: none
    declared: int  # number of entries on all pages together
    entries: list[T]


def accounts_path(page: int, limit: int) -> str:
    """Return path and query of a page of accounts."""
    return f"/accounts?page={page}&limit={limit}"


def companies_path(account_id: str, page: int, limit: int) -> str:
    """Return path and query of a page of an account's companies."""
    return f"/accounts/{segment(account_id)}/companies?page={page}&limit={limit}"


def locations_path(account_id: str, page: int, limit: int) -> str:
    """Return path and query of a page of an account's locations."""
    return f"/accounts/{segment(account_id)}/locations?page={page}&limit={limit}"


def read_accounts(body: bytes) -> DirectoryPage[VisibleAccount]:
    """Decode a page of accounts. Raises `BadAnswer`."""
    return _page(body, _account)


def read_companies(body: bytes) -> DirectoryPage[VisibleCompany]:
    """Decode a page of companies. Raises `BadAnswer`."""
    return _page(body, _company)


def read_locations(body: bytes) -> DirectoryPage[VisibleLocation]:
    """Decode a page of locations. Raises `BadAnswer`."""
    return _page(body, _location)


def _page(body: bytes, read: Callable[[dict[str, Any]], T]) -> DirectoryPage[T]:
    document = read_object(body)
    results = document.get("results")
    if not isinstance(results, list):
        raise BadAnswer("no array `results`")
    try:
        entries = [read(item) for item in results]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"an entry of `results` has no usable id and name: {error!r}") from error
    return DirectoryPage(
        number=read_count(document, "page", default=0),
        limit=read_count(document, "limit", default=0),
        declared=read_count(document, "count"),
        entries=entries,
    )


def _account(item: dict[str, Any]) -> VisibleAccount:
    return VisibleAccount(
        _account_id(item["id"]),
        _text(item["name"]) or "",
        _number(item.get("company_count")),
        _number(item.get("location_count")),
    )


def _company(item: dict[str, Any]) -> VisibleCompany:
    return VisibleCompany(
        _id(item["id"]), _text(item["name"]) or "", _number(item.get("location_count")), _text(item.get("plan"))
    )


def _location(item: dict[str, Any]) -> VisibleLocation:
    group = item.get("location_group", item.get("group"))  # its name in version 1.1.0, and in 1.0.0
    return VisibleLocation(_id(item["id"]), _text(item["name"]) or "", _text(item.get("company")) or "", _text(group))


def _id(value: object) -> int:
    """Return the id of a company or location. A doubtful value is refused: it could become another one's id."""
    plain = type(value) is int or (type(value) is str and value.isascii() and value.isdigit() and len(value) < 20)
    number = int(value) if plain else -1  # type: ignore[call-overload]  # `plain` has checked it
    if not 0 <= number < LARGEST:
        raise TypeError(f"{value!r} is no id")
    return int(number)


def _account_id(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    if type(value) is int:
        return str(value)
    raise TypeError(f"{value!r} is no account id")


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < LARGEST else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
