"""A person at a page of their own account: what these pages receive, and what they do alike."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import entrance, policy
from api.accounts.authentication import Presented
from api.accounts.credentials import Issued
from api.accounts.policy import Assurance
from api.web import Form, Page, page
from api.wiring import Installation
from kernel.actor import Actor
from kernel.errors import GgzyError, permit

ACCOUNT = "/account"
DESK = "/desk"
ANSWER = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in person's request, its transaction, and the credential it came with."""

    request: Page
    session: AsyncSession
    actor: Actor
    presented: Presented
    installation: Installation

    @property
    def assurance(self) -> Assurance:
        """Return what was shown for the credential."""
        return self.presented.assurance

    @property
    def passkeys(self) -> bool:
        """Tell whether this is the address that passkeys are bound to; elsewhere the browser would refuse."""
        return self.request.url.hostname == self.installation.settings.relying_party.host

    def wished(self, form: Form | None = None, default: str = DESK) -> str:
        """Return where the person wanted to go, as the form or the address says."""
        return own_path(form["next"] if form else self.request.query_params.get("next", default))

    def page(self, template: str, *, form: Form | None = None, **context: Any) -> Response[bytes]:
        """Render a page of theirs."""
        return page(self.request, template, form=form, **context)

    def carry(self, answer: Response[Any], made: Issued | None) -> Response[Any]:
        """Have an answer bring the session that took the place of this one, if any."""
        if made is not None:
            answer.set_cookie(entrance.cookie(self.installation, made.secret))
        return answer


def provide_visit(
    request: Page,
    session: AsyncSession,
    actor: Actor,
    presented: Presented | None,
    installation: Installation,
) -> Visit:
    """Give the visit of whoever is signed in, by the password at least; ``account.sign_in`` to others."""
    permit(policy.must_be_person(actor))
    assert presented is not None  # noqa: S101 - whoever is a person came with a credential
    return Visit(request, session, actor, presented, installation)


VISIT = {"visit": Provide(provide_visit, sync_to_thread=False)}


def own_path(wished: str) -> str:
    """Return the path where a person wanted to go, if it is one of ours, else the desk."""
    parts = urlsplit(wished)
    plain = wished.isprintable() and "\\" not in wished and wished.startswith("/") and not wished.startswith("//")
    return wished if plain and not parts.scheme and not parts.netloc else DESK


def answer_in(form: Form) -> dict[str, Any]:
    """Return the passkey's answer that a script put into the form; ``factor.wrong`` for what is none."""
    try:
        return ANSWER.decode(form["credential"])
    except (msgspec.DecodeError, RecursionError) as error:
        raise GgzyError("factor.wrong") from error
