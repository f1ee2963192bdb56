"""A token as others may keep it: encrypted under a key that only whoever has the account's own secrets can make.

AES-256-GCM. The key comes by HKDF from the account's client secret and its API key; what is sealed is bound to origin
and API key, so that no row can be put in the place of another one.
"""

from __future__ import annotations

from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.model.settings import Account, Secret
from engine.model.shared_limits import KeyName

PURPOSE = b"dimsync: the token of an API key, 1"
"""Has a number, so that another way of sealing makes another key."""

KEY_BYTES, NONCE_BYTES = 32, 12


class Seal:
    """Seals and opens the tokens of one account's API key."""

    def __init__(self, account: Account, key: KeyName) -> None:
        secrets = (account.client_secret.reveal(), account.api_key.reveal())
        material = b"\0".join(secret.encode(errors="surrogatepass") for secret in secrets)
        derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(material)
        self._cipher = AESGCM(derived)
        self._bound_to = "\0".join(key).encode(errors="surrogatepass")

    def sealed(self, token: Secret) -> bytes:
        """Return a token, encrypted; two of one token are different."""
        nonce = urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, token.reveal().encode(), self._bound_to)

    def opened(self, sealed: bytes) -> Secret | None:
        """Return a token; None: it was sealed with other secrets or for another key, or it is damaged."""
        if len(sealed) <= NONCE_BYTES:
            return None
        try:
            text = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to)
        except InvalidTag:
            return None
        return Secret(text.decode())
