"""A participant's part in a draw against a platform: commit to a nonce, reveal it, recover one that is withheld.

Used by `ggzy draw` and the demo. The nonce is in the key file before its commitment is sent.
"""

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from api import custody
from api.client import Client
from bidding.keyfile import KeyFile
from bidding.transcript import OpeningKey
from experts import nonce
from experts.draw import NONCE_SIZE
from experts.nonce import Plan
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

Keep = Callable[[str, bytes], KeyFile]


async def commit(client: Client, draw: UUID, role: str, held: KeyFile, *, keep: Keep, entropy: Entropy) -> Any:
    """Make a nonce unless one is held for this draw, keep it, and send the signed commitment."""
    told = await client.get(f"/api/v1/draws/{draw}")
    key = await opening_key(client, told["lot_id"], told["key_hash"])
    name = secret_name(draw)
    if name not in held.secrets:  # kept before it is sent: a lost answer must not lose the nonce
        held = keep(name, entropy.token(NONCE_SIZE))
    message = nonce.commit(_plan(told, key), role, held.secrets[name], held.signing_key(), entropy)
    return await client.post(f"/api/v1/draws/{draw}/commitments", {"message": message.decode()})


async def reveal(client: Client, draw: UUID, held: KeyFile, *, keep: Keep) -> Any:
    """Reveal the nonce that the key file holds.

    Raises ``draw.no_nonce``, ``draw.wrong_step`` before the seed is fixed, ``draw.other_seed`` for a second one.
    """
    kept = held.secrets.get(secret_name(draw))
    if kept is None:
        raise GgzyError("draw.no_nonce", Kind.NOT_FOUND)
    told = await client.get(f"/api/v1/draws/{draw}")
    if told["checkpoint"] is None:
        raise GgzyError("draw.wrong_step", Kind.CONFLICT, state=told["state"])
    message = nonce.reveal(draw, kept, _only_seed(draw, told, held, keep), held.signing_key())
    return await client.post(f"/api/v1/draws/{draw}/reveals", {"message": message.decode()})


async def recover(client: Client, draw: UUID, held: KeyFile, now: datetime, *, keep: Keep, entropy: Entropy) -> int:
    """Give this custodian's shares of the withheld nonces and return how many; `now` is a trusted time.

    Raises ``draw.other_draw``, ``custody.no_share``, ``draw.not_released`` before the release time,
    ``draw.untrusted_key``, ``draw.other_seed``.
    """
    sealed = await client.get(f"/api/v1/draws/{draw}/sealed")
    for one in sealed:
        commitment = nonce.read(one["message"].encode(), bytes.fromhex(one["device_key"]))
        if commitment.draw != str(draw):
            raise GgzyError("draw.other_draw", Kind.INTEGRITY, field="draw")
        key = await opening_key(client, commitment.lot, commitment.key)
        seed = _only_seed(draw, one, held, keep)
        number, share = custody.share_of(held, key.transcript, key.index)
        message = nonce.answer(commitment, key, number, share, held.signing_key(), seed=seed, now=now, entropy=entropy)
        body = {"message": message.decode(), "role": commitment.role}
        await client.post(f"/api/v1/draws/{draw}/shares", body)
    return len(sealed)


async def opening_key(client: Client, lot: str, key_hash: str) -> OpeningKey:
    """Return a lot's opening key as its transcript proves it, not as the server says it; ``draw.untrusted_key``."""
    view = await client.get(f"/api/v1/lots/{lot}/opening-key")
    made = await custody.transcript_of(client, bytes.fromhex(view["transcript"]))
    for found in made.keys:
        if hmac.compare_digest(found.key_hash.hex(), key_hash):
            return found
    raise GgzyError("draw.untrusted_key", Kind.INTEGRITY)


def secret_name(draw: UUID) -> str:
    """Return under which name a key file keeps the nonce of a draw."""
    return f"draw-nonce:{draw}"


def _only_seed(draw: UUID, told: dict[str, Any], held: KeyFile, keep: Keep) -> bytes:
    """Return the digest of a draw's seed, kept before anything is given for it; no second one is ever signed."""
    signature = told["beacon_signature"]
    seed = nonce.seed_digest(draw, told["checkpoint"], None if signature is None else bytes.fromhex(signature))
    name = f"draw-seed:{draw}"
    if not hmac.compare_digest(held.secrets.get(name, seed), seed):
        raise GgzyError("draw.other_seed", Kind.INTEGRITY)
    keep(name, seed)
    return seed


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
