"""The published vectors of sealing: current, and each comes out as it declares."""

import hashlib
import json
from typing import Any

import pytest

from bidding import encapsulation, group
from bidding import form as forms
from bidding import header as headers
from bidding import manifest as manifests
from bidding.encapsulation import Preamble
from bidding.header import Suite
from bidding.padding import padded_length
from bidding.sealed_secret import check_secret, open_secret, parse_secret
from bidding.segments import BodyHasher, body_root
from bidding.stream import StreamOpener, StreamSealer, cipher, sealed_length
from kernel.errors import GgzyError
from tests.bidding.sample_bid import EXPECTED, TARGET
from tests.vectors.sealing.generate import FOLDER, files, shake


def cases(name: str) -> list[Any]:
    """Return the cases of one file as parameters."""
    read = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=f"{number} {case.get('name', '')}") for number, case in enumerate(read["cases"])]


def outcome(call: Any, *arguments: Any) -> str:
    """Return ``ok`` or the code of the refusal."""
    try:
        call(*arguments)
    except GgzyError as error:
        return error.code
    return "ok"


def test_vectors_are_current() -> None:
    """The generator makes exactly the files that are committed."""
    made = files()
    assert {path.name for path in FOLDER.glob("*.json")} == set(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("case", cases("padding"))
def test_padding(case: dict[str, int]) -> None:
    """Lengths pad as listed."""
    assert padded_length(case["length"]) == case["padded"]


@pytest.mark.parametrize("case", cases("header"))
def test_header(case: dict[str, Any]) -> None:
    """Good headers have the listed hash; the others are refused as listed."""
    assert outcome(headers.parse, bytes.fromhex(case["header"])) == case["expect"]
    if case["expect"] == "ok":
        assert headers.parse(bytes.fromhex(case["header"])).hash().hex() == case["hash"]


@pytest.mark.parametrize("case", cases("form"))
def test_form(case: dict[str, Any]) -> None:
    """Forms come out as listed."""
    assert outcome(forms.parse, case["form"].encode()) == case["expect"]


@pytest.mark.parametrize("case", cases("keys"))
def test_keys(case: dict[str, Any]) -> None:
    """From the private key to the payload key, every step as listed."""
    given = {name: bytes.fromhex(value) for name, value in case.items() if name not in ("name", "expect") and value}
    header = headers.parse(given["header"])
    preamble = Preamble(given["proof"], given["commitment"], given.get("wrap"))
    assert group.base_mult(given["r"]) == header.point
    assert group.mult(given["opening_private_key"], header.point) == given["shared"]
    assert group.mult(given["r"], given["opening_key"]) == given["shared"]
    assert encapsulation.bidder_secret(given["bidder_master_secret"], header) == given["bidder_secret"]
    encapsulation.verify(header, preamble)
    key = encapsulation.unlock(header, preamble, given["shared"], given["bidder_secret"])
    assert key == given["payload_key"]
    if "wrap" in given:
        assert encapsulation.unlock_alone(header, preamble, given["bidder_secret"]) == key


@pytest.mark.parametrize("case", cases("stream"))
def test_stream(case: dict[str, Any]) -> None:
    """Each arrangement of the good ciphertext opens or is refused as listed."""
    plain = shake(case["plain"]["shake256"], case["plain"]["length"])
    records = cipher(Suite(case["suite"]), bytes.fromhex(case["key"]))
    out = memoryview(bytearray(sealed_length(len(plain))))
    sealed = bytes(StreamSealer(records, len(plain)).seal(memoryview(plain), out))
    assert hashlib.sha256(sealed).hexdigest() == case["sealed_sha256"]
    arranged = b"".join(sealed[begin:end] for begin, end in case["pieces"])
    assert hashlib.sha256(arranged).hexdigest() == case["arranged_sha256"]
    opened: list[bytes] = []

    def run() -> None:
        opener = StreamOpener(records, len(plain))
        opened.extend(bytes(view) for view in opener.feed(arranged))
        opener.finish()

    assert outcome(run) == case["expect"]
    assert (b"".join(opened) == plain) == (case["expect"] == "ok")


@pytest.mark.parametrize("case", cases("segments"))
def test_segments(case: dict[str, Any]) -> None:
    """Roots of bodies and parts are as listed."""
    hasher = BodyHasher()
    hasher.update(shake(case["body"]["shake256"], case["body"]["length"]))
    assert hasher.root().hex() == case["root"]
    assert [[root.hex(), size] for root, size in hasher.parts] == case["parts"]
    assert body_root((bytes.fromhex(root), size) for root, size in case["parts"]).hex() == case["root"]


@pytest.mark.parametrize("case", cases("manifest"))
def test_manifest(case: dict[str, Any]) -> None:
    """Manifests are accepted for the sample lot or refused as listed."""

    def run() -> None:
        manifests.check(manifests.parse(case["manifest"].encode()), bytes.fromhex(case["signature"]), EXPECTED)

    assert outcome(run) == case["expect"]


@pytest.mark.parametrize("case", cases("secret"))
def test_secret(case: dict[str, Any]) -> None:
    """Sealed secrets open or are refused as listed."""

    def run() -> None:
        sealed = parse_secret(bytes.fromhex(case["sealed"]))
        check_secret(sealed, key=TARGET.key, context=b"context", release=TARGET.deadline)
        shared = group.mult(bytes.fromhex(case["private_key"]), sealed.point)
        assert open_secret(sealed, shared).hex() == case["secret"]

    assert outcome(run) == case["expect"]
