"""The prime-order subgroup of Ed25519, with proofs of knowledge and of equal logarithms, on libsodium alone.

Points and scalars are 32 bytes, little-endian as in RFC 8032. Secret scalars never become Python integers: every
operation on them is one of libsodium's constant-time functions. A point is checked wherever it enters (`check_point`):
canonical, on the curve, in the prime-order subgroup, not the identity. Specification: docs/spec/opening-key.md.
"""

import hashlib
import hmac

from nacl import bindings
from nacl.exceptions import CryptoError

from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

POINT_BYTES = 32
SCALAR_BYTES = 32
PROOF_BYTES = 64
IDENTITY = b"\x01" + bytes(31)
ZERO = bytes(32)
ONE = b"\x01" + bytes(31)

_KNOWLEDGE = b"ggzy/group/knowledge/v1\0"
_EQUALITY = b"ggzy/group/equality/v1\0"
_NONCE = b"ggzy/group/nonce/v1\0"


def check_point(point: bytes) -> bytes:
    """Return the point if it is a canonical element of the prime-order subgroup other than the identity.

    Raises GgzyError ``group.bad_point`` for wrong lengths, non-canonical encodings, points off the curve or off the
    subgroup, small order, the identity.
    """
    if not isinstance(point, bytes) or len(point) != POINT_BYTES:
        raise GgzyError("group.bad_point", Kind.INTEGRITY)
    if point == IDENTITY or not bindings.crypto_core_ed25519_is_valid_point(point):
        raise GgzyError("group.bad_point", Kind.INTEGRITY)
    return point


def check_scalar(scalar: bytes) -> bytes:
    """Return the scalar if it is reduced modulo the group's order and not zero; else ``group.bad_scalar``."""
    if not isinstance(scalar, bytes) or len(scalar) != SCALAR_BYTES:
        raise GgzyError("group.bad_scalar", Kind.INTEGRITY)
    canonical = hmac.compare_digest(scalar_reduce(scalar + bytes(32)), scalar)
    if not canonical or hmac.compare_digest(scalar, ZERO):
        raise GgzyError("group.bad_scalar", Kind.INTEGRITY)
    return scalar


def random_scalar(entropy: Entropy) -> bytes:
    """Return a uniform scalar, never zero: 64 random bytes reduced modulo the order."""
    return check_scalar(scalar_reduce(entropy.token(64)))


def small_scalar(number: int) -> bytes:
    """Return a public non-negative integer below 2^64 as a scalar (an index, never a secret)."""
    return number.to_bytes(8, "little") + bytes(24)


def base_mult(scalar: bytes) -> bytes:
    """Return scalar·B; ``group.bad_scalar`` when the scalar is zero or not 32 bytes."""
    try:
        return bindings.crypto_scalarmult_ed25519_base_noclamp(scalar)
    except CryptoError as error:
        raise GgzyError("group.bad_scalar", Kind.INTEGRITY) from error


def mult(scalar: bytes, point: bytes) -> bytes:
    """Return scalar·point. libsodium itself refuses points that `check_point` refuses: ``group.bad_point``."""
    try:
        return bindings.crypto_scalarmult_ed25519_noclamp(scalar, point)
    except CryptoError as error:
        raise GgzyError("group.bad_point", Kind.INTEGRITY) from error


def add(left: bytes, right: bytes) -> bytes:
    """Return left + right, which may be the identity; ``group.bad_point`` for what is not on the curve."""
    try:
        return bindings.crypto_core_ed25519_add(left, right)
    except CryptoError as error:
        raise GgzyError("group.bad_point", Kind.INTEGRITY) from error


def sub(left: bytes, right: bytes) -> bytes:
    """Return left − right, which may be the identity; ``group.bad_point`` for what is not on the curve."""
    try:
        return bindings.crypto_core_ed25519_sub(left, right)
    except CryptoError as error:
        raise GgzyError("group.bad_point", Kind.INTEGRITY) from error


def scalar_add(left: bytes, right: bytes) -> bytes:
    """Return left + right modulo the order."""
    return bindings.crypto_core_ed25519_scalar_add(left, right)


