"""Codes of parties and commitments: what is wrong is named, nothing is repaired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from kernel.errors import GgzyError
from tests.trading.conftest import code, profile
from trading.party import COMMITMENT_VERSION, CONTEXT, Commitment, check_code, check_commitment, statement

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize(
    ("wrong", "sent"),
    [
        ("length", ""),
        ("length", "91110000600037341"),
        ("length", "91110000600037341LL"),
        ("character", "9111000060003734I" + "L"),
        ("character", "91110000600037341l"),
        ("character", "9111000060003734 L"),
        ("character", "91A10000600037341L"),
        ("character", "O1110000600037341L"),
        ("check_digit", "A1110000600037341L"),
        ("character", "９1110000600037341L"),
        ("check_digit", "91110000600037341M"),
    ],
)
def test_what_is_wrong_is_named(wrong: str, sent: str) -> None:
    """Length, character and check digit are told apart."""
    with pytest.raises(GgzyError) as caught:
        check_code(sent)
    assert (caught.value.code, caught.value.params["wrong"]) == ("party.bad_uscc", wrong)


@pytest.mark.parametrize(
    "right",
    [
        "91110000600037341L",  # a company, as published
        "N2152502MF0000001E",  # a village's economic collective (农村集体经济组织)
        "A1152502MB0000001M",
        "Y1152502MG0000001B",
    ],
)
def test_a_right_code_passes(right: str) -> None:
    """The registering body and the kind of organisation (the first two places) may be letters."""
    assert check_code(right) == right


@given(st.integers(0, 9999999), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_change_is_seen(number: int, place: int, other: str) -> None:
    """The check digit finds every single wrong character."""
    right = code(number)
    changed = right[:place] + other + right[place + 1 :]
    if changed != right:
        with pytest.raises(GgzyError):
            check_code(changed)


@given(st.text(max_size=30))
def test_any_text_is_answered(text: str) -> None:
    """Whatever is sent, the answer is yes or a refusal of ours, and yes only where ISO 7064 (MOD 31) holds."""
    try:
        right = check_code(text)
    except GgzyError as error:
        assert error.code == "party.bad_uscc"
    else:
        assert sum(ALPHABET.index(place) * pow(3, at, 31) for at, place in enumerate(right[:17])) % 31 == (
            -ALPHABET.index(right[17]) % 31
        )


def test_a_signature_binds_code_profile_and_version() -> None:
    """A commitment signed by the person's device holds for this code and profile only."""
    key = SigningKey(b"s" * 32)
    signed = key.sign(CONTEXT + statement(code(1), profile(), COMMITMENT_VERSION)).signature.hex()
    commitment = Commitment(COMMITMENT_VERSION, "张三", signed)
    check_commitment(code(1), profile(), commitment, bytes(key.verify_key))
    for uscc_code, stated, device in (
        (code(2), profile(), bytes(key.verify_key)),
        (code(1), profile("另一家"), bytes(key.verify_key)),
        (code(1), profile(), bytes(SigningKey(b"t" * 32).verify_key)),
        (code(1), profile(), None),
    ):
        with pytest.raises(GgzyError, match=r"party\.commitment_bad_signature"):
            check_commitment(uscc_code, stated, commitment, device)


def test_an_old_text_is_refused() -> None:
    """Only the commitment text in force is accepted."""
    with pytest.raises(GgzyError) as caught:
        check_commitment(code(1), profile(), Commitment("2020-1", "张三"), None)
    assert (caught.value.code, caught.value.params["current"]) == ("party.commitment_outdated", COMMITMENT_VERSION)
