"""A participant's part in a draw against a platform: commit to a nonce, reveal it, help to recover one that is withheld.

Used by `ggzy draw` and the demo. The nonce is in the key file before its commitment is sent.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from api.client import Client
from bidding import transcript
from bidding.keyfile import KeyFile
from bidding.transcript import OpeningKey
from experts import nonce
from experts.draw import NONCE_SIZE
from experts.nonce import Plan
from kernel import canonical
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

Keep = Callable[[str, bytes], KeyFile]


async def commit(client: Client, draw: UUID, role: str, held: KeyFile, *, keep: Keep, entropy: Entropy) -> Any:
    """Make a nonce unless one is held for this draw, keep it, and send the signed commitment."""
    told = await client.get(f"/api/v1/draws/{draw}")
    key, _, _ = await opening_key(client, told)
    name = secret_name(draw)
    if name not in held.secrets:  # kept before it is sent: a lost answer must not lose the nonce
        held = keep(name, entropy.token(NONCE_SIZE))
    message = nonce.commit(_plan(told, key), role, held.secrets[name], held.signing_key(), entropy)
    return await client.post(f"/api/v1/draws/{draw}/commitments", {"message": message.decode()})


async def reveal(client: Client, draw: UUID, held: KeyFile) -> Any:
    """Reveal the nonce that the key file holds; GgzyError ``draw.no_nonce``."""
    kept = held.secrets.get(secret_name(draw))
    if kept is None:
        raise GgzyError("draw.no_nonce", Kind.NOT_FOUND)
    return await client.post(f"/api/v1/draws/{draw}/reveals", {"nonce": kept.hex()})


async def recover(client: Client, draw: UUID, held: KeyFile, now: datetime, *, entropy: Entropy) -> int:
    """Give this custodian's shares of the withheld nonces and return how many; ``draw.no_share``, ``draw.not_released``."""
    sealed = await client.get(f"/api/v1/draws/{draw}/sealed")
    for one in sealed:
        commitment = nonce.read(one["message"].encode(), bytes.fromhex(one["device_key"]))
        key, hashed, number = await opening_key(client, {"key_hash": commitment.key, "lot_id": commitment.lot})
        kept = held.secrets.get(f"shares:{hashed}")
        if kept is None or commitment.draw != str(draw):
            raise GgzyError("draw.no_share", Kind.NOT_FOUND)
        share = kept[1 + 32 * number : 33 + 32 * number]
        message = nonce.answer(commitment, key, kept[0], share, held.signing_key(), now=now, entropy=entropy)
        body = {"message": message.decode(), "role": commitment.role}
        await client.post(f"/api/v1/draws/{draw}/shares", body)
    return len(sealed)


async def opening_key(client: Client, told: dict[str, Any]) -> tuple[OpeningKey, str, int]:
    """Return the lot's opening key as its transcript proves it, not as the server says it; its hash and number."""
    view = await client.get(f"/api/v1/lots/{told['lot_id']}/opening-key")
    answer = await client.get(f"/api/v1/transcripts/{view['transcript']}")
    made = transcript.verify_transcript(answer if isinstance(answer, bytes) else canonical.encode(answer))
    for found in made.keys:
        if found.key_hash.hex() == told["key_hash"] and made.hash.hex() == view["transcript"]:
            return found, view["transcript"], found.index
    raise GgzyError("draw.untrusted_key", Kind.INTEGRITY)


def secret_name(draw: UUID) -> str:
    """Return under which name a key file keeps the nonce of a draw."""
    return f"draw-nonce:{draw}"


def _plan(told: dict[str, Any], key: OpeningKey) -> Plan:
    return Plan(
        draw=UUID(told["id"]),
        tender=UUID(told["tender_id"]),
        lot=UUID(told["lot_id"]),
        round=told["round"],
        roster=bytes.fromhex(told["roster"]),
        release=datetime.fromisoformat(told["release_at"]),
        key_hash=key.key_hash,
        public_key=key.public_key,
    )
