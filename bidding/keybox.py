"""The boxes that carry shares from a dealer to a custodian, and the evidence that opens one of them before everybody.

The shared point is S = e·P = d·E, of the dealer's ephemeral key (e, E) and the custodian's device key (d, P), both in
the prime-order subgroup. Key and nonce are hashed from it as C2SP cocktail-dkg does; XChaCha20-Poly1305 encrypts.
Because S is a group element, the custodian can prove with equal logarithms that S belongs to its device key, and so
anybody can open a box that is in dispute (cocktail-dkg leaves this to the application). Specification:
docs/spec/opening-key.md, "Boxes".
"""

import hashlib
from dataclasses import dataclass

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from bidding import group
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

TAG_BYTES = 16
_PREFIX = b"ggzy/key-box/v1\0"
_EVIDENCE = b"ggzy/key-box-evidence/v1\0"


@dataclass(frozen=True, slots=True)
class Pair:
    """The public sides of one box: session context, the dealer's device and ephemeral keys.

    The custodian's device key.
    """

    context: bytes
    ephemeral: bytes
    dealer: bytes
    custodian: bytes


def seal(pair: Pair, ephemeral_secret: bytes, plaintext: bytes) -> bytes:
    """Encrypt to the custodian of the pair; the result is 16 bytes longer."""
    key, nonce = _derive(pair, group.mult(ephemeral_secret, pair.custodian))
    return crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, None, nonce, key)


def shared_point(pair: Pair, device: SigningKey) -> bytes:
    """Return S = d·E on the custodian's device."""
    return group.mult(device_scalar(device), group.check_point(pair.ephemeral))


def open_with(pair: Pair, shared: bytes, box: bytes) -> bytes:
    """Decrypt with the shared point; raises ``keymaking.box_does_not_open``."""
    key, nonce = _derive(pair, shared)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(box, None, nonce, key)
    except CryptoError as error:
        raise GgzyError("keymaking.box_does_not_open", Kind.INTEGRITY) from error


def reveal(pair: Pair, device: SigningKey, entropy: Entropy) -> tuple[bytes, bytes]:
    """Return the shared point and the proof that it belongs to the custodian's device key.

    It tells the dealer nothing, who knows S as well; the dealer proved to know its ephemeral secret, so that nobody can
    have another dealer's boxes opened by repeating that dealer's ephemeral key.
    """
    shared = shared_point(pair, device)
    return shared, group.prove_equal(device_scalar(device), pair.ephemeral, shared, _EVIDENCE + pair.context, entropy)


def check_revealed(pair: Pair, shared: bytes, proof: bytes) -> None:
    """Check what `reveal` gave against the custodian's device key.

    Raises ``group.bad_point`` or ``group.bad_proof``.
    """
    group.verify_equal(pair.custodian, pair.ephemeral, shared, proof, _EVIDENCE + pair.context)


def device_scalar(device: SigningKey) -> bytes:
    """Return the secret scalar of an Ed25519 device key (RFC 8032 section 5.1.5), reduced modulo the group's order."""
    _, secret = crypto_sign_seed_keypair(device.encode())
    return group.scalar_reduce(crypto_sign_ed25519_sk_to_curve25519(secret) + bytes(32))


def _derive(pair: Pair, shared: bytes) -> tuple[bytes, bytes]:
    """Return the 32-byte key and 24-byte nonce: SHA-512 of what cocktail-dkg's H6 takes, under our prefix."""
    length = len(pair.context).to_bytes(8, "little")
    parts = (_PREFIX, shared, pair.ephemeral, pair.dealer, pair.custodian, length, pair.context)
    derived = hashlib.sha512(b"".join(parts)).digest()
    return derived[:32], derived[32:56]
