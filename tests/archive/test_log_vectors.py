"""The committed vectors of the log: reproduced byte for byte, and every malformed one refused with its code."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import checkpoint as checkpoints
from archive import event as events
from archive import merkle, note, proof, tiles
from kernel.errors import GgzyError, Kind

FOLDER = Path(__file__).parents[1] / "vectors" / "log"
GOOD: dict[str, Any] = json.loads((FOLDER / "good.json").read_text("utf-8"))
MALFORMED: list[dict[str, str]] = json.loads((FOLDER / "malformed.json").read_text("utf-8"))
PARSERS = {
    "note": note.parse,
    "checkpoint": checkpoints.parse,
    "proof": proof.parse,
    "tile": tiles.parse,
    "vkey": note.parse_key,
    "event": lambda text: events.decode(text.encode("utf-8", "surrogatepass")),
}


def test_the_generator_makes_the_same_vectors() -> None:
    """The committed files are what the generator beside them writes."""
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.good() == GOOD
    assert [(v["parser"], v["wrong"], v["input"], v["code"]) for v in MALFORMED] == list(module.malformed(GOOD))


def test_the_good_vectors_verify() -> None:
    """Openings, tile, bundle, checkpoint, cosignature and proofs fit together."""
    key, witness = note.parse_key(GOOD["vkey"]), note.parse_key(GOOD["witness_vkey"])
    assert note.Signer(key.name, bytes.fromhex(GOOD["seed"])).vkey == GOOD["vkey"]
    head = checkpoints.verify(GOOD["checkpoint"] + GOOD["cosignature"], key, [witness], 1)
    roots = [bytes.fromhex(h) for h in GOOD["roots"]]
    assert head.root == roots[head.size]
    for index, opened in enumerate(GOOD["openings"]):
        opening = events.Opening(
            opened["event"].encode(), bytes.fromhex(opened["salt"]), bytes.fromhex(opened["commitment"])
        )
        assert events.verify(opening).data["number"] == index
        assert proof.verify_proof(GOOD["proofs"][index], opening.commitment, key) == (index, head)
    for old, path in enumerate(GOOD["consistency"]):
        merkle.verify_consistency(old, roots[old], head.size, head.root, [bytes.fromhex(h) for h in path])
    entries = tiles.split_entries(bytes.fromhex(GOOD["bundle"]), head.size)
    assert tiles.split(bytes.fromhex(GOOD["tile"]), head.size) == [merkle.leaf_hash(entry) for entry in entries]
    for path, (level, index, width) in GOOD["paths"].items():
        assert tiles.parse(path) == tiles.Tile(level, index, width)


SOUND = {
    "note": GOOD["checkpoint"],
    "checkpoint": GOOD["checkpoint"].split("\n\n")[0] + "\n",
    "proof": GOOD["proofs"][3],
    "tile": "tile/0/x001/067.p/8",
    "vkey": GOOD["vkey"],
    "event": GOOD["openings"][0]["event"],
}


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 400), st.integers(0, 400), st.text(max_size=4))
def test_whatever_is_mangled_raises_nothing_but_our_error(parser: str, begin: int, end: int, put: str) -> None:
    """Any cut and any insertion is either refused with GgzyError or was harmless to the form."""
    sound = SOUND[parser]
    PARSERS[parser](sound)
    try:
        PARSERS[parser](sound[:begin] + put + sound[end:])
    except GgzyError as error:
        assert error.kind == Kind.INTEGRITY


@given(st.sampled_from(sorted(SOUND)), st.text())
def test_nonsense_raises_nothing_but_our_error(parser: str, nonsense: str) -> None:
    """No text at all makes a parser fail in another way."""
    with pytest.raises(GgzyError):
        PARSERS[parser](nonsense)


@pytest.mark.parametrize("vector", MALFORMED, ids=lambda v: f"{v['parser']}: {v['wrong']}")
def test_malformed_vectors_are_refused(vector: dict[str, str]) -> None:
    """Each malformed input raises GgzyError with the code that the vector names."""
    with pytest.raises(GgzyError) as caught:
        PARSERS[vector["parser"]](vector["input"])
    assert caught.value.code == vector["code"]
