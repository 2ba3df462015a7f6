"""Who joins the drawn experts, read from the purchaser's form: people are named by their logins."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import lookup
from api.web import Form
from experts.committees import Person
from kernel.errors import GgzyError

MAX_PEOPLE = 4


async def members(session: AsyncSession, form: Form) -> tuple[list[Person], list[Person]]:
    """Return representatives, and experts appointed directly with their reasons; ``account.not_found``."""
    representatives = [await _known(session, form[f"representative_{n}"], "") for n in _filled(form, "representative")]
    appointed = [
        await _known(session, form[f"appointed_{n}"], form[f"appointed_reason_{n}"]) for n in _filled(form, "appointed")
    ]
    return representatives, appointed


def person(text: str) -> UUID:
    """Return the id of a chosen member; a refusal that asks to choose."""
    try:
        return UUID(text)
    except ValueError as error:
        raise GgzyError("pages.expert.choose") from error


def _filled(form: Form, name: str) -> list[int]:
    return [number for number in range(1, MAX_PEOPLE + 1) if form[f"{name}_{number}"]]


async def _known(session: AsyncSession, login: str, reason: str) -> Person:
    found = await lookup.by_login(session, login)
    return Person(found.user_id, found.name, reason)
