"""Make the vectors of the draw: ``python -m tests.vectors.draw.generate`` writes ``vectors.json`` beside itself.

Everything follows from a seed, so that running it again changes nothing; a test does so and compares.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from archive import checkpoint
from archive.checkpoint import Checkpoint
from archive.note import Signer
from bidding import group
from experts import draw, nonce, quota, roster
from experts.calls import Calls, seats
from experts.nonce import Plan
from experts.quota import Quota
from experts.roster import Entry
from kernel.clock import parse
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError

FILE = Path(__file__).with_name("vectors.json")
TENDER, LOT, DRAW = (UUID(int=number, version=4) for number in (1, 2, 3))
QUOTAS = (Quota("A01", 2), Quota("A0203", 1, "152502"), Quota("B01", 2))
ROLES = ("centre", "purchaser", "supervisor")


def build() -> dict[str, Any]:
    """Return all vectors."""
    entropy = SeededEntropy(b"ggzy draw vectors v1")
    lines = _roster(entropy)
    nonces = {role: entropy.token(32) for role in ROLES}
    root, beacon = entropy.token(32), entropy.token(32)
    prk = draw.extract(nonces.values(), beacon, root)
    entries = roster.read(lines)
    calls = Calls(lambda gone: draw.draw(entries, QUOTAS, prk, TENDER, 1, gone=gone))
    drawn = seats(calls.begin())
    declined = bytes.fromhex(drawn[1]["expert"])
    follows = calls.answer(declined, "declined")
    assert follows is not None
    codes = [entry.code for entry in entries[:4]]
    committed = _commitment(nonces["centre"], roster.digest(lines), entropy)
    return {
        "beacon": beacon.hex(),
        "commitment": committed,
        "declined": {"expert": declined.hex(), "follows": follows.kind, "data": follows.data},
        "draw": str(DRAW),
        "drawn": drawn,
        "exhausted": _exhausted(),
        "format": "ggzy/draw-vectors/v1",
        "malformed_rosters": _malformed(lines),
        "nonce_commitments": {r: draw.commit_nonce(DRAW, r, n).hex() for r, n in nonces.items()},
        "nonces": {role: value.hex() for role, value in nonces.items()},
        "prk": prk.hex(),
        "prk_without_beacon": draw.extract(nonces.values(), b"", root).hex(),
        "quotas": [one.document() for one in QUOTAS],
        "reveal": _reveal(nonces["centre"], root, beacon),
        "root": root.hex(),
        "roster": lines,
        "roster_digest": roster.digest(lines).hex(),
        "round": 1,
        "tender": str(TENDER),
        "tickets": {
            code.hex(): ticket.hex() for code, ticket in zip(codes, draw.tickets(prk, TENDER, 1, codes), strict=True)
        },
    }


def _roster(entropy: SeededEntropy) -> list[str]:
    secret = entropy.token(32)
    skills = (("A01",), ("A0102", "B01"), ("A0203",), ("A02", "B0101"), ("A020301", "A01"))
    entries = []
    for number in range(30):
        expert = UUID(int=0x1000 + number, version=4)
        identified = roster.identity(expert, f"专家{number}", f"单位{number % 7}")
        code = roster.expert_code(roster.expert_salt(secret, expert), identified)
        excluded = ("employer_bidder",) if number % 6 == 0 else ()
        entries.append(Entry(code, skills[number % 5], ("152502",) if number % 2 else ("152524", "152527"), excluded))
    return roster.write(entries)


def _commitment(value: bytes, digest: bytes, entropy: SeededEntropy) -> dict[str, str]:
    secret, device = group.random_scalar(entropy), SigningKey(entropy.token(32))
    plan = Plan(
        DRAW, TENDER, LOT, 1, digest, parse("2026-11-21T08:00:00.000000Z"), entropy.token(32), group.base_mult(secret)
    )
    message = nonce.commit(plan, "centre", value, device, entropy)
    return {
        "device": bytes(device.verify_key).hex(),
        "message": message.decode(),
        "opening_key": plan.public_key.hex(),
        "opening_secret": secret.hex(),
    }


def _reveal(value: bytes, root: bytes, beacon: bytes) -> dict[str, str]:
    """A reveal by a device, for the seed of a checkpoint and a beacon's signature (not checked here)."""
    log = Signer("vectors.example/log", b"v" * 32)
    note = checkpoint.sign(Checkpoint(log.name, 1000, root), log)
    seed = nonce.seed_digest(DRAW, note, beacon)
    device = SigningKey(b"d" * 32)
    return {
        "beacon_signature": beacon.hex(),
        "checkpoint": note,
        "device": bytes(device.verify_key).hex(),
        "message": nonce.reveal(DRAW, value, seed, device).decode(),
        "seed": seed.hex(),
    }


def _exhausted() -> list[dict[str, Any]]:
    """Cases of quotas that cannot be filled: masks by rank, and which quotas are named."""
    cases = []
    for masks in ([1, 1], [1, 1, 4, 4], [1, 2, 4], [5, 5, 5, 5]):
        try:
            quota.select([(bytes([at]), mask) for at, mask in enumerate(masks)], QUOTAS)
        except GgzyError as error:
            cases.append({"masks": masks, **error.params})
    return cases


def _malformed(lines: list[str]) -> list[dict[str, Any]]:
    """Rosters that must be refused, with the line that is wrong."""
    first, second = lines[:2]
    bad = {
        "out of order": [second, first],
        "twice": [first, first],
        "upper case": [first.upper()],
        "no exclusions field": [first.rsplit(" ", 1)[0]],
        "two spaces": [first.replace(" ", "  ", 1)],
        "short code": [first[2:]],
        "trailing line feed": [first + "\n"],
    }
    found = []
    for name, wrong in bad.items():
        try:
            roster.read(wrong)
        except GgzyError as error:
            found.append({"code": error.code, "line": error.params["line"], "name": name, "roster": wrong})
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(build(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
