"""Makes `vectors.json` beside it: the text of a printed receipt's QR code, its files, and texts that must be refused.

Run from the repository's root: ``python -m tests.vectors.receipt_code.generate``. The same zlib gives the same bytes.
"""

import json
import zlib
from base64 import b64decode
from pathlib import Path

from archive import receipt_code

OUT = Path(__file__).with_name("vectors.json")
RECEIPTS = OUT.parents[1] / "receipt" / "vectors.json"


def main() -> None:
    """Write the vectors, of the first of the committed receipts."""
    files = json.loads(RECEIPTS.read_text("utf-8"))["vectors"][0]["files"][:3]
    content, _, token = (b64decode(one) for one in files)
    text = receipt_code.write(content, token)
    OUT.write_text(json.dumps({"text": text, "files": files, "malformed": malformed(text)}, indent=1) + "\n", "utf-8")


def malformed(text: str) -> list[dict[str, str]]:
    """Return texts that hold no receipt."""
    cases = {
        "nothing": "",
        "no content": "GGZY1:",
        "another version": "GGZY2:" + text[6:],
        "cut": text[:-1],
        "extended": text + "00",
        "small letters": text.lower(),
        "a lone character": "GGZY1:A",
        "a chunk above 65535": "GGZY1::::",
        "another end": text[:-9] + "000000000",
        "a length beyond the end": packed((9).to_bytes(4, "big") + b"12345678"),
        "no token": packed((8).to_bytes(4, "big") + b"12345678"),
        "less than a length": packed(b"\0\0"),
        "more than anybody reads": packed(bytes((1 << 17) + 1)),
    }
    return [{"wrong": wrong, "text": other} for wrong, other in cases.items()]


def packed(data: bytes) -> str:
    """Return any bytes in the form of the text."""
    return receipt_code.PREFIX + receipt_code.base45(zlib.compress(data, 9))


if __name__ == "__main__":
    main()
