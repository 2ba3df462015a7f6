"""The API's documentation page: Swagger UI from the npm package, nothing from any other host."""

from html import escape
from pathlib import Path
from typing import Any

from litestar import Request, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.response import Redirect
from litestar.serialization import encode_json
from litestar.static_files import create_static_files_router

SCRIPT_PATH = "/docs-start.js"
ASSETS_PATH = "/static/swagger-ui"
# Everything comes from this host; Swagger UI writes style attributes and small data: images.
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<link rel="stylesheet" href="{assets}/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="{assets}/swagger-ui-bundle.js"></script><script src="{script}"></script></body></html>
"""
SCRIPT = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null, deepLinking: true});\n'


class DocumentationPage(OpenAPIRenderPlugin):
    """Serves the page at ``/docs``."""

    def __init__(self) -> None:
        """Stand at the top of the documentation's paths."""
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - inherited
        """Return the page; it fetches the schema itself."""
        title = escape(str(openapi_schema["info"]["title"]))
        return PAGE.format(policy=POLICY, title=title, assets=ASSETS_PATH, script=SCRIPT_PATH).encode()


@get(SCRIPT_PATH, media_type="text/javascript", include_in_schema=False)
async def start_script() -> str:
    """Start Swagger UI; a file of its own as the page's policy forbids inline scripts."""
    return SCRIPT


@get("/openapi.json", media_type="application/json", include_in_schema=False)
async def schema(request: Request[Any, Any, Any]) -> bytes:
    """Return the OpenAPI 3.1 description."""
    return encode_json(request.app.openapi_schema.to_schema())


@get("/", include_in_schema=False)
async def front() -> Redirect:
    """Lead to the documentation while there are no other pages."""
    return Redirect("/docs", status_code=303)


def assets(node_modules: Path) -> Router:
    """Return the route of Swagger UI's files."""
    folder = node_modules / "swagger-ui-dist"
    return create_static_files_router(ASSETS_PATH, [folder], name="swagger-ui", include_in_schema=False)


HANDLERS = (start_script, schema, front)
