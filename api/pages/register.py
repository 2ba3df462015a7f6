"""Registration by one form (一表申请): a person, their party, and the commitment under which it is stated."""

from typing import Any

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import passwords, registration
from api.web import PAGE, Form, Page, page, see, values
from api.wiring import Installation
from kernel.actor import PARTY_ROLES, Role
from kernel.errors import GgzyError
from trading import regions
from trading.party import COMMITMENT_VERSION, Commitment, Profile

TEMPLATE = "register/form.html"
# At which field a refusal of the services belongs.
PLACES = {
    "party.bad_uscc": "uscc",
    "party.known": "uscc",
    "account.login_taken": "login",
    "account.bad_login": "login",
    "account.bad_name": "person",
    "password.unfit": "password",
    "registration.bad_role": "role",
}


# The fields as they stand on the page.
ORDER = (
    *("role", "uscc", "name", "legal_representative", "address", "region", "contact", "phone", "email"),
    *("person", "login", "password", "again", "commitment"),
)


class Register(Controller):
    """The one form, for whoever comes."""

    path = "/register"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, request: Page) -> Response[bytes]:
        """Show the form."""
        return _shown(request, Form())

    @post()
    async def register(
        self, request: Page, session: AsyncSession, installation: Installation, whence: str
    ) -> Response[Any]:
        """Make account, party and role in one step, and lead to the sign-in."""
        form = await Form.read(request)
        stated = _stated(form)
        if stated is not None:
            try:
                await registration.admit(installation.sessions, whence)
                digest = await installation.passwords.digest(form["password"])
                whole = registration.Form(password_hash=digest, **stated)
                await registration.register(session, whole, entropy=installation.entropy)
                return see("/sign-in", done="registered")
            except GgzyError as error:
                form.refuse(told(error), PLACES.get(error.code, ""))
        return _shown(request, form)


def _shown(request: Page, form: Form) -> Response[bytes]:
    form.arrange(*ORDER)
    offered = regions.offered(form["region"])
    return page(request, TEMPLATE, form=form, commitment=COMMITMENT_VERSION, regions=offered)


def told(error: GgzyError) -> GgzyError:
    """Return the refusal with words of its own for each way in which a 统一社会信用代码 is wrong."""
    if error.code != "party.bad_uscc":
        return error
    return GgzyError(f"party.bad_uscc_{error.params['wrong']}", error.kind, **error.params)


def _stated(form: Form) -> dict[str, Any] | None:
    profile = values.struct(form, Profile)
    for name in ("uscc", "login", "person", "password"):
        if not form[name]:
            form.refuse(GgzyError("field.empty"), name)
    if form["password"] and not passwords.SHORTEST <= len(form["password"]) <= passwords.LONGEST:
        form.refuse(GgzyError("password.unfit", shortest=passwords.SHORTEST, longest=passwords.LONGEST), "password")
    if form["again"] != form["password"]:
        form.refuse(GgzyError("field.not_the_same"), "again")
    if form["role"] not in PARTY_ROLES:
        form.refuse(GgzyError("field.unchosen"), "role")
    if form["commitment"] != COMMITMENT_VERSION:
        form.refuse(GgzyError("field.not_committed"), "commitment")
    if form.problems or profile is None:
        return None
    return {
        "login": form["login"].lower(),
        "name": form["person"],
        "role": Role(form["role"]),
        "uscc": form["uscc"],
        "profile": profile,
        "commitment": Commitment(COMMITMENT_VERSION, form["person"]),
    }
