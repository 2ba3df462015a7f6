"""The group: laws, refusals of every point off the subgroup, and both proofs."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding import group
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
# The eight torsion points of edwards25519, canonically encoded (RFC 7748 and "Taming the many EdDSAs", 2020).
TORSION = tuple(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)


def number(scalar: bytes) -> int:
    """Read a test's scalar as an integer; the code under test never does."""
    return int.from_bytes(scalar, "little")


def refused(code: str, call: Callable[..., object], *arguments: object) -> None:
    """Check that the call raises GgzyError with this code."""
    with pytest.raises(GgzyError) as caught:
        call(*arguments)
    assert caught.value.code == code


def secret(seed: bytes = b"secret") -> tuple[bytes, bytes]:
    """Return a scalar and its point."""
    scalar = group.random_scalar(SeededEntropy(seed))
    return scalar, group.base_mult(scalar)


@pytest.mark.parametrize("torsion", TORSION)
def test_torsion_points_are_refused_alone(torsion: bytes) -> None:
    """No point of small order, the identity among them, passes anywhere."""
    refused("group.bad_point", group.check_point, torsion)
    refused("group.bad_point", group.mult, secret()[0], torsion)


@pytest.mark.parametrize("torsion", TORSION[1:])
def test_a_good_point_with_torsion_added_is_refused(torsion: bytes) -> None:
    """A point of the subgroup moved by any of the seven other torsion points is refused by check and multiplication."""
    scalar, point = secret()
    moved = group.add(point, torsion)
    assert moved != point
    refused("group.bad_point", group.check_point, moved)
    refused("group.bad_point", group.mult, scalar, moved)
    proof = group.prove_knowledge(scalar, point, b"context", SeededEntropy(b"k"))
    refused("group.bad_point", group.verify_knowledge, moved, proof, b"context")