def scalar_sub(left: bytes, right: bytes) -> bytes:
    """Return left − right modulo the order."""
    return bindings.crypto_core_ed25519_scalar_sub(left, right)


def scalar_mul(left: bytes, right: bytes) -> bytes:
    """Return left · right modulo the order."""
    return bindings.crypto_core_ed25519_scalar_mul(left, right)


def scalar_invert(scalar: bytes) -> bytes:
    """Return 1/scalar modulo the order; ``group.bad_scalar`` for zero."""
    try:
        return bindings.crypto_core_ed25519_scalar_invert(scalar)
    except CryptoError as error:
        raise GgzyError("group.bad_scalar", Kind.INTEGRITY) from error


def scalar_reduce(wide: bytes) -> bytes:
    """Return 64 bytes, little-endian, reduced modulo the order."""
    return bindings.crypto_core_ed25519_scalar_reduce(wide)


def hash_to_scalar(domain: bytes, *parts: bytes) -> bytes:
    """Return SHA-512(domain ‖ for each part: u32 big-endian length ‖ part) reduced. `domain` ends with a zero byte."""
    state = hashlib.sha512(domain)
    for part in parts:
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return scalar_reduce(state.digest())


def prove_knowledge(secret: bytes, point: bytes, context: bytes, entropy: Entropy) -> bytes:
    """Prove that `secret`·B = `point` is known, bound to `context`: challenge ‖ response, 64 bytes (Schnorr).

    The nonce is hashed from secret, statement and fresh entropy: a weak generator does not give the secret away.
    """
    nonce = hash_to_scalar(_NONCE, secret, entropy.token(64), _KNOWLEDGE, point, context)
    challenge = hash_to_scalar(_KNOWLEDGE, context, point, base_mult(nonce))
    return challenge + scalar_add(nonce, scalar_mul(challenge, secret))


def verify_knowledge(point: bytes, proof: bytes, context: bytes) -> None:
    """Check a proof of `prove_knowledge`; raises ``group.bad_point`` or ``group.bad_proof``."""
    check_point(point)
    challenge, response = _split(proof)
    commitment = sub(base_mult(response), mult(challenge, point))
    _compare(challenge, hash_to_scalar(_KNOWLEDGE, context, point, commitment))


def prove_equal(secret: bytes, point: bytes, image: bytes, context: bytes, entropy: Entropy) -> bytes:
    """Prove log_B(secret·B) = log_point(image), where image = secret·point: challenge ‖ response (Chaum-Pedersen)."""
    public = base_mult(secret)
    nonce = hash_to_scalar(_NONCE, secret, entropy.token(64), _EQUALITY, public, point, image, context)
    commitments = base_mult(nonce), mult(nonce, point)
    challenge = hash_to_scalar(_EQUALITY, context, public, point, image, *commitments)
    return challenge + scalar_add(nonce, scalar_mul(challenge, secret))


def verify_equal(public: bytes, point: bytes, image: bytes, proof: bytes, context: bytes) -> None:
    """Check that `image` is to `point` as `public` is to B; raises ``group.bad_point`` or ``group.bad_proof``."""
    for element in (public, point, image):
        check_point(element)
    challenge, response = _split(proof)
    first = sub(base_mult(response), mult(challenge, public))
    second = sub(mult(response, point), mult(challenge, image))
    _compare(challenge, hash_to_scalar(_EQUALITY, context, public, point, image, first, second))


def _split(proof: bytes) -> tuple[bytes, bytes]:
    """Refuse a proof that is not two reduced scalars: each proof has one encoding."""
    if not isinstance(proof, bytes) or len(proof) != PROOF_BYTES:
        raise GgzyError("group.bad_proof", Kind.INTEGRITY)
    try:
        return check_scalar(proof[:32]), check_scalar(proof[32:])
    except GgzyError as error:
        raise GgzyError("group.bad_proof", Kind.INTEGRITY) from error


def _compare(claimed: bytes, computed: bytes) -> None:
    if not hmac.compare_digest(claimed, computed):
        raise GgzyError("group.bad_proof", Kind.INTEGRITY)
