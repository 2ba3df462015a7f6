"""What a key making begins with: who the custodians are, how many of them open, how many keys are made.

Every custodian's device and every later reader derives the same session context from these bytes, so that no message of
one key making fits into another. Specification: docs/spec/opening-key.md, "Setup".
"""

import hashlib
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec

from bidding import group, signed
from kernel import canonical
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/key-setup/v1"
SUITE = "ggzy-dkg(Ed25519, SHA-512, XChaCha20-Poly1305)"
MAX_CUSTODIANS = 7
MIN_THRESHOLD = 2
MAX_KEYS = 256
MAX_BYTES = 16 << 10

Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
Index = Annotated[int, msgspec.Meta(ge=1, le=MAX_CUSTODIANS)]
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Custodian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One custodian: number from 1, Ed25519 device key (hex), the name and role shown to people."""

    index: Index
    device_key: Hex32
    name: _Label
    role: _Label


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of one key making: `threshold` of the `custodians` open; `count` keys are made at once."""

    format: str
    suite: str
    ceremony: UUID
    threshold: Annotated[int, msgspec.Meta(ge=MIN_THRESHOLD, le=MAX_CUSTODIANS - 1)]
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEYS)]
    custodians: Annotated[tuple[Custodian, ...], msgspec.Meta(min_length=3, max_length=MAX_CUSTODIANS)]
    sandbox: bool

    @property
    def size(self) -> int:
        """The number of custodians."""
        return len(self.custodians)

    def device_key(self, index: int) -> bytes:
        """Return the device key of a custodian; ``keymaking.not_a_custodian`` for an index outside."""
        if not 1 <= index <= self.size:
            raise GgzyError("keymaking.not_a_custodian", Kind.INTEGRITY)
        return bytes.fromhex(self.custodians[index - 1].device_key)

    def index_of(self, device_key: bytes) -> int:
        """Return the number of the custodian with this device key, else ``keymaking.not_a_custodian``."""
        for custodian in self.custodians:
            if bytes.fromhex(custodian.device_key) == device_key:
                return custodian.index
        raise GgzyError("keymaking.not_a_custodian", Kind.FORBIDDEN)


def write(setup: Setup) -> bytes:
    """Return the canonical bytes of a setup, after checking it as a reader would."""
    data = canonical.encode(msgspec.to_builtins(setup))
    read(data)
    return data


def read(data: bytes) -> Setup:
    """Parse a setup strictly; raises GgzyError ``keymaking.bad_setup``."""
    try:
        return convert(signed.decode(data, FORMAT, limit=MAX_BYTES))
    except GgzyError as error:
        raise GgzyError("keymaking.bad_setup", Kind.INTEGRITY) from error


def convert(fields: dict[str, Any]) -> Setup:
    """Return the setup held by a JSON object; raises ``keymaking.bad_setup``."""
    try:
        setup = check(msgspec.convert(fields, Setup))
    except msgspec.ValidationError as error:
        raise GgzyError("keymaking.bad_setup", Kind.INTEGRITY) from error
    if canonical.encode(msgspec.to_builtins(setup)) != canonical.encode(fields):  # a UUID has more than one spelling
        raise GgzyError("keymaking.bad_setup", Kind.INTEGRITY)
    return setup


def check(setup: Setup) -> Setup:
    """Return the setup if its parts agree: numbers 1 … n in order, distinct device keys, fewer needed than there are.

    Needing all of them is refused: one lost device would lose every bid. Raises GgzyError ``keymaking.bad_setup``.
    """
    keys = {custodian.device_key for custodian in setup.custodians}
    numbers = [custodian.index for custodian in setup.custodians]
    if (
        (setup.format, setup.suite) != (FORMAT, SUITE)
        or numbers != list(range(1, setup.size + 1))
        or len(keys) != setup.size
        or not MIN_THRESHOLD <= setup.threshold < setup.size <= MAX_CUSTODIANS
        or not 1 <= setup.count <= MAX_KEYS
    ):
        raise GgzyError("keymaking.bad_setup", Kind.INVALID)
    try:
        for key in keys:
            group.check_point(bytes.fromhex(key))
    except GgzyError as error:
        raise GgzyError("keymaking.bad_setup", Kind.INTEGRITY) from error
    return setup


def fingerprint(device_key: bytes) -> str:
    """Return 16 hex digits of a device key's SHA-256 in groups, for people to read to each other."""
    digits = hashlib.sha256(device_key).hexdigest()[:16]
    return " ".join(digits[i : i + 4] for i in range(0, 16, 4))


@lru_cache(maxsize=32)
def context(setup: Setup) -> bytes:
    """Return the 64 bytes that bind every proof and box to this setup: SHA-512(format ‖ 00 ‖ canonical setup)."""
    return hashlib.sha512(signed.message_of(msgspec.to_builtins(setup))).digest()


@lru_cache(maxsize=32)
def digest(setup: Setup) -> bytes:
    """Return the 32 bytes by which messages name their setup: SHA-256(format ‖ 00 ‖ canonical setup)."""
    return hashlib.sha256(signed.message_of(msgspec.to_builtins(setup))).digest()
