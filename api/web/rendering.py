"""Pages by Jinja2: one environment, one context, one set of headers. Templates hold no words; ``t(code)`` has them."""

import base64
import json
import re
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.params import Parameter
from litestar.response import Redirect
from litestar.types import HTTPScope, Scope
from markupsafe import Markup

from api.accounts import authentication, credentials
from api.locale import DEFAULT, catalogue, negotiate, words
from api.web import assets, policy
from api.web.forms import Form
from api.wiring import Installation
from bidding import keysetup
from kernel.actor import ANONYMOUS
from kernel.clock import CHINA, civil, moment_of
from kernel.errors import GgzyError
from trading import bigrams
from trading.lot import LotFacts, State, own_title

Page = Request[Any, Any, Any]
"""A request for a page; who asks and what stands in its state is read through the dependencies."""
TEMPLATES = Path(__file__).parent.parent / "templates"
PAGE = {"page": True}
"""``opt`` of a page: refusals come as HTML; a POST must have been read by `Form.read`."""
PUBLIC_PAGE = {"page": True, "public": True, "public_page": True}
"""``opt`` of a page that is the same for everybody who is not signed in: it may come from the cache."""
KILO = 1000
BEFORE = Parameter(default=None, max_length=80)
"""The parameter ``before`` of a list in pages: what `trading.cursor` reads."""
DONE = re.compile(r"[a-z_]{1,60}")


class Numbered(Protocol):
    """A lot, or the draft of one."""

    @property
    def number(self) -> int:
        """Its number within the tender, from 1."""

    @property
    def title(self) -> str:
        """Its title as it was written."""


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    form: Form | None = None,
    status: int = 200,
    wasm: bool = False,
    **context: object,
) -> Response[bytes]:
    """Render a page. A form with problems makes it 422, so that nothing of the request is stored.

    `wasm`: libsodium runs in the page itself (not only in a Worker).
    """
    sent = form or Form()
    status = 422 if sent.problems else status
    body, headers = render(request.scope, template, wasm=wasm, form=sent, **context)
    return Response(body, status_code=status, headers=headers, media_type="text/html")


def see(path: str, *, done: str | None = None, **query: object) -> Redirect:
    """Lead to another page after a POST (303); `done` is the code of what it says there (``done.<code>``)."""
    asked = {**query, **({"done": done} if done else {})}
    return Redirect(path + ("?" + urlencode(asked) if asked else ""), status_code=303)


def render(scope: HTTPScope, template: str, *, wasm: bool = False, **context: object) -> tuple[bytes, dict[str, str]]:
    """Return the page's bytes and headers."""
    installation: Installation = scope["litestar_app"].state.installation
    nonce = base64.urlsafe_b64encode(installation.entropy.token(18)).decode()
    locale = locale_of(scope, installation.settings.locale)
    text = environment().get_template(template).render(_common(scope, installation, locale, nonce) | context)
    own = {"Content-Language": locale.replace("_", "-"), "Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}
    return text.encode(), policy.headers(nonce, wasm=wasm) | own


@cache
def environment() -> Environment:
    """Return the environment: everything escaped, a name that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters |= {"civil": _civil, "day": _day, "yuan": _yuan, "size": _size, "iso": datetime.isoformat}
    made.filters |= {"fingerprint": keysetup.fingerprint}
    made.filters |= {"marked": bigrams.marked, "excerpt": bigrams.excerpt}
    return made


def _common(scope: HTTPScope, installation: Installation, locale: str, nonce: str) -> dict[str, Any]:
    settings = installation.settings
    files = assets.load(settings.node_modules, settings.seal_colour)
    secret = authentication.session_secret(scope)
    actor = scope["state"].get("actor", ANONYMOUS)
    directory = scope["litestar_app"].state.directory
    query = dict(Request(scope).query_params.multi_items())
    now = installation.clock.now()
    return {
        "t": partial(worded, locale),
        "words_json": partial(_words_json, locale),
        "named": partial(named, locale),
        "numbered": partial(numbered, locale),
        "static": files.url,
        "nonce": nonce,
        "actor": actor,
        "signed_in": actor != ANONYMOUS,
        "entries": directory.of(actor) if actor != ANONYMOUS else [],
        "csrf": credentials.csrf(secret) if secret is not None else "",
        "settings": settings,
        "sandbox": settings.sandbox,
        "now": now,
        "state_of": partial(_state_of, now),
        "lang": locale.replace("_", "-"),
        "path": scope["path"],
        "address": _address(scope, settings.origin),
        "query": query,
        "done": _done(query.get("done", ""), locale),
        "form": Form(),
    }


def _state_of(now: datetime, lot: LotFacts) -> str:
    """Return by which name a lot's state is told: announced, it takes bids until its deadline, then it is ``due``."""
    taking = lot.state == State.ANNOUNCED
    return "due" if taking and lot.deadline is not None and lot.deadline <= now else lot.state


def _address(scope: HTTPScope, origin: str) -> str:
    """Return the page's own address as it is printed, without what was only said once."""
    asked = [(name, value) for name, value in Request(scope).query_params.multi_items() if name != "done"]
    return origin + quote(scope["path"]) + ("?" + urlencode(asked) if asked else "")


def locale_of(scope: Scope, default: str = DEFAULT) -> str:
    """Return the locale of an answer: the default, unless the request asks for another that exists."""
    wished = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return negotiate(wished.decode("latin-1"), default)


def worded(locale: str, code: str, /, **params: object) -> str:
    """Return the words of a code in a locale, moments among its params in civil form, lots by their names."""
    return words(code, {name: _told(locale, value) for name, value in params.items()}, locale)


def named(locale: str, lot: LotFacts) -> str:
    """Return a lot's name where nothing says which trade it belongs to: the project's title, then the lot's own."""
    return worded(locale, "lot.named", tender=lot.tender_title, lot=numbered(locale, lot))


def numbered(locale: str, lot: Numbered) -> str:
    """Return a lot's name on a page of its trade: its number, and what its title says beside it."""
    return worded(locale, "lot.numbered", number=lot.number, title=own_title(lot.title)).rstrip()


@cache
def _words_json(locale: str, prefix: str) -> Markup:
    """Return the words under a prefix as JSON that may stand in a script element of data."""
    found = {code: text for code, text in catalogue(locale).items() if code.startswith(prefix)}
    return Markup(json.dumps(found, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704 - no markup is left


def _done(code: str, locale: str) -> str:
    """Return what was done in words; nothing for a code that is not ours (anybody can write an address)."""
    return catalogue(locale).get(f"done.{code}", "") if DONE.fullmatch(code) else ""


def _told(locale: str, value: object) -> object:
    if (moment := moment_of(value)) is not None:
        return _civil(moment)
    match value:
        case datetime():
            return _civil(value)
        case LotFacts():
            return named(locale, value)
        case _:
            return value


def _civil(moment: datetime) -> str:
    return civil(moment.replace(microsecond=0)).removesuffix(" +08:00")


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d}"


def _yuan(amount: Decimal | str) -> str:
    return f"{Decimal(amount):,.2f}"


def _size(count: int) -> str:
    amount, units = float(count), ["B", "kB", "MB", "GB"]  # as js/size.js says it
    while amount >= KILO and len(units) > 1:
        amount, units = amount / KILO, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def refused(scope: HTTPScope, refusal: GgzyError, status: int) -> tuple[bytes, dict[str, str]]:
    """Return the page that tells a refusal."""
    return render(scope, "refusal.html", refusal=refusal, status=status)
