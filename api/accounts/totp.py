"""One-time codes by time (RFC 6238): six digits, 30 seconds, HMAC-SHA-1, as every authenticator app knows. Pure."""

import base64
from datetime import datetime

import pyotp
from pyotp.utils import strings_equal

from kernel.entropy import Entropy

SECRET_SIZE = 20  # bytes; RFC 4226 R6 asks for 160 bits
DIGITS, SECONDS, DRIFT = 6, 30, 1


def new_secret(entropy: Entropy) -> bytes:
    """Return a fresh 20-byte secret."""
    return entropy.token(SECRET_SIZE)


def text_of(secret: bytes) -> str:
    """Return the secret in base32, as it is typed into an app that cannot scan."""
    return base64.b32encode(secret).decode()


def uri(secret: bytes, login: str, issuer: str) -> str:
    """Return the ``otpauth://`` address that is shown as a QR code."""
    return pyotp.TOTP(text_of(secret), name=login, issuer=issuer).provisioning_uri()


def code(secret: bytes, at: datetime) -> str:
    """Return the code of this moment."""
    return pyotp.TOTP(text_of(secret)).at(at)


def step(secret: bytes, shown: str, at: datetime) -> int | None:
    """Return the 30-second step whose code this is, one step of drift allowed either way; None for any other text.

    All steps are compared, each in constant time, so that the answer's time tells nothing.
    """
    here = int(at.timestamp()) // SECONDS
    found = None
    for offset in range(-DRIFT, DRIFT + 1):
        if strings_equal(shown, pyotp.TOTP(text_of(secret)).generate_otp(here + offset)):
            found = here + offset
    return found
