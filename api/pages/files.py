"""What pages are made of and report to: static files, the server's time, reports of a broken content policy."""

import structlog
from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from sqlalchemy.ext.asyncio import AsyncSession

from api.answer import accepts_gzip
from api.transaction import PUBLIC, SIGN_IN, STREAMED
from api.web import Page, assets
from api.web.policy import HEADERS
from api.wiring import Installation
from kernel import database
from kernel.clock import isoformat

log = structlog.get_logger(__name__)

FOREVER = "public, max-age=31536000, immutable"
MAX_REPORT = 16 * 1024


@get(f"{assets.PREFIX}/{{release:str}}/{{place:path}}", opt=PUBLIC, include_in_schema=False)
async def asset(release: str, place: str, request: Page, installation: Installation) -> Response[bytes]:
    """Return a static file; of another release it is the present one, and is not kept."""
    settings = installation.settings
    files = assets.load(settings.node_modules, settings.seal_colour)
    found = files.find(str(place))
    packed = accepts_gzip(request.scope)
    headers = HEADERS | {
        "Cache-Control": FOREVER if release == files.release else "no-store",
        "Vary": "Accept-Encoding",
    }
    headers |= {"Content-Encoding": "gzip"} if packed else {}
    headers |= {"Content-Security-Policy": found.policy} if found.policy else {}
    return Response(found.packed if packed else found.body, media_type=found.media_type, headers=headers)


@get("/time", opt=PUBLIC, include_in_schema=False, response_headers=[ResponseHeader("Cache-Control", value="no-store")])
async def time(session: AsyncSession) -> dict[str, str]:
    """Return the time that decides: the database's."""
    return {"now": isoformat(await database.now(session))}


@post(
    "/csp-reports",
    opt=STREAMED | PUBLIC | SIGN_IN,
    request_max_body_size=MAX_REPORT,
    include_in_schema=False,
    status_code=204,
)
async def report(request: Page) -> None:
    """Log what a browser refused to do on a page; the content is cut and never trusted."""
    body = await request.body()
    log.warning("page.policy_violation", report=body[:1000].decode("utf-8", "replace"))


HANDLERS = (asset, time, report)
