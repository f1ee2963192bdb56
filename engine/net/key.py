"""One API key: what every run of an engine shares of it."""

from __future__ import annotations

import anyio

from engine.model.settings import Account
from engine.net.http.auth import TokenKeeper
from engine.net.limits.gate import KeyLimits
from engine.net.limits.quota import Quota
from engine.net.page_size import PageSize
from engine.wire.oauth import FORM


class Key:
    """The gate, the quota and the token of one API key, and what the server has granted it.

    Build it inside the event loop that uses it.
    """

    def __init__(self, account: Account, quota: Quota) -> None:
        self.account = account
        self.quota = quota
        self.gate = KeyLimits(account.limits)
        self.keeper = TokenKeeper()
        self.pages = PageSize(account.limits.page_size)
        self.token_encoding = FORM  # content type that the token endpoint takes, as far as is known
        self.noted: dict[str, str] = {}  # the ledger's notes on this key, by name
        self.directory_turn = anyio.Lock()  # held while the directory is listed: one run at a time
        self.directory_tries = 0  # how often a listing of the directory was begun
        self.directory_trouble: str | None = None  # why the last listing failed; None: it did not
