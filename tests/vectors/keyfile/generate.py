"""Makes the vectors of key files from a fixed seed: ``python -m tests.vectors.keyfile.generate``.

Every case names what must come of opening the file: ``ok`` or the stable code of the refusal. The strength is the
weakest that is allowed, so that reading all of them takes no time.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bidding import keyfile
from bidding.keyfile import KeyFile, Strength
from kernel import canonical
from kernel.entropy import SeededEntropy

FOLDER = Path(__file__).parent
PASSPHRASE = "口令 café"
ENTROPY_SEED = b"ggzy key file vectors v1"

Case = dict[str, Any]


def files() -> dict[str, str]:
    """Return every vector file by name."""
    value = {"format": "ggzy/vectors/keyfile/v1", "cases": list(_cases(SeededEntropy(ENTROPY_SEED)))}
    return {"keyfile.json": json.dumps(value, indent=1, ensure_ascii=False) + "\n"}


def _cases(entropy: SeededEntropy) -> Iterator[Case]:
    keys = keyfile.create(entropy).with_secret("shares:" + "0" * 64, bytes(range(33)))
    good = _encrypt(keys, entropy)
    shown = {"secrets": {name: value.hex() for name, value in keys.secrets.items()}}
    yield _case("good", "ok", good) | shown
    yield _case("the passphrase composed in another way", "ok", good, "口令 cafe\u0301") | shown
    yield _case("no secrets", "ok", _encrypt(KeyFile({}), entropy)) | {"secrets": {}}
    yield _case("another passphrase", "keyfile.wrong_passphrase", good, "口令 cafe")
    yield _case("an empty passphrase", "keyfile.wrong_passphrase", good, "")
    wire = canonical.decode(good)
    yield _changed("another nonce", "keyfile.wrong_passphrase", wire | {"nonce": "00" * 24})
    yield _changed("a flipped tag", "keyfile.wrong_passphrase", wire | {"sealed": wire["sealed"][:-2] + "00"})
    yield _changed("other passes", "keyfile.wrong_passphrase", wire | {"kdf": wire["kdf"] | {"passes": 2}})
    for name, change in (
        ("too little memory", {"memory": 8191}),
        ("more memory than a machine has", {"memory": 1 << 21}),
        ("no pass", {"passes": 0}),
        ("too many passes", {"passes": 17}),
        ("another function", {"name": "scrypt"}),
        ("a short salt", {"salt": "00"}),
        ("a number as text", {"memory": "8192"}),
        ("one lane said aloud", {"lanes": 1}),
    ):
        yield _changed(name, "keyfile.malformed", wire | {"kdf": wire["kdf"] | change})
    yield _changed("another format", "keyfile.malformed", wire | {"format": "ggzy/keyfile/v2"})
    yield _changed("an unknown member", "keyfile.malformed", wire | {"x": 1})
    yield _changed("upper-case hex", "keyfile.malformed", wire | {"nonce": "AB" * 24})
    yield _changed("less than a tag", "keyfile.malformed", wire | {"sealed": "00" * 15})
    yield _case("not canonical", "keyfile.malformed", good + b"\n")
    yield _case("a list", "keyfile.malformed", b"[]")


def _encrypt(keys: KeyFile, entropy: SeededEntropy) -> bytes:
    return keyfile.encrypt(keys, PASSPHRASE, entropy=entropy, strength=Strength(memory=8192, passes=1))


def _changed(name: str, expect: str, wire: Case) -> Case:
    return _case(name, expect, canonical.encode(wire))


def _case(name: str, expect: str, file: bytes, passphrase: str = PASSPHRASE) -> Case:
    return {"name": name, "expect": expect, "file": file.decode(), "passphrase": passphrase}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
