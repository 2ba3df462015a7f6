"""Two custodians by a stranger: from their key files to what opens a bid, by the specifications, with nothing of ours.

Run as ``python stranger_shares.py BID TRANSCRIPT KEY_INDEX PASSPHRASE KEYFILE KEYFILE``: opens the key files
(keyfile.md), takes their shares of the lot's key, computes and combines D = xU of each envelope (opening.md), prints
K by kind as JSON. Of PyNaCl only libsodium's bare functions are used.
"""

import hashlib
import json
import sys
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from nacl import bindings

ORDER = 2**252 + 27742317777372353535851937790883648493


def main(bid: str, transcript: str, index: str, passphrase: str, *keyfiles: str) -> dict[str, str]:
    """Return K of every envelope."""
    made = json.loads(Path(transcript).read_bytes())
    unsigned = canonical({name: value for name, value in made.items() if name != "signatures"})
    name = f"shares:{hashlib.sha256(b'ggzy/key-transcript/v1' + bytes(1) + unsigned).hexdigest()}"
    shares = dict(share(Path(path), passphrase, name, int(index)) for path in keyfiles)
    data = Path(bid).read_bytes()
    manifest = json.loads(data[12 : 12 + int.from_bytes(data[8:12], "big")])
    return {one["kind"]: combine(shares, bytes.fromhex(one["header"])[102:134]).hex() for one in manifest["envelopes"]}


def share(path: Path, passphrase: str, name: str, index: int) -> tuple[int, bytes]:
    """Open a key file and return the custodian's number and share of a key of the batch."""
    content = json.loads(path.read_bytes())
    sealed = bytes.fromhex(content.pop("sealed"))
    kdf = content["kdf"]
    derive = Argon2id(
        salt=bytes.fromhex(kdf["salt"]), length=32, iterations=kdf["passes"], lanes=1, memory_cost=kdf["memory"]
    )
    key, nonce = derive.derive(passphrase.encode()), bytes.fromhex(content["nonce"])
    plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, canonical(content), nonce, key)
    kept = bytes.fromhex(json.loads(plain)["secrets"][name])
    return kept[0], [kept[a:b] for a, b in pairwise(range(1, len(kept) + 1, 32))][index]


def combine(shares: dict[int, bytes], point: bytes) -> bytes:
    """Return the sum of lambda_i * x_i * U."""
    total = None
    for i, x in shares.items():
        factor = 1
        for j in shares.keys() - {i}:
            factor = factor * j * pow(j - i, -1, ORDER) % ORDER
        image = bindings.crypto_scalarmult_ed25519_noclamp(x, point)
        term = bindings.crypto_scalarmult_ed25519_noclamp(factor.to_bytes(32, "little"), image)
        total = term if total is None else bindings.crypto_core_ed25519_add(total, term)
    if total is None:
        raise SystemExit("no shares")
    return total


def canonical(value: object) -> bytes:
    """RFC 8785, for values without floats and with names of ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - the answer
