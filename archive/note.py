"""Signed notes (C2SP signed-note) with Ed25519, their keys, and witnesses' cosignatures (C2SP tlog-cosignature).

A parser here raises GgzyError only, and takes only what it would write itself.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE = 1 << 16
MAX_SIGNATURES = 64
MAX_NAME = 255

_SEED_SIZE = 32
_KEY_SIZE = 32
_ID_SIZE = 4
_SIGNATURE_SIZES = {ED25519: 64, COSIGNATURE: 72}
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A verifier's key: name, signature type (`ED25519` for logs, `COSIGNATURE` for witnesses), 32 public bytes."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Return the 4-byte key id: SHA-256(name ‖ newline ‖ type ‖ public key)[:4]."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_ID_SIZE]

    @property
    def vkey(self) -> str:
        """Return the text form, ``name+id+base64(type ‖ public key)``."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.type]) + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: key name, 4-byte key id and what the key's type says (64 or 72 bytes, or unknown)."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """Return the line with its newline."""
        return f"— {self.name} {b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note: the signed text (ending in a newline) and its signature lines. Not yet verified."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> str:
        """Return the note as written: text, blank line, signature lines."""
        return f"{self.text}\n{''.join(s.line for s in self.signatures)}"


class Signer:
    """An Ed25519 signing key with a name; the seed never leaves it."""

    __slots__ = ("_signing", "key")

    def __init__(self, name: str, seed: bytes) -> None:
        """Make the signer of a 32-byte seed; GgzyError ``note.malformed`` for an impossible name or seed."""
        if len(seed) != _SEED_SIZE:
            raise _malformed()
        self._signing = SigningKey(seed)
        self.key = Key(_checked_name(name), ED25519, bytes(self._signing.verify_key))

    @property
    def name(self) -> str:
        """Return the key's name, which is also the origin of the log it signs."""
        return self.key.name

    @property
    def vkey(self) -> str:
        """Return the verifier's key to be pinned by others."""
        return self.key.vkey

    def sign(self, text: str) -> str:
        """Return the signed note of a text that ends in a newline."""
        signature = Signature(self.name, self.key.id, self._signing.sign(text.encode()).signature)
        note = Note(text, (signature,)).encode()
        parse(note)
        return note


def new_signer(name: str, entropy: Entropy) -> tuple[Signer, bytes]:
    """Return a new signer and its 32-byte seed, which the caller keeps in a file that only it can read."""
    seed = entropy.token(_SEED_SIZE)
    return Signer(name, seed), seed


def parse_key(vkey: str) -> Key:
    """Read a verifier's key strictly (types 0x01 and 0x04); GgzyError ``note.malformed``."""
    match = _VKEY.fullmatch(vkey)
    if not match:
        raise _malformed()
    material = _decode(match[3])
    if len(material) != 1 + _KEY_SIZE or material[0] not in _SIGNATURE_SIZES:
        raise _malformed()
    key = Key(_checked_name(match[1]), material[0], material[1:])
    if key.vkey != vkey:
        raise _malformed()
    return key


def parse(data: str | bytes) -> Note:
    """Read a signed note strictly, without verifying it; GgzyError ``note.malformed``."""
    try:
        note = data if isinstance(data, str) else data.decode()
        size = len(note.encode())
    except UnicodeError as error:
        raise _malformed() from error
    text, blank, lines = note.rpartition("\n\n")
    if size > MAX_NOTE or not blank or not lines.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise _malformed()
    signatures = tuple(_parse_line(line) for line in lines.removesuffix("\n").split("\n"))
    parsed = Note(text + "\n", signatures)
    if len(signatures) > MAX_SIGNATURES or parsed.encode() != note:
        raise _malformed()
    return parsed


def verify(note: Note, keys: Iterable[Key]) -> frozenset[Key]:
    """Return which of the keys signed the note; lines of unknown keys are passed over, as the format demands.

    Raises GgzyError ``note.wrong_signature`` when a line of a known key does not verify, or none of them signed.
    """
    known = {(key.name, key.id): key for key in keys}
    signed = set()
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            _check(note.text, key, signature.value)
            signed.add(key)
    if not signed:
        raise GgzyError("note.wrong_signature", Kind.INTEGRITY)
    return frozenset(signed)


def cosign(text: str, name: str, seed: bytes, timestamp: int) -> Signature:
    """Return a witness's cosignature (cosignature/v1) over a checkpoint's text at a POSIX time in seconds."""
    signing = SigningKey(seed)
    key = Key(_checked_name(name), COSIGNATURE, bytes(signing.verify_key))
    signature = signing.sign(_cosigned(text, timestamp)).signature
    return Signature(name, key.id, timestamp.to_bytes(8, "big") + signature)


def _check(text: str, key: Key, value: bytes) -> None:
    try:
        if len(value) != _SIGNATURE_SIZES[key.type]:
            raise _wrong_signature()
        if key.type == COSIGNATURE:
            timestamp = int.from_bytes(value[:8], "big")
            if timestamp >> 63:
                raise _wrong_signature()
            VerifyKey(key.public).verify(_cosigned(text, timestamp), value[8:])
        else:
            VerifyKey(key.public).verify(text.encode(), value)
    except CryptoError as error:
        raise _wrong_signature() from error


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _parse_line(line: str) -> Signature:
    match = _LINE.fullmatch(line)
    if not match:
        raise _malformed()
    value = _decode(match[2])
    if len(value) <= _ID_SIZE:
        raise _malformed()
    return Signature(_checked_name(match[1]), value[:_ID_SIZE], value[_ID_SIZE:])


def _checked_name(name: str) -> str:
    if not 0 < len(name) <= MAX_NAME or "+" in name or any(c.isspace() or c < " " for c in name):
        raise _malformed()
    return name


def _decode(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise _malformed() from error
    if b64encode(data).decode() != text:
        raise _malformed()
    return data


def _malformed() -> GgzyError:
    return GgzyError("note.malformed", Kind.INTEGRITY)


def _wrong_signature() -> GgzyError:
    return GgzyError("note.wrong_signature", Kind.INTEGRITY)
