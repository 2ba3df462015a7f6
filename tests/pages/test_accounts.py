"""The pages of one's account: signing in by steps, enrolling, ending sessions; nothing told to who guesses."""

import base64
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from nacl.signing import SigningKey
from sqlalchemy import text

from api import mail
from api.accounts import services, totp
from api.accounts.authentication import COOKIE
from api.mail_rules import Post
from api.pages.accounts_visit import own_path
from api.wiring import Installation
from kernel.actor import Grant, Role, party, site
from kernel.clock import SystemClock, isoformat
from kernel.database import now
from tests.api.authenticator import enrol
from tests.api.test_factors import PASSWORD, USCC, person, token
from tests.conftest import Someone
from tests.pages.conftest import HOST, SignIn, Visitor, text_of

WITNESS = Grant(Role.WITNESS, site("152502"))
BIDDER = Grant(Role.BIDDER, party(USCC))


async def test_a_bidder_signs_in_by_password(installation: Installation, visitor: Visitor) -> None:
    """Login and password lead where the person wanted to go; the cookie is out of scripts' reach."""
    await person(installation, "zhao", BIDDER)
    wanted = await visitor.get("/account")
    assert (wanted.status_code, wanted.headers["location"]) == (303, "/sign-in?next=%2Faccount")
    shown = await visitor.get(wanted.headers["location"])
    assert 'name="next" value="/account"' in shown.text
    assert "set-cookie" not in shown.headers
    signed = await sign_in(visitor, "zhao", next="/account")
    assert (signed.status_code, signed.headers["location"]) == (303, "/account")
    assert "httponly" in signed.headers["set-cookie"].lower()
    assert "zhao" in text_of(await visitor.get("/account"))


async def test_who_guesses_learns_nothing(installation: Installation, visitor: Visitor) -> None:
    """A wrong password and an unknown login are told alike, nothing of which part was wrong; the login stays typed."""
    await person(installation, "zhao", BIDDER)
    told = []
    for login in ("zhao", "nobody"):
        answer = await visitor.send_form("/sign-in", login=login, password="a wrong one", next="/desk")
        assert answer.status_code == 422
        assert f'value="{login}"' in answer.text
        told.append(re.sub(r'nonce="[^"]+"|datetime="[^"]+"|\d\d:\d\d:\d\d', "", answer.text.replace(login, "")))
    assert told[0] == told[1]
    assert "a wrong one" not in told[0]


@pytest.mark.parametrize(
    ("wished", "led"),
    [
        ("/bid/1?x=%2F", "/bid/1?x=%2F"), ("//evil.example", "/desk"), ("https://evil.example/", "/desk"),
        ("/\\evil.example", "/desk"), ("\\\\evil.example", "/desk"), ("", "/desk"), ("desk", "/desk"),
        ("/a\r\nSet-Cookie: x=1", "/desk"), ("javascript:alert(1)", "/desk"), ("/\t/evil.example", "/desk"),
    ],
)  # fmt: skip
def test_only_our_own_pages_are_led_to(wished: str, led: str) -> None:
    """Whatever stands in `next`, nobody is led off this site."""
    assert own_path(wished) == led


async def test_staff_enrol_before_anything_else(installation: Installation, visitor: Visitor) -> None:
    """Password, QR code, first code, recovery codes; a wrong code is told; each step up brings a fresh secret."""
    await person(installation, "wang", WITNESS)
    signed = await sign_in(visitor, "wang", next="/account")
    assert signed.headers["location"] == "/account/factors/new?next=%2Faccount"
    assert (await visitor.get("/account")).headers["location"].startswith("/sign-in")
    assert (await visitor.get("/sign-in?next=%2Faccount")).headers["location"] == signed.headers["location"]
    assert "手机验证码" in text_of(await visitor.get(signed.headers["location"]))
    begun = await visitor.send_form("/account/factors/totp", label="办公手机", next="/account")
    place = begun.headers["location"].partition("?")[0]
    shown = await visitor.get(begun.headers["location"])
    assert 'src="data:image/svg+xml' in shown.text
    typed = re.search(r"<code>([A-Z2-7 ]+)</code>", shown.text)
    assert typed is not None
    secret = base64.b32decode(typed[1].replace(" ", ""))
    wrong = await visitor.send_form(place, code="000000", next="/account")
    assert (wrong.status_code, "验证码不正确" in wrong.text) == (422, True)
    before = visitor.secret
    made = await visitor.send_form(place, code=totp.code(secret, SystemClock().now()), next="/account")
    assert made.status_code == 200, text_of(made)
    assert len(re.findall(r"<li><code>", made.text)) == 10
    assert secret_of(visitor) != before
    account = text_of(await visitor.get("/account"))
    assert "见证（锡林浩特市）" in account
    assert "办公手机" in account


