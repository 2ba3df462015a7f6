"""Makes the vectors of sealing from a fixed seed: ``python -m tests.vectors.sealing.generate``.

Every case names what must come of it: ``ok`` or the stable code of the refusal. Long byte strings are given as
``{"shake256": name, "length": n}``: SHAKE-256 of the ASCII name, n bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from bidding import encapsulation, group
from bidding import manifest as manifests
from bidding.encapsulation import Preamble
from bidding.form import FileEntry, Form
from bidding.header import Header, Suite
from bidding.manifest import Envelope, Manifest
from bidding.padding import padded_length
from bidding.sealed_secret import seal_secret
from bidding.segments import PART_SIZE, SEGMENT_SIZE, BodyHasher
from bidding.stream import SEALED_SIZE, StreamSealer, cipher, sealed_length
from kernel import canonical
from kernel.clock import isoformat
from kernel.entropy import SeededEntropy
from tests.bidding.sample_bid import BIDDER, EXPECTED, PRICE, PRIVATE, TARGET
from tests.vectors.sealing.bids import bids, shake
from trading.lot import EnvelopeKind, OpeningPolicy

FOLDER = Path(__file__).parent
ENTROPY_SEED = b"ggzy sealing vectors v1"
SECRET = bytes(range(32))

Case = dict[str, Any]


def files() -> dict[str, str]:
    """Return every vector file by name."""
    made = {
        "padding": _padding(),
        "header": _headers(),
        "form": _forms(),
        "keys": _keys(),
        "stream": _streams(),
        "segments": _segments(),
        "manifest": _manifests(),
        "secret": _secrets(),
        "bid": bids(),
    }
    return {f"{name}.json": _text(name, list(cases)) for name, cases in made.items()}


def _text(name: str, cases: list[Case]) -> str:
    expected = {"expected": _expected()} if name in ("manifest", "secret") else {}
    value = {"format": f"ggzy/vectors/{name}/v1", **expected, "cases": cases}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _expected() -> Case:
    """What manifests and secrets are checked against."""
    return {
        "tender": str(EXPECTED.tender),
        "lot": str(EXPECTED.lot),
        "bidder": EXPECTED.bidder,
        "deadline": isoformat(EXPECTED.deadline),
        "policy": EXPECTED.policy.value,
        "kinds": [kind.value for kind in EXPECTED.kinds],
        "key": EXPECTED.key.hex(),
        "signer": EXPECTED.signer.hex(),
        "context": b"context".hex(),
        "release": isoformat(TARGET.deadline),
    }


def _padding() -> Iterator[Case]:
    for length in (0, 1, 65536, 65537, 100_000, 1_000_000, 1 << 20, (1 << 20) + 1, 10**9, 2**31 + 1, 1 << 40):
        yield {"length": length, "padded": padded_length(length)}


def _header(
    policy: OpeningPolicy = OpeningPolicy.QUORUM, suite: Suite = Suite.AES_256_GCM, point: bytes = TARGET.opening_key
) -> Header:
    return Header(
        suite=suite,
        policy=policy,
        kind=EnvelopeKind.PRICE,
        tender=TARGET.tender,
        lot=TARGET.lot,
        bidder=BIDDER.uscc,
        deadline=TARGET.deadline,
        key=TARGET.key,
        point=point,
        padded_length=65536,
    )


def _headers() -> Iterator[Case]:
    header = _header()
    good = header.encode()
    yield {
        "name": "good",
        "expect": "ok",
        "header": good.hex(),
        "hash": header.hash().hex(),
        "fields": {
            "suite": 1,
            "policy": "quorum",
            "kind": "price",
            "tender": str(header.tender),
            "lot": str(header.lot),
            "bidder": header.bidder,
            "deadline": isoformat(TARGET.deadline),
            "key": header.key.hex(),
            "point": header.point.hex(),
            "padded_length": 65536,
        },
    }
    changes: list[tuple[str, int, bytes]] = [
        ("other magic", 0, b"G"),
        ("version 2", 8, b"\2"),
        ("suite 0", 9, b"\0"),
        ("suite 3", 9, b"\3"),
        ("policy 4", 10, b"\4"),
        ("kind 0", 11, b"\0"),
        ("bidder with a letter that GB 32100 leaves out", 44, b"I"),
        ("bidder not ASCII", 44, b"\xff"),
        ("deadline past the year 9999", 62, b"\xff"),
        ("record size 131072", 134, b"\0\2\0\0"),
        ("length that is not padded", 138, (65537).to_bytes(8, "big")),
        ("length below the floor", 138, (4096).to_bytes(8, "big")),
        ("length above 1 TiB", 138, (1 << 41).to_bytes(8, "big")),
    ]
    for name, place, patch in changes:
        bad = good[:place] + patch + good[place + len(patch) :]
        yield {"name": name, "expect": "bid.bad_header", "header": bad.hex()}
    yield {"name": "one byte short", "expect": "bid.bad_header", "header": good[:-1].hex()}
    yield {"name": "one byte long", "expect": "bid.bad_header", "header": good.hex() + "00"}


def _forms() -> Iterator[Case]:
    technical = Form(kind=EnvelopeKind.TECHNICAL, files=(FileEntry("图纸.pdf", 7, "application/pdf"),))
    for name, form in (("price", PRICE), ("technical", technical)):
        yield {"name": name, "expect": "ok", "form": form.encode().decode()}
    bad: list[tuple[str, str, Case]] = [
        ("bid.bad_form", "other version", {"format": "ggzy/form/v2"}),
        ("bid.bad_form", "unknown field", {"extra": 1}),
        ("bid.bad_price", "price with three places", {"price": "1.000"}),
        ("bid.bad_price", "price with a leading zero", {"price": "01.00"}),
        ("bid.bad_price", "price of nothing", {"price": "0.00"}),
        ("bid.price_misplaced", "no price in the price envelope", {"price": None}),
        ("bid.price_misplaced", "a price elsewhere", {"kind": "technical"}),
        ("bid.bad_file_name", "a path", {"files": [{"name": "a/b", "size": 1, "media_type": "text/plain"}]}),
        ("bid.bad_file_name", "parent folder", {"files": [{"name": "..", "size": 1, "media_type": "text/plain"}]}),
        (
            "bid.repeated_file",
            "a name twice",
            {"files": [{"name": n, "size": 1, "media_type": "text/plain"} for n in "aA"]},
        ),
    ]
    for code, name, change in bad:
        data = canonical.encode(canonical.decode(PRICE.encode()) | change)
        yield {"name": name, "expect": code, "form": data.decode()}
    yield {"name": "not canonical", "expect": "bid.bad_form", "form": PRICE.encode().decode().replace(":", ": ", 1)}


def _keys() -> Iterator[Case]:
    entropy = SeededEntropy(ENTROPY_SEED)
    for policy in OpeningPolicy:
        fresh = encapsulation.encapsulate(TARGET.opening_key, entropy)
        header = _header(policy, point=fresh.point)
        secret = encapsulation.bidder_secret(SECRET, header)
        key, preamble = encapsulation.bind(header, fresh, secret, entropy)
        yield {
            "name": policy.value,
            "expect": "ok",
            "opening_private_key": PRIVATE.hex(),
            "opening_key": TARGET.opening_key.hex(),
            "r": fresh.scalar.hex(),
            "shared": fresh.shared.hex(),
            "header": header.encode().hex(),
            "bidder_master_secret": SECRET.hex(),
            "bidder_secret": secret.hex(),
            "proof": preamble.proof.hex(),
            "payload_key": key.hex(),
            "commitment": preamble.commitment.hex(),
            "wrap": None if preamble.wrap is None else preamble.wrap.hex(),
        }


def _streams() -> Iterator[Case]:
    """Plaintexts of two and a half records, and what may be done to their ciphertext."""
    length = 2 * 65536 + 32768
    for suite in Suite:
        key = shake(f"key {suite}", 32)
        out = bytearray(sealed_length(length))
        sealed = bytes(
            StreamSealer(cipher(suite, key), length).seal(memoryview(shake("plain", length)), memoryview(out))
        )
        for name, expect, pieces in _arrangements(len(sealed)):
            changed = b"".join(sealed[begin:end] for begin, end in pieces)
            yield {
                "name": name,
                "expect": expect,
                "suite": int(suite),
                "key": key.hex(),
                "plain": {"shake256": "plain", "length": length},
                "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
                "pieces": [list(piece) for piece in pieces],
                "arranged_sha256": hashlib.sha256(changed).hexdigest(),
            }


def _arrangements(size: int) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Ranges of the good ciphertext that, joined, make the case."""
    one, two = SEALED_SIZE, 2 * SEALED_SIZE
    return [
        ("good", "ok", [(0, size)]),
        ("last byte missing", "bid.truncated", [(0, size - 1)]),
        ("last record missing", "bid.truncated", [(0, two)]),
        ("nothing", "bid.truncated", []),
        ("last record repeated", "bid.extended", [(0, size), (two, size)]),
        ("one byte more", "bid.extended", [(0, size), (0, 1)]),
        ("records swapped", "bid.bad_record", [(one, two), (0, one), (two, size)]),
        ("first record repeated", "bid.bad_record", [(0, one), (0, one), (two, size)]),
    ]


