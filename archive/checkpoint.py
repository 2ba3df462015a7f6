"""Checkpoints (C2SP tlog-checkpoint): a log's origin, size and root as the text of a signed note."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from archive import note as notes
from archive.merkle import HASH_SIZE, MAX_SIZE
from archive.note import Key, Signer
from kernel.errors import GgzyError, Kind

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: origin, number of leaves, 32-byte root."""

    origin: str
    size: int
    root: bytes


def encode(checkpoint: Checkpoint) -> str:
    """Return the three lines of a checkpoint."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"


def parse(text: str) -> Checkpoint:
    """Read the three lines strictly; extension lines, which nobody can audit, are refused.

    Raises GgzyError ``checkpoint.malformed``.
    """
    match = _TEXT.fullmatch(text)
    if match:
        checkpoint = Checkpoint(match[1], int(match[2]), b64decode(match[3]))
        if checkpoint.size <= MAX_SIZE and len(checkpoint.root) == HASH_SIZE and encode(checkpoint) == text:
            return checkpoint
    raise GgzyError("checkpoint.malformed", Kind.INTEGRITY)


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the signed note of a checkpoint of the signer's own log; GgzyError ``checkpoint.wrong_origin``."""
    if checkpoint.origin != signer.name:
        raise GgzyError("checkpoint.wrong_origin", Kind.INTEGRITY)
    return signer.sign(encode(checkpoint))


def verify(note: str | bytes, key: Key, witnesses: Iterable[Key] = (), quorum: int = 0) -> Checkpoint:
    """Check a signed checkpoint against the log's key and at least `quorum` of the witnesses' keys.

    Raises GgzyError ``note.malformed``, ``note.wrong_signature``, ``checkpoint.malformed``,
    ``checkpoint.wrong_origin``, ``checkpoint.not_witnessed``.
    """
    parsed = notes.parse(note)
    signed = notes.verify(parsed, (key, *witnesses))
    if key not in signed:
        raise GgzyError("note.wrong_signature", Kind.INTEGRITY)
    if len({witness.public for witness in signed - {key}}) < quorum:
        raise GgzyError("checkpoint.not_witnessed", Kind.INTEGRITY, quorum=quorum)
    checkpoint = parse(parsed.text)
    if checkpoint.origin != key.name:
        raise GgzyError("checkpoint.wrong_origin", Kind.INTEGRITY)
    return checkpoint
