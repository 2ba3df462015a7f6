"""The key file: named secrets under a passphrase (``ggzy/keyfile/v1``): argon2id, then XChaCha20-Poly1305.

docs/spec/keyfile.md. Parameters stand in the file and are bounded when it is read, so that a hostile file cannot eat
the machine. Argon2id runs with one lane, as libsodium has it; RFC 9106 section 4 explains memory and passes.
"""

import fcntl
import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
)
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from bidding.wire import read
from kernel import canonical, disk
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/keyfile/v1"
CONTENT_FORMAT = "ggzy/keyfile-content/v1"
DEVICE_SEED = "device-seed"
BIDDER_SECRET = "bidder-secret"  # noqa: S105 - the name of a secret
MAX_FILE = 1 << 20
MAX_SECRETS = 500
MIN_MEMORY, MAX_MEMORY = 8 << 10, 1 << 20  # KiB
MAX_PASSES = 16

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9:._-]{0,127}\Z")]
Secret = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){1,65536}\Z")]


@dataclass(frozen=True, slots=True)
class Strength:
    """What argon2id costs: `memory` in KiB, `passes` over it."""

    memory: int = 64 << 10
    passes: int = 4


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Named secrets, held in memory. Names are lower-case ASCII such as ``device-seed`` or ``share:<key id>``."""

    secrets: Mapping[str, bytes] = field(repr=False)

    def secret(self, name: str) -> bytes:
        """Return a secret; GgzyError ``keyfile.no_secret``."""
        if name not in self.secrets:
            raise GgzyError("keyfile.no_secret", Kind.NOT_FOUND, name=name)
        return self.secrets[name]

    def signing_key(self) -> SigningKey:
        """Return the device's Ed25519 key."""
        return SigningKey(self.secret(DEVICE_SEED))

    def with_secret(self, name: str, value: bytes) -> "KeyFile":
        """Return a copy holding one more secret; ``keyfile.repeated_secret`` if the name is taken by another."""
        if self.secrets.get(name, value) != value:
            raise GgzyError("keyfile.repeated_secret", Kind.CONFLICT, name=name)
        return KeyFile({**self.secrets, name: value})


class _Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    memory: Annotated[int, msgspec.Meta(ge=MIN_MEMORY, le=MAX_MEMORY)]
    passes: Annotated[int, msgspec.Meta(ge=1, le=MAX_PASSES)]
    salt: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    kdf: _Kdf
    nonce: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{48}\Z")]
    sealed: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){16,}\Z")]


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    secrets: Annotated[dict[Name, Secret], msgspec.Meta(max_length=MAX_SECRETS)]


def create(entropy: Entropy) -> KeyFile:
    """Return a new person's secrets: the device's seed and the bidder's secret, 32 bytes each."""
    return KeyFile({DEVICE_SEED: entropy.token(32), BIDDER_SECRET: entropy.token(32)})


def load(path: Path, passphrase: str) -> KeyFile:
    """Open a key file; GgzyError ``keyfile.not_found``, ``keyfile.malformed``, ``keyfile.wrong_passphrase``."""
    missing = GgzyError("keyfile.not_found", Kind.NOT_FOUND, name=path.name)
    return decrypt(disk.read(path, MAX_FILE, missing), passphrase)


def save(path: Path, keyfile: KeyFile, passphrase: str, *, entropy: Entropy, strength: Strength | None = None) -> None:
    """Write a key file whole or not at all, readable by its owner only; GgzyError ``keyfile.not_written``."""
    data = encrypt(keyfile, passphrase, entropy=entropy, strength=strength or Strength())
    partial = path.with_name(f"{path.name}.{entropy.token(4).hex()}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        with _opened(path.parent) as descriptor:
            os.fsync(descriptor)
    except OSError as error:
        raise GgzyError("keyfile.not_written", Kind.UNAVAILABLE, name=path.name) from error
    finally:
        partial.unlink(missing_ok=True)


def add(path: Path, passphrase: str, name: str, value: bytes, *, entropy: Entropy) -> KeyFile:
    """Add one secret to a key file and return what it holds now; its strength stays, and no other addition is lost."""
    with _locked(path.parent):
        keyfile = load(path, passphrase).with_secret(name, value)
        save(path, keyfile, passphrase, entropy=entropy, strength=_strength(path))
    return keyfile


def encrypt(keyfile: KeyFile, passphrase: str, *, entropy: Entropy, strength: Strength) -> bytes:
    """Return the file's bytes; GgzyError ``keyfile.bad_secret`` for a name or size that does not fit."""
    content = canonical.encode({"format": CONTENT_FORMAT, "secrets": {k: v.hex() for k, v in keyfile.secrets.items()}})
    try:
        read(content, _Content, CONTENT_FORMAT)
    except GgzyError as error:
        raise GgzyError("keyfile.bad_secret", Kind.INVALID) from error
    kdf = {"name": "argon2id", "memory": strength.memory, "passes": strength.passes, "salt": entropy.token(16).hex()}
    head: dict[str, object] = {"format": FORMAT, "kdf": kdf, "nonce": entropy.token(24).hex()}
    wire = _parse(canonical.encode({**head, "sealed": "00" * 16}))
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        content, canonical.encode(head), bytes.fromhex(wire.nonce), _derive(wire.kdf, passphrase)
    )
    data = canonical.encode({**head, "sealed": sealed.hex()})
    if len(data) > MAX_FILE:
        raise GgzyError("keyfile.bad_secret", Kind.TOO_LARGE)
    return data


def decrypt(data: bytes, passphrase: str) -> KeyFile:
    """Read the file's bytes; GgzyError ``keyfile.malformed``, ``keyfile.wrong_passphrase``."""
    wire = _parse(data)
    head = canonical.encode({"format": FORMAT, "kdf": msgspec.to_builtins(wire.kdf), "nonce": wire.nonce})
    try:
        content = crypto_aead_xchacha20poly1305_ietf_decrypt(
            bytes.fromhex(wire.sealed), head, bytes.fromhex(wire.nonce), _derive(wire.kdf, passphrase)
        )
    except CryptoError as error:
        raise GgzyError("keyfile.wrong_passphrase", Kind.FORBIDDEN) from error
    try:
        secrets = read(content, _Content, CONTENT_FORMAT).secrets
    except GgzyError as error:
        raise _malformed() from error
    return KeyFile({name: bytes.fromhex(value) for name, value in secrets.items()})


def _derive(kdf: _Kdf, passphrase: str) -> bytes:
    salt = bytes.fromhex(kdf.salt)
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    return crypto_pwhash_alg(32, secret, salt, kdf.passes, kdf.memory << 10, crypto_pwhash_ALG_ARGON2ID13)


def _parse(data: bytes) -> _Wire:
    if len(data) > MAX_FILE:
        raise _malformed()
    try:
        wire = read(data, _Wire, FORMAT)
    except GgzyError as error:
        raise _malformed() from error
    if wire.kdf.name != "argon2id":
        raise _malformed()
    return wire


def _strength(path: Path) -> Strength:
    kdf = _parse(path.read_bytes()).kdf
    return Strength(kdf.memory, kdf.passes)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the key files of a folder: the file itself is replaced by each change."""
    try:
        with _opened(folder) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise GgzyError("keyfile.not_written", Kind.UNAVAILABLE, name=folder.name) from error


def _malformed() -> GgzyError:
    return GgzyError("keyfile.malformed", Kind.INTEGRITY)
