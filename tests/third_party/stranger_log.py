"""A log reader by a stranger: made from docs/spec/trail.md and the C2SP texts, with `cryptography` and nothing of ours.

Run as ``python stranger_log.py FOLDER``, where FOLDER holds vkey, checkpoint and entries.jsonl of a filed trade, or as
``python stranger_log.py VKEY RECEIPT PROOF``. Prints how many entries are proven, under what size of the log.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def main(first: str, *rest: str) -> tuple[int, int]:
    """Check all entries of a folder, or the one of a receipt."""
    if rest:
        vkey, receipt = Path(first).read_text(), json.loads(Path(rest[0]).read_bytes())
        head, _, note = Path(rest[1]).read_text().partition("\n\n")
        marker, place, *steps = head.split("\n")
        if marker != "c2sp.org/tlog-proof@v1" or receipt["log"] != note.split("\n")[0]:
            raise SystemExit("not a proof of this receipt's log")
        size, root = checkpoint(note, vkey)
        entry = commitment(receipt["event"], receipt["salt"])
        check(entry, int(place.removeprefix("index ")), size, [base64.b64decode(one) for one in steps], root)
        return 1, size
    folder = Path(first)
    size, root = checkpoint((folder / "checkpoint").read_text(), (folder / "vkey").read_text())
    lines = (folder / "entries.jsonl").read_text("utf-8").splitlines()
    for one in map(json.loads, lines):
        path = [bytes.fromhex(step) for step in one["path"]]
        check(commitment(one["event"], one["salt"]), one["index"], size, path, root)
    return len(lines), size


def checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """C2SP signed-note and tlog-checkpoint: the log's own signature, then size and root."""
    name, key_id, key = vkey.strip().split("+", 2)
    public = base64.b64decode(key)
    if public[0] != 1 or hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() != key_id:
        raise SystemExit("not a key")
    text, _, lines = note.partition("\n\n")
    origin, size, root = text.split("\n")
    for line in lines.splitlines():
        _, signer, value = line.split(" ")
        signature = base64.b64decode(value)
        if signer == name == origin and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], text.encode() + b"\n")
            return int(size), base64.b64decode(root)
    raise SystemExit("not signed by the log")


def commitment(event: object, salt: str) -> bytes:
    """Section 2: what the log holds of an event."""
    canonical = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(b"ggzy/event/v1\0" + bytes.fromhex(salt) + canonical).digest()


def check(entry: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2."""
    place, last, node = index, size - 1, hashlib.sha256(b"\0" + entry).digest()
    for step in path:
        if last == 0:
            raise SystemExit(f"entry {index}: the path is too long")
        if place % 2 or place == last:
            node = hashlib.sha256(b"\1" + step + node).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + step).digest()
        place, last = place // 2, last // 2
    if last or node != root:
        raise SystemExit(f"entry {index} is not in the log")


if __name__ == "__main__":
    print(*main(*sys.argv[1:]))  # noqa: T201 - the answer
