"""The page /verify as one file: every module of the program stands in it, so that it runs without a network.

A saved page has no server to import from. Each module becomes a ``data:`` address under a name of its own in an import
map, and every import of a neighbour becomes that name. Not for pages that the site shows: their policy forbids it.
"""

import base64
import json
import posixpath
import re

from api.web.assets import Assets

ENTRY = "js/verify/page.js"
NAMED = "ggzy/"
STYLES = ("theme.css", "site.css", "verify.css")
# libsodium is found by an address that is put together at run time; here it has its name.
SODIUM = "js/lib/sodium.js"
COMPUTED = "inNode ? NAME : new URL(PLACE, import.meta.url).href"
LIBSODIUM = "vendor/libsodium-wrappers-sumo/dist/modules-sumo-esm/libsodium-wrappers.mjs"

_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.\.?/[^"']+)\2""")


def import_map(files: Assets) -> str:
    """Return the import map (JSON) of everything that the page's program imports, itself among it."""
    found: dict[str, str] = {}
    waiting = [ENTRY, LIBSODIUM]
    while waiting:
        path = waiting.pop()
        if NAMED + path in found:
            continue
        text, imported = _renamed(path, files.files[path].body.decode())
        found[NAMED + path] = _address("text/javascript", text)
        waiting.extend(imported)
    return json.dumps({"imports": found})


def styles(files: Assets) -> str:
    """Return the address of the page's style sheets, one after another."""
    return _address("text/css", "\n".join(files.files[path].body.decode() for path in STYLES))


def _address(media_type: str, text: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(text.encode()).decode()}"


def _renamed(path: str, text: str) -> tuple[str, list[str]]:
    """Return a module whose imports name their modules, and the paths of these."""
    imported: list[str] = []

    def name(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[3]))
        imported.append(target)
        return f"{match[1]}{match[2]}{NAMED}{target}{match[2]}"

    if path == SODIUM:
        if COMPUTED not in text:
            raise RuntimeError(path)
        text = text.replace(COMPUTED, f'"{NAMED}{LIBSODIUM}"')
    # Types in our comments import too; what only they name is not part of the program.
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if path.startswith("js/") else text
    return _IMPORT.sub(name, code), imported
