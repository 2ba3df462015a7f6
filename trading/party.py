"""A party's code, profile and commitment: pure checks. The code is the 统一社会信用代码 of GB 32100-2015.

Entry is by notification and commitment (告知承诺): the party states its data once, under a commitment text of a known
version; the centre does not approve it.
"""

import hashlib
import re
from typing import Annotated

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from stdnum.cn import uscc as gb32100

from kernel import canonical
from kernel.errors import GgzyError, Kind
from trading.text import Line, Short

COMMITMENT_VERSION = "2026-1"
CONTEXT = b"ggzy/commitment/v1\0"
FORMAT = "ggzy/commitment/v1"
# GB 32100-2015: registration authority and kind of body (letters or digits), division (digits), body, check digit.
LENGTH = 18
LETTERS = "0-9A-HJ-NPQRTUWXY"
DIVISION = range(2, 8)
FORM = re.compile(rf"[{LETTERS}]{{2}}[0-9]{{6}}[{LETTERS}]{{10}}", re.ASCII)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a party states about itself, once for all its trades (一表申请)."""

    name: Line
    legal_representative: Short
    address: Line
    contact: Short
    phone: Annotated[str, msgspec.Meta(pattern=r"^[0-9+\-]{5,20}$(?!\n)")]
    region: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$(?!\n)")]
    email: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^([^\s@]+@[^\s@]+)?$(?!\n)")] = ""


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who commits to which text; `signature` (hex) is by the person's device key over `statement`, if they have one."""

    version: Annotated[str, msgspec.Meta(max_length=20)]
    signed_by: Short
    signature: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{128})?$(?!\n)")] = ""


def check_code(code: str) -> str:
    """Return the code, or raise ``party.bad_uscc`` whose `wrong` is ``length``, ``character`` or ``check_digit``.

    `place` (from 1) and `found` tell the first wrong character, `length` how long it is. Nothing is repaired: spaces,
    hyphens and small letters are wrong characters.
    """
    wrong = _wrong(code)
    if wrong:
        place = _place(code)
        found = code[place - 1 : place]
        raise GgzyError("party.bad_uscc", wrong=wrong, uscc=code[:40], length=len(code), place=place, found=found)
    return code


def is_code(code: str) -> bool:
    """Tell whether this is a right 统一社会信用代码."""
    return _wrong(code) is None


def statement(code: str, profile: Profile, version: str) -> bytes:
    """Return the canonical bytes that a commitment is about."""
    stated = hashlib.sha256(canonical.encode(msgspec.to_builtins(profile))).hexdigest()
    return canonical.encode({"format": FORMAT, "version": version, "uscc": code, "profile_sha256": stated})


def check_commitment(code: str, profile: Profile, commitment: Commitment, device_key: bytes | None) -> None:
    """Accept the current text only, and a signature only if it is that of the person's device.

    Raises ``party.commitment_outdated``, ``party.commitment_bad_signature``.
    """
    if commitment.version != COMMITMENT_VERSION:
        raise GgzyError("party.commitment_outdated", Kind.CONFLICT, current=COMMITMENT_VERSION)
    if not commitment.signature:
        return
    message = CONTEXT + statement(code, profile, commitment.version)
    try:
        VerifyKey(device_key or b"").verify(message, bytes.fromhex(commitment.signature))
    except (BadSignatureError, ValueError) as error:
        raise GgzyError("party.commitment_bad_signature", Kind.INTEGRITY) from error


def _place(code: str) -> int:
    """Return the place of the first character that may not stand where it stands, the last place when all may."""
    for place, character in enumerate(code[:LENGTH]):
        allowed = r"[0-9]" if place in DIVISION else rf"[{LETTERS}]"
        if not re.fullmatch(allowed, character, re.ASCII):
            return place + 1
    return min(len(code), LENGTH)


def _wrong(code: str) -> str | None:
    """Say what is wrong. python-stdnum's own check refuses letters in the first places, so only its digit is used."""
    if len(code) != LENGTH:
        return "length"
    if not FORM.fullmatch(code):
        return "character"
    return None if gb32100.calc_check_digit(code[:-1]) == code[-1] else "check_digit"
