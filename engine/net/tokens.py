"""Fetch an account's tokens. Whatever keeps a token from coming stops the account: nothing can be sent without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from engine.errors import ApiError, OutOfScope, Rejected, Unauthorized
from engine.model.settings import Api, Secret
from engine.net.call import Call, Spent
from engine.net.key import Key
from engine.net.retry import Policy
from engine.net.trouble.parking import Parking
from engine.wire.oauth import Grant, other_encoding, read_grant, token_request

Send: TypeAlias = Callable[[Call[Grant]], Awaitable[Grant]]


class Tokens:
    """Gives the key's token to whoever sends, and fetches a new one when there is none that is good."""

    def __init__(self, key: Key, api: Api, parking: Parking, spent: Spent, send: Send) -> None:
        """Take the key that holds the token, the count that the requests go to, and what sends a call."""
        self._key = key
        self._api = api
        self._parking = parking
        self._spent = spent
        self._send = send

    async def current(self) -> Secret:
        """Return a token that is good as far as is known. Raises `AccountParked` when none can be had."""
        return await self._key.keeper.token(self._fetch)

    async def other_than(self, stale: Secret | None) -> Secret:
        """Return another token than `stale`. Raises `AccountParked` when none can be had."""
        return await self._key.keeper.renewed(stale, self._fetch)

    async def _fetch(self) -> Grant:
        """Get a new token, or stop the account. Credentials that are refused are asked for once more (`refused`)."""
        while True:
            used = self._key.account
            try:
                grant = await self._in_either_encoding()
            except (Unauthorized, Rejected, OutOfScope) as error:
                refusal = await self._key.credentials.refused(used, _refusal(error))
                if refusal is not None:
                    raise await self._parking.park(refusal) from error
            except ApiError as error:
                raise await self._parking.park(error) from error
            else:
                if used is self._key.account:
                    return grant

    async def _in_either_encoding(self) -> Grant:
        """Get a new token. An endpoint that refuses one encoding of the request (400, 415) is sent the other, once."""
        encoding = self._key.token_encoding
        try:
            return await self._request(encoding)
        except Rejected as refused:
            if refused.status not in {400, 415}:
                raise
            return await self._in_other_encoding(other_encoding(encoding), refused)

    async def _in_other_encoding(self, encoding: str, refused: Rejected) -> Grant:
        """Get a new token in this encoding and keep to it; if it is refused too, raise the first refusal."""
        try:
            grant = await self._request(encoding)
        except Rejected:
            raise refused from None
        self._key.token_encoding = encoding
        return grant

    async def _request(self, encoding: str) -> Grant:
        account = self._key.account
        call: Call[Grant] = Call(
            kind="token",
            method="POST",
            path=self._api.token_url or "/oauth/token",
            body=token_request(account, self._api.scope, encoding),
            headers={"Content-Type": encoding},
            read=lambda answer: read_grant(answer.body),
            policy=Policy(max_attempts=account.limits.max_attempts),
            spent=self._spent,
            bearer=False,
        )
        return await self._send(call)


def _refusal(error: ApiError) -> ApiError:
    """Return what a refusal by the token endpoint means."""
    if isinstance(error, Unauthorized):
        return error
    return Unauthorized(f"the token endpoint refused the account: {error}", status=error.status)
