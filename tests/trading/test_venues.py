"""Halls and seats: who books, what clashes, what is told to whom; and races with real commits."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kernel import database
from kernel.actor import ANONYMOUS, SYSTEM, Actor, Role, site
from kernel.database import Sessions
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.trading.conftest import MAIN, PEOPLE, Stage, lot_draft, person
from trading import bookings, halls, tenders
from trading.bookings import BookingDraft
from trading.halls import Hall, HallPlan
from trading.tenders import Tender

SOUTH = "152527"
VENUE = person(80, (Role.VENUE, site(MAIN)))
VENUE_SOUTH = person(81, (Role.VENUE, site(SOUTH)))
HOUR = timedelta(hours=1)
OUTSIDE = (
    "INSERT INTO booking (id, hall_id, lot_id, seats, during, by, at) SELECT gen_random_uuid(), hall_id, lot_id, "
    "'[1,1000)', '[2040-01-01,2040-01-02)', by, at FROM booking"
)
REVIVED = "UPDATE booking SET cancelled_at = NULL, cancelled_by = NULL, reason = ''"


async def hall(stage: Stage, at: str = MAIN, kind: str = "opening") -> Hall:
    """Return the first hall of a kind at a site, all sites having theirs."""
    await halls.seed(stage.session, SYSTEM, halls.shipped(), entropy=stage.entropy)
    return next(one for one in await halls.page(stage.session, at) if one.kind == kind)


async def noon(stage: Stage) -> datetime:
    """Return a full hour some days ahead."""
    return (await database.now(stage.session)).replace(minute=0, second=0, microsecond=0) + timedelta(days=30)


def draft(where: Hall, lot: UUID, begins: datetime, hours: int = 2, **seats: int) -> BookingDraft:
    """Return a booking of so many hours."""
    return BookingDraft(where.id, lot, begins, begins + hours * HOUR, **seats)


async def book(stage: Stage, wanted: BookingDraft, actor: Actor = VENUE) -> bookings.Booking:
    """Book as venue staff."""
    return await bookings.book(stage.session, actor, wanted, entropy=stage.entropy)


async def test_every_site_has_halls_and_seeding_again_changes_nothing(stage: Stage) -> None:
    """A first installation has an opening room and an evaluation room at each site."""
    await hall(stage)
    before = await halls.page(stage.session)
    await halls.seed(stage.session, SYSTEM, halls.shipped(), entropy=stage.entropy)
    assert await halls.page(stage.session) == before
    assert {(one.site, one.kind) for one in before} == {
        (code, kind) for code in (MAIN, SOUTH, "152524", "152525") for kind in ("opening", "evaluation")
    }


async def test_a_hall_is_added_by_its_own_venue_staff(stage: Stage) -> None:
    """Another site's staff may not, and a name stands once per site."""
    plan = HallPlan(SOUTH, "开标三室", "opening", 20)
    await halls.establish(stage.session, VENUE_SOUTH, plan, entropy=stage.entropy)
    with pytest.raises(GgzyError, match=r"hall\.known"):
        await halls.establish(stage.session, VENUE_SOUTH, plan, entropy=stage.entropy)
    with pytest.raises(GgzyError, match=r"hall\.not_yours"):
        await halls.establish(stage.session, VENUE, plan, entropy=stage.entropy)


async def test_what_overlaps_in_seats_and_time_is_refused(stage: Stage) -> None:
    """Back to back is free, other seats are free, a cancelled booking is free; everything else clashes and says why."""
    lot = (await stage.announce()).lots[0]
    where, at = await hall(stage, kind="evaluation"), await noon(stage)
    first = await book(stage, draft(where, lot.id, at, first=1, last=4))
    assert not first.whole
    await book(stage, draft(where, lot.id, at + 2 * HOUR))
    await book(stage, draft(where, lot.id, at, first=5, last=where.seats))
    for wanted in (draft(where, lot.id, at, first=4, last=5), draft(where, lot.id, at + HOUR, 5)):
        with pytest.raises(GgzyError, match=r"venue\.taken") as refused:
            await book(stage, wanted)
        assert {"begins", "ends"} <= set(refused.value.params)
    await bookings.cancel(stage.session, VENUE, first.id, "改期", entropy=stage.entropy)
    assert await book(stage, draft(where, lot.id, at, first=2, last=3))


@pytest.mark.parametrize(
    ("hours", "seats", "begins", "code"),
    [
        (0, {}, 0, "venue.bad_time"),
        (24 * 11, {}, 0, "venue.bad_time"),
        (2, {}, -31, "venue.past"),
        (2, {"first": 3, "last": 2}, 0, "venue.bad_seats"),
        (2, {"first": 1, "last": 499}, 0, "venue.bad_seats"),
    ],
)
async def test_impossible_bookings_are_named(
    stage: Stage, hours: int, seats: dict[str, int], begins: int, code: str
) -> None:
    """A booking lies ahead, ends after it begins, is not endless, and has seats that the hall has."""
    lot = (await stage.announce()).lots[0]
    where, at = await hall(stage), await noon(stage) + timedelta(days=begins)
    with pytest.raises(GgzyError, match=code.replace(".", r"\.")):
        await book(stage, draft(where, lot.id, at, hours, **seats))


