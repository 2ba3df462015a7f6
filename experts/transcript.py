"""The transcript of a draw, ``ggzy/draw/v1``: everything that somebody needs to replay it offline.

It holds no claim of its own: the openings are log entries, the roster is what its digest in the log says, the names are
what the drawn codes commit to, the result is what follows. Written in docs/spec/draw.md. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from bidding.wire import Hash
from kernel import canonical
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/draw/v1"
MAX_BYTES = 512 << 20

_Note = Annotated[str, msgspec.Meta(min_length=1, max_length=65536)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The opening of a log entry with its index and audit path under the transcript's head."""

    event: dict[str, Any]
    salt: Hash
    index: Annotated[int, msgspec.Meta(ge=0)]
    path: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=63)]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a drawn code stands for, with the salt that shows it; only in transcripts made after the result."""

    code: Hash
    salt: Hash
    expert: str
    name: str
    employer: str


class Transcript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole transcript. `seed` is the checkpoint that the draw was made from, `head` the one that holds all entries.

    `members` are the codes of those who accepted, by rising ticket; `key` is the transcript of the lot's opening key,
    where a nonce was recovered by its custodians.
    """

    format: Literal["ggzy/draw/v1"]
    seed: _Note
    head: _Note
    consistency: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=64)]
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    roster: tuple[str, ...]
    members: tuple[Hash, ...]
    names: tuple[Identity, ...] | None
    key: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Proven:
    """An opening as the log holds it: canonical event, salt, index, audit path."""

    event: bytes
    salt: bytes
    index: int
    path: tuple[bytes, ...]


def write(
    *,
    seed: str,
    head: str,
    consistency: Sequence[bytes],
    entries: Sequence[Proven],
    roster: Sequence[str],
    members: Sequence[bytes],
    names: Sequence[Identity] | None,
    key: bytes | None,
) -> bytes:
    """Return the canonical bytes of a transcript."""
    document = {
        "consistency": [node.hex() for node in consistency],
        "entries": [
            {
                "event": canonical.decode(entry.event),
                "index": entry.index,
                "path": [node.hex() for node in entry.path],
                "salt": entry.salt.hex(),
            }
            for entry in entries
        ],
        "format": FORMAT,
        "head": head,
        "key": None if key is None else canonical.decode(key),
        "members": [code.hex() for code in members],
        "names": None if names is None else [msgspec.to_builtins(name) for name in names],
        "roster": list(roster),
        "seed": seed,
    }
    return canonical.encode(document)


def read(data: bytes) -> Transcript:
    """Parse a transcript strictly; raises ``draw.bad_transcript``."""
    if len(data) > MAX_BYTES:
        raise GgzyError("draw.bad_transcript", Kind.TOO_LARGE)
    try:
        return msgspec.convert(canonical.decode(data), Transcript)
    except (GgzyError, msgspec.ValidationError) as error:
        raise GgzyError("draw.bad_transcript", Kind.INTEGRITY) from error
