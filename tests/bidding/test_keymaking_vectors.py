"""The published vectors of key making: current, as declared, understood by a stranger's program."""

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bidding import complaint, keymaking, keysetup, opening, transcript
from kernel.errors import GgzyError
from tests.vectors.keymaking import stranger
from tests.vectors.keymaking.generate import FOLDER, files

STRANGER: ModuleType = stranger


def vector(name: str) -> dict[str, Any]:
    """Return a vector file."""
    content: dict[str, Any] = json.loads((FOLDER / name).read_text("utf-8"))
    return content


def outcome(call: Any, *arguments: Any) -> str:
    """Return ``ok`` or the code of the refusal."""
    try:
        call(*arguments)
    except GgzyError as error:
        return error.code
    return "ok"


def cases(name: str) -> list[Any]:
    """Return the cases of a vector file as parameters."""
    return [pytest.param(case, id=case["name"]) for case in vector(name)["cases"]]


def test_vectors_are_current() -> None:
    """The generator makes exactly the files that are published."""
    assert {path.name for path in FOLDER.glob("*.json")} == set(files())
    for name, content in files().items():
        assert (FOLDER / name).read_text("utf-8") == content, name


@pytest.mark.parametrize("case", cases("deals.json"))
def test_deals(case: dict[str, Any]) -> None:
    """A deal comes out as declared."""
    setup = keysetup.read(vector("deals.json")["setup"].encode())
    assert outcome(keymaking.check_deal, setup, case["deal"].encode()) == case["expect"]


@pytest.mark.parametrize("case", cases("transcripts.json"))
def test_transcripts(case: dict[str, Any]) -> None:
    """A transcript comes out as declared."""
    assert outcome(transcript.verify_transcript, case["transcript"].encode()) == case["expect"]


@pytest.mark.parametrize("case", cases("complaints.json"))
def test_complaints(case: dict[str, Any]) -> None:
    """A complaint comes out as declared."""
    setup = keysetup.read(vector("complaints.json")["setup"].encode())
    assert outcome(complaint.check, setup, case["deal"].encode(), case["complaint"].encode()) == case["expect"]


@pytest.mark.parametrize("case", cases("shares.json"))
def test_shares(case: dict[str, Any]) -> None:
    """A share comes out as declared, here and at the stranger's."""
    told = vector("shares.json")
    key_hash, header = bytes.fromhex(told["key_hash"]), bytes.fromhex(told["header_hash"])
    verification = bytes.fromhex(told["verification_shares"][case["custodian"] - 1])
    context = opening.share_context(key_hash, header, case["custodian"])
    image, proof = bytes.fromhex(case["image"]), bytes.fromhex(case["proof"])
    point = bytes.fromhex(told["point"])
    assert outcome(opening.check_partial, verification, point, image, proof, context) == case["expect"]
    if case["expect"] == "ok":
        STRANGER.check_share(told, case)
    else:
        with pytest.raises(ValueError, match=r"bad proof|not in the group"):
            STRANGER.check_share(told, case)


def test_a_stranger_combines_any_quorum() -> None:
    """The stranger's program finds the same K from any two of the three."""
    told = vector("shares.json")
    images = {c["custodian"]: bytes.fromhex(c["image"]) for c in told["cases"] if c["expect"] == "ok"}
    for chosen in combinations(images, 2):
        assert STRANGER.combine({i: images[i] for i in chosen}).hex() == told["shared"]


def test_a_stranger_derives_the_same_keys(tmp_path: Path) -> None:
    """A program with nothing but the standard library checks the transcript and prints what we derive."""
    told = vector("making.json")
    file = tmp_path / "transcript.json"
    file.write_text(told["transcript"], "utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", STRANGER.__file__, str(file)], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == {"transcript_hash": told["transcript_hash"], "keys": told["keys"]}


@pytest.mark.parametrize("case", cases("transcripts.json"))
def test_a_stranger_refuses_what_we_refuse_by_proof_or_signature(case: dict[str, Any]) -> None:
    """Wrong proofs and signatures are wrong for the stranger too."""
    if case["expect"] not in ("keymaking.bad_proof", "keymaking.bad_signature"):
        return
    with pytest.raises(ValueError, match="bad"):
        STRANGER.verify(case["transcript"].encode())
