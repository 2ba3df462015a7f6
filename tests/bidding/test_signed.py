"""Signed messages: what a device signed is what is read, in one encoding only."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from bidding import signed
from kernel import canonical
from kernel.errors import GgzyError

DEVICE = SigningKey(b"\x01" * 32)
KEY = bytes(DEVICE.verify_key)
DATA = signed.write({"format": "ggzy/test/v1", "number": 7, "text": "标段"}, DEVICE)


def code(data: bytes, form: str = "ggzy/test/v1", key: bytes = KEY, limit: int = 1000) -> str:
    """Return the code with which reading and verifying is refused."""
    with pytest.raises(GgzyError) as caught:
        signed.verify(signed.read(data, form, limit=limit), key)
    return caught.value.code


def test_a_message_is_read_as_it_was_written() -> None:
    """Fields come back without the signature, which covers format, zero byte and canonical JSON."""
    message = signed.read(DATA, "ggzy/test/v1", limit=1000)
    signed.verify(message, KEY)
    assert message.fields == {"format": "ggzy/test/v1", "number": 7, "text": "标段"}
    assert message.message == b"ggzy/test/v1\0" + canonical.encode(message.fields)


def test_another_key_format_or_size_is_refused() -> None:
    """A message counts for its device, its format and up to its limit only."""
    assert code(DATA, key=bytes(SigningKey(b"\x02" * 32).verify_key)) == "signed.bad_signature"
    assert code(DATA, key=b"short") == "signed.bad_signature"
    assert code(DATA, form="ggzy/test/v2") == "signed.malformed"
    assert code(DATA, limit=len(DATA) - 1) == "signed.malformed"


def test_formats_do_not_share_signatures() -> None:
    """The same fields under another format's name have another signature."""
    told = json.loads(DATA)
    assert code(canonical.encode({**told, "format": "ggzy/test/v2"}), form="ggzy/test/v2") == "signed.bad_signature"


@pytest.mark.parametrize("signature", [None, 5, "", "00", "zz" * 64, "AB" * 64, "00" * 64 + "\n"])
def test_a_signature_is_128_hex_digits(signature: object) -> None:
    """Anything else in its place is malformed, also none at all."""
    told = json.loads(DATA)
    told.pop("signature")
    fields = told if signature is None else {**told, "signature": signature}
    assert code(canonical.encode(fields)) == "signed.malformed"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered_with_a_code(data: bytes) -> None:
    """A parser raises its own error only."""
    assert code(data) == "signed.malformed"


@pytest.mark.parametrize("data", [b"[]", b"7", b'"x"', b"null", b'{"format":"ggzy/test/v1"}', DATA + b" ", b" " + DATA])
def test_other_json_is_refused(data: bytes) -> None:
    """Only a canonical object with format and signature is a message."""
    assert code(data) == "signed.malformed"
