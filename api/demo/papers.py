"""The demo's documents: tender documents and bid volumes by typst (10 to 40 pages), and a large drawing set.

Everything is drawn from `story.toml` with a seeded generator, so that a second run makes the same bytes.
"""

import random
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from archive import paper
from kernel.clock import CHINA

HERE = Path(__file__).parent
CREATED = datetime(2026, 1, 1, tzinfo=UTC)  # so that a second run makes the same bytes


@cache
def story() -> dict[str, Any]:
    """Return the demo's cast and prose."""
    return tomllib.loads((HERE / "story.toml").read_text("utf-8"))


def notice(kind: str, trade: dict[str, Any], **facts: str) -> str:
    """Return what a notice of the demo says about a trade as the platform has it; `facts` are those of its kind."""
    tale = story()
    told = {"title": trade["title"], "code": trade["code"]}
    told |= {role: tale[role]["name"] for role in ("purchaser", "agency")}
    return str(tale["notice"][kind].format(**told, **facts)).strip()


def yuan(amount: str) -> str:
    """Return an amount as notices write it."""
    return f"{Decimal(amount):,.2f}"


def civil(moment: datetime) -> str:
    """Return a moment as notices write it, in China's time."""
    return f"{moment.astimezone(CHINA):%Y年%m月%d日 %H:%M}"


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a bid: its kind's Chinese title, who bids for what, and how much prose it holds."""

    project: str
    title: str
    lot: dict[str, Any]
    bidder: str
    uscc: str
    seed: str
    paragraphs: int
    total: Decimal | None = None


def tender_data(tale: dict[str, Any], code: str, date: str, site: str, *, sandbox: bool) -> dict[str, Any]:
    """Return what tender.typ prints: cover, chapters, lots and a bill of 400 quantities; `tale` has title and lots."""
    prose = story()
    pick = random.Random(code)  # noqa: S311 - prose, not secrets
    works = [work for lot in tale["lot"] for work in lot["works"]]
    return {
        "code": code, "title": tale["title"], "date": date, "site": site, "sandbox": sandbox,
        "purchaser": prose["purchaser"]["name"], "agency": prose["agency"]["name"], "lots": tale["lot"],
        "chapters": _chapters(pick, prose["prose"]["tender_chapters"], works, 5),
        "bill": _bill(pick, works, 400),
    }  # fmt: skip


def bid_data(volume: Volume, code: str, date: str, *, sandbox: bool) -> dict[str, Any]:
    """Return what bid.typ prints; a price volume carries a priced bill that adds up to the total."""
    tale = story()
    pick = random.Random(volume.seed)  # noqa: S311 - prose, not secrets
    works = volume.lot["works"]
    return {
        "code": code, "title": volume.project, "lot": volume.lot["title"], "volume": volume.title, "date": date,
        "bidder": volume.bidder, "uscc": volume.uscc, "sandbox": sandbox,
        "chapters": _chapters(pick, tale["prose"]["chapters"], works, volume.paragraphs),
        "rows": _priced(pick, works, volume.total) if volume.total else [],
        "total": f"{volume.total:,.2f}" if volume.total else "",
    }  # fmt: skip


def render(template: str, data: dict[str, Any], out: Path) -> Path:
    """Write the PDF of one of this folder's templates."""
    out.write_bytes(paper.render(HERE / template, data, created=CREATED))
    return out


def _chapters(pick: random.Random, titles: list[str], works: list[str], paragraphs: int) -> list[dict[str, Any]]:
    sections = story()["prose"]["sections"]
    return [
        {
            "title": title,
            "sections": [
                {"title": name, "paragraphs": [_paragraph(pick, works) for _ in range(paragraphs)]}
                for name in pick.sample(sections, 3)
            ],
        }
        for title in titles
    ]


def _paragraph(pick: random.Random, works: list[str]) -> str:
    prose = story()["prose"]
    sentences = [
        pick.choice(prose["openings"])
        + pick.choice(prose["subjects"])
        + pick.choice(prose["acts"]).format(work=pick.choice(works))
        + pick.choice(prose["closings"])
        for _ in range(pick.randint(3, 5))
    ]
    return "".join(sentences)


def _bill(pick: random.Random, works: list[str], rows: int) -> list[dict[str, Any]]:
    units = story()["prose"]["units"]
    return [
        {
            "number": number,
            "code": f"04{pick.randint(1, 9):02d}{pick.randint(1, 99):02d}{number:06d}",
            "name": f"{pick.choice(works)}（{pick.choice('甲乙丙丁')}区段，K{number // 40}+{number % 40 * 25:03d}）",
            "unit": pick.choice(units),
            "quantity": f"{pick.uniform(5, 4000):.2f}",
        }
        for number in range(1, rows + 1)
    ]


def _priced(pick: random.Random, works: list[str], total: Decimal) -> list[dict[str, Any]]:
    """Spread the total over the rows to the cent; the last row takes what rounding leaves."""
    rows = _bill(pick, works, 160)
    shares = [Decimal(pick.randint(50, 1500)) for _ in rows]
    amounts = [(total * share / sum(shares)).quantize(Decimal("0.01")) for share in shares]
    amounts[-1] += total - sum(amounts)
    for row, amount in zip(rows, amounts, strict=True):
        row["amount"] = f"{amount:,.2f}"
        row["rate"] = f"{amount / Decimal(row['quantity']):,.4f}"
    return rows
