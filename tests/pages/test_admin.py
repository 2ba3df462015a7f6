"""The administrators' pages: duties apart, passwords shown once, others find nothing there."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.wiring import Installation
from kernel.actor import Grant, Role, party, site
from kernel.database import now
from tests.api.test_factors import USCC
from tests.pages.conftest import SignIn, Visitor, text_of

SYSTEM, SECURITY, AUDIT = (Grant(role, "*") for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN))
Make = Callable[..., Awaitable[Any]]
PAGES = ("/admin", "/admin/people", "/admin/sites", "/admin/calendar", "/admin/sites/152502")


@pytest.mark.parametrize(
    "grant", [Grant(Role.WITNESS, site("152502")), Grant(Role.SUPERVISOR, "*"), Grant(Role.BIDDER, party(USCC))],
    ids=lambda grant: grant.role,
)  # fmt: skip
async def test_others_find_nothing(someone: Make, signed_in: SignIn, grant: Grant) -> None:
    """To staff, supervisors and bidders there are no such pages."""
    visitor = await signed_in(await someone(grant))
    assert {(await visitor.get(path)).status_code for path in PAGES} == {404}


async def test_nobody_signed_in_is_asked_to(visitor: Visitor) -> None:
    """Who is not signed in is led to the sign-in."""
    assert {(await visitor.get(path)).headers["location"].partition("?")[0] for path in PAGES} == {"/sign-in"}


async def test_an_account_from_its_making_to_its_role(
    someone: Make, signed_in: SignIn, client: httpx.AsyncClient
) -> None:
    """The system administrator makes it and sees the password once; the security administrator finds it as a task."""
    system, security = await signed_in(await someone(SYSTEM)), await signed_in(await someone(SECURITY))
    made = await system.send_form("/admin/people", login="wang", name="王某")
    shown = re.search(r"<code>([A-Za-z2-9]{4}(?:-[A-Za-z2-9]{4}){3})</code>", made.text)
    assert shown is not None, text_of(made)
    place = re.search(r'href="(/admin/people/[0-9a-f-]{36})"', made.text)
    assert place is not None
    assert shown[1] not in (await system.get(place[1])).text
    assert "个账户等待授予角色" in text_of(await security.get("/desk"))
    assert "王某" in text_of(await security.get("/admin/people?q=王&roleless=1"))
    given = await security.send_form(f"{place[1]}/grants", role="witness", site="152502")
    assert given.headers["location"] == f"{place[1]}?done=grant_given", text_of(given)
    page = await security.get(place[1])
    assert "见证" in text_of(page)
    token = await client.post("/api/v1/tokens", json={"login": "wang", "password": shown[1]})
    assert token.json()["pending"]
    end = re.search(r'action="([^"]+/grants/[^"]+/end)"', page.text)
    assert end is not None
    assert (await security.send_form(end[1])).headers["location"] == f"{place[1]}?done=grant_taken"
    closed = await system.send_form(f"{place[1]}/end")
    assert closed.headers["location"] == f"{place[1]}?done=account_closed"
    assert "已注销" in text_of(await system.get(place[1]))


async def test_what_is_wrong_is_said_at_its_field(someone: Make, signed_in: SignIn) -> None:
    """A login that is taken or unfit, a role that does not fit its scope: said, kept as typed, nothing stored."""
    system, security = await signed_in(await someone(SYSTEM)), await signed_in(await someone(SECURITY))
    target = (await someone()).actor.user_id
    bad = await system.send_form("/admin/people", login="A B", name="王某")
    assert (bad.status_code, 'value="A B"' in bad.text, 'id="login-wrong"' in bad.text) == (422, True, True)
    for fields in ({"role": "bidder", "uscc": "123"}, {"role": "god"}, {"role": "witness", "site": "1"}):
        answer = await security.send_form(f"/admin/people/{target}/grants", **fields)
        assert (answer.status_code, 'id="role-wrong"' in answer.text) == (422, True), fields


async def test_nobody_does_anothers_work(someone: Make, signed_in: SignIn) -> None:
    """三员分立 on the pages: what is not one's duty is not offered, and refused when sent all the same."""
    target = (await someone(Grant(Role.WITNESS, site("152502")))).actor.user_id
    place = f"/admin/people/{target}"
    offered = {}
    for name, grant in (("system", SYSTEM), ("security", SECURITY), ("audit", AUDIT)):
        visitor = await signed_in(await someone(grant))
        text = (await visitor.get(place)).text + (await visitor.get("/admin/people")).text
        forms = (f"{place}/grants", f"{place}/end", 'method="post" action="/admin/people"')
        offered[name] = [form in text.replace("/grants/", "/x/") for form in forms]
        if name != "security":
            for path in (f"{place}/grants", f"{place}/factors/end"):
                assert (await visitor.send_form(path, role="witness")).status_code in (403, 422), path
        if name != "system":
            for path in (f"{place}/end", "/admin/people"):
                assert (await visitor.send_form(path, login="xxx", name="x")).status_code == 403, path
            sent = await visitor.send_form("/admin/sites", code="152523", name="苏尼特左旗")
            assert sent.status_code == 422
            assert "只有系统管理员" in text_of(sent)
    assert offered == {
        "system": [False, True, True],
        "security": [True, False, False],
        "audit": [False, False, False],
    }


