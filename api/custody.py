"""A custodian's part against a platform: the rounds of a key making, and the answer to an opening request.

Everything secret happens here, on the custodian's machine; the platform gets signed messages only. Used by the command
line and the demo. What is kept (shares, the newest deadline seen) goes into the key file before anything that depends
on it is sent.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.client import Client
from archive import timestamp
from archive.note import parse_key
from archive.timestamp.remote import QUERY_TYPE
from archive.timestamp.request import Request, encode
from bidding import complaint, custodian, keymaking, keysetup, opening_request, opening_shares, transcript
from bidding.custodian import Examined, Pins
from bidding.header import microseconds, moment
from bidding.keyfile import KeyFile
from bidding.keymaking import Received
from bidding.keysetup import Setup
from bidding.transcript import OpeningKey, Transcript
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

DEADLINES = "deadlines"
ANSWERED = "answered"
_ANSWER_SIZE = 16 + 1 + 32
TSA = "/tsa"
PAUSE = 1.0  # seconds between two looks at a key making
OVER = {"aborted": "custody.aborted", "expired": "custody.expired"}

Keep = Callable[[str, bytes], object]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that passed the device's checks, with the number and share of this custodian."""

    examined: Examined
    index: int
    share: bytes = field(repr=False)
    keys: KeyFile


async def setup_of(client: Client, ceremony_id: UUID) -> Setup:
    """Return the setup of a key making, for the custodian to look at before taking part.

    Raises GgzyError ``keymaking.wrong_setup``.
    """
    found = await client.get(f"/api/v1/ceremonies/{ceremony_id}")
    setup = keysetup.read(found["setup"].encode())
    if setup.ceremony != ceremony_id:
        raise GgzyError("keymaking.wrong_setup", Kind.INTEGRITY)
    return setup


async def make_keys(
    client: Client, keys: KeyFile, setup: Setup, *, keep: Keep, entropy: Entropy, pause: float = PAUSE
) -> Transcript:
    """Take part in a key making to its end and return the transcript; may be broken off and called again at any time.

    Raises ``custody.aborted`` or ``custody.expired``, and what the first wrong message raises under ``keymaking.``; a
    share that does not fit is complained about first.
    """
    path = f"/api/v1/ceremonies/{setup.ceremony}"
    device = keys.signing_key()
    index = setup.index_of(bytes(device.verify_key))
    now = await client.get(path)
    if index not in now["dealt"] and now["state"] == "dealing":
        await _post(client, f"{path}/deal", keymaking.deal(setup, device, entropy))
    await _until(client, path, {"certifying", "finished"}, pause)
    received = await _receive(client, path, setup, keys, entropy)
    hashed = transcript.body_hash(setup, received.deals)
    keep(_shares_name(hashed), _pack(received))
    await _post(client, f"{path}/certificate", transcript.certify(setup, received, device))
    await _until(client, path, {"finished"}, pause)
    certificates = [text.encode() for text in await client.get(f"{path}/certificates")]
    return transcript.verify_transcript(transcript.finish(setup, received.deals, certificates))


async def ask(client: Client, keys: KeyFile, lot: UUID, stage: int, pins: Pins) -> Asked:
    """Fetch an opening request and let the device check it; nothing is sent yet.

    Raises ``custodian.other_bid``, ``custody.no_share`` when this key file holds no share of the lot's key, what
    `custodian.examine` does, and ``custodian.other_request`` when it has answered another request for this lot and
    stage: there is one only. The key file in the answer remembers request and newest deadline; it is to be kept before
    `answer`.
    """
    stamped = await client.content(f"/api/v1/lots/{lot}/openings/{stage}/request")
    request = opening_request.parse(opening_request.unstamp(stamped)[0])
    if (request.lot, request.stage) != (str(lot), stage):
        raise GgzyError("custodian.other_bid", Kind.INTEGRITY, bidder="")
    key, index, share = await held(client, keys, bytes.fromhex(request.transcript), request.key_index)
    seen = newest_seen(keys, lot)
    examined = custodian.examine(stamped, key, pins, newest_seen=seen)
    return Asked(examined, index, share, bind(remember(keys, lot, examined.deadline), examined))


async def answer(client: Client, asked: Asked, *, entropy: Entropy) -> Any:
    """Compute the shares, sign and send them; returns the platform's answer."""
    device = asked.keys.signing_key()
    written = opening_shares.write(asked.examined.question, asked.index, asked.share, device, entropy)
    path = f"/api/v1/lots/{asked.examined.lot}/openings/{asked.examined.stage}/shares"
    return await client.post(path, {"answer": written.decode()})


async def held(client: Client, keys: KeyFile, hashed: bytes, number: int) -> tuple[OpeningKey, int, bytes]:
    """Return the key, by a transcript that hashes to what this device certified, and this custodian's share of it.

    Raises GgzyError ``transcript.malformed``.
    """
    index, share = share_of(keys, hashed, number)
    made = await transcript_of(client, hashed)
    if not 0 <= number < len(made.keys):
        raise GgzyError("transcript.malformed", Kind.INTEGRITY)
    return made.keys[number], index, share


