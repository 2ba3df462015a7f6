"""A form that was sent: its fields, where it came from, and what is wrong with it.

A POST of a form is let in twice: `api.accounts.authentication` looks at where it comes from, and `Form.read` asks for
the token of the session in the hidden field ``csrf`` (OWASP's synchronizer token). A form with problems is shown again
with everything that was typed; its page answers 422, so nothing is stored.
"""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile

from api.accounts import authentication, credentials
from kernel.errors import GgzyError, Kind

CHECKED = "form_checked"
MAX_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal at a field; at "" it concerns the form as a whole."""

    field: str
    error: GgzyError


@dataclass(slots=True)
class Form:
    """Fields by name in the order sent, and problems found so far."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    async def read(cls, request: Request[Any, Any, Any]) -> "Form":
        """Read the form of a request; ``csrf.missing`` without its token, ``request.malformed`` for what is no form."""
        sent = await request.form()
        form = cls()
        for name, value in sent.multi_items():
            if isinstance(value, UploadFile):
                form.files.setdefault(name, []).append(value)
            else:
                form.fields.setdefault(name, []).append(str(value).replace("\r\n", "\n").strip())
        if sum(map(len, form.fields.values())) > MAX_FIELDS or any("\0" in text for text in form._texts()):
            raise GgzyError("request.malformed")
        _check_token(request, form["csrf"])
        request.scope["state"][CHECKED] = True
        return form

    @classmethod
    def of(cls, /, **fields: object) -> "Form":
        """Return a form filled in beforehand, to be shown."""
        return cls({name: [str(value)] for name, value in fields.items() if value is not None})

    def __getitem__(self, name: str) -> str:
        """Return the first value of a field, stripped; "" when it was not sent."""
        return self.fields.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may be sent several times."""
        return self.fields.get(name, [])

    def file(self, name: str) -> UploadFile | None:
        """Return the file of a field, None when none was chosen."""
        return next((one for one in self.files.get(name, []) if one.filename), None)

    def refuse(self, error: GgzyError, where: str = "") -> None:
        """Put a refusal at a field, or at the form as a whole."""
        self.problems.append(Problem(where, error))

    def trying(self, places: "Places" = "", *, missing: Collection[str] = ()) -> "Trial":
        """Begin a block in which refusals are put at their fields instead of going on.

        `places`: the field, or fields by the refusal's code or its noun, with "" for all others. What does not exist
        for who asks goes on, but for the codes in `missing`: these are things that the form names.

            with form.trying({"venue.taken": "begins_at"}):
                made = await bookings.book(…)
                return see(…)
            return await _show(…, form)
        """
        return Trial(self, {"": places} if isinstance(places, str) else places, missing)

    def arrange(self, *names: str) -> None:
        """Put what is wrong into the order in which the page shows the fields; fields not named stay last."""
        self.problems.sort(key=lambda one: names.index(one.field) if one.field in names else len(names))

    def problem(self, name: str) -> GgzyError | None:
        """Return what is wrong with a field."""
        return next((one.error for one in self.problems if one.field == name), None)

    def _texts(self) -> list[str]:
        return [text for name, values in self.fields.items() for text in (name, *values)]


Places = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """A block of `Form.trying`."""

    form: Form
    places: Mapping[str, str]
    missing: Collection[str]

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        """Put a refusal at its place in the form; True where it is settled by that."""
        if not isinstance(error, GgzyError):
            return False
        if error.kind is Kind.NOT_FOUND and error.code not in self.missing:
            return False
        noun = error.code.partition(".")[0]
        self.form.refuse(error, next((self.places[one] for one in (error.code, noun, "") if one in self.places), ""))
        return True


def _check_token(request: Request[Any, Any, Any], shown: str) -> None:
    """Look where the form comes from, and compare its token with the session's; who is not signed in has none."""
    if not authentication.from_here({name.lower(): value for name, value in request.scope["headers"]}):
        raise GgzyError("csrf.missing", Kind.FORBIDDEN)
    secret = authentication.session_secret(request.scope)
    wanted = credentials.csrf(secret) if secret is not None else ""
    if not hmac.compare_digest(shown.encode(), wanted.encode()):
        raise GgzyError("csrf.missing", Kind.FORBIDDEN)