def _segments() -> Iterator[Case]:
    sizes = (
        1,
        SEGMENT_SIZE,
        SEGMENT_SIZE + 1,
        3 * SEGMENT_SIZE,
        PART_SIZE,
        PART_SIZE + 1,
        2 * PART_SIZE + SEGMENT_SIZE + 9,
    )
    for size in sizes:
        hasher = BodyHasher()
        hasher.update(shake("body", size))
        yield {
            "body": {"shake256": "body", "length": size},
            "root": hasher.root().hex(),
            "parts": [[root.hex(), length] for root, length in hasher.parts],
        }


def _sealed_manifest(**change: object) -> Manifest:
    """A manifest of two envelopes whose bodies nobody needs; `change` goes into the first one's header."""
    entropy = SeededEntropy(ENTROPY_SEED)
    envelopes = []
    for slot in TARGET.envelopes:
        fresh = encapsulation.encapsulate(TARGET.opening_key, entropy)
        header = replace(_header(point=fresh.point), kind=slot.kind)
        if not envelopes:
            header = replace(header, **change)  # type: ignore[arg-type] # fields of a header
        _, preamble = encapsulation.bind(header, fresh, SECRET, entropy)
        envelopes.append(Envelope(header, preamble, sealed_length(65536), shake("root", 32)))
    return Manifest(
        tender=TARGET.tender,
        lot=TARGET.lot,
        bidder=BIDDER.uscc,
        deadline=TARGET.deadline,
        previous=None,
        signer=bytes(BIDDER.key.verify_key),
        envelopes=tuple(envelopes),
    )


