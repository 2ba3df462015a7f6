"""Secrets that the platform itself must read (seeds of one-time codes), sealed with a key of the data folder.

A copy of the database alone gives nobody a second factor. XSalsa20-Poly1305 by libsodium's secretbox.
"""

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

KEY_SIZE = SecretBox.KEY_SIZE


class Vault:
    """Seals and opens short secrets with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        """Keep the key."""
        self._box = SecretBox(key)

    def seal(self, secret: bytes, entropy: Entropy) -> bytes:
        """Return nonce ‖ ciphertext."""
        return bytes(self._box.encrypt(secret, entropy.token(SecretBox.NONCE_SIZE)))

    def open(self, sealed: bytes) -> bytes:
        """Return the secret; ``factor.unreadable`` when it was sealed with another key."""
        try:
            return self._box.decrypt(sealed)
        except (CryptoError, ValueError) as error:
            raise GgzyError("factor.unreadable", Kind.UNAVAILABLE) from error
