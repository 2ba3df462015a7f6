"""Full-text search over ten thousand notices: terms that are rare, nowhere, or everywhere, beside reading one page."""

import json
import os
import platform
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import database
from kernel.entropy import SystemEntropy
from tests.pages.scenery import CALL
from tests.trading.conftest import Stage
from trading import bigrams, search
from trading.search import Wish
from trading.tables import NoticeRow, NoticeWordsRow

RESULT = Path(__file__).parents[2] / "docs" / "benchmarks" / "search.json"
NOTICES, ROUNDS = 10_000, 7
ASKED = {
    "a character found nowhere": ("龘", 3.0),
    "words found in few": ("额吉淖尔", 3.0),
    "a character found in all": ("工", None),
}
PLACES = ("锡林浩特市", "太仆寺旗", "苏尼特右旗", "东乌珠穆沁旗", "正蓝旗", "多伦县", "阿巴嘎旗", "镶黄旗")
WORKS = (
    "给水管网改造",
    "集中供热二期",
    "牧区道路养护",
    "防洪堤加固",
    "学校宿舍楼",
    "光伏电站",
    "污水处理厂",
    "草原围栏",
)
RARE = 500  # one notice of so many names the rare place


@pytest.mark.bench
async def test_search_over_ten_thousand_notices(session: AsyncSession) -> None:
    """The median of several searches of each sort, as a multiple of the newest page without words."""
    await _fill(session)
    newest = await _median(session, "")
    lines = [_line(what, await _median(session, text), newest, target) for what, (text, target) in ASKED.items()]
    for line in lines:
        print(line)  # noqa: T201 - that is what a benchmark is for
    RESULT.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


async def _fill(session: AsyncSession) -> None:
    """Publish notices as bare rows, each with a text of its own of some six hundred characters; no statistics yet."""
    stage, chance = Stage(session, SystemEntropy()), random.Random(1)  # noqa: S311 - the same texts in every run
    await stage.prepare()
    tender = await stage.announce()
    now = await database.now(session)
    rows, words = [], []
    for number in range(2, NOTICES + 2):
        title = f"{chance.choice(PLACES)}{chance.choice(WORKS)}第 {number} 号工程"
        content = f"{title}\n{_shuffled(chance)}\n{'额吉淖尔盐场' if number % RARE == 0 else ''}"
        one = stage.new_id()
        rows.append(
            {"id": one, "tender_id": tender.id, "number": number, "kind": "clarification", "title": title,
             "text": content, "data": {}, "by": one, "published_at": now}
        )  # fmt: skip
        words.append({"notice_id": one, "title": bigrams.vector(title), "words": bigrams.vector(content)})
    await session.execute(insert(NoticeRow), rows)
    await session.execute(insert(NoticeWordsRow), words)


def _shuffled(chance: random.Random) -> str:
    parts = [f"{chance.choice(PLACES)}{part}{chance.randrange(10**6)}" for part in CALL.split("，")]
    chance.shuffle(parts)
    return "，".join(parts * 2)


async def _median(session: AsyncSession, asked: str) -> float:
    """Return the median seconds of one search."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await search.find(session, Wish(asked))
        taken.append(time.perf_counter() - began)
    return sorted(taken)[ROUNDS // 2]


def _line(what: str, ours: float, newest: float, target: float | None) -> dict[str, object]:
    return {
        "what": f"search of {NOTICES} notices for {what}",
        "peer": "the newest page of all notices",
        "ratio": round(ours / newest, 2),
        "target": target,
        "lower_is_better": True,
        "value": f"{ours * 1000:.1f} ms",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
