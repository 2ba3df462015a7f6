"""A receipt as one line of text that fits into a QR code, whole: who scans the paper can check it offline.

docs/spec/receipt.md, section 5: ``GGZY1:`` and, in base45 (RFC 9285), the zlib stream (RFC 1950) of
u32 length of ``receipt.json`` ‖ ``receipt.json`` ‖ ``receipt.tsr``.
"""

import hashlib
import zlib

from archive.receipt import Files
from kernel.errors import GgzyError, Kind

PREFIX = "GGZY1:"
MAX_BYTES = 1 << 17
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BASE = len(ALPHABET)


def write(content: bytes, token: bytes) -> str:
    """Return the text of a receipt from the bytes of ``receipt.json`` and ``receipt.tsr``."""
    return PREFIX + base45(zlib.compress(len(content).to_bytes(4, "big") + content + token, 9))


def read(text: str) -> Files:
    """Return the files of a scanned text, the digest computed anew; GgzyError ``receipt.malformed``."""
    try:
        if not text.startswith(PREFIX):
            raise _malformed()
        machine = zlib.decompressobj()
        data = machine.decompress(_from_base45(text.removeprefix(PREFIX)), MAX_BYTES)
        if not machine.eof or machine.unused_data:
            raise _malformed()
    except (ValueError, zlib.error) as error:
        raise _malformed() from error
    size = int.from_bytes(data[:4], "big")
    content, token = data[4 : 4 + size], data[4 + size :]
    if len(content) != size or not token:
        raise _malformed()
    return Files(content, f"{hashlib.sha256(content).hexdigest()}\n".encode(), token)


def base45(data: bytes) -> str:
    """Return bytes in base45 (RFC 9285)."""
    digits = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, BASE)
            digits.append(ALPHABET[digit])
    return "".join(digits)


def is_code(data: bytes) -> bool:
    """Tell whether a file claims to hold the text of a receipt."""
    return data.startswith(PREFIX.encode())


def scanned(data: bytes) -> Files:
    """Read a file that holds a scanned text, in which line breaks do not count; GgzyError ``receipt.malformed``."""
    return read(data.decode("utf-8", "replace").replace("\r", "").replace("\n", ""))


def _from_base45(text: str) -> bytes:
    """Read base45 strictly; ValueError."""
    data = bytearray()
    for start in range(0, len(text), 3):
        chunk = [ALPHABET.index(character) for character in text[start : start + 3]]
        value = sum(digit * BASE**place for place, digit in enumerate(chunk))
        size = len(chunk) - 1
        if size == 0 or value >= 1 << (8 * size):
            raise ValueError
        data += value.to_bytes(size, "big")
    return bytes(data)


def _malformed() -> GgzyError:
    return GgzyError("receipt.malformed", Kind.INTEGRITY)
