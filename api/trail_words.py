"""What an entry of the trail says, in words: its kind, its members, their values, what the ids in them stand for.

Machines read the event's own bytes; here a bid is its bidder's, a lot its number and title, a party its name, a code
its words. What nothing is known of is told in short, with the whole of it beside (`Fact.full`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import names
from api.locale import DEFAULT, catalogue, value_words, words
from archive.event import Event
from bidding import bidders
from kernel.clock import civil, moment_of
from trading import lots, parties, sites
from trading.lot import own_title

SEPARATED = 10_000
"""From here on a number is told with separators; years are below."""
SIGNED = frozenset({"format", "signature"})
"""Members of a signed message that tell people nothing."""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PARTY = re.compile(r"[0-9A-Z]{18}")
UNNAMED = ("expert", "committee", "evaluation", "draw")
"""Nouns whose events name accounts that stand for experts: an id there stays an id."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A member of an event in words; `full` is what the words stand for where they are shorter, else ""."""

    name: str
    text: str
    full: str = ""


def kind_words(kind: str) -> str:
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


def member_words(noun: str, name: str) -> str:
    """Return the words of a member's name: a noun's own, everybody's, an item's of a score sheet; else the name."""
    known = catalogue(DEFAULT)
    item = f"pages.expert.item.{name.partition('_')[2]}"
    codes = (f"trail.member.{noun}.{name}", f"trail.member.{name}", item)
    return next((known[code] for code in codes if code in known), name)


async def known_of(session: AsyncSession, events: Iterable[Event]) -> dict[str, str]:
    """Return what the ids, sites and parties in these events stand for, by one query for each sort."""
    told = {text for event in events for text in _texts(event.data)}
    ids = {UUID(text) for text in told if ID.fullmatch(text)}
    found = await lots.facts_of(session, ids)
    bids = await bidders.of(session, ids)
    people = await names.of(session, {UUID(text) for event in events for text in _accounts(event)})
    codes = {text for text in told if PARTY.fullmatch(text)} | set(bids.values())
    firms = await parties.names(session, codes)
    places = {one.code: one.name for one in await sites.page(session)}
    numbered = {
        str(one.id): words("lot.numbered", {"number": one.number, "title": own_title(one.title)}).rstrip()
        for one in found.values()
    }
    whose = {str(bid): words("trail.bid_of", {"bidder": firms.get(code, code)}) for bid, code in bids.items()}
    return places | firms | numbered | whose | {str(one): name for one, name in people.items()}


def facts(event: Event, known: Mapping[str, str]) -> list[Fact]:
    """Return what an event says by the words of its members."""
    noun = event.kind.partition(".")[0]
    return [_fact(noun, name, value, known) for name, value in event.data.items()]


def subject(event: Event, known: Mapping[str, str]) -> str:
    """Return which lot and whom an event is about, and of a bid which envelope; "" where it names none."""
    data = event.data
    about = ("lot", "bidder" if "bidder" in data else "bid")
    told = [known[str(data[name])] for name in about if str(data.get(name)) in known]
    kind = value_words("kind", data.get("kind"))
    return " · ".join(told + ([str(kind)] if told and kind != data.get("kind") else []))


def _fact(noun: str, name: str, value: Any, known: Mapping[str, str]) -> Fact:
    text = _text(noun, name, value, known)
    whole = value if isinstance(value, str) and text != value and moment_of(value) is None else ""
    return Fact(member_words(noun, name), text, whole)


def _text(noun: str, name: str, value: Any, known: Mapping[str, str]) -> str:
    if value is None or value in ("", [], {}):
        return words("trail.value.none")
    if isinstance(value, bool):
        return words("trail.value.yes" if value else "trail.value.no")
    if isinstance(value, Mapping):
        told = {key: one for key, one in value.items() if key not in SIGNED}
        return "；".join(f"{member_words(noun, key)}：{_text(noun, key, one, known)}" for key, one in told.items())
    if isinstance(value, list):
        return _listed(noun, name, value, known)
    return f"{value:,}" if isinstance(value, int) and value >= SEPARATED else _one(noun, name, str(value), known)


def _listed(noun: str, name: str, values: list[Any], known: Mapping[str, str]) -> str:
    if name == "seats":
        return "–".join(map(str, values))
    said = [_text(noun, name, one, known) for one in values]
    return ("\n" if any(isinstance(one, Mapping) for one in values) else "、").join(said)


def _one(noun: str, name: str, text: str, known: Mapping[str, str]) -> str:
    at = moment_of(text)
    if at is not None:
        return civil(at.replace(microsecond=0)).removesuffix(" +08:00")
    if text in known:
        return known[text]
    if ID.fullmatch(text):
        return f"{text[:8]}…"
    if name == "code":  # of a refusal
        return re.sub(r"\{\w+\}", "…", catalogue(DEFAULT).get(text, text))
    return str(value_words(name, text, of=noun))


def _texts(data: Any) -> Iterator[str]:
    """Yield every text in an event's data."""
    if isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
    elif isinstance(data, str):
        yield data


def _accounts(event: Event) -> Iterator[str]:
    if event.kind.partition(".")[0] not in UNNAMED:
        yield from (text for text in _texts(event.data) if ID.fullmatch(text))
