"""Words for people: one folder per locale with plain gettext catalogues, msgid = code, msgstr = its words.

The reader takes the part of the .po format that we write (no plurals, no contexts) and is strict; it is our own because
the top of the command line must start in a few milliseconds. A test compares it with Babel's.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kernel.clock import readable

FOLDER = Path(__file__).parent
DEFAULT = "zh_CN"
# Under which prefixes the words of a value stand besides ``value.<name>.``, where other pages say them too.
PLACES = {
    "state": ("lot.state.", "pages.bid.state.", "pages.draws.draw_state.", "pages.custody.state."),
    "from": ("lot.state.",),
    "to": ("lot.state.",),
    "step": ("lot.step.",),
    "role": ("accounts.role.",),
    "roles": ("accounts.role.",),
    "side": ("accounts.role.",),
    "missing": ("accounts.role.", "document.kind.", "room.kind."),
    "kind": ("room.kind.", "document.kind.", "notice.kind.", "room.order.", "pages.expert.opinion."),
    "kinds": ("room.kind.", "document.kind."),
    "expected": ("room.kind.",),
    "envelope": ("room.kind.",),
    "document": ("document.kind.",),
    "field": ("pages.purchase.field.",),
    "method": ("room.method.", "public.method."),
    "failed": ("outage.failed.",),
    "cause": ("outage.cause.",),
    "decision": ("outage.decision.",),
    "trade_type": ("public.type.",),
    "ground": ("pages.expert.grounds.",),
}
ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}


def words(code: str, params: Mapping[str, object] | None = None, locale: str = DEFAULT) -> str:
    """Return the words of a code with its params filled in, times in civil form; the code itself when it has none."""
    template = catalogue(locale).get(code) or catalogue(DEFAULT).get(code)
    if template is None:
        return code
    told = {name: value_words(name, readable(value), locale) for name, value in (params or {}).items()}
    return template.format_map(_Filler(told))


def value_words(name: str, value: object, locale: str = DEFAULT, *, of: str = "") -> object:
    """Return the words of a param's value where it is a code, each of several joined by 、; anything else as it is.

    `of` is the noun whose member it is: ``value.<of>.<name>.`` comes before ``value.<name>.`` and `PLACES`.
    """
    if isinstance(value, list | tuple):
        return "、".join(str(value_words(name, one, locale, of=of)) for one in value)
    if not isinstance(value, str):
        return value
    known = catalogue(locale)
    places = (f"value.{of}.{name}.", f"value.{name}.", *PLACES.get(name, ()))
    found = [next((known[place + one] for place in places if place + one in known), None) for one in value.split(", ")]
    return "、".join(one for one in found if one is not None) if None not in found else value


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Return all words of a locale by code; empty for a locale that does not exist."""
    entries: dict[str, str] = {}
    for path in sorted((FOLDER / locale).glob("*.po")):
        entries |= read(path)
    return entries


def locales() -> list[str]:
    """Return the locales that exist."""
    return list(_locales_in(FOLDER))


def negotiate(accept_language: str, default: str = DEFAULT, *, besides: tuple[str, ...] = ()) -> str:
    """Return the first locale that exists of an ``Accept-Language`` header, taken in the order written.

    `besides` are languages that need no catalogue.
    """
    existing = {name.lower().replace("_", "-"): name for name in (*locales(), *besides)}
    for wish in accept_language[:200].split(","):
        tag = wish.split(";")[0].strip().lower()
        for name, locale in existing.items():
            if tag and (name == tag or name.split("-")[0] == tag.split("-")[0]):
                return locale
    return default


def read(path: Path) -> dict[str, str]:
    """Read one .po file; ValueError with the line's number where it is not what we write."""
    entries: dict[str, str] = {}
    parts: dict[str, str] = {}
    field = ""
    for number, raw in enumerate([*path.read_text(encoding="utf-8").splitlines(), 'msgid ""'], 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ") if not line.startswith('"') else (field, "", line)
        if keyword not in ("msgid", "msgstr") or (keyword == "msgstr" and "msgid" not in parts):
            raise ValueError(f"{path.name}:{number}")
        if keyword == "msgid" and not line.startswith('"'):
            _keep(entries, parts, path.name, number)
            parts = {}
        field = keyword
        parts[field] = parts.get(field, "") + _unquote(rest, path.name, number)
    entries.pop("", None)
    return entries


@cache
def _locales_in(folder: Path) -> tuple[str, ...]:
    """Return the locales of a folder, looked up once: every request asks."""
    return tuple(sorted(one.name for one in folder.iterdir() if any(one.glob("*.po"))))


class _Filler(dict[str, object]):
    """A placeholder without a value stays as it is written."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def _keep(entries: dict[str, str], parts: dict[str, str], name: str, number: int) -> None:
    if not parts:
        return
    if "msgstr" not in parts or parts["msgid"] in entries:
        raise ValueError(f"{name}:{number}")
    entries[parts["msgid"]] = parts["msgstr"]


def _unquote(text: str, name: str, number: int) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':  # noqa: PLR2004 - two quotes
        raise ValueError(f"{name}:{number}")
    inner = iter(text[1:-1])
    result = []
    for character in inner:
        if character == '"':
            raise ValueError(f"{name}:{number}")
        result.append(_escaped(next(inner, ""), name, number) if character == "\\" else character)
    return "".join(result)


def _escaped(letter: str, name: str, number: int) -> str:
    if letter not in ESCAPES:
        raise ValueError(f"{name}:{number}")
    return ESCAPES[letter]
