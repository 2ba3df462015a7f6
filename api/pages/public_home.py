"""What the platform shows at its door: home, help by role, site map, accessibility, robots and icon."""

from base64 import b64encode

from litestar import Controller, MediaType, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.pages import public_map
from api.transaction import PUBLIC
from api.web import PUBLIC_PAGE, Page, assets, page
from api.web.policy import HEADERS
from api.wiring import Installation
from archive import feed
from kernel import database
from kernel.errors import GgzyError, Kind
from trading import search, sites
from trading.search import Wish

NEWEST = 8
# For each role how many steps its help has (``public.help.<role>.<number>``) and where its work begins.
ROLES = {
    "bidder": (7, "/register"),
    "purchaser": (5, "/desk"),
    "expert": (4, "/desk"),
    "custodian": (4, "/desk"),
    "centre": (5, "/desk"),
    "supervisor": (4, "/desk"),
    "public": (5, "/notices"),
}
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /desk
Disallow: /account
Disallow: /bid/
Disallow: /purchase/
Disallow: /centre/
Disallow: /custody/
Disallow: /expert/
Disallow: /supervision/
Disallow: /admin/
"""


class Door(Controller):
    """Pages for everybody that hang on no single trade."""

    include_in_schema = False
    opt = PUBLIC_PAGE

    @get("/")
    async def home(self, request: Page, session: AsyncSession) -> Response[bytes]:
        """Show the map, figures, newest notices, openings of today, and how to check us."""
        now = await database.now(session)
        listed = await sites.page(session)
        return page(
            request,
            "public/home.html",
            places=public_map.layout(listed),
            size=(public_map.WIDTH, public_map.HEIGHT),
            names={site.code: site.name for site in listed},
            figures=await search.figures(session, now),
            newest=(await search.find(session, Wish(), limit=NEWEST)).items,
            openings=await search.openings_today(session, now),
            today=now,
            head=await feed.newest(session),
        )

    @get("/help")
    async def help(self, request: Page, session: AsyncSession) -> Response[bytes]:
        """Show where each role finds its help, and how the sites are reached."""
        return page(request, "public/help.html", roles=ROLES, sites=await sites.page(session))

    @get("/help/{role:str}")
    async def help_for(self, request: Page, role: str) -> Response[bytes]:
        """Show one role what it does here, step by step."""
        if role not in ROLES:
            raise GgzyError("request.unknown_path", Kind.NOT_FOUND)
        steps, start = ROLES[role]
        return page(request, "public/help_role.html", role=role, steps=steps, start=start)

    @get("/trail")
    async def trail(self, request: Page, session: AsyncSession, installation: Installation) -> Response[bytes]:
        """Explain the log, and show how far it is and which key signs it."""
        head = await feed.newest(session)
        root = b64encode((await feed.checkpoint(session)).root).decode() if head else ""
        return page(request, "public/trail.html", head=head, root=root, vkey=installation.signer.vkey)

    @get("/sitemap")
    async def sitemap(self, request: Page, session: AsyncSession) -> Response[bytes]:
        """Show every public page in one list."""
        return page(request, "public/sitemap.html", roles=ROLES, sites=await sites.page(session))

    @get("/accessibility")
    async def accessibility(self, request: Page) -> Response[bytes]:
        """Say how far the pages serve everybody, and what is known to be missing."""
        return page(request, "public/accessibility.html")


@get("/robots.txt", media_type=MediaType.TEXT, opt=PUBLIC, include_in_schema=False)
async def robots() -> str:
    """Let search engines read what is public."""
    return ROBOTS


@get("/favicon.ico", opt=PUBLIC, include_in_schema=False)
async def favicon(installation: Installation) -> Response[bytes]:
    """Give the icon to who asks for it by habit; pages name it themselves."""
    settings = installation.settings
    icon = assets.load(settings.node_modules, settings.seal_colour).find("icon.svg")
    return Response(icon.body, media_type=icon.media_type, headers=HEADERS | {"Cache-Control": "public, max-age=86400"})


HANDLERS = (robots, favicon)
