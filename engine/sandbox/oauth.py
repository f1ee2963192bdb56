"""The token endpoint's spelling, the same whichever contract the dimension calls speak."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl

import orjson

from engine.sandbox.exchange import Answer


def read_form(body: bytes) -> dict[str, str]:
    """Return a token request's fields, from JSON or from a form (the documents disagree: API-FACTS 2.1)."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return {name: str(value) for name, value in decoded.items()} if isinstance(decoded, dict) else {}


def kind(body: bytes) -> Literal["json", "form"]:
    """Return what a token request's body is."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return "form"
    return "json"


def granted(token: str, lifetime_s: int, scope: str) -> Answer:
    """Spell the answer to a token request."""
    body = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s, "scope": scope}
    return Answer(status=200, body=orjson.dumps(body), headers={"Cache-Control": "no-store"})