@pytest.mark.parametrize("value", [PRIME, PRIME + 1, PRIME + 3, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_non_canonical_encodings_are_refused(value: int, sign: int) -> None:
    """A coordinate not below 2^255 − 19 is not a point, whatever its sign bit."""
    encoded = (value | sign << 255).to_bytes(32, "little")
    refused("group.bad_point", group.check_point, encoded)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_check_point_raises_only_its_code(data: bytes) -> None:
    """Any bytes are a point of the subgroup or `group.bad_point`."""
    try:
        assert group.check_point(data) == data
    except GgzyError as error:
        assert error.code == "group.bad_point"


@pytest.mark.parametrize("value", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_zero_and_unreduced_scalars_are_refused(value: int) -> None:
    """A scalar has one encoding, and zero is none."""
    refused("group.bad_scalar", group.check_scalar, value.to_bytes(32, "little"))


def test_scalars_of_wrong_length_are_refused() -> None:
    """A scalar is exactly 32 bytes."""
    refused("group.bad_scalar", group.check_scalar, b"\1")
    refused("group.bad_scalar", group.base_mult, b"\1")
    refused("group.bad_scalar", group.base_mult, group.ZERO)
    refused("group.bad_scalar", group.scalar_invert, group.ZERO)


@settings(deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_scalar_arithmetic_is_that_of_the_field(left: int, right: int) -> None:
    """Each scalar function gives what the integers modulo the order give."""
    a, b = left.to_bytes(32, "little"), right.to_bytes(32, "little")
    assert group.check_scalar(a) == a
    assert number(group.scalar_add(a, b)) == (left + right) % ORDER
    assert number(group.scalar_sub(a, b)) == (left - right) % ORDER
    assert number(group.scalar_mul(a, b)) == left * right % ORDER
    assert number(group.scalar_invert(a)) == pow(left, -1, ORDER)


def test_points_follow_their_scalars() -> None:
    """(a+b)B = aB + bB and a(bB) = (ab)B."""
    (a, point), (b, other) = secret(b"a"), secret(b"b")
    assert group.add(point, other) == group.base_mult(group.scalar_add(a, b))
    assert group.sub(point, other) == group.base_mult(group.scalar_sub(a, b))
    assert group.mult(a, other) == group.base_mult(group.scalar_mul(a, b))
    assert group.sub(point, point) == group.IDENTITY


def test_hash_to_scalar_frames_its_parts() -> None:
    """Parts cannot slide into each other, nor one domain into another."""
    values = {
        group.hash_to_scalar(b"d\0", b"ab", b"c"),
        group.hash_to_scalar(b"d\0", b"a", b"bc"),
        group.hash_to_scalar(b"d\0", b"abc"),
        group.hash_to_scalar(b"e\0", b"abc"),
    }
    assert len(values) == 4


def test_knowledge_is_proved_and_bound() -> None:
    """The proof holds for its point and context and for no other, and no bit of it may change."""
    scalar, point = secret()
    proof = group.prove_knowledge(scalar, point, b"context", SeededEntropy(b"k"))
    group.verify_knowledge(point, proof, b"context")
    refused("group.bad_proof", group.verify_knowledge, point, proof, b"contexu")
    refused("group.bad_proof", group.verify_knowledge, secret(b"other")[1], proof, b"context")
    refused("group.bad_proof", group.verify_knowledge, point, proof[:-1], b"context")
    for bit in range(0, 512, 7):
        flipped = bytearray(proof)
        flipped[bit // 8] ^= 1 << bit % 8
        refused("group.bad_proof", group.verify_knowledge, point, bytes(flipped), b"context")


def test_a_proof_has_one_encoding() -> None:
    """Adding the order to the response makes the same equation true and is refused all the same."""
    scalar, point = secret()
    proof = group.prove_knowledge(scalar, point, b"context", SeededEntropy(b"k"))
    unreduced = (number(proof[32:]) + ORDER).to_bytes(32, "little")
    refused("group.bad_proof", group.verify_knowledge, point, proof[:32] + unreduced, b"context")


def test_equal_logarithms_are_proved_and_bound() -> None:
    """The proof holds for the true image only, under its context only."""
    scalar, public = secret()
    point = secret(b"U")[1]
    image = group.mult(scalar, point)
    proof = group.prove_equal(scalar, point, image, b"context", SeededEntropy(b"k"))
    group.verify_equal(public, point, image, proof, b"context")
    wrong = secret(b"wrong")[1]
    refused("group.bad_proof", group.verify_equal, wrong, point, image, proof, b"context")
    refused("group.bad_proof", group.verify_equal, public, wrong, image, proof, b"context")
    refused("group.bad_proof", group.verify_equal, public, point, wrong, proof, b"context")
    refused("group.bad_proof", group.verify_equal, public, point, image, proof, b"another")
    lie = group.prove_equal(scalar, point, wrong, b"context", SeededEntropy(b"k"))
    refused("group.bad_proof", group.verify_equal, public, point, wrong, lie, b"context")


@pytest.mark.parametrize("torsion", TORSION[1:])
def test_an_image_moved_by_torsion_is_refused(torsion: bytes) -> None:
    """D + T would pass a cofactored check and give another K; it is refused as a point."""
    scalar, public = secret()
    point = secret(b"U")[1]
    image = group.mult(scalar, point)
    proof = group.prove_equal(scalar, point, image, b"", SeededEntropy(b"k"))
    refused("group.bad_point", group.verify_equal, public, point, group.add(image, torsion), proof, b"")
    refused("group.bad_point", group.verify_equal, public, group.add(point, torsion), image, proof, b"")
    refused("group.bad_point", group.verify_equal, group.add(public, torsion), point, image, proof, b"")


def test_nonces_differ_with_the_statement_even_when_entropy_repeats() -> None:
    """A stuck generator does not give the secret away: the nonce is hashed from the statement too."""
    scalar, point = secret()
    first = group.prove_knowledge(scalar, point, b"one", SeededEntropy(b"same"))
    second = group.prove_knowledge(scalar, point, b"two", SeededEntropy(b"same"))
    nonces = [(number(p[32:]) - number(p[:32]) * number(scalar)) % ORDER for p in (first, second)]
    assert nonces[0] != nonces[1]
