"""Makes the vectors of amounts in capital figures: ``python -m tests.vectors.amounts.generate``.

Chosen amounts where a rule of 支付结算办法 附一 shows, and some by chance from a fixed seed.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from bidding import amounts
from kernel.entropy import SeededEntropy

FOLDER = Path(__file__).parent
CHOSEN = (
    "0.01 0.10 0.05 1.00 10.00 10.50 10.05 100.00 101.00 1000.00 1001.00 10000.00 10001.00 10010.00 100100.00 "
    "980000.00 1020300.05 100000000.00 100000001.00 100010000.00 1000000000000.00 1000100000000.00 1200100000000.00 "
    "9999999999999999.99"
)
RANDOM = 100


def files() -> dict[str, str]:
    """Return the vector file by name."""
    cases = [[amount, amounts.write(Decimal(amount))] for amount in (*CHOSEN.split(), *_random())]
    value = {"format": "ggzy/vectors/amounts/v1", "cases": cases}
    return {"amounts.json": json.dumps(value, indent=1, ensure_ascii=False) + "\n"}


def _random() -> Iterator[str]:
    """Yield amounts of one to sixteen digits, a good part of them zeros."""
    entropy = SeededEntropy(b"ggzy amounts vectors v1")
    for number in range(RANDOM):
        digits = "".join("0001234567891010"[byte % 16] for byte in entropy.token(1 + number % 16))
        yield f"{int(digits)}.{entropy.token(1)[0] % 100:02d}"


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
