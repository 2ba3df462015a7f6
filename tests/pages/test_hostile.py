"""Forms and addresses as no page of ours makes them: refused in words, never a failure of the server."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.accounts import credentials, factors, totp
from api.accounts.authentication import COOKIE
from api.web.cache import Cache
from api.wiring import Installation
from kernel.actor import Grant, Role, site
from tests.conftest import ASSURED
from tests.pages.conftest import HOST, Maker, SignIn, Visitor

LONG = "9" * 5000  # Python refuses to read a number of so many digits
LOT = UUID(int=7)
STAFF = (Grant(Role.WITNESS, site("152502")), Grant(Role.VENUE, site("152502")))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"/expert/lots/{LOT}/report", {"place_nothing": "1"}),
        (f"/expert/lots/{LOT}/report", {f"place_{LOT}": LONG}),
        (f"/openings/{LOT}/1/begin", {"hearing_minutes": LONG}),
    ],
)
async def test_forms_that_no_page_made_are_refused(
    someone: Maker, signed_in: SignIn, path: str, fields: dict[str, str]
) -> None:
    """Names and numbers of fields are anybody's to choose; what is unfit is the sender's mistake."""
    visitor = await signed_in(await someone(*STAFF))
    answer = await visitor.send_form(path, **fields)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "address",
    [
        "/centre/venues?day=0001-01-01",
        "/centre/venues?day=9999-12-31",
        "/custody/ceremonies/new?cls=1",
        "/custody/ceremonies/new?self=1",
    ],
)
async def test_addresses_that_no_page_made_are_answered(someone: Maker, signed_in: SignIn, address: str) -> None:
    """A day at the end of all calendars and a parameter of any name fail nothing."""
    visitor = await signed_in(await someone(*STAFF))
    assert (await visitor.get(address)).status_code < 500


@pytest.mark.parametrize(
    "path",
    [f"/purchase/tenders/{LOT}/clarification", f"/purchase/tenders/{LOT}/documents", "/centre/pool/import"],
)
async def test_large_forms_are_read_of_people_alone(visitor: Visitor, path: str) -> None:
    """Who is not signed in is led to the sign-in before a byte of a large form is read."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(40):
            read += 1 << 16
            yield b"x" * (1 << 16)

    headers = {"Origin": HOST, "Content-Type": "multipart/form-data; boundary=x"}
    answer = await visitor.post(path, content=body(), headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fdesk")
    assert read == 0


async def test_reports_of_signed_in_browsers_are_taken(someone: Maker, signed_in: SignIn) -> None:
    """A browser sends its reports of a broken policy with the cookie and without any token."""
    visitor = await signed_in(await someone())
    headers = {"Content-Type": "application/csp-report", "Origin": HOST}
    assert (await visitor.post("/csp-reports", content=b"{}", headers=headers)).status_code == 204
    stale = {"Cookie": f"{COOKIE}=none"}
    assert (await visitor.post("/csp-reports", content=b"{}", headers=headers | stale)).status_code == 204


async def test_a_password_alone_shows_no_generator_that_is_being_enrolled(
    installation: Installation, visitor: Visitor, someone: Maker, signed_in: SignIn
) -> None:
    """The secret of a further generator is shown to the session that proved itself, to no other of the same person."""
    owner = await someone(*STAFF)
    mine = await signed_in(owner)
    vault, entropy = installation.vault, installation.entropy
    async with installation.sessions.begin() as session:
        first = await factors.begin_totp(
            session, owner.actor, "", assurance=ASSURED, issuer="", shown=False, vault=vault, entropy=entropy
        )
        code = totp.code(base64.b32decode(first.secret), datetime.now(UTC))
        await factors.confirm_totp(
            session, owner.actor, first.id, code, assurance=ASSURED, vault=vault, entropy=entropy
        )
        by_password = await credentials.issue(session, owner.actor, "session", "", entropy=entropy)
    begun = await mine.send_form("/account/factors/totp", label="second")
    place = begun.headers["location"].partition("?")[0]
    assert (await mine.get(place)).status_code == 200
    answer = await visitor.get(place, headers={"Cookie": f"{COOKIE}={by_password.secret}"})
    assert answer.status_code == 401


def test_a_page_is_kept_under_the_language_in_which_it_was_rendered() -> None:
    """Of two headers of languages the first counts, for the rendering and for the memory alike."""
    cache = Cache("zh_CN")
    cache.locale = lambda accepted: accepted.decode()
    told = [(b"accept-language", b"mn"), (b"accept-language", b"zh")]
    key = cache.key({"path": "/", "query_string": b"", "headers": told})
    assert key == ("/", b"", "mn")
