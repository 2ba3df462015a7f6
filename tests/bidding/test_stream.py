"""The promises of bidding.stream."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.header import RECORD_SIZE, Suite
from bidding.stream import SEALED_SIZE, StreamOpener, StreamSealer, cipher, sealed_length
from kernel.errors import GgzyError

KEY = b"k" * 32
PLAIN = random.Random(2).randbytes(20 * RECORD_SIZE + 5)  # noqa: S311 - test data


def seal(suite: Suite, plain: bytes) -> bytes:
    """Seal in one block."""
    out = memoryview(bytearray(sealed_length(len(plain))))
    return bytes(StreamSealer(cipher(suite, KEY), len(plain)).seal(memoryview(plain), out))


def open_all(suite: Suite, sealed: bytes, length: int, chunk: int = 1 << 20) -> bytes:
    """Open in chunks."""
    opener = StreamOpener(cipher(suite, KEY), length)
    plain = b"".join(bytes(p) for i in range(0, len(sealed), chunk) for p in opener.feed(sealed[i : i + chunk]))
    opener.finish()
    return plain


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("length", [1, RECORD_SIZE - 1, RECORD_SIZE, RECORD_SIZE + 1, 16 * RECORD_SIZE, len(PLAIN)])
def test_round_trip(suite: Suite, length: int) -> None:
    """What was sealed opens again, at and around record borders."""
    sealed = seal(suite, PLAIN[:length])
    assert len(sealed) == sealed_length(length)
    assert open_all(suite, sealed, length) == PLAIN[:length]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3 * SEALED_SIZE))
def test_chunks_do_not_matter(chunk: int) -> None:
    """However the ciphertext arrives, the plaintext is the same."""
    assert open_all(Suite.AES_256_GCM, seal(Suite.AES_256_GCM, PLAIN), len(PLAIN), max(chunk, 500)) == PLAIN


def _swapped(sealed: bytes) -> bytes:
    return sealed[SEALED_SIZE : 2 * SEALED_SIZE] + sealed[:SEALED_SIZE] + sealed[2 * SEALED_SIZE :]


def _repeated(sealed: bytes) -> bytes:
    return sealed[:SEALED_SIZE] * 2 + sealed[2 * SEALED_SIZE :]


def _dropped(sealed: bytes) -> bytes:
    return sealed[:SEALED_SIZE] + sealed[2 * SEALED_SIZE :]


MALFORMED: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda _: b"", "bid.truncated"),
    ("last byte missing", lambda s: s[:-1], "bid.truncated"),
    ("last record missing", lambda s: s[: 20 * SEALED_SIZE], "bid.truncated"),
    ("one byte more", lambda s: s + b"\0", "bid.extended"),
    ("last record twice", lambda s: s + s[20 * SEALED_SIZE :], "bid.extended"),
    ("records swapped", _swapped, "bid.bad_record"),
    ("record repeated", _repeated, "bid.bad_record"),
    ("record dropped", _dropped, "bid.bad_record"),
    ("bit flipped", lambda s: s[:-1] + bytes([s[-1] ^ 1]), "bid.bad_record"),
    ("first bit flipped", lambda s: bytes([s[0] ^ 1]) + s[1:], "bid.bad_record"),
]


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize(("change", "code"), [(c, code) for _, c, code in MALFORMED], ids=[n for n, _, _ in MALFORMED])
def test_malformed_streams_are_refused(suite: Suite, change: Callable[[bytes], bytes], code: str) -> None:
    """Truncated, reordered, repeated and extended payloads each have their code."""
    with pytest.raises(GgzyError) as refusal:
        open_all(suite, change(seal(suite, PLAIN)), len(PLAIN))
    assert refusal.value.code == code


@pytest.mark.parametrize("suite", Suite)
def test_a_shorter_payload_cannot_pose_as_whole(suite: Suite) -> None:
    """Even told a shorter length, the opener finds that the record it takes for the last was not sealed as such."""
    length = 3 * RECORD_SIZE
    with pytest.raises(GgzyError, match=r"bid\.bad_record"):
        open_all(suite, seal(suite, PLAIN)[: sealed_length(length)], length)


def test_suites_do_not_mix() -> None:
    """A payload of one suite does not open as the other."""
    with pytest.raises(GgzyError, match=r"bid\.bad_record"):
        open_all(Suite.XCHACHA20_POLY1305, seal(Suite.AES_256_GCM, PLAIN), len(PLAIN))


def test_sealing_in_blocks_gives_the_same_bytes() -> None:
    """Sealed at once or block by block: one ciphertext."""
    out = memoryview(bytearray(2 * SEALED_SIZE))
    sealer = StreamSealer(cipher(Suite.AES_256_GCM, KEY), len(PLAIN))
    step = 2 * RECORD_SIZE
    blocks = [bytes(sealer.seal(memoryview(PLAIN)[i : i + step], out)) for i in range(0, len(PLAIN), step)]
    assert b"".join(blocks) == seal(Suite.AES_256_GCM, PLAIN)
