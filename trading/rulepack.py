"""Rule packs: every number of days, share and quota that the law sets is data that names its article.

A pack is keyed by trade type, region (a prefix of the 6-digit division code, or ``*``) and time of effect. A regional
pack is laid over the general one, rule by rule. The files are described in docs/spec/rule-pack.md.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import msgspec

from kernel.errors import GgzyError, Kind

FORMAT = "ggzy/rule-pack/v1"
EVERYWHERE = "*"
CHINA = timezone(timedelta(hours=8))

Unit = Literal["days", "working_days", "years", "minutes", "hours", "count", "share", "flag", "names"]
Text = Annotated[str, msgspec.Meta(min_length=2, max_length=400)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$")]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: its value in its unit, the article that sets it, and whether it was checked against the text."""

    value: int | bool | str | tuple[Name, ...]
    unit: Unit
    article: Text
    verified: bool
    note: str = ""


class PackFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pack as its file states it. `effective_until` is the first day on which it no longer holds."""

    format: Literal["ggzy/rule-pack/v1"]
    name: Name
    title: Text
    trade_type: Name
    region: Annotated[str, msgspec.Meta(pattern=r"^(\*|[0-9]{2}|[0-9]{4}|[0-9]{6})$")]
    effective_from: date
    rules: dict[Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+\.[a-z_]+$")], Rule]
    effective_until: date | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """The rules in force for one trade type in one region on one day."""

    names: tuple[str, ...]
    rules: Mapping[str, Rule]

    def rule(self, name: str) -> Rule:
        """Return the rule with its article; ``rule.unknown`` if no pack in force has it."""
        try:
            return self.rules[name]
        except KeyError as error:
            raise GgzyError("rule.unknown", Kind.NOT_FOUND, rule=name) from error

    def value(self, name: str) -> Any:
        """Return the rule's value: int for days and counts, Decimal for shares, bool for flags, names as a tuple."""
        rule = self.rule(name)
        return Decimal(str(rule.value)) if rule.unit == "share" else rule.value


def pack(trade_type: str, region: str, on: date) -> Pack:
    """Return what is in force for this trade type in this region (6-digit code) on this day.

    Raises GgzyError ``rule.no_pack`` when no pack covers it.
    """
    return combine(shipped(), trade_type, region, on)


def pack_at(trade_type: str, region: str, moment: datetime) -> Pack:
    """Return what is in force at a moment, whose day is that of China (UTC+8)."""
    return pack(trade_type, region, local_day(moment))


def local_day(moment: datetime) -> date:
    """Return the day in China (UTC+8, no summer time since 1991)."""
    return moment.astimezone(CHINA).date()


def combine(files: tuple[PackFile, ...], trade_type: str, region: str, on: date) -> Pack:
    """Lay the packs in force over one another: the general first, then the nearer region, then the later.

    Raises GgzyError ``rule.no_pack``.
    """
    chosen = sorted(
        (file for file in files if _in_force(file, trade_type, region, on)),
        key=lambda file: (len(file.region.removeprefix(EVERYWHERE)), file.effective_from, file.name),
    )
    if not chosen:
        raise GgzyError("rule.no_pack", Kind.NOT_FOUND, trade_type=trade_type, region=region, on=on.isoformat())
    rules = {name: rule for file in chosen for name, rule in file.rules.items()}
    return Pack(tuple(file.name for file in chosen), rules)


def parse(text: str) -> PackFile:
    """Read a pack file strictly; GgzyError ``rule.bad_pack`` says where it is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(text), PackFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise GgzyError("rule.bad_pack", reason=str(error)) from error
    for name, rule in file.rules.items():
        if not _fits(rule):
            raise GgzyError("rule.bad_pack", reason=f"{name}: value does not fit the unit {rule.unit}")
    return file


@cache
def shipped() -> tuple[PackFile, ...]:
    """Return every pack of this installation."""
    folder = resources.files("trading.rules")
    texts = sorted((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(parse(text) for _, text in texts)


def _in_force(file: PackFile, trade_type: str, region: str, on: date) -> bool:
    return (
        file.trade_type == trade_type
        and (file.region == EVERYWHERE or region.startswith(file.region))
        and file.effective_from <= on
        and (file.effective_until is None or on < file.effective_until)
    )


def _fits(rule: Rule) -> bool:
    if rule.unit == "flag":
        return isinstance(rule.value, bool)
    if rule.unit == "names":
        return isinstance(rule.value, tuple) and bool(rule.value)
    if rule.unit == "share":
        return isinstance(rule.value, str) and _is_share(rule.value)
    return isinstance(rule.value, int) and not isinstance(rule.value, bool) and rule.value >= 0


def _is_share(text: str) -> bool:
    try:
        return text.isascii() and 0 < Decimal(text) <= 1
    except InvalidOperation:
        return False
