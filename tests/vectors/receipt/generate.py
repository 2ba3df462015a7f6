"""Makes `vectors.json` beside it: receipts and tokens with the code of the refusal that each must meet, or null.

Run from the repository's root: ``python -m tests.vectors.receipt.generate``. Signatures of tokens are randomized, so a
second run gives other bytes with the same verdicts.
"""

import json
import tempfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from archive import checkpoint as checkpoints
from archive import event as events
from archive import merkle, receipt
from archive import proof as proofs
from archive.checkpoint import Checkpoint
from archive.event import Opening
from archive.note import Signer
from archive.proof import Proof
from archive.receipt import Files
from archive.timestamp import LocalAuthority, new_authority_keys
from archive.timestamp.request import Request
from kernel import canonical
from kernel.actor import SYSTEM
from kernel.clock import FixedClock, isoformat
from kernel.entropy import SeededEntropy

OUT = Path(__file__).with_name("vectors.json")
AT = datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC)
SIGNER = Signer("ggzy.example/log", bytes(range(32)))
ENTROPY = SeededEntropy(b"receipt vectors")
LEAVES = 5


def main() -> None:
    """Write the vectors."""
    tsa = authority("a")
    good = files(opening(), tsa)
    cases = {
        "good": (good, None),
        "good, not yet in the log": (replace(good, proof=None), None),
        **{name: (given, "receipt.malformed") for name, given in malformed(tsa).items()},
        **foreign(good, tsa),
    }
    vectors = [
        {"name": name, "files": [None if f is None else b64encode(f).decode() for f in _fields(given)], "code": code}
        for name, (given, code) in cases.items()
    ]
    whole = {"vkey": SIGNER.vkey, "chain": tsa.chain_pem.decode(), "vectors": vectors}
    OUT.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")


def malformed(tsa: LocalAuthority) -> dict[str, Files]:
    """Return receipts whose content has another form, stamped and logged all the same."""
    event = opening()
    return {
        "received at its deadline": files(opening(deadline=AT), tsa),
        "an event that is no receipt": files(opening(kind="lot.moved"), tsa),
        "not canonical": files(event, tsa, edit=lambda content: content.replace(b'"event":', b'"event": ')),
        "a float": files(event, tsa, edit=lambda content: content.replace(b'"bid":"', b'"bid":1.5,"x":"')),
        "a member too many": files(event, tsa, edit=_with(more=1)),
        "another format": files(event, tsa, edit=_with(format="ggzy/receipt/v2")),
        "a salt in capitals": files(event, tsa, edit=_with(salt="AB" * 32)),
        "a short salt": files(event, tsa, edit=_with(salt="ab" * 31)),
    }


def foreign(good: Files, tsa: LocalAuthority) -> dict[str, tuple[Files, str]]:
    """Return a good receipt with a digest, token or proof that is not its own."""
    stamped = partial(token_over, good)
    early, late = stamped(tsa, AT - timedelta(seconds=2)), stamped(tsa, AT + timedelta(minutes=1))
    stranger = proof(opening(), 2, Signer(SIGNER.name, bytes(32)))
    return {
        "digest without a line feed": (replace(good, digest=good.digest.strip()), "receipt.wrong_digest"),
        "digest in capitals": (replace(good, digest=good.digest.upper()), "receipt.wrong_digest"),
        "token over another digest": (replace(good, token=files(opening(), tsa).token), "timestamp.wrong_digest"),
        "token of a stranger": (replace(good, token=stamped(authority("b"), AT)), "timestamp.untrusted"),
        "token two seconds early": (replace(good, token=early), "receipt.wrong_time"),
        "token a minute late": (replace(good, token=late), "receipt.wrong_time"),
        "token cut short": (replace(good, token=good.token[:-1]), "timestamp.malformed"),
        "token with a byte more": (replace(good, token=good.token + b"\0"), "timestamp.malformed"),
        "token not granted": (replace(good, token=bytes.fromhex("30053003020102")), "timestamp.not_granted"),
        "proof of another entry": (replace(good, proof=proof(opening(), 3)), "merkle.not_included"),
        "proof at another index": (replace(good, proof=_index(good.proof)), "merkle.not_included"),
        "proof by another key": (replace(good, proof=stranger), "note.wrong_signature"),
        "receipt of another log": (files(opening(), tsa, log="ggzy.example/other"), "receipt.wrong_log"),
    }


def authority(name: str) -> LocalAuthority:
    """Return an authority with keys made from its name."""
    clock, entropy = FixedClock(AT), SeededEntropy(name.encode())
    with tempfile.TemporaryDirectory() as folder:
        new_authority_keys(Path(folder), clock=clock, entropy=entropy, sandbox=False)
        return LocalAuthority.load(Path(folder), clock=clock, entropy=entropy)


def opening(*, kind: str = "bid.received", deadline: datetime = AT + timedelta(hours=1)) -> Opening:
    """Return a new event of a trade."""
    data = {"bid": "00000000-0000-4000-8000-000000000001", "deadline": isoformat(deadline)}
    return events.seal(SYSTEM, kind, data, trade=UUID(int=7), at=AT, sandbox=False, entropy=ENTROPY)


def files(
    opened: Opening, tsa: LocalAuthority, *, log: str = SIGNER.name, edit: Callable[[bytes], bytes] = bytes
) -> Files:
    """Return the four files of an event's receipt, its content edited before it is stamped."""
    content = edit(receipt.encode(opened, log))
    digest = sha256(content).digest()
    token = tsa.issue(Request(digest, cert_req=True), AT)
    return Files(content, f"{digest.hex()}\n".encode(), token, proof(opened, 2))


def token_over(given: Files, tsa: LocalAuthority, at: datetime) -> bytes:
    """Return a token over a receipt's content."""
    return tsa.issue(Request(sha256(given.content).digest(), cert_req=True), at)


def proof(opened: Opening, index: int, signer: Signer = SIGNER) -> bytes:
    """Return the proof that a log of five entries holds the event at `index`."""
    leaves = [merkle.leaf_hash(bytes([n]) * 32) for n in range(LEAVES)]
    leaves[index] = merkle.leaf_hash(opened.commitment)
    path = merkle.prove(merkle.inclusion_spans(index, LEAVES), lambda node: _node(leaves, node))
    head = checkpoints.sign(Checkpoint(signer.name, LEAVES, merkle.root(leaves)), signer)
    return proofs.encode(Proof(index, tuple(path), head)).encode()


def _node(leaves: list[bytes], node: merkle.Node) -> bytes:
    level, index = node
    return merkle.root(leaves[index << level : (index + 1) << level])


def _with(**changes: object) -> Callable[[bytes], bytes]:
    return lambda content: canonical.encode({**canonical.decode(content), **changes})


def _index(text: bytes | None) -> bytes:
    return (text or b"").replace(b"index 2\n", b"index 1\n")


def _fields(given: Files) -> tuple[bytes | None, ...]:
    return given.content, given.digest, given.token, given.proof


if __name__ == "__main__":
    main()
