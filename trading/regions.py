"""Administrative divisions that forms offer, as data (`regions.toml`, GB/T 2260)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType


@cache
def known() -> Mapping[str, str]:
    """Return names by six-digit code, in the order in which they are offered."""
    text = (resources.files("trading") / "regions.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(text)["regions"])


def offered(*also: str) -> list[tuple[str, str]]:
    """Return codes with their names, and codes stated earlier (`also`) that are not among them."""
    others = [(code, code) for code in dict.fromkeys(also) if code and code not in known()]
    return [*others, *((code, f"{name} {code}") for code, name in known().items())]
