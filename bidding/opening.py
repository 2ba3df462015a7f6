"""Opening together: partial decryptions with proofs, their checks, and their combination in the exponent.

An envelope carries U = rB and is sealed under K = rY. Custodian i holds x_i and answers D_i = x_i·U with a proof that
D_i is to U as its verification share X_i is to B. Any k of the D_i give K; the private key itself is never put
together. Specification: docs/spec/opening.md, "Shares".
"""

from collections.abc import Mapping
from functools import reduce

from bidding import group, polynomial
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

_SHARE = b"ggzy/opening-share/v1\0"


def share_context(key_hash: bytes, header_hash: bytes, index: int) -> bytes:
    """Return what a share's proof is bound to: the opening key, the envelope's header, the custodian's number."""
    return _SHARE + key_hash + header_hash + index.to_bytes(4, "big")


def partial(share: bytes, point: bytes, context: bytes, entropy: Entropy) -> tuple[bytes, bytes]:
    """Return D = x_i·U (32 bytes) and its proof (64 bytes); ``group.bad_point`` for a U off the subgroup."""
    image = group.mult(share, group.check_point(point))
    return image, group.prove_equal(share, point, image, context, entropy)


def check_partial(verification_share: bytes, point: bytes, image: bytes, proof: bytes, context: bytes) -> None:
    """Check a custodian's D against its X_i; raises ``group.bad_point`` or ``group.bad_proof``."""
    group.verify_equal(verification_share, point, image, proof, context)


def combine(images: Mapping[int, bytes], threshold: int) -> bytes:
    """Return K from the checked D_i by custodian's number; whichever `threshold` of them are taken, K is the same.

    Raises ``opening.too_few_shares``.
    """
    chosen = sorted(images)[:threshold]
    if len(chosen) < threshold or threshold < 1 or chosen[0] < 1:
        raise GgzyError("opening.too_few_shares", Kind.CONFLICT, given=len(images), needed=threshold)
    terms = (group.mult(polynomial.coefficient_at_zero(i, chosen), group.check_point(images[i])) for i in chosen)
    return group.check_point(reduce(group.add, terms))