def _manifests() -> Iterator[Case]:
    """Manifests that are well signed, but for `signature`, and what is wrong with them for the expected lot."""
    good = _sealed_manifest()
    other, later = UUID(int=7), TARGET.deadline.replace(year=2027)
    first, second = good.envelopes
    cases: list[tuple[str, str, Manifest]] = [
        ("good", "ok", good),
        ("other tender", "bid.other_tender", replace(good, tender=other)),
        ("other lot", "bid.other_lot", replace(good, lot=other)),
        ("other bidder", "bid.other_bidder", replace(good, bidder="9" * 18)),
        ("other deadline", "bid.other_deadline", replace(good, deadline=later)),
        ("envelope of another lot", "bid.other_lot", _sealed_manifest(lot=other)),
        ("envelope of another bidder", "bid.other_bidder", _sealed_manifest(bidder="9" * 18)),
        ("envelope of another deadline", "bid.other_deadline", _sealed_manifest(deadline=later)),
        ("envelope for another key", "bid.other_key", _sealed_manifest(key=bytes(32))),
        ("envelope under another policy", "bid.other_policy", _sealed_manifest(policy=OpeningPolicy.QUORUM_AND_BIDDER)),
        ("envelope missing", "bid.missing_envelope", replace(good, envelopes=(first,))),
        ("envelope twice", "bid.repeated_envelope", replace(good, envelopes=(first, first, second))),
        ("envelope not asked for", "bid.unexpected_envelope", _sealed_manifest(kind=EnvelopeKind.QUALIFICATION)),
        ("proof of another envelope", "bid.bad_proof", _with(good, proof=second.preamble.proof)),
        ("proof of zeros", "bid.bad_proof", _with(good, proof=bytes(64))),
        ("wrap not asked for", "bid.bad_wrap", _with(good, wrap=bytes(32))),
        ("point of order eight", "bid.bad_point", _with_point(good, TORSION)),
        ("point is the identity", "bid.bad_point", _with_point(good, group.IDENTITY)),
        ("point with a torsion part", "bid.bad_point", _with_point(good, group.add(first.header.point, TORSION))),
        ("point of somebody else", "bid.bad_proof", _with_point(good, second.header.point)),
    ]
    for name, expect, manifest in cases:
        yield _manifest_case(name, expect, manifest.encode(), manifests.sign(manifest, BIDDER.key))
    signature = bytearray(manifests.sign(good, BIDDER.key))
    signature[0] ^= 1
    yield _manifest_case("signature flipped", "bid.bad_signature", good.encode(), bytes(signature))
    text: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        ("a PDF", "bid.not_sealed", lambda _: b"%PDF-1.7"),
        ("nothing", "bid.not_sealed", lambda _: b""),
        ("a space too many", "bid.bad_manifest", lambda d: d.replace(b",", b", ", 1)),
        ("an unknown field", "bid.bad_manifest", lambda d: canonical.encode(canonical.decode(d) | {"x": 1})),
        ("a length that disagrees", "bid.bad_length", lambda d: d.replace(b'"length":65552', b'"length":65553', 1)),
        ("a kind that disagrees", "bid.bad_manifest", lambda d: d.replace(b'"kind":"price"', b'"kind":"technical"')),
    ]
    for name, expect, edit in text:
        yield _manifest_case(name, expect, edit(good.encode()), manifests.sign(good, BIDDER.key))


TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def _manifest_case(name: str, expect: str, manifest: bytes, signature: bytes) -> Case:
    return {"name": name, "expect": expect, "manifest": manifest.decode(), "signature": signature.hex()}


def _with(manifest: Manifest, **change: object) -> Manifest:
    first, second = manifest.envelopes
    preamble: Preamble = replace(first.preamble, **change)  # type: ignore[arg-type] # fields of a preamble
    return replace(manifest, envelopes=(replace(first, preamble=preamble), second))


def _with_point(manifest: Manifest, point: bytes) -> Manifest:
    first, second = manifest.envelopes
    return replace(manifest, envelopes=(replace(first, header=replace(first.header, point=point)), second))


def _secrets() -> Iterator[Case]:
    good = seal_secret(
        b"nonce",
        TARGET.opening_key,
        TARGET.key,
        context=b"context",
        release=TARGET.deadline,
        entropy=SeededEntropy(ENTROPY_SEED),
    )
    yield {"name": "good", "expect": "ok", "private_key": PRIVATE.hex(), "sealed": good.hex(), "secret": b"nonce".hex()}
    changes = [
        ("other magic", "secret.malformed", 0),
        ("other context", "secret.other_context", 9),
        ("other release", "secret.other_release", 48),
        ("other key", "secret.other_key", 49),
        ("other proof", "bid.bad_proof", 113),
        ("other commitment", "bid.bad_commitment", 177),
        ("other body", "bid.bad_record", 209),
    ]
    for name, expect, place in changes:
        bad = bytearray(good)
        bad[place] ^= 1
        yield {"name": name, "expect": expect, "private_key": PRIVATE.hex(), "sealed": bad.hex()}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
