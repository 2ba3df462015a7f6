"""A decryptor by a stranger: made from the specifications, with `cryptography` and nothing of this project.

Run as ``python stranger.py bid.sealed KIND=K_HEX[,SECRET_HEX] …``; prints what it found as JSON. K is what custodians
combine (section 4.2 of the specification), SECRET the bidder's secret of that envelope.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

MEBIBYTE = 1 << 20
RECORD = 65536


def main(path: str, *keys: str) -> dict[str, object]:
    """Check signature and roots of the whole file and open the envelopes whose K is given."""
    data = Path(path).read_bytes()
    if data[:8] != b"ggzybid\x01":
        raise SystemExit("not a sealed bid")
    end = 12 + int.from_bytes(data[8:12], "big")
    encoded, signature, rest = data[12:end], data[end : end + 64], data[end + 64 :]
    manifest = json.loads(encoded)
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["signer"]))
    signer.verify(signature, b"ggzy/bid/v1\0" + hashlib.sha256(encoded).digest())
    known = dict(key.split("=") for key in keys)
    found: dict[str, object] = {}
    for envelope in manifest["envelopes"]:
        body, rest = rest[: envelope["length"]], rest[envelope["length"] :]
        if root(body) != envelope["root"]:
            raise SystemExit("wrong root")
        if envelope["kind"] in known:
            found[envelope["kind"]] = open_envelope(envelope, body, *known[envelope["kind"]].split(","))
    if rest:
        raise SystemExit("bytes behind the last body")
    return found


def root(body: bytes) -> str:
    """RFC 6962 section 2.1 over segments of 1 MiB."""
    return tree([body[place : place + MEBIBYTE] for place in range(0, len(body), MEBIBYTE)]).hex()


def tree(segments: list[bytes]) -> bytes:
    """Return the Merkle tree hash."""
    if len(segments) == 1:
        return hashlib.sha256(b"\0" + segments[0]).digest()
    half = 1
    while 2 * half < len(segments):
        half *= 2
    return hashlib.sha256(b"\1" + tree(segments[:half]) + tree(segments[half:])).digest()


def open_envelope(envelope: dict[str, str], body: bytes, shared: str, secret: str = "") -> dict[str, object]:
    """Derive the keys, check the commitment, open the records, take the payload apart."""
    header = bytes.fromhex(envelope["header"])
    fields = struct.unpack(">8sBBBB16s16s18sQ32s32sIQ", header)
    suite, policy, length = fields[2], fields[3], fields[12]
    header_hash = hashlib.sha256(b"ggzy/header/v1\0" + header).digest()
    material = bytes.fromhex(shared) + (bytes.fromhex(secret) if policy == 2 else b"")
    envelope_secret = HKDF(SHA256(), 32, None, b"ggzy/envelope/v1\0" + header_hash).derive(material)
    both = HKDFExpand(SHA256(), 64, b"ggzy/payload/v1\0").derive(envelope_secret)
    if both[32:].hex() != envelope["commitment"]:
        raise SystemExit("wrong K, secret or header")
    plain = b"".join(open_record(suite, both[:32], n, body, length) for n in range(-(-length // RECORD)))
    size = int.from_bytes(plain[:4], "big")
    form, place, files = json.loads(plain[4 : 4 + size]), 4 + size, {}
    for file in form["files"]:
        files[file["name"]] = hashlib.sha256(plain[place : place + file["size"]]).hexdigest()
        place += file["size"]
    if any(plain[place:]):
        raise SystemExit("padding is not zero")
    return {"form": form, "sha256": files}


def open_record(suite: int, key: bytes, number: int, body: bytes, length: int) -> bytes:
    """Open one record under counter ‖ last."""
    last = number == -(-length // RECORD) - 1
    sealed = body[number * (RECORD + 16) : (number + 1) * (RECORD + 16)]
    if suite == 1:
        return AESGCM(key).decrypt(number.to_bytes(11, "big") + bytes([last]), sealed, None)
    nonce = number.to_bytes(23, "big") + bytes([last])
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed, None)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha section 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            quarter(state, a, b, c, d)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(state, a, b, c, d)
    return struct.pack("<8I", *state[:4], *state[12:])


def quarter(x: list[int], a: int, b: int, c: int, d: int) -> None:
    """RFC 8439 section 2.1."""
    for target, other, mixed, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[target] = (x[target] + x[other]) & 0xFFFFFFFF
        word = x[mixed] ^ x[target]
        x[mixed] = (word << bits | word >> (32 - bits)) & 0xFFFFFFFF


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), ensure_ascii=True))  # noqa: T201 - the answer
