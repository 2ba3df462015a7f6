"""Entries of the trail as people read them: time in China, words of the kind, codes of trades and names of persons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api import trail_words
from api.accounts import names
from api.locale import words
from api.trail_words import Fact
from archive import event as events
from archive.event import Event
from archive.trail import Entry
from kernel import canonical
from kernel.actor import ANONYMOUS, SYSTEM
from kernel.clock import civil
from trading import lots

COLUMNS = tuple(
    f"pages.supervision.column.{name}"
    for name in (
        "index", "time", "kind", "trade", "person", "data", "code", "at", "trade_id", "person_id", "event_id", "salt",
        "commitment",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with what its ids stand for (`known`).

    `trade` (its code), `project` (its title) and `person` are "" where none is named.
    """

    entry: Entry
    event: Event
    trade: str
    project: str
    person: str
    known: Mapping[str, str]

    @property
    def index(self) -> int:
        """Return its place in the log."""
        return self.entry.index

    @property
    def kind(self) -> str:
        """Return the words of its kind; the kind itself where it has none."""
        return trail_words.kind_words(self.event.kind)

    @property
    def data(self) -> str:
        """Return what the event says, as JSON."""
        return canonical.encode(self.event.data).decode()

    @property
    def facts(self) -> list[Fact]:
        """Return what the event says, in words."""
        return trail_words.facts(self.event, self.known)

    @property
    def subject(self) -> str:
        """Return which lot and whom it is about; "" where it names none."""
        return trail_words.subject(self.event, self.known)

    def cells(self) -> list[str]:
        """Return the cells of a table, as `COLUMNS` names them."""
        event, opening = self.event, self.entry.opening
        moment = civil(event.at)
        told = [
            str(self.index),
            moment.removesuffix(" +08:00"),
            self.kind,
            self.trade,
            self.person,
            self.data,
            event.kind,
        ]
        ids = [str(event.trade or ""), str(event.actor), str(event.id)]
        return [*told, moment, *ids, opening.salt.hex(), opening.commitment.hex()]


async def read(session: AsyncSession, page: Sequence[Entry]) -> list[Row]:
    """Return a page of entries with the names that stand in it, by one query for each sort of them."""
    opened = [events.verify(entry.opening) for entry in page]
    trades = await _trades(session, {event.trade for event in opened if event.trade is not None})
    people = await names.of(session, {event.actor for event in opened})
    people |= {
        SYSTEM.user_id: words("pages.supervision.system"),
        ANONYMOUS.user_id: words("pages.supervision.anonymous"),
    }
    known = await trail_words.known_of(session, opened)
    return [
        Row(entry, event, *trades.get(event.trade, ("", "")), people.get(event.actor, ""), known)
        for entry, event in zip(page, opened, strict=True)
    ]


async def _trades(session: AsyncSession, trades: set[UUID]) -> dict[UUID | None, tuple[str, str]]:
    """Return code and title of these trades."""
    found = await lots.of_tenders(session, list(trades))
    return {trade: (known[0].tender_code, known[0].tender_title) for trade, known in found.items() if known}
