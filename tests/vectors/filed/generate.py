"""Makes `vectors.json` beside it: receipts held against one package, each with the code of its refusal, or null.

Run from the repository's root: ``python -m tests.vectors.filed.generate``. The same run gives the same bytes.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from archive import event as events
from archive import receipt
from archive.event import Opening
from archive.package.holding import Holding, Logged
from kernel.actor import SYSTEM
from kernel.clock import isoformat
from kernel.entropy import SeededEntropy

OUT = Path(__file__).with_name("vectors.json")
AT = datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC)
LOG, SIZE, TRADE = "ggzy.example/log", 40, UUID(int=7)
ENTROPY = SeededEntropy(b"filed vectors")


def main() -> None:
    """Write the vectors."""
    kept, left_out = [bid(number) for number in range(5)], bid(9)
    indexes = {opened.commitment: 3 + 7 * number for number, opened in enumerate(kept)}
    package = Holding(TRADE, bytes(range(32)), Logged.of(indexes, SIZE), indexes)
    said = {**package.told(), "files": 9, "bytes": 1000, "tar": 20480}
    cases: dict[str, tuple[Opening, str | None]] = {
        "an entry of the package": (kept[2], None),
        "an entry that was left out": (left_out, "receipt.not_filed"),
        "the filing": (filing(said), None),
        "the filing of another package": (filing({**said, "package": "00" * 32}), "package.not_as_filed"),
        "a filing of one entry more": (filing({**said, "entries": 6}), "package.not_as_filed"),
        "a filing with other entries": (filing({**said, "root": "00" * 32}), "package.not_as_filed"),
        "a filing of a larger log": (filing({**said, "log": SIZE + 1}), "package.not_as_filed"),
        "a filing that does not count": (filing({"package": said["package"]}), "package.not_as_filed"),
    }
    whole = {
        "package": {
            "trade": str(package.trade),
            **package.told(),
            "indexes": {commitment.hex(): index for commitment, index in indexes.items()},
        },
        "vectors": [
            {"name": name, "receipt": receipt.encode(opened, LOG).decode(), "code": code}
            for name, (opened, code) in cases.items()
        ],
    }
    OUT.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")


def bid(number: int) -> Opening:
    """Return the event of a bid handed in."""
    data = {"bid": str(UUID(int=number)), "deadline": isoformat(AT + timedelta(hours=1))}
    return events.seal(SYSTEM, "bid.received", data, trade=TRADE, at=AT, sandbox=False, entropy=ENTROPY)


def filing(data: dict[str, Any]) -> Opening:
    """Return the event of a filing."""
    return events.seal(SYSTEM, "trade.archived", data, trade=TRADE, at=AT, sandbox=False, entropy=ENTROPY)


if __name__ == "__main__":
    main()
