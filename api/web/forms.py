"""A form that was sent: its fields, where it came from, and what is wrong with it.

A POST of a form is let in twice: `api.accounts.authentication` looks at where it comes from, and `Form.read` asks for
the token of the session in the hidden field ``csrf`` (OWASP's synchronizer token). A form with problems is shown again
with everything that was typed; its page answers 422, so nothing is stored.
"""

import hmac
from dataclasses import dataclass, field
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

    def problem(self, name: str) -> GgzyError | None:
        """Return what is wrong with a field."""
        return next((one.error for one in self.problems if one.field == name), None)

    def _texts(self) -> list[str]:
        return [text for name, values in self.fields.items() for text in (name, *values)]


def _check_token(request: Request[Any, Any, Any], shown: str) -> None:
    """Look where the form comes from, and compare its token with the session's; who is not signed in has none."""
    if not authentication.from_here({name.lower(): value for name, value in request.scope["headers"]}):
        raise GgzyError("csrf.missing", Kind.FORBIDDEN)
    secret = authentication.session_secret(request.scope)
    wanted = credentials.csrf(secret) if secret is not None else ""
    if not hmac.compare_digest(shown.encode(), wanted.encode()):
        raise GgzyError("csrf.missing", Kind.FORBIDDEN)
