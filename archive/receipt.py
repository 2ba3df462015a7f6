"""Receipts checked offline by the recipe of docs/spec/receipt.md, section 4: form, digest, token, entry in the log."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from archive import event as events
from archive import proof as proofs
from archive import timestamp
from archive.event import Event, Opening
from archive.note import Key
from archive.recipe import Step, marked
from archive.timestamp.token import PATIENCE, TOLERANCE
from kernel import canonical, disk
from kernel.clock import isoformat, parse
from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/receipt/v1"
MAX_SIZE = 64 << 10
MAX_FILE = 1 << 20
NEEDED = ("receipt.json", "receipt.digest", "receipt.tsr")
PROOF = "receipt.proof"
KINDS = frozenset({"bid.received", "bid.withdrawn", "bid.confirmed", "trade.archived"})
_MEMBERS = {"event", "format", "log", "salt"}
_SALT_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says: the event, the origin of the log that holds it, the 32-byte commitment there."""

    event: Event
    log: str
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one receipt as bytes; the proof comes later than the others."""

    content: bytes
    digest: bytes
    token: bytes
    proof: bytes | None = None

    @classmethod
    def read(cls, folder: Path) -> "Files":
        """Read ``receipt.json``, ``.digest``, ``.tsr`` and, where it is, ``.proof``; GgzyError ``receipt.missing``."""
        if absent := [name for name in NEEDED if not (folder / name).exists()]:
            raise missing(absent)
        content, digest, token = (_read(folder / name) for name in NEEDED)
        proof = folder / PROOF
        return cls(content, digest, token, _read(proof) if proof.exists() else None)


def missing(names: Sequence[str]) -> GgzyError:
    """Return the refusal that files of a receipt are not at hand: nothing is said of those that are."""
    return GgzyError("receipt.missing", Kind.NOT_FOUND, name=", ".join(names))


def encode(opening: Opening, log: str) -> bytes:
    """Return ``receipt.json`` of an event in the log with the origin `log`."""
    value = {"event": canonical.decode(opening.event), "format": FORMAT, "log": log, "salt": opening.salt.hex()}
    return canonical.encode(value)


def decode(content: bytes) -> Receipt:
    """Read ``receipt.json`` strictly (steps 1 and 2); GgzyError ``receipt.malformed``."""
    if len(content) > MAX_SIZE:
        raise _malformed()
    try:
        value = canonical.decode(content)
        if set(value) != _MEMBERS or value["format"] != FORMAT or not isinstance(value["log"], str):
            raise _malformed()
        salt = bytes.fromhex(value["salt"])
        if len(value["salt"]) != _SALT_DIGITS or salt.hex() != value["salt"]:
            raise _malformed()
        encoded = canonical.encode(value["event"])
        return Receipt(_event(encoded), value["log"], events.commit(encoded, salt))
    except (GgzyError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _malformed() from error


def verify(files: Files, chain_pem: bytes, key: Key | None) -> tuple[Receipt, list[Step]]:
    """Check a receipt against the authority's certificates and the log's key; return what it says and the steps.

    Step 6 (the sealed bid at hand) is bidding's. Raises GgzyError ``receipt.*``, ``timestamp.*``, ``proof.*``,
    ``note.*``, ``checkpoint.*``, ``merkle.*``: the first thing wrong.
    """
    receipt = decode(files.content)
    told = marked(receipt.event.kind, sandbox=receipt.event.sandbox)
    steps = [Step(1, "form", str(len(files.content))), Step(2, "event", told)]
    digest = sha256(files.content).digest()  # 3
    if not hmac.compare_digest(files.digest, f"{digest.hex()}\n".encode()):
        raise GgzyError("receipt.wrong_digest", Kind.INTEGRITY)
    steps.append(Step(3, "digest", digest.hex()))
    stamped = timestamp.check(files.token, digest, chain_pem, sandbox=receipt.event.sandbox)  # 4
    steps.append(Step(4, "token", isoformat(stamped)))
    if not -TOLERANCE <= stamped - receipt.event.at <= TOLERANCE + PATIENCE:  # 5
        raise GgzyError("receipt.wrong_time", Kind.INTEGRITY)
    steps.append(Step(5, "time", isoformat(receipt.event.at)))
    if files.proof is not None and key is not None:  # 7
        steps.append(Step(7, "inclusion", _included(receipt, files.proof, key)))
    return receipt, steps


def _included(receipt: Receipt, proof: bytes, key: Key) -> str:
    index, head = proofs.verify_proof(proof, receipt.commitment, key)
    if not hmac.compare_digest(head.origin.encode(), receipt.log.encode()):
        raise GgzyError("receipt.wrong_log", Kind.INTEGRITY)
    return f"{index} / {head.size}"


def _event(encoded: bytes) -> Event:
    event = events.decode(encoded)
    if event.kind not in KINDS:
        raise _malformed()
    if event.kind == "bid.received" and not event.at < _deadline(event):
        raise _malformed()
    return event


def _deadline(event: Event) -> datetime:
    return parse(event.data["deadline"])


def _read(path: Path) -> bytes:
    return disk.read(path, MAX_FILE, missing([path.name]))


def _malformed() -> GgzyError:
    return GgzyError("receipt.malformed", Kind.INTEGRITY)
