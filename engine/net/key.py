"""One account's API key: what every run of an engine shares of it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import anyio

from engine.model.settings import Account
from engine.net.credentials import Check, CredentialsKeeper
from engine.net.http.auth import TokenKeeper
from engine.net.limits.errands import turn
from engine.net.limits.gate import KeyLimits
from engine.net.limits.quota import Quota
from engine.net.limits.shared import Shared
from engine.net.limits.shared_gate import SharedKeyLimits
from engine.net.page_size import PageSize
from engine.net.redaction import redacted
from engine.net.shared_token import SharedToken
from engine.wire.oauth import FORM


def _nothing_wrong(_account: Account) -> str:
    return ""


class Key:
    """The credentials, the gate, the quota and the token of one account, and what the server has granted it.

    Build it inside the event loop that uses it.
    """

    def __init__(
        self, account: Account, quota: Quota, check: Check = _nothing_wrong, *, shared: Shared | None = None
    ) -> None:
        """Take the account as it was handed in, and the quota of its API key. `check`: of what its provider gives.

        `shared`: by which other workers use the key, too; None: this process has it for itself.
        """
        self.quota = quota
        self._shared = shared
        self.gate = KeyLimits(account.limits) if shared is None else SharedKeyLimits(account.limits, shared, quota.key)
        self.keeper = TokenKeeper(None if shared is None else SharedToken(shared, quota.key, account))
        self.credentials = CredentialsKeeper(account, check, self._begin_anew)
        self._old_quotas: list[Quota] = []  # of API keys before this one, until they are settled
        self.pages = PageSize(account.limits.page_size)
        self.token_encoding = FORM  # content type that the token endpoint takes, as far as is known
        self.noted: dict[str, str] = {}  # the ledger's notes on this key, by name
        self.directory_turn = anyio.Lock()  # held while the directory is listed: one run at a time
        self.directory_tries = 0  # how often a listing of the directory was begun
        self.directory_trouble: str | None = None  # why the last listing failed; None: it did not

    @property
    def account(self) -> Account:
        """The account with the credentials in use."""
        return self.credentials.account

    def redacted(self, words: str) -> str:
        """Return words without the account's secrets, its token included."""
        return redacted(self.credentials.redacted(words), (self.keeper.current,))

    async def settle(self) -> None:
        """Give back what is counted of the day and not sent. Raises `LedgerError`: then too much stays counted."""
        old, self._old_quotas = self._old_quotas, []
        for quota in (*old, self.quota):
            await quota.settle()

    def errand(self, what: str) -> AbstractAsyncContextManager[bool]:
        """Return a block in which no other worker does the same for this account; it gives whether one may have."""
        return turn(self._shared, f"{what} {self.account.account_id} {self.quota.key.origin}")

    async def leave(self) -> None:
        """Let other workers have what this one has leased. Raises `LedgerError`: they have it soon in any case."""
        if isinstance(self.gate, SharedKeyLimits):
            await self.gate.share.leave()

    def _begin_anew(self) -> None:
        """Go on with other credentials: with another token and, if the API key is another one, with its quota.

        The rate, the width and a pause go on: they are the account's own limits as much as the key's.
        """
        self.keeper.forget()
        if self.quota.key_id != self.account.key_id:
            self._old_quotas.append(self.quota)
            self.quota = self.quota.of_key(self.account)
        if self._shared is not None:
            self.keeper.shared = SharedToken(self._shared, self.quota.key, self.account)
        if isinstance(self.gate, SharedKeyLimits):
            self.gate.share.move(self.quota.key)
