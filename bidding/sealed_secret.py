"""A small secret sealed to a lot's opening key with a context and a release time of its own (``ggzy/sec``, version 1).

Used for the nonces of the draw: who withholds a reveal is overruled by the quorum. docs/spec/sealing.md, section 9.
Always `SIZE` bytes long, whatever it holds.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime

from bidding import encapsulation
from bidding.header import Suite, microseconds, moment
from bidding.stream import TAG_SIZE, cipher
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

MAGIC = b"ggzy/sec"
VERSION = 1
MAX_SECRET = 1024
SIZE = 1251

_HEADER = struct.Struct(">8sB32sQ32s32s")
_PREAMBLE = struct.Struct(">64s32s")
_PLAIN_SIZE = 2 + MAX_SECRET
_NAME = "secret"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """What was parsed: `context` and `key` are hashes (of the opening key), `point` is U, `body` the one record."""

    context: bytes
    release: datetime
    key: bytes
    point: bytes
    proof: bytes
    commitment: bytes
    body: bytes

    def encode(self) -> bytes:
        """Return the 1251 bytes."""
        return self._header() + _PREAMBLE.pack(self.proof, self.commitment) + self.body

    def hash(self) -> bytes:
        """Return the hash of the header, to which proof and keys are bound."""
        return hashlib.sha256(b"ggzy/secret/v1\0" + self._header()).digest()

    def _header(self) -> bytes:
        release = microseconds(self.release)
        return _HEADER.pack(MAGIC, VERSION, self.context, release, self.key, self.point)


def seal_secret(
    secret: bytes, opening_key: bytes, key_hash: bytes, *, context: bytes, release: datetime, entropy: Entropy
) -> bytes:
    """Seal up to 1 KiB to an opening key (Y, hash); `context` says for what, custodians open it from `release` on.

    Raises GgzyError ``secret.too_large`` or ``bid.bad_opening_key``.
    """
    if len(secret) > MAX_SECRET:
        raise GgzyError("secret.too_large", Kind.TOO_LARGE, limit=MAX_SECRET)
    fresh = encapsulation.encapsulate(opening_key, entropy)
    bare = SealedSecret(_context(context), release, key_hash, fresh.point, bytes(64), bytes(32), b"")
    header_hash = bare.hash()
    key, commitment = encapsulation.payload_keys(encapsulation.envelope_secret(fresh.shared, header_hash))
    plain = len(secret).to_bytes(2, "big") + secret.ljust(MAX_SECRET, b"\0")
    body = bytearray(_PLAIN_SIZE + TAG_SIZE)
    cipher(Suite.AES_256_GCM, key).seal(0, True, memoryview(plain), memoryview(body))
    proof = encapsulation.prove(fresh, header_hash, entropy)
    return SealedSecret(bare.context, release, key_hash, fresh.point, proof, commitment, bytes(body)).encode()


def parse_secret(data: bytes) -> SealedSecret:
    """Read a sealed secret strictly; GgzyError ``secret.malformed``."""
    if len(data) != SIZE:
        raise _refused("malformed")
    magic, version, context, release, key, point = _HEADER.unpack_from(data)
    proof, commitment = _PREAMBLE.unpack_from(data, _HEADER.size)
    if magic != MAGIC or version != VERSION:
        raise _refused("malformed")
    try:
        time = moment(release)
    except GgzyError as error:
        raise _refused("malformed") from error
    body = data[_HEADER.size + _PREAMBLE.size :]
    return SealedSecret(context, time, key, point, proof, commitment, body)


def check_secret(sealed: SealedSecret, *, key: bytes, context: bytes, release: datetime) -> None:
    """Accept a sealed secret only for this opening key, context and release time, with a valid proof.

    Raises GgzyError ``secret.other_key``, ``secret.other_context``, ``secret.other_release``, ``bid.bad_point``,
    ``bid.bad_proof``. No share may be computed before this.
    """
    if not hmac.compare_digest(sealed.key, key):
        raise _refused("other_key")
    if not hmac.compare_digest(sealed.context, _context(context)):
        raise _refused("other_context")
    if sealed.release != release:
        raise _refused("other_release")
    encapsulation.verify_proof(sealed.point, sealed.proof, sealed.hash(), _NAME)


def open_secret(sealed: SealedSecret, shared: bytes) -> bytes:
    """Return the secret from K; GgzyError ``bid.bad_commitment``, ``bid.bad_record`` or ``secret.malformed``."""
    key, commitment = encapsulation.payload_keys(encapsulation.envelope_secret(shared, sealed.hash()))
    if not hmac.compare_digest(commitment, sealed.commitment):
        raise GgzyError("bid.bad_commitment", Kind.INTEGRITY, envelope=_NAME)
    plain = bytearray(_PLAIN_SIZE)
    records = cipher(Suite.AES_256_GCM, key)
    records.open(0, True, memoryview(sealed.body), memoryview(plain))
    size = int.from_bytes(plain[:2], "big")
    if size > MAX_SECRET or any(plain[2 + size :]):
        raise _refused("malformed")
    return bytes(plain[2 : 2 + size])


def _context(context: bytes) -> bytes:
    return hashlib.sha256(b"ggzy/secret-context/v1\0" + context).digest()


def _refused(code: str) -> GgzyError:
    return GgzyError(f"secret.{code}", Kind.INTEGRITY)
