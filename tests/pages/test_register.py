"""Registration by one form, and a party's own page: what is asked once, what is wrong where, what changed."""

import re

from api.accounts import login
from api.wiring import Installation
from kernel.actor import Grant, Role, party
from tests.api.test_trading_routes import code
from tests.pages.conftest import Maker, SignIn, Visitor, text_of
from trading.party import COMMITMENT_VERSION

FORM = {
    "role": "bidder",
    "uscc": code(1),
    "name": "锡林浩特建设有限公司",
    "legal_representative": "张三",
    "address": "锡林浩特市某街1号",
    "region": "152502",
    "contact": "李四",
    "phone": "0479-1234567",
    "email": "",
    "person": "王五",
    "login": "wang.wu",
    "password": "a long password",
    "again": "a long password",
    "commitment": COMMITMENT_VERSION,
}


async def test_one_form_makes_person_and_party(visitor: Visitor, installation: Installation) -> None:
    """After the form the person signs in, acts for the party, and never states its data again."""
    page = await visitor.get("/register")
    assert page.status_code == 200
    assert "承诺" in text_of(page)
    answer = await visitor.send_form("/register", **FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?done=registered")
    person = await login.sign_in(installation.sessions, installation.passwords, "wang.wu", FORM["password"], "test")
    assert person.holds(Role.BIDDER, party(code(1)))


async def test_everything_wrong_is_told_at_once_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    """Each wrong field has its words in the summary, linked, and beside the field; passwords are not sent back."""
    answer = await visitor.send_form(
        "/register", **FORM | {"phone": "x", "address": "", "again": "other", "commitment": ""}
    )
    assert answer.status_code == 422
    assert re.findall(r'<li><a href="#([\w-]+)"', answer.text) == ["address", "phone", "again", "commitment"]
    assert 'value="锡林浩特建设有限公司"' in answer.text
    assert FORM["password"] not in answer.text


async def test_the_wrong_digit_is_named(visitor: Visitor) -> None:
    """Length, character and check digit of the code each have their own words, with the place."""
    for wrong, words in (
        (FORM["uscc"][:-1], "现在是 17 位"),
        ("91X52502MA00000010"[:18], "第 3 位“X”"),
        (FORM["uscc"][:-1] + ("1" if FORM["uscc"][-1] != "1" else "2"), "校验码不符"),
    ):
        answer = await visitor.send_form("/register", **FORM | {"uscc": wrong})
        assert answer.status_code == 422
        assert words in text_of(answer)


async def test_a_party_is_registered_once(visitor: Visitor) -> None:
    """The second form of the same party, and the same login, are refused at their fields."""
    assert (await visitor.send_form("/register", **FORM)).status_code == 303
    again = await visitor.send_form("/register", **FORM | {"login": "other"})
    assert "已经登记过" in text_of(again)
    taken = await visitor.send_form("/register", **FORM | {"uscc": code(2)})
    assert "已被使用" in text_of(taken)


async def test_staff_do_not_register_themselves(visitor: Visitor) -> None:
    """The form offers parties' roles alone, whatever is sent."""
    answer = await visitor.send_form("/register", **FORM | {"role": "supervisor"})
    assert answer.status_code == 422


async def test_a_change_is_shown_as_a_difference(visitor: Visitor, someone: Maker, signed_in: SignIn) -> None:
    """The party's page shows each revision with what it changed; without a commitment nothing is changed."""
    await visitor.send_form("/register", **FORM)
    own = await signed_in(await someone(Grant(Role.BIDDER, party(code(1)))))
    assert (await own.get("/party")).headers["location"] == f"/party/{code(1)}"
    fields = {name: FORM[name] for name in ("name", "legal_representative", "address", "region", "contact", "email")}
    place = f"/party/{code(1)}/edit"
    assert 'value="李四"' in (await own.get(place)).text
    refused = await own.send_form(place, **fields, phone="0479-7654321")
    assert refused.status_code == 422
    done = await own.send_form(place, **fields, phone="0479-7654321", commitment=COMMITMENT_VERSION)
    assert done.headers["location"] == f"/party/{code(1)}?done=party_amended"
    page = await own.get(f"/party/{code(1)}")
    assert "<del>0479-1234567</del> <ins>0479-7654321</ins>" in page.text


async def test_another_party_does_not_exist(visitor: Visitor, someone: Maker, signed_in: SignIn) -> None:
    """Contacts of a party are for itself, acceptance staff and supervisors."""
    await visitor.send_form("/register", **FORM)
    rival = await signed_in(await someone(Grant(Role.BIDDER, party(code(2)))))
    assert (await rival.get(f"/party/{code(1)}")).status_code == 404
    assert (await rival.send_form(f"/party/{code(1)}/edit", **FORM)).status_code in (403, 404)
    assert (await visitor.get(f"/party/{code(1)}")).headers["location"].startswith("/sign-in?next=")