async def test_sites_are_added_and_changed(someone: Make, signed_in: SignIn) -> None:
    """Any 1+N: a branch is added, named anew; a second one of the same code and an unfit one are refused."""
    system = await signed_in(await someone(SYSTEM))
    added = await system.send_form(
        "/admin/sites", code="152523", name="苏尼特左旗", address="某街 1 号", phone="", bearing="300"
    )
    assert added.headers["location"] == "/admin/sites?done=site_established"
    changed = await system.send_form(
        "/admin/sites/152523", name="左旗", address="新街 2 号", phone="0479-1234567", bearing=""
    )
    assert changed.headers["location"] == "/admin/sites?done=site_amended"
    listed = text_of(await system.get("/admin/sites"))
    assert "左旗" in listed
    assert "新街 2 号" in listed
    assert "新街 2 号 电话 0479-1234567" in text_of(await system.get("/help"))
    known, new = {"code": "152523", "name": "x"}, {"code": "152599", "name": "x"}
    for fields in (
        known,
        new | {"code": "15"},
        new | {"name": ""},
        new | {"bearing": "361"},
        new | {"bearing": "²"},
        new | {"phone": "x"},
    ):
        assert (await system.send_form("/admin/sites", **fields)).status_code == 422, fields
    assert (await system.get("/admin/sites/999999")).status_code == 404


async def test_the_calendar_is_changed_with_a_reason(
    installation: Installation, someone: Make, signed_in: SignIn
) -> None:
    """A day to come becomes a day off, with its reason shown; the past, and no reason, are refused at their fields."""
    system, audit = await signed_in(await someone(SYSTEM)), await signed_in(await someone(AUDIT))
    async with installation.sessions() as session:
        day = (await now(session)).date() + timedelta(days=40)
    fields = {"day": day.isoformat(), "working": "no", "reason": "那达慕放假"}
    assert (await audit.send_form("/admin/calendar", **fields)).status_code == 422
    sent = await system.send_form("/admin/calendar", **fields)
    assert (sent.status_code, sent.headers["location"].startswith("/admin/calendar?")) == (303, True)
    assert "那达慕放假" in text_of(await audit.get(f"/admin/calendar?month={day:%Y-%m}"))
    for wrong, field in (({"reason": ""}, "reason"), ({"day": "2020-01-01"}, "day"), ({"day": "soon"}, "day")):
        answer = await system.send_form("/admin/calendar", **fields | wrong)
        assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (422, True), wrong
    for month in ("1999-01", "9999-12", "x"):
        assert (await system.get(f"/admin/calendar?month={month}")).status_code == 200
