"""Digests of settings: what failed under other settings is tried again at once. Nothing can be read back from them."""

from __future__ import annotations

from hashlib import blake2b

from engine.model.settings import Account, Api


def api_fingerprint(api: Api) -> str:
    """Return a digest of `[api]`."""
    texts = (api.base_url, api.contract, api.token_url or "", api.api_version, api.scope)
    return blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def account_fingerprint(account: Account, api: Api) -> str:
    """Return a digest of `[api]` and an account's id and credentials."""
    secrets = (each.reveal() for each in (account.api_key, account.client_id, account.client_secret))
    texts = "\0".join((api_fingerprint(api), account.account_id, *secrets))
    return blake2b(texts.encode(errors="surrogatepass"), digest_size=8, person=b"dimsync account").hexdigest()
