"""The web application: routes, documentation, problems and the one middleware, around an installation."""

import contextlib
import warnings
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import LitestarDeprecationWarning
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from api import bundle, description, documentation, jobs, live, pages, problems, routes
from api.broadcast import Boards
from api.dependencies import DEPENDENCIES
from api.guard import Guard
from api.settings import Settings
from api.transaction import MAX_BODY, Transaction
from api.web import cache, front, navigation
from api.wiring import installed


def build(settings: Settings) -> Litestar:
    """Return the application; when it starts it opens the installation and runs the jobs."""
    with warnings.catch_warnings():
        # Litestar 3 will want a marker on every argument. Ours are plain: dependencies come by name from one table
        # (api.dependencies), `data` is always JSON, the rest stands in the path or the query. The pin is below 3.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return _application(settings)


def _application(settings: Settings) -> Litestar:
    pages_kept = cache.Cache(settings.locale)
    app = Litestar(
        route_handlers=[
            *routes.collect(),
            *pages.collect(),
            *documentation.HANDLERS,
            documentation.assets(settings.node_modules),
        ],
        dependencies=DEPENDENCIES,
        middleware=[front.Keeper, Transaction],
        exception_handlers={Exception: problems.handle},
        lifespan=[_lifespan(settings)],
        openapi_config=_openapi(settings),
        request_max_body_size=MAX_BODY,
        state=State({"directory": navigation.gather(pages.modules()), "cache": pages_kept}),
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = Guard(front.Front(app.asgi_handler, pages_kept), settings)
    return app


def _lifespan(settings: Settings) -> Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def serving(app: Litestar) -> AsyncIterator[None]:
        async with installed(settings) as installation:
            app.state.installation = installation
            await bundle.publish(installation)
            async with jobs.running(installation), live.running(installation) as hub:
                app.state.boards = Boards(hub)
                async with cache.following(app.state.cache, hub):
                    yield

    return serving


def _openapi(settings: Settings) -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="A token from POST /api/v1/tokens")
    return OpenAPIConfig(
        title=settings.name,
        version=version("ggzy"),
        description=description.ABOUT,
        openapi_router=documentation.router(),
        render_plugins=[documentation.DocumentationPage()],
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}, {}],
        use_handler_docstrings=True,
    )
