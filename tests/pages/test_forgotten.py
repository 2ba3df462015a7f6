"""A forgotten password: a link that works once, tells nobody who exists, and leaves the second factor where it is."""

import asyncio
import re

import httpx
from sqlalchemy import text

from api import jobs
from api.accounts import resets, services
from api.wiring import Installation
from kernel.actor import Actor
from tests.api.authenticator import enrol
from tests.api.test_factors import person, token
from tests.conftest import ASSURED
from tests.pages.conftest import Visitor, text_of
from tests.pages.test_accounts import BIDDER, WITNESS, sign_in

NEW = "a brand new password"


async def test_a_link_sets_the_password_once(
    installation: Installation, client: httpx.AsyncClient, visitor: Visitor
) -> None:
    """To look at it uses nothing up; afterwards all sessions and links end, and the second factor is asked as ever."""
    wang = await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    await enrol(client, headers)
    link, other = await make(installation, wang), await make(installation, wang)
    shown = [await visitor.get(link) for _ in range(2)]
    assert [("wang" in text_of(one), one.status_code) for one in shown] == [(True, 200)] * 2
    short = await visitor.send_form(link, new="short")
    assert (short.status_code, "10–256" in text_of(short)) == (422, True)
    done = await visitor.send_form(link, new=NEW)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in?done=password_changed")
    for spent in (link, other, "/sign-in/reset/none"):
        again = await visitor.send_form(spent, new="yet another password")
        assert (again.status_code, "重新申请" in text_of(again)) == (404, True)
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await sign_in(visitor, "wang")).status_code == 422
    signed = await sign_in(visitor, "wang", password=NEW)
    assert signed.headers["location"].startswith("/sign-in/factor")


async def test_a_link_sent_twice_at_once_counts_once(installation: Installation, visitor: Visitor) -> None:
    """Of several answers to the links of one person at the same moment one sets the password; none fails."""
    zhao = await person(installation, "zhao", BIDDER)
    links = [await make(installation, zhao), await make(installation, zhao)]
    tries = [(link, f"a new password {number}") for number, link in enumerate(links * 3)]
    answers = await asyncio.gather(*(visitor.send_form(link, new=new) for link, new in tries))
    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 5
    kept = next(new for (_, new), answer in zip(tries, answers, strict=True) if answer.status_code == 303)
    assert (await sign_in(visitor, "zhao", password=kept)).status_code == 303


async def test_nobody_learns_who_exists(installation: Installation, visitor: Visitor) -> None:
    """A login with an address, one without, an address and a stranger are answered alike; a link is made for some."""
    zhao = await person(installation, "zhao", BIDDER)
    await person(installation, "wang", BIDDER)
    await give_address(installation, zhao)
    answers = [
        await visitor.send_form("/sign-in/forgotten", who=who)
        for who in ("zhao", "Zhao@example.org", "wang", "nobody", "nobody@example.org")
    ]
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, "/sign-in/forgotten/sent")}
    assert len({one.content for one in answers}) == 1
    told = await visitor.get("/sign-in/forgotten/sent")
    assert "系统管理员" in text_of(told)
    assert await asked(installation) == 2


async def test_mails_are_limited(installation: Installation, visitor: Visitor) -> None:
    """Three to a person in half an hour, and strangers are told nothing of it; an address that goes on waits."""
    zhao = await person(installation, "zhao", BIDDER)
    await give_address(installation, zhao)
    statuses = [
        (await visitor.send_form("/sign-in/forgotten", who="zhao")).status_code
        for _ in range(resets.ASKED_PER_ADDRESS * 2 + 1)  # a slot may end in between
    ]
    assert set(statuses[: resets.ASKED_PER_ADDRESS]) == {303}
    assert statuses[-1] == 429
    assert resets.MAILS_PER_PERSON <= await asked(installation) <= 2 * resets.MAILS_PER_PERSON


async def test_links_end_with_time_with_the_account_and_with_the_address(
    installation: Installation, visitor: Visitor
) -> None:
    """A link is good for half an hour, for accounts that are open, and until another address is given."""
    zhao, wang, qian = [await person(installation, login, BIDDER) for login in ("zhao", "wang", "qian")]
    links = [await make(installation, one) for one in (zhao, wang, qian)]
    assert [(await visitor.get(link)).status_code for link in links] == [200] * 3
    await give_address(installation, zhao)
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE account SET disabled_at = now() WHERE login = 'wang'"))
        late = text("UPDATE password_reset SET expires_at = clock_timestamp() WHERE user_id = :user")
        await session.execute(late, {"user": qian.user_id})
    assert [(await visitor.get(link)).status_code for link in links] == [404] * 3
    assert [(await visitor.send_form(link, new=NEW)).status_code for link in links] == [404] * 3
    await jobs.clean(installation)


async def test_secrets_of_links_rest_hashed(installation: Installation) -> None:
    """A link's secret stands in no table."""
    secret = (await make(installation, await person(installation, "zhao", BIDDER))).rpartition("/")[2]
    assert re.fullmatch("[0-9a-f]{64}", secret)
    async with installation.sessions() as session:
        rows = (await session.scalars(text("SELECT hash FROM password_reset"))).all()
        assert len(rows) == 1
        assert bytes(rows[0]).hex() != secret


async def test_without_a_mail_server_the_page_says_whom_to_ask(visitor: Visitor) -> None:
    """No form that would lead nowhere."""
    shown = await visitor.get("/sign-in/forgotten")
    assert 'name="who"' not in shown.text
    assert "没有开通邮件" in text_of(shown)
    empty = await visitor.send_form("/sign-in/forgotten", who="")
    assert empty.status_code == 422


async def make(installation: Installation, actor: Actor) -> str:
    """Return the path of a fresh link for a person, as its mail would have it."""
    async with installation.sessions.begin() as session:
        secret = await resets.make(session, actor.user_id, entropy=installation.entropy)
    return f"/sign-in/reset/{secret}"


async def give_address(installation: Installation, actor: Actor) -> None:
    """Have mails go to a person."""
    address, entropy = f"{actor.name}@example.org", installation.entropy
    async with installation.sessions.begin() as session:
        await services.set_email(session, actor, address, assurance=ASSURED, entropy=entropy)


async def asked(installation: Installation) -> int:
    """Return for how many mails the log has been told."""
    async with installation.sessions() as session:
        told = text("SELECT count(*) FROM event WHERE kind = 'password.reset_asked'")
        return int(await session.scalar(told) or 0)
