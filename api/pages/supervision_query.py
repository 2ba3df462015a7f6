"""What a supervisor asks the trail for, as it stands in the address of a page: so that it can be sent to somebody."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api import trails
from api.accounts import names
from api.web import Form, values
from archive.trail import Filter
from kernel.actor import Actor
from kernel.clock import CHINA
from kernel.errors import GgzyError
from trading import tenders

FIELDS = ("trade", "kind", "person", "site", "since", "until", "first", "last")
_KIND = re.compile(r"[a-z][a-z_]{0,39}(\.[a-z][a-z_]{0,39}){0,3}")
_INDEX = re.compile(r"[0-9]{1,15}")
_SITE = re.compile(r"[0-9]{6}")


def form_of(query: Mapping[str, str]) -> Form:
    """Return the fields of a search as a form, to be shown again."""
    return Form({name: [query[name].strip()] for name in FIELDS if query.get(name, "").strip()})


def address(form: Form, **more: object) -> str:
    """Return the address of the timeline narrowed like this."""
    told = {name: form[name] for name in FIELDS if form[name]} | {n: str(v) for n, v in more.items() if v is not None}
    return "/supervision/trail" + (f"?{urlencode(told)}" if told else "")


async def read(session: AsyncSession, actor: Actor, form: Form) -> Filter:
    """Return the filter that a form asks for; what cannot be read becomes a problem at its field."""
    asked = Filter(
        kind=_taken(form, "kind", _kind),
        since=_taken(form, "since", _day),
        until=_taken(form, "until", lambda text: _day(text) + timedelta(days=1)),
        first=_taken(form, "first", _index),
        before=_taken(form, "last", lambda text: _index(text) + 1),
    )
    site = _taken(form, "site", _site)
    return replace(
        asked,
        trade=await _trade(session, actor, form),
        actor=await _person(session, form),
        trades=None if site is None else await trails.of_site(session, site),
    )


async def _trade(session: AsyncSession, actor: Actor, form: Form) -> UUID | None:
    """Read a tender's code or id."""
    text = form["trade"]
    try:
        return UUID(text) if text else None
    except ValueError:
        pass
    try:
        return (await tenders.find(session, actor, text)).id
    except GgzyError:
        form.refuse(GgzyError("search.bad_trade"), "trade")
        return None


async def _person(session: AsyncSession, form: Form) -> UUID | None:
    """Read an account's login or id."""
    text = form["person"]
    try:
        return UUID(text) if text else None
    except ValueError:
        found = await names.by_login(session, text.lower())
    if found is None:
        form.refuse(GgzyError("search.bad_person"), "person")
    return found


def _taken(form: Form, name: str, parse: Callable[[str], Any]) -> Any:
    text = form[name]
    try:
        return parse(text) if text else None
    except ValueError:
        form.refuse(GgzyError(f"search.bad_{name}"), name)
        return None


def _kind(text: str) -> str:
    return _matching(_KIND, text)


def _site(text: str) -> str:
    return _matching(_SITE, text)


def _index(text: str) -> int:
    return int(_matching(_INDEX, text))


def _day(text: str) -> datetime:
    """Return the beginning of a day in China."""
    day = values.day(text)
    if day is None:
        raise ValueError(text)
    return datetime.combine(day, time(), CHINA)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def below(wanted: Filter, before: int | None) -> Filter:
    """Return the filter for the page that ends before an index."""
    if before is None or (wanted.before is not None and wanted.before <= before):
        return wanted
    return replace(wanted, before=before)
