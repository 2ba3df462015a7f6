"""``Idempotency-Key``: the same key and body get the stored answer, another body is refused, one in flight conflicts.

The answer is stored in the transaction that did the work, so there is never one without the other. A key belongs to a
user, a method and a path; only answers below 400 are kept, as a refusal changed nothing and may be tried again.
"""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.answer import Answer
from api.tables import StoredAnswer
from kernel import database
from kernel.errors import GgzyError, Kind

HEADER = b"idempotency-key"
REPLAYED = (b"idempotency-replayed", b"true")
MAX_KEY = 255
KEPT_HEADERS = (b"content-type", b"location", b"etag")


@dataclass(frozen=True, slots=True)
class Claim:
    """One write under a key: `name` says which, `request` what its body was."""

    name: bytes
    request: bytes
    user_id: UUID


def claim(user_id: UUID, method: str, path: str, key: bytes, body: bytes) -> Claim:
    """Return the claim of a request; ``idempotency.bad_key`` unless the key is 1–255 visible ASCII characters."""
    if not 0 < len(key) <= MAX_KEY or not all(0x21 <= byte <= 0x7E for byte in key):  # noqa: PLR2004 - visible ASCII
        raise GgzyError("idempotency.bad_key")
    parts = (user_id.bytes, method.encode(), path.encode(), key)
    name = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    return Claim(name, hashlib.sha256(body).digest(), user_id)


async def settle(session: AsyncSession, claimed: Claim) -> Answer | None:
    """Return the answer stored under the key; or hold the key until the transaction ends and return None to go on.

    Raises ``idempotency.in_flight``, ``idempotency.other_body``. Replays take no lock, so that they need not queue.
    """
    stored = await _stored(session, claimed)
    if stored is not None:
        return stored
    if not await database.try_lock(session, f"idempotency/{claimed.name.hex()}"):
        raise GgzyError("idempotency.in_flight", Kind.CONFLICT)
    return await _stored(session, claimed)  # whoever held the key may have committed in between


async def keep(session: AsyncSession, claimed: Claim, answer: Answer) -> None:
    """Store the answer in the transaction that earned it."""
    headers = [[n.decode("latin-1"), v.decode("latin-1")] for n, v in answer.headers if n.lower() in KEPT_HEADERS]
    await session.execute(
        insert(StoredAnswer).values(
            name=claimed.name,
            user_id=claimed.user_id,
            request=claimed.request,
            status=answer.status,
            headers=headers,
            body=answer.body,
        )
    )


async def _stored(session: AsyncSession, claimed: Claim) -> Answer | None:
    row = await session.scalar(select(StoredAnswer).where(StoredAnswer.name == claimed.name))
    if row is None:
        return None
    if not hmac.compare_digest(row.request, claimed.request):
        raise GgzyError("idempotency.other_body")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in row.headers]
    return Answer(row.status, [*headers, REPLAYED], row.body)
