"""Key making: an honest one gives shares that fit, and every lie names the liar."""

import json
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from bidding import complaint, group, keybox, keymaking, keysetup, opening, polynomial, signed
from kernel import canonical
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.bidding.table import Table, change, make, sit
from tests.bidding.test_group import TORSION


def refusal(call: object, *arguments: object) -> GgzyError:
    """Return the refusal that a call must end in."""
    with pytest.raises(GgzyError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value


def lying_deal(table: Table, liar: int, *, victim: int, lie: str) -> bytes:
    """Return a deal, well signed and with true proofs, whose box for the victim is wrong."""
    device, entropy = table.devices[liar - 1], SeededEntropy(b"liar")
    ephemeral = group.random_scalar(entropy)
    public = group.base_mult(ephemeral)
    drawn = [polynomial.draw(table.setup.threshold, entropy) for _ in range(table.setup.count)]
    honest = json.loads(keymaking.deal(table.setup, device, SeededEntropy(b"shape")))
    known = group.prove_knowledge(ephemeral, public, keymaking._ephemeral_context(table.setup, liar), entropy)
    boxes = keymaking._boxes(table.setup, liar, ephemeral, drawn)
    sides = keymaking.pair(table.setup, public, liar, victim)
    shares = [polynomial.evaluate(coefficients, victim) for coefficients in drawn]
    if lie == "share":
        shares[-1] = group.scalar_add(shares[-1], group.ONE)
    elif lie == "zero":
        shares[0] = group.ZERO
    boxes[victim - 1] = keybox.seal(sides, ephemeral, b"".join(shares)).hex()
    if lie == "garbage":
        boxes[victim - 1] = "00" * (len(boxes[victim - 1]) // 2)
    honest.pop("signature")
    honest |= {
        "ephemeral": public.hex(),
        "ephemeral_proof": known.hex(),
        "keys": keymaking._parts(table.setup, liar, public, drawn, entropy),
        "boxes": boxes,
    }
    return signed.write(honest, device)


@pytest.mark.parametrize(("size", "threshold", "count"), [(3, 2, 1), (3, 2, 4), (4, 2, 1), (5, 3, 2), (7, 5, 1)])
def test_any_quorum_opens_and_one_less_does_not(size: int, threshold: int, count: int) -> None:
    """Every k of n custodians find the K that the sealer has; every k−1 find another."""
    made = make(size, threshold, count)
    for key in made.transcript.keys:
        secret = group.random_scalar(SeededEntropy(b"r"))
        point, shared = group.base_mult(secret), group.mult(secret, key.public_key)
        images = {got.index: group.mult(got.shares[key.index], point) for got in made.received}
        for chosen in combinations(images, threshold):
            assert opening.combine({i: images[i] for i in chosen}, threshold) == shared
        for few in combinations(images, threshold - 1):
            assert opening.combine({i: images[i] for i in few}, threshold - 1) != shared


def test_shares_fit_the_public_verification_shares() -> None:
    """Each custodian's sum of shares is the logarithm of the X_i that strangers derive."""
    made = make(5, 3, 3)
    for got in made.received:
        for key in made.transcript.keys:
            assert group.base_mult(got.shares[key.index]) == key.verification_shares[got.index - 1]


def test_rounds_keep_no_state() -> None:
    """A device that starts again from the stored messages comes to the same shares."""
    table = sit()
    deals = table.deals()
    assert keymaking.receive(table.setup, table.devices[0], deals) == keymaking.receive(
        table.setup, table.devices[0], list(reversed(deals))
    )


def test_shares_stay_out_of_representations() -> None:
    """No share is written by accident where a value is logged."""
    got = make().received[0]
    assert got.shares[0].hex() not in repr(got)
    assert repr(got.shares[0]) not in repr(got)


@pytest.mark.parametrize("lie", ["share", "zero", "garbage"])
def test_a_bad_share_names_its_dealer_and_is_proved(lie: str) -> None:
    """A share that does not fit, a zero, a box of garbage: the victim refuses, and anybody can check its complaint."""
    table = sit(count=2)
    deals = table.deals()
    deals[1] = lying_deal(table, 2, victim=3, lie=lie)
    for honest in (0, 1):
        keymaking.receive(table.setup, table.devices[honest], deals)
    refused = refusal(keymaking.receive, table.setup, table.devices[2], deals)
    assert (refused.code, refused.params) == ("keymaking.bad_share", {"dealer": 2})
    said = complaint.write(table.setup, table.devices[2], deals[1], table.entropy)
    proved = complaint.check(table.setup, deals[1], said)
    assert (proved.custodian, proved.dealer) == (3, 2)
    assert complaint.accused(said) == 2


def test_a_false_complaint_names_who_complained() -> None:
    """Nobody can frame an honest dealer: the revealed point opens its box and the share fits."""
    table = sit()
    deals = table.deals()
    said = complaint.write(table.setup, table.devices[2], deals[0], table.entropy)
    refused = refusal(complaint.check, table.setup, deals[0], said)
    assert (refused.code, refused.params) == ("complaint.false", {"custodian": 3})


def test_a_complaint_with_another_point_is_false() -> None:
    """A point that would not open the box is no evidence unless it is proved to be the device's own."""
    table = sit()
    deals = table.deals()
    said = complaint.write(table.setup, table.devices[2], deals[0], table.entropy)
    forged = change(said, table.devices[2], shared=group.base_mult(group.ONE).hex())
    assert refusal(complaint.check, table.setup, deals[0], forged).code == "complaint.false"


def test_a_complaint_is_about_one_deal_only() -> None:
    """Evidence against one deal does not fit another of the same dealer."""
    table = sit()
    lie = lying_deal(table, 2, victim=3, lie="share")
    said = complaint.write(table.setup, table.devices[2], lie, table.entropy)
    assert refusal(complaint.check, table.setup, table.deals()[1], said).code == "complaint.false"


def test_a_complaint_bears_the_signature_of_its_custodian() -> None:
    """Another's complaint cannot be put forward, nor one changed."""
    table = sit()
    lie = lying_deal(table, 2, victim=3, lie="share")
    said = complaint.write(table.setup, table.devices[2], lie, table.entropy)
    assert refusal(complaint.check, table.setup, lie, change(said, None, custodian=1)).code == "complaint.bad_signature"


def test_anothers_ephemeral_key_cannot_be_repeated() -> None:
    """Who repeats a dealer's ephemeral key, to have its boxes opened by a complaint, cannot prove to know it."""
    table = sit()
    deals = table.deals()
    victim = json.loads(deals[0])
    copied = change(
        deals[1], table.devices[1], ephemeral=victim["ephemeral"], ephemeral_proof=victim["ephemeral_proof"]
    )
    refused = refusal(keymaking.check_deal, table.setup, copied)
    assert (refused.code, refused.params) == ("keymaking.bad_proof", {"dealer": 2})


def test_a_rogue_key_has_no_proof() -> None:
    """A commitment chosen to cancel the others' (C − ΣC_0) has no known logarithm, and its proof fails."""
    table = sit()
    deals = table.deals()
    first = [json.loads(data)["keys"][0]["commitments"][0] for data in deals]
    chosen = group.base_mult(group.random_scalar(SeededEntropy(b"rogue")))
    for other in first[:2]:
        chosen = group.sub(chosen, bytes.fromhex(other))
    keys = json.loads(deals[2])["keys"]
    keys[0]["commitments"][0] = chosen.hex()
    refused = refusal(keymaking.check_deal, table.setup, change(deals[2], table.devices[2], keys=keys))
    assert (refused.code, refused.params) == ("keymaking.bad_proof", {"dealer": 3})


@pytest.mark.parametrize("field", ["ephemeral", "commitment"])
@pytest.mark.parametrize("torsion", TORSION)
def test_points_off_the_subgroup_are_refused(field: str, torsion: bytes) -> None:
    """No torsion point, and no point moved by one, enters as an ephemeral key or a commitment."""
    table = sit()
    data = keymaking.deal(table.setup, table.devices[0], table.entropy)
    told = json.loads(data)
    for moved in (torsion, group.add(bytes.fromhex(told["ephemeral"]), torsion)):
        if moved.hex() == told["ephemeral"]:
            continue
        keys = json.loads(data)["keys"]
        keys[0]["commitments"][1] = moved.hex()
        fields = {"ephemeral": moved.hex()} if field == "ephemeral" else {"keys": keys}
        refused = refusal(keymaking.check_deal, table.setup, change(data, table.devices[0], **fields))
        assert (refused.code, refused.params) == ("keymaking.bad_deal", {"dealer": 1})


def test_a_device_key_off_the_subgroup_makes_no_setup() -> None:
    """A custodian's device key of small order would give its boxes to everybody."""
    fields = json.loads(keysetup.write(sit().setup))
    fields["custodians"][0]["device_key"] = TORSION[4].hex()
    assert refusal(keysetup.read, canonical.encode(fields)).code == "keymaking.bad_setup"


def test_deals_of_another_key_making_are_refused() -> None:
    """A deal is bound to its setup: another id, threshold or list of custodians refuses it."""
    table = sit()
    deal = table.deals()[0]
    other = sit(seed=b"other").setup
    assert refusal(keymaking.check_deal, other, deal).code == "keymaking.wrong_setup"


def test_strangers_cannot_deal() -> None:
    """A deal signed by a device outside the key making, or in another custodian's name, is refused."""
    table = sit()
    deal = table.deals()[0]
    stranger = SigningKey(b"\5" * 32)
    assert refusal(keymaking.deal, table.setup, stranger, table.entropy).code == "keymaking.not_a_custodian"
    for signer in (stranger, table.devices[1]):
        refused = refusal(keymaking.check_deal, table.setup, change(deal, signer))
        assert (refused.code, refused.params) == ("keymaking.bad_signature", {"custodian": 1})
    outside = change(deal, table.devices[0], dealer=4)
    assert refusal(keymaking.check_deal, table.setup, outside).code == "keymaking.not_a_custodian"


@pytest.mark.parametrize("change_of", ["key_less", "key_more", "commitment_more", "box_less", "box_short"])
def test_deals_of_another_shape_are_refused(change_of: str) -> None:
    """Numbers of keys, commitments (threshold elevation) and boxes are those of the setup, no other."""
    table = sit(count=2)
    data = table.deals()[0]
    told = json.loads(data)
    keys, boxes = told["keys"], told["boxes"]
    match change_of:
        case "key_less":
            keys.pop()
        case "key_more":
            keys.append(keys[0])
        case "commitment_more":
            keys[0]["commitments"].append(keys[0]["commitments"][0])
        case "box_less":
            boxes.pop()
        case _:
            boxes[1] = boxes[1][:-2]
    refused = refusal(keymaking.check_deal, table.setup, change(data, table.devices[0], keys=keys, boxes=boxes))
    assert (refused.code, refused.params) == ("keymaking.bad_deal", {"dealer": 1})


def test_a_missing_or_repeated_deal_ends_the_round() -> None:
    """A custodian that left is missed; nobody fills the place with a second deal."""
    table = sit()
    deals = table.deals()
    for wrong in (deals[:2], [*deals, deals[0]], [deals[0], deals[0], deals[2]]):
        assert refusal(keymaking.receive, table.setup, table.devices[0], wrong).code == "keymaking.deals_missing"


@pytest.mark.parametrize(("size", "threshold"), [(3, 3), (3, 1), (2, 2), (8, 5), (3, 0)])
def test_quorums_without_reserve_or_secret_are_refused(size: int, threshold: int) -> None:
    """One alone never opens, all together are never needed, and there are at most seven."""
    fields = json.loads(keysetup.write(sit().setup))
    fields["threshold"] = threshold
    person = fields["custodians"][0]
    keys = [bytes(SigningKey(bytes([i]) * 32).verify_key).hex() for i in range(size)]
    fields["custodians"] = [{**person, "index": i + 1, "device_key": keys[i]} for i in range(size)]
    assert refusal(keysetup.read, canonical.encode(fields)).code == "keymaking.bad_setup"


@pytest.mark.parametrize("change_of", ["twice", "order", "suite", "count", "uuid", "extra", "format"])
def test_wrong_setups_are_refused(change_of: str) -> None:
    """A device twice, numbers out of order, unknown fields and other spellings are refused."""
    fields = json.loads(keysetup.write(sit().setup))
    custodians = fields["custodians"]
    match change_of:
        case "twice":
            custodians[1]["device_key"] = custodians[0]["device_key"]
        case "order":
            custodians.reverse()
        case "suite":
            fields["suite"] += " "
        case "count":
            fields["count"] = keysetup.MAX_KEYS + 1
        case "uuid":
            fields["ceremony"] = UUID(fields["ceremony"]).hex
        case "extra":
            fields["note"] = ""
        case _:
            fields["format"] = "ggzy/key-setup/v2"
    assert refusal(keysetup.read, canonical.encode(fields)).code == "keymaking.bad_setup"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_parsers_raise_their_own_errors_only(data: bytes) -> None:
    """Whatever bytes come in, a parser answers with a stable code."""
    setup = sit().setup
    assert refusal(keysetup.read, data).code == "keymaking.bad_setup"
    assert refusal(keymaking.check_deal, setup, data).code == "keymaking.malformed"
    assert refusal(complaint.accused, data).code == "complaint.malformed"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.sampled_from(["00" * 32, "00" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_DEAL = make().deals[0]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(json.loads(_DEAL))), _JSON)
def test_any_field_of_another_sort_is_refused(field: str, value: object) -> None:
    """A deal with any one field replaced, signed again by its dealer, is refused with a code, never a crash."""
    table = sit()
    if field == "signature" or json.loads(_DEAL)[field] == value:
        return
    fields = {**json.loads(_DEAL), field: value}
    fields.pop("signature")
    if not isinstance(fields["format"], str):
        return
    refused = refusal(keymaking.check_deal, table.setup, signed.write(fields, table.devices[0]))
    assert refused.code.startswith("keymaking.")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(_DEAL) * 8 - 1))
def test_no_bit_of_a_deal_may_change(bit: int) -> None:
    """The dealer's signature covers every byte."""
    flipped = bytearray(_DEAL)
    flipped[bit // 8] ^= 1 << bit % 8
    assert refusal(keymaking.check_deal, sit().setup, bytes(flipped)).code.startswith("keymaking.")
