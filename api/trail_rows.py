"""Entries of the trail as people read them: time in China, words of the kind, codes of trades and names of persons."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import names
from api.locale import DEFAULT, catalogue, words
from archive import event as events
from archive.event import Event
from archive.trail import Entry
from kernel import canonical
from kernel.actor import ANONYMOUS, SYSTEM
from kernel.clock import civil, readable
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
    """An entry with what its ids stand for; `trade` and `person` are "" where there is none to name."""

    entry: Entry
    event: Event
    trade: str
    person: str

    @property
    def index(self) -> int:
        """Return its place in the log."""
        return self.entry.index

    @property
    def kind(self) -> str:
        """Return the words of its kind; the kind itself where it has none."""
        return words_of(self.event.kind)

    @property
    def data(self) -> str:
        """Return what the event says, as JSON."""
        return canonical.encode(self.event.data).decode()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return what the event says, by the words of its members; what is nested stays JSON."""
        known = catalogue(DEFAULT)
        return [
            (known.get(f"trail.member.{name}", name), str(readable(_plain(value))))
            for name, value in self.event.data.items()
        ]

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
    """Return a page of entries with the names that stand in it, by one query each for trades and persons."""
    opened = [events.verify(entry.opening) for entry in page]
    trades = await _codes(session, {event.trade for event in opened if event.trade is not None})
    people = await names.of(session, {event.actor for event in opened})
    people |= {
        SYSTEM.user_id: words("pages.supervision.system"),
        ANONYMOUS.user_id: words("pages.supervision.anonymous"),
    }
    return [
        Row(entry, event, trades.get(event.trade, "") if event.trade else "", people.get(event.actor, ""))
        for entry, event in zip(page, opened, strict=True)
    ]


def words_of(kind: str) -> str:
    """Return the words of a kind of event, from its own or from those of what happened to which noun."""
    known = catalogue(DEFAULT)
    noun, _, happened = kind.rpartition(".")
    own = known.get(f"trail.kind.{kind}")
    if own is not None:
        return own
    what, how = known.get(f"trail.noun.{noun}"), known.get(f"trail.happened.{happened}")
    return f"{what}：{how}" if what and how else kind


def nouns() -> list[tuple[str, str]]:
    """Return the nouns that a search can be narrowed to, with their words."""
    prefix = "trail.noun."
    return [(code.removeprefix(prefix), text) for code, text in catalogue(DEFAULT).items() if code.startswith(prefix)]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else canonical.encode(value).decode()


async def _codes(session: AsyncSession, trades: set[UUID]) -> dict[UUID, str]:
    found = await lots.of_tenders(session, list(trades))
    return {trade: known[0].tender_code for trade, known in found.items() if known}
