"""Public notices found by words, site, trade type, kind and date; and what the platform is busy with, in figures.

Those with the words in their titles come first, then the newest. The place in that order is the cursor, so that pages
neither repeat nor skip when notices are published meanwhile.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Boolean, ColumnElement, ScalarSelect, cast, false, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import CHINA
from kernel.errors import GgzyError
from trading import bigrams, cursor, notices
from trading.lot import ENDED, UNANNOUNCED, State
from trading.notices import Notice
from trading.tables import LotRow, NoticeRow, NoticeWordsRow, PartyRow, TenderRow

COUNTED = 1000  # beyond that "more than" is said, so that a count costs little


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for; days are days in China, both included. `taking_bids`: only what may be bid for now."""

    text: str = ""
    site: str | None = None
    trade_type: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    taking_bids: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A notice with what a list says about its tender; `purchaser` is the name.

    `deadline` is the next one of the lots that it is about and that take bids; None where none does.
    """

    notice: Notice
    code: str
    tender_title: str
    site: str
    trade_type: str
    purchaser: str
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class Results:
    """One page; `next` is the place of the page after it. `total` stops at `COUNTED` + 1."""

    items: tuple[Found, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """How many trades run at a site, how many lots open there today."""

    running: int = 0
    openings: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """The same for the whole platform, with the public notices of this month in China."""

    running: int
    openings: int
    notices: int
    sites: dict[str, SiteFigures]


@dataclass(frozen=True, slots=True)
class Opening:
    """A lot that opens on some day."""

    tender_id: UUID
    lot_id: UUID
    code: str
    tender_title: str
    number: int
    title: str
    site: str
    deadline: datetime
    state: str
    suspended: bool


async def find(session: AsyncSession, wish: Wish, *, after: str | None = None, limit: int = 20) -> Results:
    """Return a page of the public notices that match a wish; ``page.bad_cursor``."""
    worded = _worded(wish)
    titled = literal(value=True) if worded is None else worded.c.titled
    place = (titled, NoticeRow.published_at, NoticeRow.id)
    query = _matching(
        select(NoticeRow, TenderRow, PartyRow.name, _next_deadline(), titled.label("titled")), wish, worded
    )
    query = query.join(PartyRow, PartyRow.uscc == TenderRow.purchaser)
    if after is not None:
        query = query.where(tuple_(*place) < _parse(after))
    rows = (await session.execute(query.order_by(*(one.desc() for one in place)).limit(limit + 1))).all()
    items = [_found(*found) for *found, _ in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    counted = _matching(select(NoticeRow.id), wish, worded).limit(COUNTED + 1).subquery()
    total = await session.scalar(select(func.count()).select_from(counted))
    return Results(tuple(items), None if last is None else _write(last[-1], last[0]), total or 0)


async def figures(session: AsyncSession, now: datetime) -> Figures:
    """Return what the platform is busy with, in two queries."""
    begin, end = day_of(now)
    lots = select(
        TenderRow.site,
        func.count(TenderRow.id.distinct()).filter(LotRow.state.not_in(_names(ENDED))),
        func.count().filter(_opens(begin, end)),
    )
    lots = lots.join(TenderRow, TenderRow.id == LotRow.tender_id).where(*_public_lots()).group_by(TenderRow.site)
    sites = {site: SiteFigures(running, openings) for site, running, openings in await session.execute(lots)}
    month = begin.replace(day=1)
    published = select(func.count()).select_from(NoticeRow).join(TenderRow, TenderRow.id == NoticeRow.tender_id)
    published = published.where(TenderRow.method == "public", NoticeRow.published_at >= month)
    return Figures(
        sum(one.running for one in sites.values()),
        sum(one.openings for one in sites.values()),
        await session.scalar(published) or 0,
        sites,
    )


async def openings_today(session: AsyncSession, now: datetime, *, limit: int = 20) -> list[Opening]:
    """Return the public lots whose bids are due today in China, earliest first."""
    query = select(LotRow, TenderRow).join(TenderRow, TenderRow.id == LotRow.tender_id)
    query = query.where(*_public_lots(), _opens(*day_of(now)))
    query = query.order_by(LotRow.deadline, TenderRow.code, LotRow.number).limit(limit)
    return [_opening(lot, tender) for lot, tender in await session.execute(query)]


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return when a moment's day in China begins and ends."""
    begin = _midnight(moment.astimezone(CHINA).date())
    return begin, begin + timedelta(days=1)


