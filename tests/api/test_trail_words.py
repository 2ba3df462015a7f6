"""The trail in words: every kind of event and every member that the code records is told in Chinese."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from api import trail_words
from api.locale import DEFAULT, catalogue, words
from archive.event import HEARTBEAT, Event
from archive.package.holding import FILED
from kernel.actor import SYSTEM
from tests.test_house import SOURCES
from trading.lifecycle import STEPS

RECORDS = frozenset({"record", "log", "_record", "_told", "_issue", "rise"})
COMPUTED = frozenset(f"{'tender' if step.together else 'lot'}.{step.event}" for step in STEPS.values())
NO_KINDS = frozenset({HEARTBEAT, "committee.former_employer_years"})  # never opened; the name of a rule
KIND = re.compile(r"[a-z_]+\.[a-z_]+")


def test_every_kind_of_event_has_words() -> None:
    """No entry of the trail has a heading that is a code."""
    kinds = {kind for path in SOURCES for kind in _kinds(path)} | COMPUTED
    assert len(kinds) > 80
    refusals = catalogue(DEFAULT).keys()
    assert {kind for kind in kinds - refusals - NO_KINDS if trail_words.kind_words(kind) == kind} == set()


def test_every_member_of_an_event_has_words() -> None:
    """No member of an entry is told by its raw key."""
    members = {name: f"{path.name}:{name}" for path in SOURCES for name in _members(path)}
    assert len(members) > 100
    assert {name: place for name, place in members.items() if trail_words.member_words("", name) == name} == {}


def test_a_noun_to_narrow_by_is_one_that_is_recorded() -> None:
    """The list of events to choose from holds what there is, each once."""
    kinds = {kind for path in SOURCES for kind in _kinds(path)} | COMPUTED | {FILED}
    listed = trail_words.nouns()
    assert {noun for noun, _ in listed} <= {kind.rpartition(".")[0] for kind in kinds}
    assert len({text for _, text in listed}) == len(listed)


def test_values_are_told_as_people_say_them() -> None:
    """Codes, ids, times, ranges and refusals are words; what is shortened has the whole of it beside."""
    lot, other = "696df50e-2de7-46ef-92d2-5b5fcfe7a155", "3ce1d943-b207-40d9-8e18-6619f58bd0da"
    data = {
        "lot": lot, "booking": other, "seats": [1, 60], "begins_at": "2026-12-17T01:00:00.028988Z",
        "code": "bid.not_open", "kind": "opening", "missing": [],
    }  # fmt: skip
    event = Event(SYSTEM.user_id, "hall.booked", datetime.now(UTC), None, SYSTEM.user_id, data, sandbox=True)
    said = {one.name: (one.text, one.full) for one in trail_words.facts(event, {lot: "第 1 标段"})}
    assert said["标段"] == ("第 1 标段", lot)
    assert said["预订"] == ("3ce1d943…", other)
    assert said["开始时间"] == ("2026-12-17 09:00:00", "")
    assert {text for text, _ in said.values()} >= {"1–60", "开标室", "无"}
    assert all("{" not in text for text, _ in said.values())


def test_codes_in_refusals_are_words() -> None:
    """A refusal tells the state in words, several codes joined, and leaves what people wrote alone."""
    assert "流标" in words("bid.not_open", {"state": "failed"})
    assert "中心、招标人" in words("draw.commitments_missing", {"roles": "centre, purchaser"})
    assert "a, b" in words("rule.no_pack", {"trade_type": "a, b"})


def _kinds(path: Path) -> Iterator[str]:
    """Yield the kinds of event that a file hands to the trail, in place or by a name that is assigned in it."""
    tree = ast.parse(path.read_text())
    given = [arg for node in ast.walk(tree) for arg in _recorded(node)]
    named = {part.id for arg in given for part in ast.walk(arg) if isinstance(part, ast.Name)}
    kept = [node for node in ast.walk(tree) if _target(node) in named]
    for part in (part for node in (*given, *kept) for part in ast.walk(node)):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and KIND.fullmatch(part.value):
            yield part.value


def _members(path: Path) -> Iterator[str]:
    """Yield the keys of the dictionaries that a function of a file hands to the trail, by name or in place."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [arg for node in ast.walk(function) for arg in _recorded(node)]
            named = {arg.id for arg in given if isinstance(arg, ast.Name)}
            kept = [node for node in ast.walk(function) if _target(node) in named]
            for node in (*given, *kept):
                yield from (key for part in ast.walk(node) if isinstance(part, ast.Dict) for key in _keys(part))


def _recorded(node: ast.AST) -> list[ast.expr]:
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return node.args if isinstance(node, ast.Call) and name in RECORDS else []


def _target(node: ast.AST) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def _keys(node: ast.Dict) -> Iterator[str]:
    return (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
