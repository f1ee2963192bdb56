"""Credentials from a vault, whose keys change while the service runs."""

from collections.abc import Awaitable, Callable, Mapping

from dimsync import Account, Credentials, Secret

Vault = Callable[[str], Awaitable[Mapping[str, str]]]


class VaultAccounts:
    """Accounts whose credentials one provider takes from a vault.

    An account that is made a second time is equal to the first one, so
    that each job may add its own: `engine.add_account(accounts.of(...))`.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def of(self, client: str, account_id: str) -> Account:
        """Return a client's account, which holds no credentials."""
        return Account(
            name=client,
            account_id=account_id,
            credentials=self._credentials,
        )

    async def _credentials(self, account: Account) -> Credentials:
        """Give what the vault has now.

        It is asked at the start, and again after a 401 or 403, before the
        account is stopped: a key that was changed costs one request.
        """
        kept = await self._vault(f"ottimate/{account.name}")
        return Credentials(
            api_key=Secret(kept["api_key"]),
            client_id=Secret(kept["client_id"]),
            client_secret=Secret(kept["client_secret"]),
        )
