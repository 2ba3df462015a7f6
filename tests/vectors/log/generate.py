"""Makes the vectors beside it from fixed keys and salts: ``python tests/vectors/log/generate.py``.

`good.json` holds what any implementation must reproduce; `malformed.json` holds inputs that every parser must refuse,
each with the code of the refusal. The log that both speak of has eleven entries.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from archive import checkpoint as checkpoints  # noqa: E402 - found through the path above
from archive import event as events  # noqa: E402
from archive import merkle, note, proof, tiles  # noqa: E402
from archive.checkpoint import Checkpoint  # noqa: E402
from archive.note import Key, Signer  # noqa: E402
from archive.proof import Proof  # noqa: E402
from archive.tiles import Tile  # noqa: E402
from kernel.actor import SYSTEM  # noqa: E402
from kernel.entropy import SeededEntropy  # noqa: E402

SIZE = 11
SEED = bytes(range(32))
WITNESS_SEED = bytes(range(32, 64))
SIGNER = Signer("log.example/sandbox", SEED)
WITNESS = Key("witness.example/west", note.COSIGNATURE, bytes(note.SigningKey(WITNESS_SEED).verify_key))


def openings() -> list[events.Opening]:
    """Return the eleven events with their salts."""
    entropy, at = SeededEntropy(b"log vectors"), datetime(2026, 11, 21, 8, 30, 0, 123456, UTC)
    return [
        events.seal(
            SYSTEM,
            "bid.received",
            {"number": n, "名称": "标段"},
            trade=UUID(int=n),
            at=at,
            sandbox=True,
            entropy=entropy,
        )
        for n in range(SIZE)
    ]


def good() -> dict[str, Any]:
    """Return the vectors that must be reproduced and accepted."""
    opened = openings()
    leaves = [merkle.leaf_hash(o.commitment) for o in opened]
    lookup = merkle.lookup_in(leaves)
    head = checkpoints.sign(Checkpoint(SIGNER.name, SIZE, merkle.root(leaves)), SIGNER)
    line = note.cosign(note.parse(head).text, WITNESS.name, WITNESS_SEED, 1_800_000_000).line
    return {
        "seed": SEED.hex(),
        "vkey": SIGNER.vkey,
        "witness_seed": WITNESS_SEED.hex(),
        "witness_vkey": WITNESS.vkey,
        "openings": [
            {"event": o.event.decode(), "salt": o.salt.hex(), "commitment": o.commitment.hex()} for o in opened
        ],
        "roots": [merkle.root(leaves[:size]).hex() for size in range(SIZE + 1)],
        "checkpoint": head,
        "cosignature": line,
        "proofs": [
            proof.encode(Proof(i, tuple(merkle.prove(merkle.inclusion_spans(i, SIZE), lookup)), head))
            for i in range(SIZE)
        ],
        "consistency": [
            [h.hex() for h in merkle.prove(merkle.consistency_spans(n, SIZE), lookup)] for n in range(SIZE)
        ],
        "tile": tiles.join(leaves).hex(),
        "bundle": tiles.join_entries([o.commitment for o in opened]).hex(),
        "paths": {
            tiles.path(tile): [tile.level, tile.index, tile.width]
            for tile in (
                Tile(0, 0),
                Tile(0, 0, SIZE),
                Tile(tiles.ENTRIES, 67, 8),
                Tile(1, 1067),
                Tile(0, 1_234_067, 255),
                Tile(7, 0, 1),
            )
        },
    }


def malformed(vectors: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield parser, what is wrong, the input as text, and the code of the refusal."""
    head: str = vectors["checkpoint"]
    text, line = head.split("\n\n")
    yield from _notes(head, text, line)
    yield from _checkpoints(text)
    yield from _proofs(vectors["proofs"][5])
    for what, path in {
        "no level": "tile/000",
        "level 8": "tile/8/000",
        "level with zero": "tile/00/000",
        "two digits": "tile/0/00",
        "no x": "tile/0/001/067",
        "x on the last": "tile/0/x067",
        "needless group": "tile/0/x000/067",
        "width 0": "tile/0/000.p/0",
        "width 256": "tile/0/000.p/256",
        "width with zero": "tile/0/000.p/08",
        "leading slash": "/tile/0/000",
        "parent": "tile/0/../000",
        "newline": "tile/0/000\n",
        "beyond every tree": "tile/7/x999/x999/x999/x999/x999/x999/999",
        "empty": "",
    }.items():
        yield "tile", what, path, "tile.malformed"
    for what, vkey in {
        "wrong id": vectors["vkey"].replace("+", "+0", 1)[:-1],
        "upper case id": "+".join(p.upper() if n == 1 else p for n, p in enumerate(vectors["vkey"].split("+", 2))),
        "no key": "log.example/sandbox+00000000+",
        "space in the name": vectors["vkey"].replace("/", " ", 1),
        "unknown type": "log.example/sandbox+00000000+AgAA",
        "newline": vectors["vkey"] + "\n",
    }.items():
        yield "vkey", what, vkey, "note.malformed"
    yield from _events(vectors["openings"][0]["event"])


