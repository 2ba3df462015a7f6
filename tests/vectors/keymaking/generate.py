"""Makes the vectors of key making and opening from a fixed seed: ``python -m tests.vectors.keymaking.generate``.

Messages are canonical JSON as text; every case names what must come of it, ``ok`` or the stable code of the refusal.
The devices' seeds stand in the file: they are for tests only.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bidding import complaint, group, keysetup, opening
from kernel import canonical
from kernel.entropy import SeededEntropy
from tests.bidding.table import Made, change, make
from tests.bidding.test_group import TORSION
from tests.bidding.test_keymaking import lying_deal

FOLDER = Path(__file__).parent
SEED = b"ggzy keymaking vectors v1"

Case = dict[str, Any]


def files() -> dict[str, str]:
    """Return every vector file by name."""
    made = make(3, 2, 2, seed=SEED)
    return {
        "making.json": _text("key-making", _making(made)),
        "deals.json": _text("key-deal", {"setup": _setup(made), "cases": list(_deals(made))}),
        "transcripts.json": _text("key-transcript", {"cases": list(_transcripts(made))}),
        "complaints.json": _text("key-complaint", {"setup": _setup(made), "cases": list(_complaints(made))}),
        "shares.json": _text("opening-share", _shares(made)),
    }


def _text(name: str, value: Case) -> str:
    return json.dumps({"format": f"ggzy/vectors/{name}/v1", **value}, indent=1, ensure_ascii=False) + "\n"


def _setup(made: Made) -> str:
    return keysetup.write(made.table.setup).decode()


def _making(made: Made) -> Case:
    """One honest key making from the setup to the shares and keys."""
    setup = made.table.setup
    return {
        "setup": _setup(made),
        "context": keysetup.context(setup).hex(),
        "setup_digest": keysetup.digest(setup).hex(),
        "device_seeds": [device.encode().hex() for device in made.table.devices],
        "deals": [data.decode() for data in made.deals],
        "shares": [[share.hex() for share in got.shares] for got in made.received],
        "certificates": [data.decode() for data in made.certificates],
        "transcript": made.content.decode(),
        "transcript_hash": made.transcript.hash.hex(),
        "keys": [
            {
                "key_hash": key.key_hash.hex(),
                "public_key": key.public_key.hex(),
                "verification_shares": [share.hex() for share in key.verification_shares],
            }
            for key in made.transcript.keys
        ],
    }


def _deals(made: Made) -> Iterator[Case]:
    """Deals as anybody checks them."""
    device, data = made.table.devices[0], made.deals[0]
    told = json.loads(data)

    def case(name: str, message: bytes, expect: str) -> Case:
        return {"name": name, "deal": message.decode(), "expect": expect}

    def keys(**fields: Any) -> list[Case]:
        return [{**told["keys"][0], **fields}, told["keys"][1]]

    commitments = told["keys"][0]["commitments"]
    yield case("honest", data, "ok")
    yield case("not signed again after a change", change(data, None, dealer=2), "keymaking.bad_signature")
    yield case("signed by another custodian", change(data, made.table.devices[1]), "keymaking.bad_signature")
    yield case("a custodian that does not exist", change(data, device, dealer=4), "keymaking.not_a_custodian")
    yield case("another setup", change(data, device, setup="00" * 32), "keymaking.wrong_setup")
    yield case("one key too few", change(data, device, keys=told["keys"][:1]), "keymaking.bad_deal")
    longer = keys(commitments=[*commitments, commitments[0]])
    yield case("a commitment too many (threshold elevation)", change(data, device, keys=longer), "keymaking.bad_deal")
    yield case("a short box", change(data, device, boxes=[b[:-2] for b in told["boxes"]]), "keymaking.bad_deal")
    for number, torsion in enumerate(TORSION):
        moved = group.add(bytes.fromhex(commitments[1]), torsion).hex() if number else torsion.hex()
        wrong = keys(commitments=[commitments[0], moved])
        name = f"a commitment moved by torsion point {number}" if number else "a commitment that is the identity"
        yield case(name, change(data, device, keys=wrong), "keymaking.bad_deal")
    swapped = keys(proof=told["keys"][1]["proof"])
    yield case("the proof of another key", change(data, device, keys=swapped), "keymaking.bad_proof")
    other = json.loads(made.deals[1])
    copied = {"ephemeral": other["ephemeral"], "ephemeral_proof": other["ephemeral_proof"]}
    yield case("another dealer's ephemeral key", change(data, device, **copied), "keymaking.bad_proof")
    yield case("not canonical", data.replace(b'":', b'": ', 1), "keymaking.malformed")
    yield case("an unknown field", change(data, device, note=1), "keymaking.malformed")


def _transcripts(made: Made) -> Iterator[Case]:
    """Transcripts as strangers check them."""

    def case(name: str, fields: Case, expect: str) -> Case:
        content = canonical.encode({**json.loads(made.content), **fields})
        return {"name": name, "transcript": content.decode(), "expect": expect}

    told = json.loads(made.content)
    deals, signatures = told["deals"], told["signatures"]
    yield case("honest", {}, "ok")
    yield case("a dealer missing", {"deals": deals[:2]}, "transcript.malformed")
    yield case("a signature missing", {"signatures": signatures[:2]}, "transcript.malformed")
    yield case("signatures swapped", {"signatures": [signatures[0], *signatures[:0:-1]]}, "keymaking.bad_signature")
    yield case("dealers in another order", {"deals": deals[::-1]}, "transcript.malformed")
    first = {**deals[0], "digest": "00" * 32}
    yield case("another digest of a deal", {"deals": [first, *deals[1:]]}, "keymaking.bad_signature")
    part = {**deals[1]["keys"][0], "proof": deals[1]["keys"][1]["proof"]}
    second = {**deals[1], "keys": [part, deals[1]["keys"][1]]}
    yield case("the proof of another key", {"deals": [deals[0], second, deals[2]]}, "keymaking.bad_proof")
    yield case("needing all custodians", {"setup": {**told["setup"], "threshold": 3}}, "keymaking.bad_setup")
    yield case("an unknown field", {"note": 1}, "transcript.malformed")


def _complaints(made: Made) -> Iterator[Case]:
    """Complaints of custodian 3 about dealer 2, with the deal that they are about."""
    table = made.table
    accuser = table.devices[2]
    for lie in ("share", "zero", "garbage"):
        deal = lying_deal(table, 2, victim=3, lie=lie)
        said = complaint.write(table.setup, accuser, deal, SeededEntropy(SEED + lie.encode()))
        yield {"name": f"true: {lie}", "deal": deal.decode(), "complaint": said.decode(), "expect": "ok"}
    deal = made.deals[1]
    said = complaint.write(table.setup, accuser, deal, SeededEntropy(SEED))
    yield {"name": "false", "deal": deal.decode(), "complaint": said.decode(), "expect": "complaint.false"}
    moved = change(said, accuser, shared=group.base_mult(group.ONE).hex()).decode()
    yield {"name": "another point", "deal": deal.decode(), "complaint": moved, "expect": "complaint.false"}
    framed = change(said, None, dealer=1).decode()
    expect = "complaint.bad_signature"
    yield {"name": "not signed again", "deal": deal.decode(), "complaint": framed, "expect": expect}


def _shares(made: Made) -> Case:
    """Shares of one envelope under key 0, what they combine to, and shares that are refused."""
    key, entropy = made.transcript.keys[0], SeededEntropy(SEED + b"shares")
    secret = group.random_scalar(entropy)
    point, header = group.base_mult(secret), bytes(range(32))
    cases = []
    for got in made.received:
        context = opening.share_context(key.key_hash, header, got.index)
        image, proof = opening.partial(got.shares[0], point, context, entropy)
        cases.append(_share(f"custodian {got.index}", got.index, image, proof, "ok"))
    first = cases[0]
    image, proof = bytes.fromhex(first["image"]), bytes.fromhex(first["proof"])
    cases.append(_share("another custodian's share", 2, image, proof, "group.bad_proof"))
    for number, torsion in enumerate(TORSION[1:], start=1):
        moved = group.add(image, torsion)
        cases.append(_share(f"moved by torsion point {number}", 1, moved, proof, "group.bad_point"))
    return {
        "key_hash": key.key_hash.hex(),
        "verification_shares": [share.hex() for share in key.verification_shares],
        "header_hash": header.hex(),
        "point": point.hex(),
        "shared": group.mult(secret, key.public_key).hex(),
        "cases": cases,
    }


def _share(name: str, custodian: int, image: bytes, proof: bytes, expect: str) -> Case:
    return {"name": name, "custodian": custodian, "image": image.hex(), "proof": proof.hex(), "expect": expect}


if __name__ == "__main__":
    for file, content in files().items():
        (FOLDER / file).write_text(content, "utf-8")
