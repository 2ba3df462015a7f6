"""Public notices are found by their words, filtered, ordered and paged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import database
from kernel.clock import CHINA
from kernel.errors import GgzyError
from tests.trading.conftest import PEOPLE, PURCHASER, Stage
from trading import bigrams, lots, notices, search
from trading.bigrams import INDEXED
from trading.search import Wish
from trading.tenders import Tender

TEXT = "施工招标公告：锡林郭勒大街给水管网改造，ＡＢＣ型钢管 1,200 米，编号 K12-340。"


@dataclass(frozen=True)
class Announced:
    """A tender whose notice is out."""

    stage: Stage
    tender: Tender

    @property
    def session(self) -> AsyncSession:
        """The stage's session."""
        return self.stage.session

    async def publish(self, title: str, content: str, kind: str = "tender", *, whole: bool = True) -> UUID:
        """Publish another notice of the tender."""
        found, entropy = await lots.facts(self.session, self.tender.lots[0].id), self.stage.entropy
        notice = await notices.publish(
            self.session, PEOPLE.agency, found, kind, title=title, text=content, whole=whole, entropy=entropy
        )
        return notice.id


@pytest.fixture
async def announced(stage: Stage) -> Announced:
    """One announced tender."""
    return Announced(stage, await stage.announce())


async def ids(session: AsyncSession, wish: Wish) -> list[UUID]:
    """Return what is found, in order."""
    return [one.notice.id for one in (await search.find(session, wish)).items]


@pytest.mark.parametrize(
    "asked", ["给水管网", "管", "网改造", "abc", "ABC型", "Ｋ12", "340", "钢管 招标", "施工招标公告", "1 200"]
)
async def test_words_are_found(announced: Announced, asked: str) -> None:
    """Chinese of any length from one character on, words, numbers, full width or not, all that is asked for at once."""
    wanted = await announced.publish("某公告", TEXT)
    await announced.publish("另一公告", "与此无关的内容")
    assert await ids(announced.session, Wish(asked)) == [wanted]


@pytest.mark.parametrize("asked", ["供水管网", "钢管 供热", "!!!", "'; DROP", "改网", "& | :*"])
async def test_words_that_are_not_there_are_not_found(announced: Announced, asked: str) -> None:
    """What is nowhere, or no word at all, finds nothing and breaks nothing."""
    await announced.publish("某公告", TEXT)
    assert await ids(announced.session, Wish(asked)) == []


async def test_code_and_purchaser_are_found(announced: Announced) -> None:
    """A tender's code and the purchaser's name find its notices."""
    wanted = await announced.publish("某公告", "内容")
    for asked in (announced.tender.code, f"单位{PURCHASER[-4:]}"):
        assert wanted in await ids(announced.session, Wish(asked))


async def test_titles_come_first_then_the_newest(announced: Announced) -> None:
    """Order: words in the title, then the newest; the other order would hide what was meant."""
    titled = await announced.publish("供热管道公告", "内容")
    older = await announced.publish("甲", "供热管道")
    newer = await announced.publish("乙", "供热管道")
    assert await ids(announced.session, Wish("供热管道")) == [titled, newer, older]


async def test_pages_neither_repeat_nor_skip(announced: Announced) -> None:
    """Following the place of the next page gives every notice once, though another is published meanwhile."""
    wanted = [await announced.publish(f"供热{n}" if n % 2 else "甲", "供热管道") for n in range(7)]
    seen, after = [], None
    while True:
        found = await search.find(announced.session, Wish("供热"), after=after, limit=2)
        seen += [one.notice.id for one in found.items]
        if found.next is None:
            break
        after = found.next
        await announced.publish("供热新", "供热管道")
    assert sorted(seen) == sorted(wanted)
    with pytest.raises(GgzyError, match=r"page\.bad_cursor"):
        await search.find(announced.session, Wish(), after="1_x_y")


