"""Hold requests and answers against the contracts' files. Plain values in; AssertionError with the reason out.

Dimension calls are held against the file of the contract they speak. Tokens, the directory and batches stand in the
reference's file alone, which speaks for both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.ottimate.com"  # the contracts' own server; whichever host was called stands for it
TOKEN = "/v1/oauth/token"
FORM = "application/x-www-form-urlencoded"
DOCUMENTS: Mapping[str, Any] = {
    contract: orjson.loads((Path(__file__).parent / "data" / f"{contract}.openapi.json").read_bytes())
    for contract in ("guide", "reference")
}
UNCHECKED = Config(spec_validator_cls=None)
FILES = {contract: OpenAPI.from_dict(document, config=UNCHECKED) for contract, document in DOCUMENTS.items()}
"""One test checks the files themselves, which takes longer than a hundred calls: not each process that imports this."""
TELLING = frozenset({"content-type", "authorization", "x-api-key", "x-api-version", "idempotency-key"})
"""The headers that are declared; the others say nothing here."""


def operation_known(method: str, url: str, *, contract: str = "guide") -> bool:
    """Whether the contract has this operation."""
    return operation(method, url, contract) is not None


def operation(method: str, url: str, contract: str) -> Mapping[str, Any] | None:
    """Return what is declared of an operation; None: there is no such one."""
    path = urlsplit(url).path
    known = paths(_spoken(path, contract))
    found: Mapping[str, Any] | None = known.get(_pattern(path, contract), {}).get(method.lower())
    return found


def _pattern(path: str, contract: str) -> str:
    """Return a path as the contract's file names it; fixed paths come first."""
    return path if path in paths(_spoken(path, contract)) else re.sub(r"^(/v1/\w+/)[^/]+", r"\1{id}", path)


@functools.cache
def paths(contract: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what a contract's file declares: path, from the host on -> method -> operation."""
    document = DOCUMENTS[contract]
    base = urlsplit(document["servers"][0]["url"]).path
    return {base + path: item for path, item in document["paths"].items()}


def check_request(method: str, url: str, headers: Mapping[str, str], body: bytes, *, contract: str = "guide") -> None:
    """Fail when a request is not one that the contract allows."""
    _declared(method, url, contract)
    telling = _telling(headers)
    if urlsplit(url).path == TOKEN and dict(telling).get("content-type") == FORM:
        # The file declares JSON alone, yet the vendor's own examples send a form, and so does the engine:
        # the same fields are asked of it.
        body = orjson.dumps(dict(parse_qsl(body.decode())))
        telling = _telling({**headers, "Content-Type": "application/json"})
    file = FILES[_spoken(urlsplit(url).path, contract)]
    try:
        _holds(
            _request_form(contract, method, url, telling, body),
            lambda: file.validate_request(_request(method, url, dict(telling), body)),
        )
    except OpenAPIError as error:
        raise AssertionError(f"{method} {url} breaks the contract: {_reason(error)}; body {body[:300]!r}") from error


def check_answer(
    method: str, url: str, status: int, headers: Mapping[str, str], body: bytes, *, contract: str = "guide"
) -> None:
    """Fail when an answer of a declared status is not as the contract says; undeclared statuses pass unseen."""
    if str(status) not in _declared(method, url, contract)["responses"]:
        return
    path, content_type = urlsplit(url).path, dict(_telling(headers)).get("content-type", "")
    file, answer = FILES[_spoken(path, contract)], MockResponse(body, status_code=status, content_type=content_type)
    try:
        _holds(
            (contract, method, _pattern(path, contract), status, content_type, form(body)),
            lambda: file.validate_response(_request(method, url, {}, b""), answer),
        )
    except OpenAPIError as error:
        reason = _reason(error)
        raise AssertionError(f"{status} to {method} {url} breaks the contract: {reason}; {body[:300]!r}") from error


# A check takes milliseconds, and a test run makes tens of thousands of them. What held holds again for all that differs
# from it in nothing that a contract asks about: it is known by its form (`form`).


def _holds(form_of_it: Hashable, validate: Callable[[], object]) -> None:
    """Validate what no earlier call of its form was found valid for."""
    if form_of_it not in _HELD:
        validate()
        _HELD.add(form_of_it)


_HELD: set[Hashable] = set()


def form(body: bytes) -> Hashable:
    """Return of a body what the contracts' schemas can tell: bodies of one form are all valid, or none is.

    A text is told by whether it is empty, or one of the words that are listed anywhere (`enum`); a whole number by its
    sign; a list by the different forms in it. Texts that have a `format` stay as they are. The contracts use no other
    keywords that look at a value, and a test sees to that.
    """
    try:
        return _form(orjson.loads(body))
    except orjson.JSONDecodeError:
        return body


def _form(value: Any) -> Hashable:
    if isinstance(value, str):
        return value if value in WORDS else "some text"
    if isinstance(value, dict):
        return "object", frozenset(
            (name, each if name in FORMATTED and isinstance(each, str) else _form(each)) for name, each in value.items()
        )
    if isinstance(value, list):
        return "list", frozenset(map(_form, value))
    if type(value) is int:
        return "int", max(-1, min(value, 1))
    return type(value).__name__, value


def schemas(node: Any) -> Iterator[Mapping[str, Any]]:
    """Return every object within a contract's file, and so every schema."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from schemas(inner)


WORDS = frozenset({"", *(word for schema in schemas(DOCUMENTS) for word in schema.get("enum", ()))})
"""Texts that are valid, or not, for what they are."""
FORMATTED = frozenset(
    name
    for schema in schemas(DOCUMENTS)
    for name, inner in schema.get("properties", {}).items()
    if isinstance(inner, dict) and "format" in inner
)
"""Properties whose texts have a `format`."""


def _query(url: str) -> Hashable:
    return tuple(
        (name, "1" if value.isascii() and value.isdigit() and int(value) > 0 else value)
        for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
    )


def _request_form(contract: str, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Hashable:
    told = tuple((name, value if name == "content-type" else "") for name, value in headers)  # the others are any text
    return contract, method, _pattern(urlsplit(url).path, contract), _query(url), told, form(body)


def _spoken(path: str, contract: str) -> str:
    """Return the contract whose file speaks for a path."""
    return contract if path.startswith("/v1/dimensions") else "reference"


def _declared(method: str, url: str, contract: str) -> Mapping[str, Any]:
    found = operation(method, url, contract)
    assert found is not None, f"the contract has no {method} {urlsplit(url).path}"
    return found


def _telling(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that contracts speak of, in one order."""
    lowered = ((name.lower(), value) for name, value in headers.items())
    return tuple(sorted((name, value) for name, value in lowered if name in TELLING))


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    content_type = headers.get("content-type", "").lower()
    return MockRequest(
        HOST, method, parts.path, args=query, headers=dict(headers), data=body, content_type=content_type
    )


def _reason(error: BaseException) -> str:
    """Return the innermost messages: the outer ones only say that something is invalid."""
    reasons = [str(one) for one in getattr(error.__cause__, "schema_errors", ())]
    inner = error.__cause__ and _reason(error.__cause__)
    return " | ".join(reason.splitlines()[0] for reason in reasons) or inner or str(error)