async def test_who_books_and_who_cancels(stage: Stage) -> None:
    """Acceptance and venue staff of the tender's site, before its announcement too; the hall's own staff afterwards."""
    tender = await stage.accept()
    lot, where, at = tender.lots[0], await hall(stage, SOUTH), await noon(stage)
    for actor, code in (
        (VENUE_SOUTH, "lot.not_found"),
        (PEOPLE.witness, "lot.not_found"),
        (ANONYMOUS, "lot.not_found"),
    ):
        with pytest.raises(GgzyError, match=code.replace(".", r"\.")):
            await book(stage, draft(where, lot.id, at), actor)
    made = await book(stage, draft(where, lot.id, at), PEOPLE.acceptance)
    with pytest.raises(GgzyError, match=r"booking\.not_found"):
        await bookings.cancel(stage.session, VENUE_SOUTH, made.id, "不可", entropy=stage.entropy)
    with pytest.raises(GgzyError, match=r"step\.no_reason"):
        await bookings.cancel(stage.session, VENUE, made.id, " ", entropy=stage.entropy)
    await bookings.cancel(stage.session, VENUE, made.id, "改期", entropy=stage.entropy)
    with pytest.raises(GgzyError, match=r"venue\.ended"):
        await bookings.cancel(stage.session, VENUE, made.id, "再次", entropy=stage.entropy)


async def test_the_calendar_hides_what_is_not_announced(stage: Stage) -> None:
    """Staff of another site see that the hall is taken, not for what; the public sees no calendar at all."""
    tender = await stage.accept()
    where, at = await hall(stage, SOUTH), await noon(stage)
    await book(stage, draft(where, tender.lots[0].id, at))
    whole = (at - HOUR, at + 5 * HOUR)
    (hidden,) = await bookings.between(stage.session, VENUE_SOUTH, SOUTH, *whole)
    assert (hidden.lot_id, hidden.title, hidden.tender_code, hidden.cancellable) == (None, "", "", False)
    (seen,) = await bookings.between(stage.session, PEOPLE.acceptance, SOUTH, *whole)
    assert (seen.lot_id, seen.cancellable) == (tender.lots[0].id, True)
    with pytest.raises(GgzyError, match=r"venue\.not_found"):
        await bookings.between(stage.session, PEOPLE.purchaser, SOUTH, *whole)


async def test_the_committees_room_is_for_staff_alone(stage: Stage) -> None:
    """The public learns where a lot is opened; where it is evaluated only its site's staff and supervisors learn."""
    tender = await stage.announce()
    at = await noon(stage)
    for kind in ("opening", "evaluation"):
        await book(stage, draft(await hall(stage, kind=kind), tender.lots[0].id, at))
    told = {
        name: sorted(one.hall.kind for one in await bookings.of_tender(stage.session, actor, tender.id))
        for name, actor in {
            "public": ANONYMOUS,
            "bidder": PEOPLE.bidders[0],
            "purchaser": PEOPLE.purchaser,
            "witness": PEOPLE.witness,
            "supervisor": PEOPLE.supervisor,
            "elsewhere": PEOPLE.elsewhere,
        }.items()
    }
    both = ["evaluation", "opening"]
    assert told == {
        "public": ["opening"],
        "bidder": ["opening"],
        "purchaser": ["opening"],
        "witness": both,
        "supervisor": both,
        "elsewhere": ["opening"],
    }


async def test_an_ended_lot_is_not_booked_for(stage: Stage) -> None:
    """What was terminated needs no hall."""
    tender = await stage.announce()
    lot = tender.lots[0]
    await stage.move(PEOPLE.agency, lot.id, "terminate", reason="项目取消")
    with pytest.raises(GgzyError, match=r"lot\.ended"):
        await book(stage, draft(await hall(stage), lot.id, await noon(stage)))


async def test_the_database_keeps_bookings_as_they_were_made(stage: Stage) -> None:
    """A booking is not moved, not deleted, not put outside its hall, and not called back once cancelled."""
    lot = (await stage.announce()).lots[0]
    made = await book(stage, draft(await hall(stage), lot.id, await noon(stage)))
    for statement in (
        "UPDATE booking SET seats = '[1,2)'",
        "UPDATE booking SET lot_id = gen_random_uuid()",
        "DELETE FROM booking",
        "TRUNCATE booking",
        OUTSIDE,
        "UPDATE hall SET seats = 1",
    ):
        with pytest.raises(IntegrityError):
            async with stage.session.begin_nested():
                await stage.session.execute(text(statement))
    await bookings.cancel(stage.session, VENUE, made.id, "改期", entropy=stage.entropy)
    with pytest.raises(IntegrityError):
        async with stage.session.begin_nested():
            await stage.session.execute(text(REVIVED))


async def test_of_many_who_book_at_once_one_does(sessions: Sessions) -> None:
    """Twelve transactions at the same moment for the same seats: one booking, eleven refusals."""
    entropy = SystemEntropy()
    async with sessions.begin() as session:
        stage = Stage(session, entropy)
        await stage.prepare()
        lot = (await stage.announce()).lots[0]
        where, at = await hall(stage), await noon(stage)

    async def run(number: int) -> Any:
        wanted = draft(where, lot.id, at + timedelta(minutes=number), 2)
        try:
            async with sessions.begin() as session:
                return await bookings.book(session, VENUE, wanted, entropy=entropy)
        except GgzyError as error:
            return error.code

    answers = await asyncio.gather(*(run(number) for number in range(12)))
    assert answers.count("venue.taken") == 11
    async with sessions() as session:
        standing = await bookings.between(session, VENUE, MAIN, at - HOUR, at + 5 * HOUR)
        assert len(standing) == 1


async def test_halls_are_for_any_sites_lot(stage: Stage) -> None:
    """A branch's hall is booked for a trade of the main site, as evaluation over several sites needs it."""
    deadline = await noon(stage)
    tender: Tender = await stage.announce(lots=(lot_draft(1, deadline=deadline),))
    made = await book(stage, draft(await hall(stage, SOUTH, "evaluation"), tender.lots[0].id, deadline + HOUR))
    assert made.hall.site == SOUTH
    assert (await tenders.load(stage.session, tender.id)).site == MAIN
