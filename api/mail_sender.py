"""Mails about messages, by SMTP: plain text that tells that there is something and where, never what or of which trade.

Each mail is sent under its row's lock and settled in the same transaction: a crash between sending and settling sends
it again with the same ``Message-ID``. Failures are tried again, longer apart, for two days. The one mail that holds a
secret is that of a forgotten password: its link is made as it goes out (`api.accounts.resets`).
"""

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import resets
from api.accounts.tables import Account
from api.locale import words
from api.settings import Settings
from api.tables import Message
from api.wiring import Installation
from kernel.entropy import Entropy
from kernel.errors import GgzyError
from trading import parties

log = structlog.get_logger(__name__)

BATCH = 20
TRIES = 15  # with the pauses between them: two days
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=8)
STALE = timedelta(days=3)
PATIENCE = 30.0  # seconds for one mail
PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server of ``GGZY_SMTP_URL``. A password is never sent without TLS."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool

    @classmethod
    def of(cls, url: str) -> "Relay":
        """Read the URL: ``smtps`` is TLS from the start, ``smtp`` by STARTTLS where it is offered."""
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname or "localhost", parts.port or (465 if tls else 25), user, password, tls)

    async def send(self, mail: EmailMessage) -> None:
        """Hand a mail over; raises aiosmtplib.SMTPException or OSError."""
        must = True if self.user is not None and not self.tls else None
        await aiosmtplib.send(
            mail,
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls,
            start_tls=None if self.tls else must,
            timeout=PATIENCE,
        )


async def send(installation: Installation) -> None:
    """Send what is due, one mail a transaction; without a mail server nothing is sent."""
    url = installation.settings.smtp_url
    if url is None:
        return
    relay = Relay.of(url.get_secret_value())
    for _ in range(BATCH):
        async with installation.sessions.begin() as session:
            row = await session.scalar(_due())
            if row is None:
                return
            await _settle(session, row, relay, installation)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail leads to: the code of the words around the address, and the address's path."""

    frame: str = "mail.body"
    path: str = "/account/messages"


def compose(row: Message, to: str, letter: Letter, settings: Settings) -> EmailMessage:
    """Return the mail: it says that there is something to read, and where; neither the trade nor who else."""
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    mail["To"] = to
    mail["Subject"] = words(f"mail.{row.code}.subject", {"name": settings.name}, settings.locale)
    mail["Message-ID"] = f"<{row.id}@{settings.relying_party.host}>"
    mail["Date"] = row.made_at
    mail["Auto-Submitted"] = "auto-generated"
    told = {"name": settings.name, "what": words(f"mail.{row.code}.body", locale=settings.locale)}
    mail.set_content(words(letter.frame, told | {"url": settings.origin + letter.path}, settings.locale))
    return mail


def pause(tries: int) -> timedelta:
    """Return how long is waited after so many tries: twice as long each time, up to `LONGEST_PAUSE`."""
    return min(FIRST_PAUSE * (1 << (tries - 1)), LONGEST_PAUSE)


async def _settle(session: AsyncSession, row: Message, relay: Relay, installation: Installation) -> None:
    to = await _address(session, row)
    if not to:
        row.outcome = "no_address"
        return
    row.tries += 1
    letter = await _letter(session, row, installation.entropy)
    try:
        await relay.send(compose(row, to, letter, installation.settings))
        row.outcome = "sent"
    except aiosmtplib.SMTPRecipientsRefused as error:
        refused = all(one.code >= PERMANENT for one in error.recipients)
        _put_off(row, error, outcome="refused" if refused else None)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        _put_off(row, error)


def _put_off(row: Message, error: Exception, outcome: str | None = None) -> None:
    log.warning("mail.failed", message=str(row.id), tries=row.tries, error=type(error).__name__)
    row.outcome = outcome or ("given_up" if row.tries >= TRIES else None)
    row.next_try_at = func.clock_timestamp() + pause(row.tries)


def _due() -> Select[Message]:
    due = (Message.outcome.is_(None), Message.next_try_at <= func.clock_timestamp())
    fresh = Message.made_at > func.clock_timestamp() - STALE
    return select(Message).where(*due, fresh).order_by(Message.next_try_at).limit(1).with_for_update(skip_locked=True)


async def _letter(session: AsyncSession, row: Message, entropy: Entropy) -> Letter:
    if row.code != "password_reset" or row.user_id is None:
        return Letter()
    return Letter("mail.link", f"/sign-in/reset/{await resets.make(session, row.user_id, entropy=entropy)}")


async def _address(session: AsyncSession, row: Message) -> str:
    """Return where a mail about this message goes, "" when there is no address."""
    if row.user_id is not None:
        return await session.scalar(select(Account.email).where(Account.id == row.user_id)) or ""
    try:
        return (await parties.get(session, row.party or "")).profile.email
    except GgzyError:
        return ""