async def test_the_second_step(installation: Installation, client: httpx.AsyncClient, visitor: Visitor) -> None:
    """Who has a factor is asked for a code; until then the desk asks to sign in, and a wrong code is told."""
    await person(installation, "wang", WITNESS)
    secret = await enrol(client, await token(client, "wang"))
    signed = await sign_in(visitor, "wang", next="/account")
    assert signed.headers["location"] == "/sign-in/factor?next=%2Faccount"
    shown = await visitor.get(signed.headers["location"])
    assert "演示环境：此账户当前的验证码" not in text_of(shown)
    assert (await visitor.get("/desk")).status_code == 303
    assert (await visitor.get("/account/factors/new")).status_code == 303
    wrong = await visitor.send_form("/sign-in/factor", code="000000", next="/account")
    assert wrong.status_code == 422
    code = totp.code(secret, SystemClock().now().replace(microsecond=0))
    used = await visitor.send_form("/sign-in/factor", code=code, next="/account")
    assert used.status_code == 422, "the enrolment used this code"
    before = secret_of(visitor)
    later = totp.step(secret, code, SystemClock().now())
    assert later is not None
    following = totp.code(secret, datetime.fromtimestamp((later + 1) * 30, UTC))
    proven = await visitor.send_form("/sign-in/factor", code=following, next="/account")
    assert (proven.status_code, proven.headers["location"]) == (303, "/account")
    assert secret_of(visitor) != before
    assert (await visitor.get("/account")).status_code == 200


async def test_the_demos_code_is_shown_after_the_password(
    installation: Installation, client: httpx.AsyncClient, visitor: Visitor
) -> None:
    """An account whose owner had it so in a sandbox sees its code at the second step, and nowhere before."""
    await person(installation, "demo", WITNESS)
    secret = await enrol(client, await token(client, "demo"), shown=True)
    assert totp.code(secret, SystemClock().now()) not in (await visitor.get("/sign-in")).text
    await sign_in(visitor, "demo")
    shown = text_of(await visitor.get("/sign-in/factor"))
    assert totp.code(secret, SystemClock().now()) in shown


