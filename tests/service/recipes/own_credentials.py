"""Credentials from a vault, whose keys change while the service runs."""

from collections.abc import Awaitable, Callable, Mapping

from dimsync import Account, Credentials, Secret

Vault = Callable[[str], Awaitable[Mapping[str, str]]]


def account_of(client: str, account_id: str, vault: Vault) -> Account:
    """Return an account for `Settings`, or for `engine.add_account`."""

    async def credentials(_account: Account) -> Credentials:
        """Give what the vault has now.

        It is asked at the start, and again after a 401 or 403, before the
        account is stopped: a key that was changed costs one request.
        """
        kept = await vault(f"ottimate/{client}")
        return Credentials(
            api_key=Secret(kept["api_key"]),
            client_id=Secret(kept["client_id"]),
            client_secret=Secret(kept["client_secret"]),
        )

    return Account(
        name=client, account_id=account_id, credentials=credentials
    )