def _notes(head: str, text: str, line: str) -> Iterator[tuple[str, str, str, str]]:
    cases = {
        "no signature": f"{text}\n\n",
        "no blank line": f"{text}\n{line}",
        "no newline at the end": head[:-1],
        "carriage returns": head.replace("\n", "\r\n"),
        "hyphen for the dash": head.replace("—", "-"),
        "two spaces": head.replace("— ", "—  "),
        "text after the signature": f"{head}more\n",
        "bits beyond the padding": f"{text}\n\n— a AAAAAAF=\n",
        "key id without a signature": f"{text}\n\n— log.example/sandbox AAAAAA==\n",
        "plus in the name": f"{text}\n\n— a+b AAAAAAAA\n",
        "a zero byte": head.replace("log", "log\0", 1),
        "empty": "",
    }
    for what, value in cases.items():
        yield "note", what, value, "note.malformed"


def _checkpoints(text: str) -> Iterator[tuple[str, str, str, str]]:
    origin, size, root = text.split("\n")
    cases = {
        "size with zero": f"{origin}\n0{size}\n{root}\n",
        "negative size": f"{origin}\n-1\n{root}\n",
        "size beyond 2^62": f"{origin}\n{2**62 + 1}\n{root}\n",
        "short root": f"{origin}\n{size}\n{root[4:]}\n",
        "bits beyond the root": f"{origin}\n{size}\n{root[:-2]}{'B' if root[-2] != 'B' else 'C'}=\n",
        "no origin": f"\n{size}\n{root}\n",
        "extension line": f"{origin}\n{size}\n{root}\nextension\n",
        "no newline": f"{origin}\n{size}\n{root}",
    }
    for what, value in cases.items():
        yield "checkpoint", what, value, "checkpoint.malformed"


def _proofs(good_proof: str) -> Iterator[tuple[str, str, str, str]]:
    header, index, rest = good_proof.split("\n", 2)
    cases = {
        "another version": good_proof.replace("@v1", "@v2", 1),
        "index with zero": f"{header}\nindex 05\n{rest}",
        "no index": f"{header}\n{rest}",
        "negative index": f"{header}\nindex -5\n{rest}",
        "empty extra": f"{header}\nextra \n{index}\n{rest}",
        "extra after index": f"{header}\n{index}\nextra AAAA\n{rest}",
        "too many hashes": f"{header}\n{index}\n" + rest.split("\n", 1)[0].join(["", "\n"]) * 64 + rest,
        "short hash": f"{header}\n{index}\n{rest[4:]}",
        "carriage returns": good_proof.replace("\n", "\r\n"),
        "empty": "",
    }
    for what, value in cases.items():
        yield "proof", what, value, "proof.malformed"
    yield "proof", "no checkpoint", f"{header}\n{index}\n\n", "note.malformed"


def _events(event: str) -> Iterator[tuple[str, str, str, str]]:
    cases = {
        "spaces": event.replace(":", ": ", 1),
        "another format": event.replace("event/v1", "event/v2"),
        "a member more": event.replace('"kind"', '"extra":1,"kind"'),
        "a member less": event.replace('"sandbox":true,', ""),
        "kind of one word": event.replace("bid.received", "bid"),
        "time without microseconds": event.replace(".123456Z", "Z"),
        "impossible day": event.replace("2026-11-21", "2026-11-31"),
        "id in upper case": event.replace('"id":"', '"id":"A'),
        "data a list": event.replace(event[event.index('"data":') : event.index(',"format"')], '"data":[]'),
        "sandbox a number": event.replace('"sandbox":true', '"sandbox":1'),
        "a list": "[]",
        "a number": "1",
        "deep": "[" * 200 + "]" * 200,
        "empty": "",
    }
    for what, value in cases.items():
        yield "event", what, value, "event.malformed"


def write() -> None:
    """Write both files."""
    vectors = good()
    bad = [dict(zip(("parser", "wrong", "input", "code"), row, strict=True)) for row in malformed(vectors)]
    for name, value in (("good.json", vectors), ("malformed.json", bad)):
        (Path(__file__).parent / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write()