async def test_signing_out(installation: Installation, visitor: Visitor) -> None:
    """The session ends on the server; its cookie goes; another site's form cannot do it."""
    await person(installation, "zhao", BIDDER)
    await sign_in(visitor, "zhao")
    kept = visitor.cookies[COOKIE]
    foreign = await visitor.post("/sign-out", data={"csrf": ""}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    out = await visitor.send_form("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in?done=signed_out")
    assert COOKIE not in visitor.cookies
    visitor.cookies = httpx.Cookies({COOKIE: kept})
    assert (await visitor.get("/account")).status_code == 303


async def test_signing_in_ends_the_session_before(installation: Installation, visitor: Visitor) -> None:
    """A secret that was there before sign-in is worth nothing afterwards, and a stale cookie keeps nobody out."""
    await person(installation, "zhao", BIDDER)
    await sign_in(visitor, "zhao")
    first = visitor.cookies[COOKIE]
    await sign_in(visitor, "zhao")
    assert visitor.cookies[COOKIE] != first
    visitor.cookies = httpx.Cookies({COOKIE: first})
    visitor.secret = first
    assert (await visitor.get("/account")).status_code == 303
    signed = await visitor.send_form("/sign-in", login="zhao", password=PASSWORD, next="/desk")
    assert signed.status_code == 303


async def test_the_password_is_changed(installation: Installation, visitor: Visitor) -> None:
    """The present one is asked for; afterwards all sessions end."""
    await person(installation, "zhao", BIDDER)
    await sign_in(visitor, "zhao")
    wrong = await visitor.send_form("/account/password", old="not it", new="a new password")
    assert (wrong.status_code, 'aria-invalid="true"' in wrong.text) == (422, True)
    short = await visitor.send_form("/account/password", old=PASSWORD, new="short")
    assert (short.status_code, "10–256" in text_of(short)) == (422, True)
    changed = await visitor.send_form("/account/password", old=PASSWORD, new="a new password")
    assert changed.headers["location"] == "/sign-in?done=password_changed"
    assert secret_of(visitor) is None
    assert (await sign_in(visitor, "zhao")).status_code == 422
    assert (await sign_in(visitor, "zhao", password="a new password")).status_code == 303


async def test_who_comes_late_shows_again_who_they_are(installation: Installation, visitor: Visitor) -> None:
    """Pages of keys, factors and the address lead to one form and back; until then nothing is to be typed there."""
    await person(installation, "zhao", BIDDER)
    await sign_in(visitor, "zhao")
    assert (await visitor.get("/account/confirm?next=/bid/device")).headers["location"] == "/bid/device"
    await age(installation)
    led = await visitor.get("/account/factors/new")
    assert (led.status_code, led.headers["location"]) == (303, "/account/confirm?next=%2Faccount%2Ffactors%2Fnew")
    for path, typed in (("/bid/device", "new-passphrase"), ("/account/messages", 'name="email"')):
        shown = await visitor.get(path)
        assert f'href="/account/confirm?next={path}"' in shown.text
        assert typed not in shown.text
    visitor.headers["Referer"] = f"{HOST}/account/messages"
    late = await visitor.send_form("/account/messages/email", email="zhao@example.org")
    assert late.headers["location"] == "/account/confirm?next=%2Faccount%2Fmessages"
    form = await visitor.get(led.headers["location"])
    assert ('type="password"' in form.text, 'name="code"' in form.text) == (True, False)
    wrong = await visitor.send_form("/account/confirm", password="not it", next="/account/factors/new")
    assert (wrong.status_code, 'id="password-wrong"' in wrong.text) == (422, True)
    before = visitor.secret
    right = await visitor.send_form("/account/confirm", password=PASSWORD, next="/account/factors/new")
    assert (right.status_code, right.headers["location"]) == (303, "/account/factors/new")
    assert secret_of(visitor) != before
    assert (await visitor.get("/account/factors/new")).status_code == 200
    assert "new-passphrase" in (await visitor.get("/bid/device")).text


async def test_who_has_a_factor_shows_it_too(
    installation: Installation, client: httpx.AsyncClient, signed_in: SignIn
) -> None:
    """The form asks for a code beside the password; neither counts alone. Staff who enrol late show the password."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    late = await signed_in(await _as_someone(client, headers, installation), proof=None)
    await age(installation)
    assert (await late.get("/account/factors/new")).headers["location"].startswith("/account/confirm")
    assert (await late.send_form("/account/confirm", password=PASSWORD, next="/account/factors/new")).status_code == 303
    shown = await client.post("/api/v1/me/confirmation", json={"password": PASSWORD}, headers=headers)
    assert shown.status_code == 200
    secret = await enrol(client, headers)
    visitor = await signed_in(await _as_someone(client, headers, installation))
    await age(installation)
    following = totp.code(secret, datetime.now(UTC) + timedelta(seconds=30))
    for password, code, where in ((PASSWORD, "", "code"), ("not it", following, "password")):
        refused = await visitor.send_form("/account/confirm", password=password, code=code, next="/account")
        assert (refused.status_code, f'id="{where}-wrong"' in refused.text) == (422, True)
    right = await visitor.send_form("/account/confirm", password=PASSWORD, code=following, next="/account")
    assert right.headers["location"] == "/account"


async def test_other_sessions_are_ended(
    installation: Installation, client: httpx.AsyncClient, visitor: Visitor
) -> None:
    """The list shows browsers and tokens; one's own can be ended, another person's cannot."""
    await person(installation, "zhao", BIDDER)
    headers = await token(client, "zhao")
    await sign_in(visitor, "zhao")
    shown = await visitor.get("/account")
    ends = re.findall(r'action="(/account/sessions/[^"]+/end)"', shown.text)
    assert len(ends) == 1
    assert (await visitor.send_form(ends[0])).status_code == 303
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await visitor.send_form(ends[0])).status_code == 404


async def test_factors_are_kept_on_the_page(
    installation: Installation, client: httpx.AsyncClient, signed_in: SignIn
) -> None:
    """New recovery codes are shown once; the last factor of staff stays, with the reason said."""
    await person(installation, "wang", WITNESS)
    headers = await token(client, "wang")
    await enrol(client, headers)
    visitor = await signed_in(await _as_someone(client, headers, installation))
    codes = await visitor.send_form("/account/factors/codes")
    assert len(re.findall(r"<li><code>", codes.text)) == 10
    shown = await visitor.get("/account")
    end = re.findall(r'action="(/account/factors/[^"]+/end)"', shown.text)[0]
    refused = await visitor.send_form(end)
    assert (refused.status_code, "最后一个" in text_of(refused)) == (409, True)


async def sign_in(visitor: Visitor, login: str, *, password: str = PASSWORD, next: str = "/desk") -> httpx.Response:  # noqa: A002 - the field's name
    """Send the form of the sign-in page."""
    answer = await visitor.send_form("/sign-in", login=login, password=password, next=next)
    secret_of(visitor)
    return answer


async def age(installation: Installation) -> None:
    """Let eleven minutes pass since anybody showed who they are."""
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE credential SET confirmed_at = confirmed_at - interval '11 minutes'"))


def secret_of(visitor: Visitor) -> str | None:
    """Return the session's secret, and have the next form use it."""
    visitor.secret = visitor.cookies.get(COOKIE)
    return visitor.secret


async def _as_someone(client: httpx.AsyncClient, headers: dict[str, str], installation: Installation) -> Someone:
    me = (await client.get("/api/v1/me", headers=headers)).json()
    async with installation.sessions() as session:
        actor = await services.actor(session, UUID(me["id"]), proven=True)
    return Someone(actor, headers, SigningKey.generate())


async def test_messages_stand_on_their_page(installation: Installation, visitor: Visitor) -> None:
    """What must not be missed is read with its words and party; the address of mails is kept or refused."""
    await person(installation, "zhao", BIDDER)
    await sign_in(visitor, "zhao")
    assert "还没有消息" in text_of(await visitor.get("/account/messages"))
    async with installation.sessions.begin() as session:
        moved = isoformat(datetime(2026, 11, 22, 4, tzinfo=UTC))
        about = {"tender": "南环路改造工程", "number": 2, "title": "给水管网"}
        for number, told in enumerate(
            (
                Post("clarified", "/notices/1", {"tender": "南环路改造工程"}, party=USCC),
                Post("deadline_moved", "/bid", about | {"old": moved, "new": moved}, party=USCC),
            )
        ):
            await mail.post(session, str(number), told, at=await now(session), entropy=installation.entropy)
    shown = text_of(await visitor.get("/account/messages"))
    assert "有新的澄清" in shown
    assert "“南环路改造工程”发布了澄清" in shown
    assert "南环路改造工程 · 第 2 标段 给水管网：投标截止时间由 2026-11-22" in shown
    assert USCC in shown
    saved = await visitor.send_form("/account/messages/email", email="zhao@example.org")
    assert saved.headers["location"] == "/account/messages?done=email_saved"
    assert 'value="zhao@example.org"' in (await visitor.get("/account/messages")).text
    wrong = await visitor.send_form("/account/messages/email", email="zhao")
    assert (wrong.status_code, 'id="email-wrong"' in wrong.text) == (422, True)
