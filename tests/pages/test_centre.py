"""The centre's pages: the acceptance desk, trades of a site, the calendar of halls."""

import re
from datetime import timedelta

import pytest

from api.wiring import Installation
from kernel.actor import Grant, Role, party, site
from kernel.clock import CHINA
from kernel.database import now
from tests.pages import entry
from tests.pages.conftest import Maker, SignIn, Visitor, text_of
from tests.pages.entry import MAIN, PURCHASER, People
from tests.pages.test_purchase import announced, lot_of, registered, upload
from trading.party import COMMITMENT_VERSION

SOUTH = "152527"


@pytest.fixture
async def people(installation: Installation, someone: Maker) -> People:
    """The parties are registered and the staff employed."""
    return await entry.people(installation, someone)


async def day(installation: Installation) -> str:
    """Return a day next week as a field shows it."""
    async with installation.sessions() as session:
        return f"{(await now(session) + timedelta(days=7)).astimezone(CHINA):%Y-%m-%d}"


async def hall(visitor: Visitor, name: str) -> str:
    """Return the id of a hall by the words of its option."""
    page = await visitor.get("/centre/venues/new")
    return re.search(rf'<option value="([\w-]+)"[^>]*>[^<]*{name}', page.text).group(1)


async def test_the_queue_of_a_site(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """What was entered waits at its site until it is accepted; staff of two sites see what waits at either."""
    agency, clerk = await signed_in(people.agency), await signed_in(people.acceptance)
    place = await registered(agency, installation)
    centre = place.replace("/purchase/", "/centre/")
    assert "锡林浩特市道路工程" not in text_of(await clerk.get("/centre"))
    await agency.send_form(f"{place}/entry", commitment=COMMITMENT_VERSION)
    assert "锡林浩特市道路工程" in text_of(await clerk.get("/centre"))
    assert "核对材料并受理" in text_of(await clerk.get("/desk"))
    both = await signed_in(await someone(Grant(Role.WITNESS, site(SOUTH)), Grant(Role.WITNESS, site(MAIN))))
    everywhere = text_of(await both.get("/centre"))
    assert "锡林浩特市道路工程" in everywhere
    assert "锡林浩特市（1）" in everywhere
    assert "太仆寺旗（0）" in everywhere
    assert "锡林浩特市道路工程" not in text_of(await both.get(f"/centre?site={SOUTH}"))
    lacking = await clerk.send_form(f"{centre}/acceptance")
    assert lacking.status_code == 422
    await upload(agency, place)
    assert (await clerk.send_form(f"{centre}/acceptance")).headers["location"] == f"{centre}?done=tender_accepted"
    assert "锡林浩特市道路工程" not in text_of(await clerk.get("/centre"))
    assert "锡林浩特市道路工程" in text_of(await clerk.get(f"/centre?site={MAIN}&group=accepted"))
    assert "分配开标密钥" in text_of(await clerk.get("/desk"))
    none_free = re.search(r'action="([^"]+/opening-key)"', (await clerk.get(centre)).text).group(1)
    assert (await clerk.send_form(none_free)).status_code == 422


async def test_the_desk_is_for_staff_of_a_site(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """Another site's staff find neither the trade nor its step; parties find no desk."""
    agency = await signed_in(people.agency)
    place = await registered(agency, installation)
    centre = place.replace("/purchase/", "/centre/")
    assert (await agency.get("/centre")).status_code == 404
    assert (await agency.get(centre)).status_code == 404
    elsewhere = await signed_in(await someone(Grant(Role.ACCEPTANCE, site(SOUTH))))
    assert (await elsewhere.get(centre)).status_code == 404
    assert (await elsewhere.send_form(f"{centre}/acceptance")).status_code == 404
    witness = await signed_in(await someone(Grant(Role.WITNESS, site(MAIN))))
    assert (await witness.get(centre)).status_code == 200
    assert (await witness.send_form(f"{centre}/acceptance")).status_code in (403, 422)
    assert (await witness.get("/centre?group=nowhere")).status_code == 404


async def test_halls_are_booked_once(signed_in: SignIn, installation: Installation, people: People) -> None:
    """Booked by the tender's code; a clash is told at its field; the booking stands on the day and the trade's page."""
    place = await announced(signed_in, installation, people)
    venue, clerk = await signed_in(people.venue), await signed_in(people.acceptance)
    code = re.search(rf"{MAIN}-GC-\d+-\d+", (await clerk.get("/centre?group=all")).text).group(0)
    date, room = await day(installation), await hall(venue, "开标一室")
    form = {"hall": room, "begins_at": f"{date}T09:00", "ends_at": f"{date}T11:00", "code": code, "number": "1"}
    doubted = await venue.send_form("/centre/venues/new", **form)
    assert doubted.status_code == 422
    assert "不包括这个标段的开标时间" in text_of(doubted)
    form |= {"sure": "yes"}
    answer = await venue.send_form("/centre/venues/new", **form)
    assert answer.headers["location"] == f"/centre/venues?site={MAIN}&day={date}&done=venue_booked"
    shown = await venue.get(f"/centre/venues?site={MAIN}&day={date}")
    assert code in text_of(shown)
    assert "开标一室" in text_of(await clerk.get(place.replace("/purchase/", "/centre/")))
    clash = await clerk.send_form(
        "/centre/venues/new", **form | {"begins_at": f"{date}T10:00", "ends_at": f"{date}T12:00"}
    )
    assert clash.status_code == 422
    assert 'href="#begins_at"' in clash.text
    assert "+08:00" not in text_of(clash)
    proposed = await venue.get("/centre/venues/new", params={"code": code, "number": "1"})
    times = dict(re.findall(r'name="(begins_at|ends_at)"[^>]* value="([^"]+)"', proposed.text))
    fitting = form | times | {"sure": ""}
    assert (await venue.send_form("/centre/venues/new", **fitting)).status_code == 303
    unknown = await venue.send_form("/centre/venues/new", **form | {"code": "152502-GC-2026-9999"})
    assert 'href="#code"' in unknown.text
    cancelling = re.search(r'href="(/centre/venues/bookings/[\w-]+/cancellation)"', shown.text).group(1)
    assert (await venue.get(cancelling)).status_code == 200
    assert (await venue.send_form(cancelling, reason="")).status_code == 422
    done = await venue.send_form(cancelling, reason="改期")
    assert "venue_cancelled" in done.headers["location"]
    assert "当天没有预约" in text_of(await venue.get(f"/centre/venues?site={MAIN}&day={date}"))


async def test_seats_of_a_branch_are_booked_for_a_trade_of_the_main_site(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """As evaluation over several sites needs it; only part of the room is taken."""
    await announced(signed_in, installation, people)
    branch = await signed_in(await someone(Grant(Role.VENUE, site(SOUTH))))
    clerk = await signed_in(people.acceptance)
    code = re.search(rf"{MAIN}-GC-\d+-\d+", (await clerk.get("/centre?group=all")).text).group(0)
    date, room = await day(installation), await hall(branch, "太仆寺旗 · 评标室")
    form = {"hall": room, "begins_at": f"{date}T09:00", "ends_at": f"{date}T18:00", "code": code, "number": "1"}
    answer = await branch.send_form("/centre/venues/new", **form, first="1", last="2")
    assert answer.status_code == 303, text_of(answer)
    assert "席位 1–2" in text_of(await branch.get(f"/centre/venues?site={SOUTH}&day={date}"))


async def test_what_is_not_announced_shows_elsewhere_as_taken_alone(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """Staff of the hall's site see that it is taken, not for which trade, and cannot book for it either."""
    agency, clerk = await signed_in(people.agency), await signed_in(people.acceptance)
    place = await registered(agency, installation)
    branch = await signed_in(await someone(Grant(Role.VENUE, site(SOUTH))))
    code = re.search(rf"{MAIN}-GC-\d+-\d+", (await agency.get(place)).text).group(0)
    date, room = await day(installation), await hall(branch, "太仆寺旗 · 开标室")
    form = {"hall": room, "begins_at": f"{date}T09:00", "ends_at": f"{date}T18:00", "code": code, "number": "1"}
    assert "而这个标段在锡林浩特市进场" in text_of(await clerk.send_form("/centre/venues/new", **form))
    form |= {"sure": "yes"}
    assert 'href="#code"' in (await branch.send_form("/centre/venues/new", **form)).text
    assert (await clerk.send_form("/centre/venues/new", **form)).status_code == 303
    page = text_of(await branch.get(f"/centre/venues?site={SOUTH}&day={date}"))
    assert "已占用" in page
    assert code not in page


async def test_a_hall_is_added_by_its_sites_venue_staff(signed_in: SignIn, people: People) -> None:
    """A name stands once; acceptance staff and others are refused."""
    venue, clerk = await signed_in(people.venue), await signed_in(people.acceptance)
    form = {"site": MAIN, "name": "开标三室", "kind": "opening", "seats": "12"}
    assert (await clerk.send_form("/centre/venues/halls/new", **form)).status_code == 422
    assert (await venue.send_form("/centre/venues/halls/new", **form)).status_code == 303
    assert "开标三室" in text_of(await venue.get("/centre/venues"))
    assert 'href="#name"' in (await venue.send_form("/centre/venues/halls/new", **form)).text
    assert 'href="#seats"' in (await venue.send_form("/centre/venues/halls/new", **form | {"seats": "0"})).text


async def test_the_calendar_is_for_staff(signed_in: SignIn, someone: Maker, people: People, visitor: Visitor) -> None:
    """Parties and the public have none; who is not signed in is led to sign in; who books nowhere gets no form."""
    supervisor = await signed_in(await someone(Grant(Role.SUPERVISOR, site(MAIN))))
    assert "/centre/venues/new" not in (await supervisor.get("/centre/venues")).text
    assert (await supervisor.get("/centre/venues/new")).status_code == 404
    assert (await (await signed_in(people.bidder)).get("/centre/venues")).status_code == 404
    assert (await visitor.get("/centre/venues")).status_code == 303


async def test_filing_shows_what_stands_in_the_way(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """An ended trade is filed by the archivist; a refusal stands on the page, and the rest is in the flow test."""
    place = await announced(signed_in, installation, people)
    agency = await signed_in(people.agency)
    archivist = await signed_in(await someone(Grant(Role.ARCHIVIST, site(MAIN))))
    centre = place.replace("/purchase/", "/centre/")
    assert "/archive" not in (await archivist.get(centre)).text
    early = await archivist.send_form(f"{centre}/archive")
    assert early.status_code == 422
    await agency.send_form(f"{await lot_of(agency, place)}/steps/terminate", reason="取消")
    assert "归档" in text_of(await archivist.get("/desk"))
    assert f'action="{centre}/archive"' in (await archivist.get(centre)).text
    assert (await agency.send_form(f"{centre}/archive")).status_code == 404


async def test_a_purchaser_acts_for_its_own_party_alone(
    signed_in: SignIn, someone: Maker, installation: Installation, people: People
) -> None:
    """The purchaser of the tender sees it as its agency does; another agency does not."""
    agency = await signed_in(people.agency)
    place = await registered(agency, installation)
    assert (await (await signed_in(people.purchaser)).get(place)).status_code == 200
    other = await signed_in(await someone(Grant(Role.AGENCY, party(PURCHASER))))
    assert (await other.get(place)).status_code == 404
