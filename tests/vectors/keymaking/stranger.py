"""A stranger's program: checks a key transcript and opening shares from docs/spec/opening-key.md alone.

Nothing but the standard library; plain integers, so it is for public values only.
``stranger.py transcript.json`` prints the transcript's hash and each key.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a: Point, b: Point) -> Point:
    """Add two points of edwards25519 in extended coordinates (RFC 8032 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e1, e2, e3, e4 = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2), 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = e2 - e1, e4 - e3, e4 + e3, e2 + e1
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(scalar: int, point: Point) -> Point:
    """Multiply a point."""
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def decode(data: bytes) -> Point:
    """Decode a point of the prime-order subgroup other than the identity."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        raise ValueError("not canonical")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, -1, P) % P
    x = pow(x, (P + 3) // 8, P)
    if (x * x * v - u) % P:
        x = x * ROOT % P
    if (x * x * v - u) % P or (x == 0 and sign):
        raise ValueError("not on the curve")
    x = P - x if x & 1 != sign else x
    point = (x, y, 1, x * y % P)
    if encode(point) == encode((0, 1, 1, 0)) or encode(mul(L, point)) != encode((0, 1, 1, 0)):
        raise ValueError("not in the group")
    return point


def encode(point: Point) -> bytes:
    """Encode a point."""
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def negate(point: Point) -> Point:
    """Return −point."""
    x, y, z, t = point
    return P - x, y, z, P - t


def scalar(data: bytes) -> int:
    """Decode a reduced scalar that is not zero."""
    value = int.from_bytes(data, "little")
    if not 0 < value < L:
        raise ValueError("not a scalar")
    return value


def h(domain: str, *parts: bytes) -> int:
    """Return the spec's H."""
    framed = domain.encode() + b"\0" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return int.from_bytes(hashlib.sha512(framed).digest(), "little") % L


def check_knowledge(x: bytes, proof: bytes, context: bytes) -> None:
    """Check a proof of knowledge."""
    c, z = scalar(proof[:32]), scalar(proof[32:])
    commitment = add(mul(z, BASE), negate(mul(c, decode(x))))
    if c != h("ggzy/group/knowledge/v1", context, x, encode(commitment)):
        raise ValueError("bad proof of knowledge")


def check_equal(x: bytes, u: bytes, d: bytes, proof: bytes, context: bytes) -> None:
    """Check a proof of equal logarithms."""
    c, z = scalar(proof[:32]), scalar(proof[32:])
    first = add(mul(z, BASE), negate(mul(c, decode(x))))
    second = add(mul(z, decode(u)), negate(mul(c, decode(d))))
    if c != h("ggzy/group/equality/v1", context, x, u, d, encode(first), encode(second)):
        raise ValueError("bad proof of equal logarithms")


def check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    """Check Ed25519 (RFC 8032 5.1.7, without the cofactor, as libsodium does)."""
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    if s >= L or encode(add(mul(s, BASE), negate(mul(k, decode(key))))) != signature[:32]:
        raise ValueError("bad signature")


def canonical(value: Any) -> bytes:
    """RFC 8785 for the values that stand in these formats."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def message(value: dict[str, Any]) -> bytes:
    """Return what is hashed or signed: format, zero byte, canonical JSON."""
    return value["format"].encode() + b"\0" + canonical(value)


def verify(data: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """Check a transcript and return its hash and keys (section 7 of the spec)."""
    told = json.loads(data)
    if canonical(told) != data:
        raise ValueError("not canonical")
    signatures = told.pop("signatures")
    setup, deals = told["setup"], told["deals"]
    context = hashlib.sha512(message(setup)).digest()
    for i, deal in enumerate(deals, 1):
        place, e = i.to_bytes(4, "big"), bytes.fromhex(deal["ephemeral"])
        known = bytes.fromhex(deal["ephemeral_proof"])
        check_knowledge(e, known, b"ggzy/key-ephemeral/v1\0" + context + place)
        for b, key in enumerate(deal["keys"]):
            points = [bytes.fromhex(point) for point in key["commitments"]]
            bound = b"".join((b"ggzy/key-possession/v1\0", context, place, b.to_bytes(4, "big"), e, *points))
            check_knowledge(points[0], bytes.fromhex(key["proof"]), bound)
    hashed = hashlib.sha256(message(told)).digest()
    for custodian, signature in zip(setup["custodians"], signatures, strict=True):
        certificate = {
            "format": "ggzy/key-certificate/v1",
            "setup": hashlib.sha256(message(setup)).hexdigest(),
            "custodian": custodian["index"],
            "transcript": hashed.hex(),
        }
        check_signature(bytes.fromhex(custodian["device_key"]), message(certificate), bytes.fromhex(signature))
    return hashed, [derive(deals, b, len(setup["custodians"]), hashed) for b in range(setup["count"])]


def derive(deals: list[dict[str, Any]], b: int, size: int, hashed: bytes) -> dict[str, Any]:
    """Return one key: its hash, Y, and X_1 … X_n."""
    columns = zip(*[[decode(bytes.fromhex(c)) for c in deal["keys"][b]["commitments"]] for deal in deals], strict=True)
    sums = []
    for column in columns:
        total = (0, 1, 1, 0)
        for point in column:
            total = add(total, point)
        sums.append(total)
    shares = []
    for j in range(1, size + 1):
        share = (0, 1, 1, 0)
        for power, point in enumerate(sums):
            share = add(share, mul(j**power, point))
        shares.append(encode(share).hex())
    name = hashlib.sha256(b"ggzy/opening-key/v1\0" + hashed + b.to_bytes(4, "big")).hexdigest()
    return {"key_hash": name, "public_key": encode(sums[0]).hex(), "verification_shares": shares}


def combine(images: dict[int, bytes]) -> bytes:
    """Return K from D by custodian's number."""
    total = (0, 1, 1, 0)
    for i, image in images.items():
        factor = 1
        for j in images:
            if j != i:
                factor = factor * j * pow(j - i, -1, L) % L
        total = add(total, mul(factor, decode(image)))
    return encode(total)


def check_share(told: dict[str, Any], case: dict[str, Any]) -> None:
    """Check one share of a vector file."""
    number = case["custodian"]
    context = b"ggzy/opening-share/v1\0" + bytes.fromhex(told["key_hash"] + told["header_hash"])
    x, u = bytes.fromhex(told["verification_shares"][number - 1]), bytes.fromhex(told["point"])
    image, proof = bytes.fromhex(case["image"]), bytes.fromhex(case["proof"])
    check_equal(x, u, image, proof, context + number.to_bytes(4, "big"))


def main(path: str) -> None:
    """Print what a file holds."""
    data = Path(path).read_bytes()
    hashed, keys = verify(data.rstrip(b"\n"))
    print(json.dumps({"transcript_hash": hashed.hex(), "keys": keys}))  # noqa: T201 - a program for people


if __name__ == "__main__":
    main(sys.argv[1])
