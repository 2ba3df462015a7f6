"""What nobody must miss: told to the right people once, by mail without a word of what it is about."""

import email
import email.policy
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from sqlalchemy import text

from api import jobs, mail, mail_sender
from api.accounts import resets, services
from api.mail_rules import Post
from api.wiring import Installation
from archive import trail
from kernel.actor import SYSTEM, Actor, Grant, Role, party
from kernel.clock import isoformat
from kernel.database import now
from kernel.errors import GgzyError
from tests.api.test_trading_routes import code, party_body
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.conftest import ASSURED
from trading import documents, lots
from trading.tables import PartyRow

TAKER = code(7)
Make = Callable[..., Awaitable[Any]]


@dataclass
class Postbox:
    """A real SMTP server that keeps what it is given; `answers` are what it says to the next messages."""

    mails: list[Any] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or say what was told to be said."""
        if self.answers:
            return self.answers.pop(0)
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


@pytest.fixture
def postbox() -> Postbox:
    """What the mail server was given."""
    return Postbox()


@pytest.fixture
def server(postbox: Postbox, free_tcp_port: int) -> Iterator[str]:
    """The address of a mail server that offers no TLS."""
    controller = Controller(postbox, hostname="127.0.0.1", port=free_tcp_port)
    controller.start()
    yield f"127.0.0.1:{free_tcp_port}"
    controller.stop()


@pytest.fixture
def served(installation: Installation, server: str) -> Installation:
    """The installation with a mail server of its own."""
    return with_mail(installation, f"smtp://{server}")


def with_mail(installation: Installation, url: str) -> Installation:
    """Return the installation with this mail server."""
    changed = {"smtp_url": SecretStr(url), "mail_from": "centre@ggzy.test"}
    return replace(installation, settings=installation.settings.model_copy(update=changed))


async def work(installation: Installation) -> None:
    """Let the log and the messages catch up, and mails go out."""
    await jobs.sequence(installation)
    await mail.follow(installation)
    await mail_sender.send(installation)


async def told(installation: Installation, uscc: str = "", user: UUID | None = None) -> list[str]:
    """Return the codes of the messages to a party or a person, in order."""
    async with installation.sessions() as session:
        query = text("SELECT code FROM message WHERE party = :party OR user_id = :user ORDER BY posted_at, code")
        return list((await session.scalars(query, {"party": uscc, "user": user})).all())


async def test_a_deadline_that_moves_is_told_to_who_took_the_documents(
    served: Installation, postbox: Postbox, tmp_path: Path
) -> None:
    """To each taker alone, once, whatever is run again; to nobody else; the mail names nothing."""
    scene = await scenes.prepare(served, tmp_path)
    await takes(served, scene.lot_id, "bidder@example.org")
    await move(served, scene.lot_id)
    for _ in range(2):
        await work(served)
    assert await told(served, TAKER) == ["deadline_moved"]
    assert await told(served, stage.USCCS[0]) == []
    assert [to for to, _ in postbox.mails] == [["bidder@example.org"]]
    sent = postbox.mails[0][1]
    async with served.sessions() as session:
        lot = await lots.facts(session, scene.lot_id)
    for secret in (lot.title, lot.tender_code, str(lot.id), TAKER):
        assert secret not in sent.get_content() + sent["subject"]
    assert "/account/messages" in sent.get_content()
    assert (sent["from"], sent["auto-submitted"]) == ("centre@ggzy.test", "auto-generated")


async def test_bids_and_the_opening(served: Installation, tmp_path: Path) -> None:
    """A bid's own party learns that it arrived; at the opening bidders and custodians are told, others nothing."""
    scene = await scenes.prepare(served, tmp_path)
    for number in range(3):
        await scene.hand_in(number)
    await work(served)
    assert [await told(served, stage.USCCS[number]) for number in range(4)] == [["bid_received"]] * 3 + [[]]
    await scene.pass_deadline()
    await scene.begin()
    await work(served)
    assert "opening_began" in await told(served, stage.USCCS[0])
    assert await told(served, stage.USCCS[3]) == []


async def test_the_inbox(served: Installation, someone: Make) -> None:
    """People read what is to them and to the parties they act for, and nothing of others."""
    mine, other = [await someone(Grant(Role.BIDDER, party(stage.USCCS[number]))) for number in (0, 1)]
    async with served.sessions.begin() as session:
        at = await now(session)
        for key, post in (
            ("1", Post("clarified", "/notices/1", {"tender": "道路工程"}, party=stage.USCCS[0])),
            ("2", Post("key_wanted", "/custody", user_id=mine.actor.user_id)),
            ("2", Post("key_wanted", "/custody", user_id=mine.actor.user_id)),
        ):
            await mail.post(session, key, post, at=at, entropy=served.entropy)
    async with served.sessions() as session:
        assert sorted(one.code for one in await mail.inbox(session, mine.actor)) == ["clarified", "key_wanted"]
        assert await mail.inbox(session, other.actor) == []


async def test_failures_are_tried_again(served: Installation, postbox: Postbox, someone: Make) -> None:
    """A server that is busy is asked again, later and later; a refused address is not; no address is no failure."""
    person, refused, nowhere = await someone(), await someone(), await someone()
    async with served.sessions.begin() as session:
        await services.set_email(session, person.actor, "a@example.org", assurance=ASSURED, entropy=served.entropy)
        await services.set_email(session, refused.actor, "b@example.org", assurance=ASSURED, entropy=served.entropy)
        at = await now(session)
        for who in (person, refused, nowhere):
            post = Post("key_wanted", "/custody", user_id=who.actor.user_id)
            await mail.post(session, str(who.actor.user_id), post, at=at, entropy=served.entropy)
    postbox.answers = ["451 busy", "451 busy", "451 busy"]
    await mail_sender.send(served)
    assert sorted(await outcomes(served)) == [("", 1), ("", 1), ("no_address", 0)]
    await mail_sender.send(served)
    assert postbox.mails == []
    await due(served)
    await mail_sender.send(served)
    assert sorted(await outcomes(served)) == [("", 2), ("no_address", 0), ("sent", 2)]
    for _ in range(mail_sender.TRIES):
        postbox.answers = ["554 never"]
        await due(served)
        await mail_sender.send(served)
    assert sorted(await outcomes(served)) == [("given_up", mail_sender.TRIES), ("no_address", 0), ("sent", 2)]


