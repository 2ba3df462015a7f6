"""The API's documentation page: Swagger UI from the npm package, nothing from any other host."""

from html import escape
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.serialization import encode_json
from litestar.static_files import create_static_files_router

from api.description import SOURCE, describe
from api.locale import negotiate

SCRIPT_PATH = "/docs-start.js"
ASSETS_PATH = "/static/swagger-ui"
# Everything comes from this host, scripts from files alone; Swagger UI writes style attributes and small data: images.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}/favicon-32x32.png">
<link rel="stylesheet" href="{assets}/swagger-ui.css"></head>
<body><nav><a href="/">← {title}</a></nav><div id="swagger-ui"></div>
<script src="{assets}/swagger-ui-bundle.js"></script><script src="{script}"></script></body></html>
"""
# The page is Chinese whatever the browser prefers, and so are the refusals that are tried out on it.
SCRIPT = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] = "zh-CN";
    return request;
  },
});
"""


class DocumentationPage(OpenAPIRenderPlugin):
    """Serves the page at ``/docs``."""

    def __init__(self) -> None:
        """Stand at the top of the documentation's paths."""
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - inherited
        """Return the page; it fetches the schema itself."""
        title = escape(str(openapi_schema["info"]["title"]))
        return PAGE.format(title=title, assets=ASSETS_PATH, script=SCRIPT_PATH).encode()


def router() -> Router:
    """Return the place of the page, with the headers that it is sent with."""
    headers = [ResponseHeader(name=name, value=value) for name, value in HEADERS.items()]
    return Router("/docs", route_handlers=[], response_headers=headers, include_in_schema=False)


@get(SCRIPT_PATH, media_type="text/javascript", include_in_schema=False)
async def start_script() -> str:
    """Start Swagger UI; a file of its own as the page's policy forbids inline scripts."""
    return SCRIPT


@get("/openapi.json", include_in_schema=False)
async def schema(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the OpenAPI 3.1 description in Chinese, or in English for who asks for that before Chinese."""
    locale = negotiate(request.headers.get("accept-language", ""), besides=(SOURCE,))
    made: dict[str, bytes] = request.app.state.setdefault("descriptions", {})
    if locale not in made:
        made[locale] = encode_json(describe(request.app.openapi_schema.to_schema(), locale))
    headers = {"Content-Language": locale.replace("_", "-"), "Vary": "Accept-Language"}
    return Response(made[locale], media_type="application/json", headers=headers)


def assets(node_modules: Path) -> Router:
    """Return the route of Swagger UI's files."""
    folder = node_modules / "swagger-ui-dist"
    return create_static_files_router(ASSETS_PATH, [folder], name="swagger-ui", include_in_schema=False)


HANDLERS = (start_script, schema)