def _worded(wish: Wish) -> CTE | None:
    """Return the notices with all the words, and whether these stand in the title; None where no words were asked for.

    It is planned on its own, so that the index on the words is asked first. Joined freely, PostgreSQL reads and unpacks
    the terms of every notice wherever its statistics are old (docs/benchmarks/search.json measures without any).
    """
    asked = bigrams.question(wish.text)
    if not asked:
        return None
    terms = cast(asked, TSQUERY)
    query = select(
        NoticeWordsRow.notice_id, NoticeWordsRow.title.op("@@", return_type=Boolean())(terms).label("titled")
    )
    return query.where(NoticeWordsRow.words.op("@@")(terms)).cte("worded").prefix_with("MATERIALIZED")


def _matching(query: Any, wish: Wish, worded: CTE | None) -> Any:
    query = query.join(TenderRow, TenderRow.id == NoticeRow.tender_id).where(TenderRow.method == "public")
    if worded is not None:
        query = query.join(worded, worded.c.notice_id == NoticeRow.id)
    elif wish.text:  # nothing in it can be looked for
        query = query.where(false())
    if wish.site:
        query = query.where(TenderRow.site == wish.site)
    if wish.trade_type:
        query = query.where(TenderRow.trade_type == wish.trade_type)
    if wish.kind:
        query = query.where(NoticeRow.kind == wish.kind)
    if wish.since:
        query = query.where(NoticeRow.published_at >= _midnight(wish.since))
    if wish.until:
        query = query.where(NoticeRow.published_at < _midnight(wish.until) + timedelta(days=1))
    if wish.taking_bids:
        bid_for = select(LotRow.tender_id).where(_taking_bids())  # few; else every notice would ask for its lots
        query = query.where(NoticeRow.tender_id.in_(bid_for), _next_deadline().is_not(None))
    return query


def _next_deadline() -> ScalarSelect[Any]:
    """Return the earliest deadline of the lots that a notice is about and that take bids."""
    about = (LotRow.tender_id == NoticeRow.tender_id) & or_(NoticeRow.lot_id.is_(None), NoticeRow.lot_id == LotRow.id)
    query = select(func.min(LotRow.deadline)).where(about, _taking_bids())
    return query.correlate(NoticeRow).scalar_subquery()


def _taking_bids() -> ColumnElement[bool]:
    """Return what `LotFacts.takes_bids` decides, for a query."""
    return (LotRow.state == State.ANNOUNCED.value) & ~LotRow.suspended & (LotRow.deadline > func.ggzy_now())


def _public_lots() -> tuple[ColumnElement[bool], ...]:
    return TenderRow.method == "public", LotRow.state.not_in(_names(UNANNOUNCED)), TenderRow.announced_at.is_not(None)


def _opens(begin: datetime, end: datetime) -> ColumnElement[bool]:
    return (LotRow.deadline >= begin) & (LotRow.deadline < end) & (LotRow.state != State.TERMINATED.value)


def _names(states: frozenset[State]) -> list[str]:
    return sorted(state.value for state in states)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def _write(titled: bool, row: NoticeRow) -> str:  # noqa: FBT001 - a part of the place
    return f"{int(titled)}_{cursor.write(row.published_at, row.id)}"


def _parse(text: str) -> tuple[bool, datetime, UUID]:
    titled, _, rest = text.partition("_")
    place = cursor.read(rest)
    if titled not in ("0", "1") or place is None:
        raise GgzyError("page.bad_cursor")
    return titled == "1", *place


def _found(notice: NoticeRow, tender: TenderRow, name: str, deadline: datetime | None) -> Found:
    return Found(notices.value(notice), tender.code, tender.title, tender.site, tender.trade_type, name, deadline)


def _opening(lot: LotRow, tender: TenderRow) -> Opening:
    assert lot.deadline is not None  # noqa: S101 - it was compared with the day
    return Opening(
        tender.id, lot.id, tender.code, tender.title, lot.number, lot.title, tender.site, lot.deadline, lot.state,
        lot.suspended,
    )  # fmt: skip
