"""The requests and answers of the token endpoint, which are the same in both contracts."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl

import orjson

from engine.sandbox.exchange import Answer


def read_form(body: bytes) -> dict[str, str]:
    """Return a token request's fields, from JSON or from a form: the vendor's documents show both."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return {name: str(value) for name, value in decoded.items()} if isinstance(decoded, dict) else {}


def kind(body: bytes) -> Literal["json", "form"]:
    """Return the format of a token request's body."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return "form"
    return "json"


def granted(token: str, lifetime_s: int, scope: str) -> Answer:
    """Return the answer to a token request."""
    body = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s, "scope": scope}
    return Answer(status=200, body=orjson.dumps(body), headers={"Cache-Control": "no-store"})
