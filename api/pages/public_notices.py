"""Public notices: found by words and filters under addresses that stay, each with its place in the log, as a feed."""

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode
from uuid import UUID, uuid5

from litestar import Controller, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api import download
from api.locale import words
from api.transaction import PUBLIC
from api.web import PUBLIC_PAGE, Form, Page, page, values
from api.web.policy import HEADERS
from api.web.rendering import environment
from api.wiring import Installation
from bidding import record
from kernel import database
from kernel.actor import Actor
from kernel.clock import parse
from kernel.errors import GgzyError
from trading import bigrams, bookings, differences, documents, notices, parties, search, sites, tenders
from trading.differences import Piece
from trading.documents import Document
from trading.draft import PREFIXES
from trading.notices import Notice
from trading.search import Wish

KINDS = (
    "tender",
    "clarification",
    "correction",
    "candidates",
    "award",
    "failure",
    "suspension",
    "resumption",
    "termination",
)
ASKED = ("q", "site", "type", "kind", "since", "until", "now")
NOW = "1"
CONTESTED = frozenset({"candidates", "award"})
CORRECTING = frozenset({"clarification", "correction"})
FED = 50
FEEDS = UUID("5d2b7c52-6a44-5a5e-8f0e-0f4b0b2f9a11")  # namespace of the ids of feeds
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ATOM = "application/atom+xml; charset=utf-8"


class Notices(Controller):
    """The list and single notices."""

    path = "/notices"
    include_in_schema = False
    opt = PUBLIC_PAGE

    @get()
    async def find(self, request: Page, session: AsyncSession) -> Response[bytes]:
        """Show a page of what was asked for; what cannot be understood of the question is told, not guessed."""
        form, wish = _asked(request)
        after = request.query_params.get("after")
        try:
            found = await search.find(session, wish, after=after)
        except GgzyError as error:
            form.refuse(error)
            found = await search.find(session, wish)
        listed = await sites.page(session)
        stated = {name: value for name, (value, *_) in form.fields.items() if value and name != "after"}
        following = None if found.next is None else f"/notices?{urlencode(stated | {'after': found.next})}"
        return page(
            request,
            "public/notices.html",
            form=form,
            found=found,
            more=found.total > search.COUNTED,
            counted=search.COUNTED,
            words=bigrams.runs(wish.text),
            names={site.code: site.name for site in listed},
            kinds=KINDS,
            types=tuple(PREFIXES),
            following=following,
            first=f"/notices?{urlencode(stated)}" if after else "",
            feed=f"/notices.atom?{urlencode(stated)}" if stated else "/notices.atom",
            narrowed=bool(stated),
        )

    @get("/{notice_id:uuid}")
    async def show(self, request: Page, session: AsyncSession, actor: Actor, notice_id: UUID) -> Response[bytes]:
        """Show a notice, what it changes, and where it stands in the log."""
        notice = await notices.get(session, notice_id)
        tender = await tenders.get(session, actor, notice.tender_id)
        listed = await notices.of_tender(session, notice.tender_id)
        former, listed_sites = _former(notice, listed), await sites.page(session)
        contested = notice.lot_id if notice.kind in CONTESTED else None
        return page(
            request,
            "public/notice.html",
            notice=notice,
            tender=tender,
            moment=await database.now(session),
            lot=next((lot for lot in tender.lots if lot.id == notice.lot_id), None),
            digest=notices.digest(notice).hex(),
            entry=await notices.entry(session, notice),
            moved=[parse(notice.data[name]) for name in ("old_deadline", "new_deadline") if name in notice.data],
            former=former,
            contested=contested is not None,
            offers=await record.stated(session, contested) if contested is not None else {},
            pieces=_pieces(former, notice),
            versions=_versions(notice, await documents.announced(session, actor, tender.id)),
            later=[one for one in listed if one.number > notice.number and _concerns(one, notice)],
            names={one.code: one.name for one in listed_sites},
            site=next(one for one in listed_sites if one.code == tender.site),
            parties=await parties.names(session, {tender.purchaser, *filter(None, [tender.agency])}),
            bookings=await bookings.of_tender(session, actor, tender.id),
        )

    @get("/{notice_id:uuid}/notice.json", media_type="application/json")
    async def content(self, session: AsyncSession, notice_id: UUID) -> Response[bytes]:
        """Give the canonical bytes, whose hash is in the log."""
        content = notices.encode(await notices.get(session, notice_id))
        headers = download.headers(f"notice-{notice_id}.json", cache=download.PUBLIC)
        return Response(content, media_type="application/json", headers=headers)


