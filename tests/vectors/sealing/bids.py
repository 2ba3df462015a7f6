"""Vectors of whole bids: everything that goes in, the randomness included, and the file that comes of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bidding import sealing
from bidding.form import Form
from bidding.header import Suite
from bidding.payload import FilePlan
from bidding.sealing import EnvelopePlan, Sealed
from bidding.segments import PART_SIZE, SEGMENT_SIZE
from bidding.target import SealTarget
from kernel import canonical
from kernel.entropy import SeededEntropy
from tests.bidding.sample_bid import BIDDER, PRICE, PRIVATE, TARGET
from trading.lot import EnvelopeKind, OpeningPolicy

MEDIA_TYPE = "application/octet-stream"
TECHNICAL = Form(kind=EnvelopeKind.TECHNICAL, leader="李雷", particulars={"文件制作机器码": "A1"})
FILES = {"施工组织设计.pdf": 70_000, "空.txt": 0, "图纸 1.dwg": 2 * PART_SIZE + SEGMENT_SIZE + 9}


def shake(name: str, length: int) -> bytes:
    """Return the bytes that ``{"shake256": name, "length": length}`` stands for."""
    return hashlib.shake_256(name.encode("ascii")).digest(length)


def bids() -> Iterator[dict[str, Any]]:
    """Yield a bid under every policy, and one by the second suite; some replace another."""
    for policy in OpeningPolicy:
        previous = None if policy is OpeningPolicy.QUORUM else shake("receipt", 32)
        yield _bid(replace(TARGET, policy=policy), Suite.AES_256_GCM, previous)
    yield _bid(TARGET, Suite.XCHACHA20_POLY1305, None)


def _bid(target: SealTarget, suite: Suite, previous: bytes | None) -> dict[str, Any]:
    name = f"{target.policy.value}, suite {int(suite)}"
    seed = f"ggzy sealed bid vectors v1 {name}"
    sealed, data = _seal(target, suite, previous, SeededEntropy(seed.encode()))
    return {
        "name": name,
        "expect": "ok",
        "target": target.encode().decode(),
        "suite": int(suite),
        "bidder": BIDDER.uscc,
        "device_seed": bytes(BIDDER.key).hex(),
        "bidder_master_secret": BIDDER.secret.hex(),
        "previous": None if previous is None else previous.hex(),
        "entropy_seed": seed,
        "forms": [canonical.decode(form.encode()) for form in (TECHNICAL, PRICE)],
        "files": [
            {"name": name, "media_type": MEDIA_TYPE, "shake256": _seed(name), "length": length}
            for name, length in FILES.items()
        ],
        "opening_private_key": PRIVATE.hex(),
        "manifest": sealed.manifest.encode().decode(),
        "signature": sealed.signature.hex(),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _seal(target: SealTarget, suite: Suite, previous: bytes | None, entropy: SeededEntropy) -> tuple[Sealed, bytes]:
    """Seal the files into the technical envelope, and the price."""
    with TemporaryDirectory() as folder:
        files = []
        for number, (name, length) in enumerate(FILES.items()):
            path = Path(folder) / str(number)
            path.write_bytes(shake(_seed(name), length))
            files.append(FilePlan(path, name, MEDIA_TYPE))
        plans = [EnvelopePlan(TECHNICAL, tuple(files)), EnvelopePlan(PRICE)]
        out = Path(folder) / "bid.sealed"
        sealed = sealing.seal_bid(target, plans, BIDDER, suite, entropy=entropy, out=out, previous=previous)
        return sealed, out.read_bytes()


def _seed(name: str) -> str:
    return name.encode().hex()
