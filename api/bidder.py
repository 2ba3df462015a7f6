"""The bidder's machine over HTTP: sends a sealed bid in parts, hands it in, keeps and checks receipts, withdraws.

Used by `ggzy submit`, `ggzy withdraw` and the demo. An upload goes on where it broke: the session's id is kept beside
the sealed file, the platform says which parts it has, and a part sent twice is stored once.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from api.client import Client
from archive import receipt as receipts
from archive.note import parse_key
from archive.receipt import Files
from bidding import bidfile, statement
from bidding import target as targets
from bidding.bidfile import BidFile, Part
from bidding.tables import WITHDRAWAL
from bidding.target import SealTarget
from kernel.errors import GgzyError, Kind

AT_ONCE = 3
HANDED_IN = frozenset({"upload.closed", "bid.replaces_other"})
"""What the platform says to who hands in a second time what it has received."""
PROOF_TRIES = 40
PROOF_PAUSE = 0.25  # seconds
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pinned:
    """What receipts are checked against: the time authority's chain (PEM) and the log's verifier key."""

    chain_pem: bytes
    vkey: str


async def target(client: Client, lot: UUID) -> SealTarget:
    """Return what a bid for this lot is sealed for."""
    return targets.parse(await client.content(f"/api/v1/lots/{lot}/seal-target"))


async def pinned(client: Client) -> Pinned:
    """Return the keys that the platform itself names, for who has pinned none."""
    about = await client.get("/api/v1/installation")
    return Pinned(about["tsa_chain"].encode(), about["log_vkey"])


async def submit(client: Client, bid: BidFile, *, keys: Pinned, advance: Progress, folder: Path) -> Files:
    """Upload what is missing, hand in, check the receipt, and keep its files in `folder`.

    `advance` is told the bytes of each part that is there. Raises what the platform refuses and what the check finds.
    """
    lot = bid.manifest.lot
    upload = await _session(client, bid)
    await _send(client, bid, upload, advance)
    body = {"upload": upload, "manifest": bid.encoded.decode(), "signature": bid.signature.hex()}
    key = hashlib.sha256(bid.encoded + upload.encode()).hexdigest()
    try:
        given = await client.post(f"/api/v1/lots/{lot}/bids", body, key=key)
    except GgzyError as refusal:
        known = await _received(client, bid) if refusal.code in HANDED_IN else None
        if known is None:
            raise
        given = known
    url = f"/api/v1/bids/{given['id']}/receipt"
    files = await _keep(client, given["receipt"], url, keys=keys, folder=folder, bid=bid)
    _memory(bid).unlink(missing_ok=True)
    return files


async def withdraw(client: Client, receipt: bytes, device: SigningKey, *, keys: Pinned, folder: Path) -> Files:
    """Withdraw the bid of a receipt by a signed statement, and keep the checked acknowledgment in `folder`."""
    said = receipts.decode(receipt).event.data
    bid, lot = UUID(said["bid"]), UUID(said["lot"])
    signed = statement.write(
        WITHDRAWAL,
        device,
        lot=lot,
        bid=bid,
        receipt=hashlib.sha256(receipt).digest(),
        deadline=(await target(client, lot)).deadline,
    )
    url = f"/api/v1/bids/{bid}/withdrawal"
    key = hashlib.sha256(signed).hexdigest()
    given = await client.post(url, {"statement": signed.decode()}, key=key)
    return await _keep(client, given, f"{url}/receipt", keys=keys, folder=folder)


async def _session(client: Client, bid: BidFile) -> str:
    """Return the session kept beside the file if the platform still takes parts for it, or open one."""
    known = _known(bid)
    if known is not None:
        try:
            found = await client.get(f"/api/v1/uploads/{known}")
        except GgzyError as refusal:
            if refusal.kind is not Kind.NOT_FOUND:
                raise
        else:
            if found["state"] in {"open", "used"}:  # used: only the answer was lost, and is given again
                return str(found["id"])
    bodies = {envelope.kind.value: envelope.length for envelope in bid.manifest.envelopes}
    draft = {"bidder": bid.manifest.bidder, "bodies": bodies}
    opened = await client.post(f"/api/v1/lots/{bid.manifest.lot}/uploads", draft)
    kept = {"manifest": bid.manifest.digest().hex(), "upload": opened["id"]}
    _memory(bid).write_text(json.dumps(kept), "utf-8")
    return str(opened["id"])


def _known(bid: BidFile) -> UUID | None:
    """Return the session kept beside the file, if it is for this very file."""
    try:
        known = json.loads(_memory(bid).read_text("utf-8"))
        return UUID(known["upload"]) if known["manifest"] == bid.manifest.digest().hex() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _received(client: Client, bid: BidFile) -> Any:
    """Return the bid that was handed in from this very file, when the answer to it was lost; None if there is none."""
    for one in await client.get(f"/api/v1/lots/{bid.manifest.lot}/bids"):
        said = receipts.decode(one["receipt"]["json"].encode()).event.data
        if hmac.compare_digest(said["manifest"], bid.manifest.digest().hex()):
            return one
    return None


async def _send(client: Client, bid: BidFile, upload: str, advance: Progress) -> None:
    """Send the missing parts, a few at a time; hashing and reading run in a thread."""
    present = (await client.get(f"/api/v1/uploads/{upload}"))["present"]
    waiting, turn = _parts(bid), asyncio.Lock()

    async def following() -> Part | None:
        async with turn:
            return await asyncio.to_thread(next, waiting, None)

    async def worker() -> None:
        while (part := await following()) is not None:
            if part.number not in present[part.kind.value]:
                data = await asyncio.to_thread(_read, bid, part)
                path = f"/api/v1/uploads/{upload}/{part.kind.value}/{part.number}"
                await client.upload(path, data, headers={"Part-Root": part.root.hex()})
            advance(part.size)

    workers = [asyncio.create_task(worker()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for one in workers:
            one.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _parts(bid: BidFile) -> Iterator[Part]:
    for envelope in bid.manifest.envelopes:
        yield from bidfile.parts(bid, envelope.kind)


def _read(bid: BidFile, part: Part) -> bytes:
    with bid.path.open("rb") as file:
        file.seek(part.offset)
        return file.read(part.size)


async def _keep(
    client: Client, given: dict[str, Any], url: str, *, keys: Pinned, folder: Path, bid: BidFile | None = None
) -> Files:
    """Check a receipt as anybody would and write its files; the proof is fetched when the log has the entry."""
    proof = await _proof(client, f"{url}.proof")
    content, token = given["json"].encode(), base64.b64decode(given["tsr"])
    files = Files(content, f"{given['digest']}\n".encode(), token, proof)
    _write(folder, files)
    seen, _ = receipts.verify(files, keys.chain_pem, parse_key(keys.vkey.strip()))
    if bid is not None and not hmac.compare_digest(seen.event.data["manifest"], bid.manifest.digest().hex()):
        raise GgzyError("receipt.other_bid", Kind.INTEGRITY)
    return files


def _write(folder: Path, files: Files) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    named = {"json": files.content, "digest": files.digest, "tsr": files.token, "proof": files.proof}
    for suffix, data in named.items():
        if data is not None:
            (folder / f"receipt.{suffix}").write_bytes(data)


async def _proof(client: Client, url: str) -> bytes | None:
    for _ in range(PROOF_TRIES):
        try:
            return await client.content(url)
        except GgzyError as refusal:
            if refusal.code != "trail.not_sequenced":
                raise
            await asyncio.sleep(PROOF_PAUSE)
    return None


def _memory(bid: BidFile) -> Path:
    return bid.path.with_name(f"{bid.path.name}.upload")