async def test_filters(announced: Announced) -> None:
    """Site, type, kind and days in China narrow what is found, together."""
    wanted = await announced.publish("更正", "内容", kind="correction", whole=False)
    today = (await database.now(announced.session)).astimezone(CHINA).date()
    good: dict[str, Any] = {
        "site": "152502",
        "trade_type": "construction",
        "kind": "correction",
        "since": today,
        "until": today,
    }
    assert await ids(announced.session, Wish(**good)) == [wanted]
    day = timedelta(days=1)
    bad: dict[str, Any] = {
        "site": "152527",
        "trade_type": "land",
        "kind": "award",
        "since": today + day,
        "until": today - day,
    }
    for name, value in bad.items():
        assert await ids(announced.session, Wish(**good | {name: value})) == [], name


async def test_the_longest_text_can_be_published(announced: Announced) -> None:
    """A text of the greatest length with every bigram another one fits into the index."""
    content = "".join(chr(0x20000 + n) for n in range(100_000))
    wanted = await announced.publish("长", content)
    assert await ids(announced.session, Wish(content[INDEXED - 60 : INDEXED - 50])) == [wanted]


async def test_invited_tenders_are_not_found(announced: Announced) -> None:
    """Notices of invited tenders are for the invited, not for the search or the figures."""
    await announced.publish("供热", "内容")
    before = await search.figures(announced.session, await database.now(announced.session))
    invited = text("UPDATE tender SET method = 'invited', invitees = '[1,2,3]' WHERE id = :id")
    await announced.session.execute(invited, {"id": announced.tender.id})
    assert await ids(announced.session, Wish("供热")) == []
    after = await search.figures(announced.session, await database.now(announced.session))
    assert (before.running, after.running, after.notices) == (1, 0, 0)


async def test_figures_and_openings_of_today(announced: Announced) -> None:
    """The figures count tenders under way, and the lots that open today by China's calendar."""
    now = await database.now(announced.session)
    figures = await search.figures(announced.session, now)
    assert (figures.running, figures.openings, figures.notices) == (1, 0, 1)
    due = (await lots.facts(announced.session, announced.tender.lots[0].id)).deadline
    assert due is not None
    assert (await search.figures(announced.session, due)).sites["152502"].openings == len(announced.tender.lots)
    opening = (await search.openings_today(announced.session, due))[0]
    assert (opening.lot_id, opening.deadline, opening.state) == (announced.tender.lots[0].id, due, "announced")
    assert await search.openings_today(announced.session, now) == []


@given(st.text(max_size=60), st.text(max_size=200))
def test_what_a_vector_and_a_question_hold_needs_no_quoting(title: str, content: str) -> None:
    """Terms are letters and digits only, whatever the text: nothing in them ends a literal."""
    assert all(_is_plain(term) for term in _terms(bigrams.vector(content)))
    assert all(_is_plain(term) for term in _terms(bigrams.question(title)))


@given(st.text(max_size=80), st.text(max_size=6))
def test_marked_pieces_are_the_text(content: str, asked: str) -> None:
    """Marking takes nothing away and adds nothing."""
    pieces = bigrams.marked(content, bigrams.runs(asked))
    assert "".join(piece for piece, _ in pieces) == content


def test_marks_and_excerpts() -> None:
    """What was asked for is marked where it stands, whatever its width and case; an excerpt shows the place."""
    assert bigrams.marked("ＡＢＣ型钢管", bigrams.runs("abc 钢管")) == [("ＡＢＣ", True), ("型", False), ("钢管", True)]
    assert bigrams.excerpt("前" * 200 + "钢管" + "后" * 200, ["钢管"], 40) == "…" + "前" * 10 + "钢管" + "后" * 28 + "…"
    assert bigrams.excerpt("短 文\n本", []) == "短 文 本"


def _terms(literal: str) -> Iterator[str]:
    return (part.removesuffix(":*").strip("'") for part in literal.replace(" & ", " ").split(" ") if part)


def _is_plain(term: str) -> bool:
    return bool(term) and not set(term) & set("'\\ :&|!()*<>\x00")