@get("/notices.atom", opt=PUBLIC | {"public_page": True}, include_in_schema=False)
async def feed(request: Page, session: AsyncSession, installation: Installation) -> Response[bytes]:
    """Give the newest notices, or those of a question, as Atom (RFC 4287). Links are relative to the feed's address."""
    form, wish = _asked(request)
    if form.problems:
        raise form.problems[0].error
    found = await search.find(session, wish, limit=FED)
    stated = urlencode({name: value for name, (value, *_) in form.fields.items() if value})
    newest = max((one.notice.published_at for one in found.items), default=None)
    text = (
        environment()
        .get_template("public/notices.atom")
        .render(
            t=lambda code: words(code, locale=installation.settings.locale),
            name=installation.settings.name,
            id=uuid5(FEEDS, f"{installation.signer.name}?{stated}"),
            own=f"/notices.atom?{stated}" if stated else "/notices.atom",
            page=f"/notices?{stated}" if stated else "/notices",
            updated=newest or await database.now(session),
            items=found.items,
        )
    )
    return Response(NOT_XML.sub("", text).encode(), media_type=ATOM, headers=HEADERS)


def _asked(request: Page) -> tuple[Form, Wish]:
    """Return the question as a form, with what is wrong in it, and as a wish without that."""
    query = request.query_params
    form = Form.of(**{name: query.get(name, "").strip() for name in ASKED})
    since, until = _day(form, "since"), _day(form, "until")
    if since and until and since > until:
        form.refuse(GgzyError("public.dates_reversed"), "until")
    known = {"site": form["site"] or None, "trade_type": form["type"] or None, "kind": form["kind"] or None}
    text, taking = form["q"].replace("\0", "")[: bigrams.ASKED], form["now"] == NOW
    return form, Wish(text, since=since, until=until, taking_bids=taking, **_plain(form, known))


def _plain(form: Form, known: dict[str, str | None]) -> dict[str, str | None]:
    if any("\0" in (value or "") for value in known.values()):
        form.refuse(GgzyError("public.bad_filter"))
        return {}
    return known


def _day(form: Form, name: str) -> date | None:
    day = values.day(form[name])
    if day is None and form[name]:
        form.refuse(GgzyError("public.bad_date"), name)
    return day


def _former(notice: Notice, listed: Sequence[Notice]) -> Notice | None:
    """Return the notice that this one is a new version of: of the same kind and place, or what it corrects."""
    earlier = [one for one in listed if one.number < notice.number and _concerns(one, notice)]
    same = [one for one in earlier if one.kind == notice.kind]
    corrected = [one for one in earlier if one.kind == "tender" or one.kind in CORRECTING]
    alike = [
        one
        for one in (*reversed(same), *(reversed(corrected) if notice.kind in CORRECTING else ()))
        if differences.are_alike(one.text, notice.text)
    ]
    return alike[0] if alike else None


def _pieces(former: Notice | None, notice: Notice) -> list[Piece]:
    return [] if former is None else differences.compare(former.text, notice.text)


def _concerns(one: Notice, other: Notice) -> bool:
    return one.lot_id is None or other.lot_id is None or one.lot_id == other.lot_id


def _versions(notice: Notice, known: list[Document]) -> list[tuple[Document | None, Document]]:
    """Return the documents that came with a correction, each with the version that it follows."""
    by_id = {str(one.id): one for one in known}
    by_place = {(one.lot_id, one.kind, one.title, one.version): one for one in known}
    came = [by_id[name] for name in notice.data.get("documents", []) if name in by_id]
    return [(by_place.get((one.lot_id, one.kind, one.title, one.version - 1)), one) for one in came]


HANDLERS = (feed,)
