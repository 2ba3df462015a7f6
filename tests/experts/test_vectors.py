"""The committed vectors are what the generator makes, and what the code says of each."""

import json
from typing import Any
from uuid import UUID

import pytest

from bidding import group, sealed_secret
from experts import draw, nonce, quota, roster
from experts.calls import seats
from kernel.errors import GgzyError
from tests.vectors.draw import generate

VECTORS: dict[str, Any] = json.loads(generate.FILE.read_text(encoding="utf-8"))


def test_the_vectors_are_those_of_their_generator() -> None:
    """Running the generator again changes nothing."""
    assert generate.build() == VECTORS


def test_the_draw_follows_from_the_vectors_alone() -> None:
    """Inputs in the file lead to the outputs in the file."""
    entries, quotas = roster.read(VECTORS["roster"]), quota.read(VECTORS["quotas"])
    nonces = [bytes.fromhex(one) for one in VECTORS["nonces"].values()]
    prk = draw.extract(nonces, bytes.fromhex(VECTORS["beacon"]), bytes.fromhex(VECTORS["root"]))
    assert prk.hex() == VECTORS["prk"]
    assert seats(draw.draw(entries, quotas, prk, UUID(VECTORS["tender"]), VECTORS["round"])) == VECTORS["drawn"]


def test_the_sealed_nonce_opens_with_the_opening_key() -> None:
    """The message's nonce is found from the opening secret and is the one committed to."""
    told = VECTORS["commitment"]
    commitment = nonce.read(told["message"].encode(), bytes.fromhex(told["device"]))
    sealed = commitment.secret()
    shared = group.mult(bytes.fromhex(told["opening_secret"]), sealed.point)
    found = sealed_secret.open_secret(sealed, shared)
    assert found.hex() == VECTORS["nonces"]["centre"]
    nonce.check_reveal(commitment, found)


def test_the_reveal_names_its_seed() -> None:
    """The seed's digest follows from checkpoint and beacon; the reveal opens its commitment for this seed only."""
    told = VECTORS["reveal"]
    seed = nonce.seed_digest(UUID(VECTORS["draw"]), told["checkpoint"], bytes.fromhex(told["beacon_signature"]))
    assert seed.hex() == told["seed"]
    committed = VECTORS["commitment"]
    commitment = nonce.read(committed["message"].encode(), bytes.fromhex(committed["device"]))
    message, device = told["message"].encode(), bytes.fromhex(told["device"])
    assert nonce.read_reveal(message, commitment, device, seed).hex() == VECTORS["nonces"]["centre"]
    with pytest.raises(GgzyError, match=r"draw\.other_seed"):
        nonce.read_reveal(message, commitment, device, bytes(32))


@pytest.mark.parametrize("case", VECTORS["malformed_rosters"], ids=lambda case: case["name"])
def test_malformed_rosters_are_refused(case: dict[str, Any]) -> None:
    """Each with its code and line."""
    with pytest.raises(GgzyError, match=case["code"]) as caught:
        roster.read(case["roster"])
    assert caught.value.params == {"line": case["line"]}