def test_failures_are_tried_again_for_two_days() -> None:
    """What the guide promises is the sum of the pauses; before a message is too old to be sent it is given up."""
    waited = sum((mail_sender.pause(tries) for tries in range(1, mail_sender.TRIES)), timedelta())
    assert timedelta(days=2) <= waited < mail_sender.STALE


async def test_a_server_that_is_not_there_stops_nothing(installation: Installation, someone: Make) -> None:
    """Without a mail server, or with one that does not answer, messages stay on the page and wait."""
    person = await someone()
    async with installation.sessions.begin() as session:
        await services.set_email(
            session, person.actor, "a@example.org", assurance=ASSURED, entropy=installation.entropy
        )
        at, post = await now(session), Post("key_wanted", "/custody", user_id=person.actor.user_id)
        await mail.post(session, "1", post, at=at, entropy=installation.entropy)
    await mail_sender.send(installation)
    assert await outcomes(installation) == [("", 0)]
    await mail_sender.send(with_mail(installation, "smtp://127.0.0.1:9"))
    assert await outcomes(installation) == [("", 1)]


async def test_a_password_needs_tls(installation: Installation, server: str, postbox: Postbox, someone: Make) -> None:
    """To a server that offers no TLS no password is sent: the mail waits."""
    guarded = with_mail(installation, f"smtp://user:secret@{server}")
    person = await someone()
    async with installation.sessions.begin() as session:
        await services.set_email(
            session, person.actor, "a@example.org", assurance=ASSURED, entropy=installation.entropy
        )
        at, post = await now(session), Post("key_wanted", "/custody", user_id=person.actor.user_id)
        await mail.post(session, "1", post, at=at, entropy=installation.entropy)
    await mail_sender.send(guarded)
    assert (postbox.mails, await outcomes(guarded)) == ([], [("", 1)])


@pytest.mark.parametrize("address", ["x", "a@b@c", "a b@c", "a@b\r\nBcc: c@d", "<a@b>", "a@b,c@d"])
async def test_a_bad_address_is_refused(installation: Installation, someone: Make, address: str) -> None:
    """Nothing that could be two addresses or another header is kept."""
    person = await someone()
    async with installation.sessions() as session:
        with pytest.raises(GgzyError, match=r"account\.bad_email"):
            await services.set_email(session, person.actor, address, assurance=ASSURED, entropy=installation.entropy)


async def test_a_forgotten_passwords_link_goes_out_by_mail(
    served: Installation, postbox: Postbox, someone: Make
) -> None:
    """The mail alone holds the link; neither the log, nor the message, nor any table has its secret."""
    person = await someone()
    async with served.sessions.begin() as session:
        address, entropy = "zhao@example.org", served.entropy
        await services.set_email(session, person.actor, address, assurance=ASSURED, entropy=entropy)
        await resets.ask(session, address, entropy=entropy)
    await work(served)
    assert await told(served, user=person.actor.user_id) == ["password_reset"]
    content = postbox.mails[0][1].get_content()
    link = re.search(r"http://localhost:8000/sign-in/reset/([0-9a-f]{64})\s", content)
    assert link is not None, content
    async with served.sessions() as session:
        assert (await resets.whose(session, link[1])).startswith("u")
        for table in ("message", "event", "event_pending", "password_reset"):
            rows = (await session.scalars(text(f"SELECT x::text FROM {table} x"))).all()  # noqa: S608 - named here
            assert not any(link[1] in row or link[1].encode().hex() in row for row in rows), table


async def takes(installation: Installation, lot_id: UUID, address: str) -> None:
    """A bidder with a contact address takes the documents."""
    async with installation.sessions.begin() as session:
        profile, at = party_body(TAKER)["profile"] | {"email": address}, await now(session)
        session.add(PartyRow(uscc=TAKER, name="甲", revision=1, profile=profile, registered_at=at))
        await session.flush()
        who = Actor(uuid4(), "某人", frozenset({Grant(Role.BIDDER, party(TAKER))}))
        await documents.take(session, who, lot_id, TAKER, entropy=installation.entropy)


async def move(installation: Installation, lot_id: UUID) -> None:
    """The deadline moves a week on."""
    async with installation.sessions.begin() as session:
        lot = await lots.facts(session, lot_id)
        assert lot.deadline is not None
        data = {"lot": str(lot_id), "old": isoformat(lot.deadline), "new": isoformat(lot.deadline + timedelta(days=7))}
        await trail.record(session, SYSTEM, "deadline.moved", data, trade=lot.tender_id, entropy=installation.entropy)


async def outcomes(installation: Installation) -> list[tuple[str, int]]:
    """Return what became of each message, and how often its mail was tried."""
    async with installation.sessions() as session:
        rows = await session.execute(text("SELECT coalesce(outcome, ''), tries FROM message"))
        return [(outcome, tries) for outcome, tries in rows]


async def due(installation: Installation) -> None:
    """Let the pauses be over."""
    async with installation.sessions.begin() as session:
        await session.execute(text("UPDATE message SET next_try_at = clock_timestamp()"))
