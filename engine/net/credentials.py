"""An account's credentials: as they were given, or as its provider gives them, who is asked once for all who wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import isawaitable
from typing import TypeAlias

import anyio

from engine.errors import ApiError, Unauthorized
from engine.model.settings import Account, Credentials, Secret
from engine.net.redaction import redacted

Check: TypeAlias = Callable[[Account], str]
"""Returns what is wrong with an account's credentials, without showing them; empty: nothing is."""

MOST_WORDS = 300
"""Characters of a provider's error that are told: some libraries put whole answers into theirs."""


class CredentialsKeeper:
    """Holds one account with the credentials in use, for all requests of all runs of an engine."""

    def __init__(self, account: Account, check: Check, on_change: Callable[[], None]) -> None:
        """Take the account as it was handed in. `on_change`: called when other credentials are in use."""
        self.account = account
        self._check = check
        self._on_change = on_change
        self._before: Account | None = None  # with the credentials before these: late answers may echo them
        self._turn = anyio.Lock()  # held while the provider is asked
        self._is_refused = False  # the credentials in use were refused, and the provider had no others
        self._is_second = False  # the credentials in use came after a refusal, and have not proved good yet

    async def known(self) -> None:
        """Ask the provider if the credentials are not known, or were refused. Called before anything is sent.

        If it fails, `account.fault` says why, and it is asked again the next time.
        """
        async with self._turn:
            if self.account.credentials is None or not (self.account.fault or self._is_refused):
                return
            given = await self._asked()
            self._is_refused = self._is_second = False
            if isinstance(given, str):
                unknown = Secret("", fault=given)
                given = replace(self.account, api_key=unknown, client_id=unknown, client_secret=unknown)
            self._take(given)

    async def refused(self, used: Account, error: ApiError) -> ApiError | None:
        """Ask the provider once more, as the API refused the credentials of `used`. None: send again with others.

        Else return the error to stop the account with: there are no others, or they could not be had. Others that were
        given after a refusal and are refused, too, before any request was answered well, are not replaced again.
        """
        async with self._turn:
            if used is not self.account:  # another request has met this, too, and there are others by now
                return None
            if self.account.credentials is None or self._is_refused or self._is_second:
                self._is_refused = True
                return error
            given = await self._asked()
            if isinstance(given, str):
                self._is_refused = True
                return Unauthorized(f"{error}; {given}", status=error.status, request_id=error.request_id)
            self._is_refused = given == self.account
            self._is_second = not self._is_refused
            self._take(given)
            return error if self._is_refused else None

    def proven(self, used: Account | None) -> None:
        """Note that a request with the credentials of `used` was answered well."""
        if used is self.account:
            self._is_refused = self._is_second = False

    def redacted(self, words: str) -> str:
        """Return words without the secrets in use, and without those before them."""
        for account in (self.account, self._before):
            if account is not None:
                words = redacted(words, _secrets(account))
        return words

    def _take(self, given: Account) -> None:
        if given != self.account or given.fault != self.account.fault:  # secrets are equal whatever their fault
            self._before, self.account = self.account, given
            self._on_change()

    async def _asked(self) -> Account | str:
        """Ask the provider; return the account with what it gave, or why there are no credentials."""
        timeout_s = self.account.limits.timeout_s
        with anyio.move_on_after(timeout_s):
            try:
                given = await self._given()
            except Exception as error:  # noqa: BLE001  a program's provider may raise anything
                words = " ".join(f"{type(error).__name__}: {error}".split())[:MOST_WORDS].rstrip(": ")
                return self.redacted(f"its credentials provider failed: {words}")
            if not isinstance(given, Credentials):
                return f"its credentials provider returned {type(given).__name__}: it must return Credentials"
            account = replace(
                self.account,
                api_key=given.api_key,
                client_id=given.client_id,
                client_secret=given.client_secret,
            )
            fault = self._check(account)
            return f"what its credentials provider returned cannot be used: {fault}" if fault else account
        return f"its credentials provider did not answer within {timeout_s:g} s"

    async def _given(self) -> object:
        if self.account.credentials is None:
            raise TypeError("there is no provider")
        given: object = self.account.credentials(self.account)
        return await given if isawaitable(given) else given


def _secrets(account: Account) -> list[Secret]:
    """Return the secrets that no text may show. Secrets that are not known yet are left out."""
    return [each for each in (account.api_key, account.client_secret) if each.reveal()]
