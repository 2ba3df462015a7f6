"""STREAM: a long plaintext in authenticated records of 64 KiB (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015).

Record i is sealed under the nonce counter(i) ‖ last, so that none can be dropped, swapped, repeated or added.
docs/spec/sealing.md, section 6. Plaintext views handed out are valid until the next call only.
"""

from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from bidding.header import RECORD_SIZE, Suite
from kernel.errors import GgzyError, Kind

TAG_SIZE = 16
SEALED_SIZE = RECORD_SIZE + TAG_SIZE
BLOCK_RECORDS = 16  # 1 MiB: larger writes took Linux up to four times as long (pages of higher order)
BLOCK_SIZE = BLOCK_RECORDS * RECORD_SIZE
SEALED_BLOCK_SIZE = BLOCK_RECORDS * SEALED_SIZE


class RecordCipher(Protocol):
    """Seals and opens single records from buffer to buffer."""

    def seal(self, index: int, last: bool, record: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        """Write ciphertext and tag of `record` to `out`, which is 16 bytes longer."""

    def open(self, index: int, last: bool, sealed: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        """Write the plaintext to `out`; GgzyError ``bid.bad_record`` if it is not authentic at this place."""


def cipher(suite: Suite, key: bytes) -> RecordCipher:
    """Return the record cipher of a suite under a 32-byte key."""
    return _AesGcm(key) if suite is Suite.AES_256_GCM else _XChaCha(key)


def record_count(length: int) -> int:
    """Return how many records a plaintext of `length` ≥ 1 bytes takes."""
    return -(-length // RECORD_SIZE)


def sealed_length(length: int) -> int:
    """Return the ciphertext's length for a plaintext of `length` ≥ 1 bytes."""
    return length + TAG_SIZE * record_count(length)


class StreamSealer:
    """Seals a plaintext of known length block by block into buffers that the caller reuses."""

    def __init__(self, records: RecordCipher, length: int) -> None:
        """Begin at record 0 of a plaintext of `length` bytes."""
        self._records = records
        self._last = record_count(length) - 1
        self._index = 0

    def seal(self, block: memoryview, out: memoryview) -> memoryview:
        """Seal the next block (whole records, unless it ends the plaintext) into `out`; return the part written."""
        read = written = 0
        while read < len(block):
            record = block[read : read + RECORD_SIZE]
            end = written + len(record) + TAG_SIZE
            self._records.seal(self._index, self._index == self._last, record, out[written:end])
            self._index += 1
            read += len(record)
            written = end
        return out[:written]


class StreamOpener:
    """Opens ciphertext fed in chunks of any size, holding one record and one block of plaintext."""

    def __init__(self, records: RecordCipher, length: int) -> None:
        """Begin at record 0 of a payload whose plaintext has `length` bytes."""
        self._records = records
        self._last = record_count(length) - 1
        self._last_size = sealed_length(length) - self._last * SEALED_SIZE
        self._index = 0
        self._partial = memoryview(bytearray(SEALED_SIZE))
        self._filled = 0
        self._plain = memoryview(bytearray(BLOCK_SIZE))
        self._opened = 0

    def feed(self, chunk: bytes | memoryview) -> Iterator[memoryview]:
        """Yield the plaintext that this ciphertext completes; ``bid.bad_record``, ``bid.extended``."""
        rest = memoryview(chunk)
        while rest:
            if self._index > self._last:
                raise GgzyError("bid.extended", Kind.INTEGRITY)
            if self._opened + RECORD_SIZE > BLOCK_SIZE:
                yield self._flush()
            rest = rest[self._take(rest) :]
        if self._opened:
            yield self._flush()

    def finish(self) -> None:
        """Refuse a payload that ends early: ``bid.truncated``."""
        if self._index <= self._last:
            raise GgzyError("bid.truncated", Kind.INTEGRITY)

    def _take(self, rest: memoryview) -> int:
        """Open one record if it is complete, straight from the chunk where possible; return the bytes used."""
        size = self._last_size if self._index == self._last else SEALED_SIZE
        used = min(size - self._filled, len(rest))
        if used == size:
            self._open(rest[:size])
            return used
        self._partial[self._filled : self._filled + used] = rest[:used]
        self._filled += used
        if self._filled == size:
            self._open(self._partial[:size])
            self._filled = 0
        return used

    def _open(self, sealed: memoryview) -> None:
        end = self._opened + len(sealed) - TAG_SIZE
        self._records.open(self._index, self._index == self._last, sealed, self._plain[self._opened : end])
        self._opened = end
        self._index += 1

    def _flush(self) -> memoryview:
        ready, self._opened = self._plain[: self._opened], 0
        return ready


class _AesGcm:
    """Suite 1: AES-256-GCM, nonce = 11-byte big-endian counter ‖ last (1 or 0)."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, index: int, last: bool, record: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        self._aead.encrypt_into(_nonce(index, last, 11), record, None, out)

    def open(self, index: int, last: bool, sealed: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        try:
            self._aead.decrypt_into(_nonce(index, last, 11), sealed, None, out)
        except InvalidTag as error:
            raise GgzyError("bid.bad_record", Kind.INTEGRITY, record=index) from error


class _XChaCha:
    """Suite 2: XChaCha20-Poly1305, nonce = 23-byte big-endian counter ‖ last (1 or 0)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, index: int, last: bool, record: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        nonce = _nonce(index, last, 23)
        out[:] = crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(record), None, nonce, self._key)

    def open(self, index: int, last: bool, sealed: memoryview, out: memoryview) -> None:  # noqa: FBT001 - nonce parts
        nonce = _nonce(index, last, 23)
        try:
            out[:] = crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(sealed), None, nonce, self._key)
        except CryptoError as error:
            raise GgzyError("bid.bad_record", Kind.INTEGRITY, record=index) from error


def _nonce(index: int, last: bool, counter_size: int) -> bytes:  # noqa: FBT001 - nonce parts
    return index.to_bytes(counter_size, "big") + (b"\1" if last else b"\0")
