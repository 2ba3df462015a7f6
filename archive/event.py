r"""An event of the trail and its salted commitment: what is written down, what is published, what opens it.

An event is canonical JSON, format ``ggzy/event/v1``, specified in docs/spec/trail.md. The log's leaf is the 32-byte
commitment SHA-256(``"ggzy/event/v1\0"`` ‖ salt ‖ event), which tells nothing until salt and event are shown.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from kernel import canonical
from kernel.actor import Actor
from kernel.clock import isoformat, parse
from kernel.entropy import Entropy, new_id
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/event/v1"
CONTEXT = b"ggzy/event/v1\0"
SALT_SIZE = 32
MAX_EVENT = 1 << 20
HEARTBEAT = "log.heartbeat"

_KIND = re.compile(r"[a-z][a-z_]{0,39}(\.[a-z][a-z_]{0,39}){1,3}")
_FIELDS = frozenset({"format", "id", "kind", "at", "trade", "actor", "data", "sandbox"})


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a leaf: the event's canonical bytes and the 32-byte salt; `commitment` is the 32-byte leaf."""

    event: bytes
    salt: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An opening with its place in the log (0-based)."""

    index: int
    opening: Opening


@dataclass(frozen=True, slots=True)
class Event:
    """A parsed event. `trade` is the tender's id, `data` what the kind of event says; `sandbox` marks play."""

    id: UUID
    kind: str
    at: datetime
    trade: UUID | None
    actor: UUID
    data: dict[str, Any]
    sandbox: bool


def seal(
    actor: Actor,
    kind: str,
    data: Mapping[str, Any],
    *,
    trade: UUID | None,
    at: datetime,
    sandbox: bool,
    entropy: Entropy,
) -> Opening:
    """Return the opening of a new event, with a fresh id and salt.

    Only `data` needs the encoder: the other members are plain ASCII and are written in canonical order, as encoding
    them too would take most of the time.

    Raises GgzyError ``event.malformed`` (kind not ``noun.past_tense``, data not JSON), ``event.too_large`` (1 MiB).
    """
    if not _KIND.fullmatch(kind):
        raise GgzyError("event.malformed", Kind.INVALID)
    place = "null" if trade is None else f'"{trade}"'
    event = b"".join(
        (
            f'{{"actor":"{actor.user_id}","at":"{isoformat(at)}","data":'.encode(),
            # In a list, so that it lies as deep as it does in the event.
            canonical.encode([dict(data)])[1:-1],
            f',"format":"{FORMAT}","id":"{new_id(entropy)}","kind":"{kind}","sandbox":{str(sandbox).lower()}'.encode(),
            f',"trade":{place}}}'.encode(),
        )
    )
    if len(event) > MAX_EVENT:
        raise GgzyError("event.too_large", Kind.TOO_LARGE, limit=MAX_EVENT)
    salt = entropy.token(SALT_SIZE)
    return Opening(event, salt, commit(event, salt))


def commit(event: bytes, salt: bytes) -> bytes:
    """Return the 32-byte commitment of an event's canonical bytes under a 32-byte salt."""
    return sha256(CONTEXT + salt + event).digest()


def verify(opening: Opening) -> Event:
    """Check that salt and event open the commitment, and return the event.

    Raises GgzyError ``event.wrong_opening`` or ``event.malformed``.
    """
    if len(opening.salt) != SALT_SIZE:
        raise GgzyError("event.wrong_opening", Kind.INTEGRITY)
    if not hmac.compare_digest(commit(opening.event, opening.salt), opening.commitment):
        raise GgzyError("event.wrong_opening", Kind.INTEGRITY)
    return decode(opening.event)


def decode(event: bytes) -> Event:
    """Parse the canonical bytes of an event strictly; GgzyError ``event.malformed``."""
    if len(event) > MAX_EVENT:
        raise GgzyError("event.malformed", Kind.INTEGRITY)
    try:
        return _parse(canonical.decode(event))
    except (GgzyError, ValueError, TypeError, AttributeError) as error:
        raise GgzyError("event.malformed", Kind.INTEGRITY) from error


def _parse(value: Any) -> Event:
    if set(value) != _FIELDS or value["format"] != FORMAT or not _KIND.fullmatch(value["kind"]):
        raise ValueError
    if not isinstance(value["data"], dict) or not isinstance(value["sandbox"], bool):
        raise TypeError
    return Event(
        id=_uuid(value["id"]),
        kind=value["kind"],
        at=parse(value["at"]),
        trade=None if value["trade"] is None else _uuid(value["trade"]),
        actor=_uuid(value["actor"]),
        data=value["data"],
        sandbox=value["sandbox"],
    )


def _uuid(text: str) -> UUID:
    found = UUID(text)
    if str(found) != text:
        raise ValueError
    return found
