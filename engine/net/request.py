"""A call as the HTTP request that carries it."""

from __future__ import annotations

from typing import Any

from engine.model.settings import Account, Api, Secret
from engine.net.call import Call
from engine.net.http.exchange import Request


def request_for(call: Call[Any], token: Secret | None, account: Account, api: Api) -> Request:
    """Return the request of a call, with the account's API key, and with `token` where there is one."""
    headers = {
        "X-Api-Key": account.api_key.reveal(),
        "X-API-Version": api.api_version,
        "Accept": "application/json",
        **call.headers,
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    return Request(
        method=call.method,
        url=call.path if "://" in call.path else api.base_url + call.path,
        headers=headers,
        body=call.body,
    )
