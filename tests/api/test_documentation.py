"""The documentation page comes from this host alone; the schema says what there is."""

import re

import httpx
import pytest

from api import documentation
from api.settings import Settings

HOST = re.compile(r"""(?:src|href|url)\s*[=(:]\s*["']?(?:https?:)?//""", re.IGNORECASE)
NODE_MODULES = Settings().node_modules


async def test_the_page_names_no_other_host(client: httpx.AsyncClient) -> None:
    """Page and start script hold no foreign address, and the page's policy forbids others and inline scripts."""
    page = await client.get("/docs")
    assert page.status_code == 200
    script = await client.get(documentation.SCRIPT_PATH)
    assert "//" not in page.text + script.text
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "validatorUrl: null" in script.text


async def test_everything_on_the_page_is_here(client: httpx.AsyncClient) -> None:
    """Each file that the page loads is served with its type."""
    page = (await client.get("/docs")).text
    paths = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(paths) == 4
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/png")


def test_the_style_sheet_names_no_other_host() -> None:
    """Swagger UI's style sheet loads nothing from elsewhere."""
    text = (NODE_MODULES / "swagger-ui-dist" / "swagger-ui.css").read_text(encoding="utf-8")
    assert HOST.search(text) is None


async def test_the_schema(client: httpx.AsyncClient) -> None:
    """OpenAPI 3.1 with the platform's name; every operation has a summary and an id of its own."""
    schema = (await client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["title"] == Settings().name
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) > 20


@pytest.mark.parametrize(("path", "text"), [("/healthz", "ok"), ("/readyz", "ok")])
async def test_health(client: httpx.AsyncClient, path: str, text: str) -> None:
    """Liveness needs nothing, readiness needs database and store."""
    assert (await client.get(path)).text == text
