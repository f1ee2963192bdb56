"""Calls as the HTTP requests that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.settings import Account, Api, Secret
from engine.net.call import Call
from engine.net.http.exchange import Request


class Requests:
    """Makes the requests of one account. The headers that they have in common are made once for each token."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._account: Account | None = None  # of the headers; with other credentials, it is another object
        self._token: Secret | None = None
        self._without_token: Mapping[str, str] = {}
        self._with_token: Mapping[str, str] = {}

    def request(self, call: Call[Any], token: Secret | None, account: Account) -> Request:
        """Return the request of a call, with the account's API key, and with `token` where there is one."""
        if account is not self._account:
            self._use(account)
        common = self._without_token if token is None else self._common(token)
        return Request(
            method=call.method,
            url=call.path if "://" in call.path else self._api.base_url + call.path,
            headers={**common, **call.headers} if call.headers else common,
            body=call.body,
        )

    def _use(self, account: Account) -> None:
        self._account, self._token = account, None
        self._without_token = {
            "X-Api-Key": account.api_key.reveal(),
            "X-API-Version": self._api.api_version,
            "Accept": "application/json",
        }

    def _common(self, token: Secret) -> Mapping[str, str]:
        if token is not self._token:
            self._token = token
            self._with_token = {**self._without_token, "Authorization": f"Bearer {token.reveal()}"}
        return self._with_token
