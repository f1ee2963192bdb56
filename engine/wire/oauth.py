"""The token endpoint: client credentials, as a form (the guide's clients) or as JSON (the reference's file)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from engine.model.settings import Account, Secret
from engine.wire.dialect import BadAnswer
from engine.wire.reading import read_object

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

ENCODINGS = (FORM, JSON)
"""Content types of a token request, in the order in which they are tried."""

DEFAULT_LIFETIME_S = 3600.0
"""Assumed when an answer names no lifetime: the shorter one in the vendor's examples, which show 1 h and 365 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token, and for how long it is valid."""

    token: Secret
    lifetime_s: float


def other_encoding(encoding: str) -> str:
    """Return the encoding to try when `encoding` is refused."""
    return JSON if encoding == FORM else FORM


def token_request(account: Account, scope: str, encoding: str = FORM) -> bytes:
    """Return the body of a token request, in one of `ENCODINGS`."""
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id.reveal(),
        "client_secret": account.client_secret.reveal(),
        "scope": scope,
    }
    return orjson.dumps(form) if encoding == JSON else urlencode(form).encode()


def read_grant(body: bytes) -> Grant:
    """Decode a token answer. Raises `BadAnswer` without the body, which may contain a token."""
    document = read_object(body)
    token, lifetime = document.get("access_token"), document.get("expires_in", DEFAULT_LIFETIME_S)
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise BadAnswer("the token answer holds no usable `access_token`")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or lifetime <= 0:
        raise BadAnswer("the token answer's `expires_in` is not a positive number of seconds")
    return Grant(token=Secret(token), lifetime_s=float(lifetime))