def share_of(keys: KeyFile, hashed: bytes, number: int) -> tuple[int, bytes]:
    """Return this custodian's number, and their share of a key by its place in the transcript; ``custody.no_share``."""
    kept = keys.secrets.get(_shares_name(hashed), b"")
    share = kept[1 + 32 * number : 33 + 32 * number]
    if not share:
        raise GgzyError("custody.no_share", Kind.NOT_FOUND)
    return kept[0], share


async def transcript_of(client: Client, hashed: bytes) -> Transcript:
    """Return a transcript that proves itself and hashes to `hashed`.

    Raises ``transcript.malformed`` and what `verify_transcript` does.
    """
    made = transcript.verify_transcript(await client.content(f"/api/v1/transcripts/{hashed.hex()}"))
    if made.hash != hashed:
        raise GgzyError("transcript.malformed", Kind.INTEGRITY)
    return made


async def trusted_time(client: Client, chain_pem: bytes, *, entropy: Entropy, tsa: str = TSA) -> datetime:
    """Return the time by a fresh token of the pinned authority, not by this device's clock.

    `tsa` is a path of the platform or the address of an outside authority; `client` carries no token. Raises
    what `archive.timestamp.verify` does.
    """
    digest = hashlib.sha256(entropy.token(32)).digest()  # never stamped before, so the token is of now
    query = encode(Request(digest, cert_req=True))
    response = await client.upload(tsa, query, method="POST", headers={"Content-Type": QUERY_TYPE})
    return timestamp.verify(response, digest, chain_pem)


def pins(chain_pem: bytes, vkey: str) -> Pins:
    """Return what the device pins, from the authority's chain and the log's key as text."""
    return Pins(chain_pem, parse_key(vkey.strip()))


def newest_seen(keys: KeyFile, lot: UUID) -> datetime | None:
    """Return the newest deadline that this key file remembers of a lot."""
    kept = _deadlines(keys).get(lot.bytes)
    return None if kept is None else moment(int.from_bytes(kept, "big"))


def remember(keys: KeyFile, lot: UUID, deadline: datetime) -> KeyFile:
    """Return the key file remembering a deadline, never an earlier one than before."""
    known = newest_seen(keys, lot)
    newest = deadline if known is None else max(known, deadline)
    kept = {**_deadlines(keys), lot.bytes: microseconds(newest).to_bytes(8, "big")}
    return KeyFile({**keys.secrets, DEADLINES: b"".join(lot + at for lot, at in kept.items())})


def bind(keys: KeyFile, examined: Examined) -> KeyFile:
    """Return the key file bound to this request for its lot and stage; ``custodian.other_request`` if it is to another.

    So bids that were left out of an opening (withdrawn, replaced, swapped) cannot be sent after it.
    """
    packed = keys.secrets.get(ANSWERED, b"")
    place, digest = examined.lot.bytes + bytes([examined.stage]), examined.question.request
    for at in range(0, len(packed), _ANSWER_SIZE):
        if packed[at : at + len(place)] == place:
            if not hmac.compare_digest(packed[at + len(place) : at + _ANSWER_SIZE], digest):
                raise GgzyError("custodian.other_request", Kind.FORBIDDEN)
            return keys
    return KeyFile({**keys.secrets, ANSWERED: packed + place + digest})


def _deadlines(keys: KeyFile) -> dict[bytes, bytes]:
    """Return what the key file remembers: a lot's id (16 bytes) and microseconds since 1970 (8 bytes).

    Pair after pair.
    """
    packed = keys.secrets.get(DEADLINES, b"")
    return {packed[i : i + 16]: packed[i + 16 : i + 24] for i in range(0, len(packed), 24)}


async def _until(client: Client, path: str, states: set[str], pause: float) -> None:
    while (found := await client.get(path))["state"] not in states:
        if found["state"] in OVER:
            reason = found["reason"] or ""
            raise GgzyError(OVER[found["state"]], Kind.CONFLICT, reason=reason, blamed=found["blamed"] or "")
        await asyncio.sleep(pause)


async def _post(client: Client, path: str, message: bytes) -> None:
    """Post a message; if the key making has just ended, what follows says how."""
    try:
        await client.post(path, {"message": message.decode()})
    except GgzyError as error:
        if error.code != "ceremony.wrong_state":
            raise


async def _receive(client: Client, path: str, setup: Setup, keys: KeyFile, entropy: Entropy) -> Received:
    messages = [text.encode() for text in await client.get(f"{path}/deals")]
    device = keys.signing_key()
    try:
        return keymaking.receive(setup, device, messages)
    except GgzyError as error:
        if error.code == "keymaking.bad_share":
            dealer = error.params["dealer"]
            wrong = next(m for m in messages if keymaking.check_deal(setup, m).deal.dealer == dealer)
            said = complaint.write(setup, device, wrong, entropy)
            await client.post(f"{path}/complaint", {"message": said.decode()})
        raise


def _shares_name(transcript_hash: bytes) -> str:
    return f"shares:{transcript_hash.hex()}"


def _pack(received: Received) -> bytes:
    return bytes([received.index]) + b"".join(received.shares)
