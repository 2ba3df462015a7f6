"""Trading over HTTP: a tender from its registration to its notice, documents by digest, secrets that stay secret."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from stdnum.cn import uscc

from api.wiring import Installation
from kernel.actor import Grant, Role, party, site
from trading import lots

Make = Callable[..., Awaitable[Any]]
API = "/api/v1"


def code(number: int) -> str:
    """Return a 统一社会信用代码 with a right check digit."""
    stem = f"91152502MA{number:07d}"
    return stem + uscc.calc_check_digit(stem)


PURCHASER, BIDDER = code(1), code(2)


def party_body(uscc_code: str, **changes: Any) -> dict[str, Any]:
    """Return a party's registration."""
    profile = {
        "name": f"单位{uscc_code[-4:]}",
        "legal_representative": "张三",
        "address": "某街1号",
        "contact": "李四",
        "phone": "0479-1234567",
        "region": "152502",
    }
    return {"uscc": uscc_code, "profile": profile, "commitment": {"version": "2026-1", "signed_by": "张三"}} | changes


def tender_body(**changes: Any) -> dict[str, Any]:
    """Return a tender of one lot, whose deadline leaves 21 days."""
    lot = {
        "number": 1,
        "title": "一标段",
        "estimate": "10000000.00",
        "bond": "200000.00",
        "deadline": (datetime.now(UTC) + timedelta(days=21)).isoformat(),
        "envelopes": [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 2}],
        "evaluation": {
            "method": "comprehensive",
            "formula": "lowest_price",
            "weights": {"technical": "60", "price": "40"},
        },
    }
    return {
        "title": "道路工程",
        "site": "152502",
        "purchaser": PURCHASER,
        "region": "152502",
        "lots": [lot],
    } | changes


class Scene:
    """People signed in, parties registered."""

    def __init__(self, client: httpx.AsyncClient, installation: Installation) -> None:
        self.client, self.installation = client, installation
        self.purchaser: Any = None
        self.acceptance: Any = None
        self.bidder: Any = None

    async def send(self, who: Any, method: str, path: str, **told: Any) -> httpx.Response:
        """Send a request as somebody, or as the public."""
        headers = {} if who is None else who.headers
        return await self.client.request(method, API + path, headers=headers, **told)

    async def ok(self, who: Any, method: str, path: str, **told: Any) -> Any:
        """Send a request that must succeed and return its answer."""
        answer = await self.send(who, method, path, **told)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(self, who: Any, method: str, path: str, **told: Any) -> tuple[int, str]:
        """Send a request that must be refused and return its status and code; its words must exist."""
        answer = await self.send(who, method, path, **told)
        assert not answer.is_success, answer.text
        problem = answer.json()
        assert problem["detail"] != problem["code"], problem
        return answer.status_code, problem["code"]

    async def store(self, who: Any, content: bytes) -> str:
        """Store a file and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        stored = await self.ok(who, "PUT", f"/files/{digest}", content=content)
        assert (stored["sha256"], stored["size"]) == (digest, len(content))
        return digest

    async def announce(self) -> Any:
        """Lead a tender with one document to its announcement."""
        tender = await self.ok(self.purchaser, "POST", "/tenders", json=tender_body())
        path = f"/tenders/{tender['id']}"
        document = {
            "kind": "tender_documents",
            "title": "招标文件",
            "sha256": await self.store(self.purchaser, b"%PDF-1.7 ..."),
            "media_type": "application/pdf",
        }
        await self.ok(self.purchaser, "POST", f"{path}/documents", json=document)
        await self.ok(self.purchaser, "POST", f"{path}/steps", json={"step": "enter"})
        await self.ok(self.acceptance, "POST", f"{path}/steps", json={"step": "accept"})
        async with self.installation.sessions.begin() as session:
            lot = (await lots.lock_all(session, tender["id"]))[0]
            await lots.assign_key(session, lot.id, hashlib.sha256(lot.id.bytes).digest())
        return await self.ok(self.purchaser, "POST", f"{path}/steps", json={"step": "announce", "text": "招标公告正文"})


@pytest.fixture
async def scene(client: httpx.AsyncClient, someone: Make, installation: Installation) -> Scene:
    """A purchaser, acceptance staff and a bidder with their parties."""
    scene = Scene(client, installation)
    scene.purchaser = await someone(Grant(Role.PURCHASER, party(PURCHASER)))
    scene.acceptance = await someone(Grant(Role.ACCEPTANCE, site("152502")))
    scene.bidder = await someone(Grant(Role.BIDDER, party(BIDDER)))
    for who, one in ((scene.purchaser, PURCHASER), (scene.bidder, BIDDER)):
        await scene.ok(who, "POST", "/parties", json=party_body(one))
    return scene


async def test_the_sites_are_there_from_the_start(client: httpx.AsyncClient) -> None:
    """One main site and three branches, public."""
    found = (await client.get(f"{API}/sites")).json()
    assert [(one["code"], one["kind"]) for one in found] == [
        ("152502", "main"),
        ("152524", "branch"),
        ("152525", "branch"),
        ("152527", "branch"),
    ]


async def test_a_tender_goes_from_registration_to_its_notice(scene: Scene) -> None:
    """The whole way over HTTP; what was announced is public, with its lots, its key's hash and its notice."""
    tender = await scene.announce()
    assert tender["code"].startswith("152502-GC-")
    seen = await scene.ok(None, "GET", f"/tenders/{tender['id']}")
    assert seen["lots"][0]["state"] == "announced"
    assert seen["lots"][0]["estimate"] == "10000000.00"
    assert len(seen["lots"][0]["opening_key_hash"]) == 64
    assert [one["id"] for one in (await scene.ok(None, "GET", "/tenders"))["items"]] == [tender["id"]]
    notices = await scene.ok(None, "GET", "/notices", params={"tender": tender["id"]})
    assert [(one["kind"], one["text"]) for one in notices["items"]] == [("tender", "招标公告正文")]
    assert await scene.ok(None, "GET", f"/notices/{notices['items'][0]['id']}") == notices["items"][0]


async def test_a_draft_answers_404_to_others(scene: Scene) -> None:
    """Nobody outside learns that a draft exists, by reading, listing or acting."""
    tender = await scene.ok(scene.purchaser, "POST", "/tenders", json=tender_body())
    lot = tender["lots"][0]["id"]
    for who in (None, scene.bidder):
        for path in (f"/tenders/{tender['id']}", f"/tenders/{tender['id']}/documents"):
            assert await scene.refused(who, "GET", path) == (404, "tender.not_found")
        assert await scene.refused(who, "GET", f"/lots/{lot}") == (404, "lot.not_found")
        body = {"step": "terminate", "reason": "x"}
        assert await scene.refused(who, "POST", f"/lots/{lot}/steps", json=body) == (404, "lot.not_found")
        assert (await scene.ok(who, "GET", "/tenders"))["items"] == []


async def test_documents_are_read_after_they_were_taken(scene: Scene) -> None:
    """A bidder takes the documents, then reads their very bytes; nobody learns who took them (法22)."""
    tender = await scene.announce()
    lot, path = tender["lots"][0]["id"], f"/tenders/{tender['id']}/documents"
    assert await scene.ok(scene.bidder, "GET", path) == []
    await scene.ok(scene.bidder, "POST", f"/lots/{lot}/issues", json={"bidder": BIDDER})
    listed = await scene.ok(scene.bidder, "GET", path)
    content = await scene.send(scene.bidder, "GET", f"/documents/{listed[0]['id']}/content")
    assert content.content == b"%PDF-1.7 ..."
    assert content.headers["content-disposition"].startswith("attachment")
    for who in (None, scene.bidder, scene.purchaser, scene.acceptance):
        assert await scene.refused(who, "GET", f"/lots/{lot}/issues") == (404, "issue.not_found")
    assert await scene.refused(None, "GET", f"/documents/{listed[0]['id']}/content") == (404, "document.not_found")
    other = {"bidder": PURCHASER}
    assert await scene.refused(scene.bidder, "POST", f"/lots/{lot}/issues", json=other) == (403, "issue.not_the_bidder")


async def test_a_file_with_a_wrong_digest_leaves_nothing(scene: Scene) -> None:
    """Neither object nor row remains of a file whose digest is not its name; the public stores nothing."""
    digest = hashlib.sha256(b"right").hexdigest()
    wrong = await scene.refused(scene.purchaser, "PUT", f"/files/{digest}", content=b"wrong")
    assert wrong == (422, "file.wrong_digest")
    assert [key async for key in scene.installation.store.keys("sha256/")] == []
    assert await scene.refused(scene.purchaser, "PUT", f"/files/{digest}", content=b"") == (422, "file.empty")
    assert await scene.refused(None, "PUT", f"/files/{digest}", content=b"right") == (403, "file.not_yours")
    assert await scene.store(scene.purchaser, b"right") == digest
    assert await scene.store(scene.purchaser, b"right") == digest


async def test_wrong_codes_are_named(scene: Scene) -> None:
    """A 统一社会信用代码 that is wrong says in what."""
    for wrong, uscc_code in (("length", PURCHASER[:-1]), ("character", "I" + PURCHASER[1:]), ("check_digit", "2")):
        sent = uscc_code if wrong != "check_digit" else PURCHASER[:-1] + ("1" if PURCHASER[-1] != "1" else "2")
        answer = await scene.send(scene.acceptance, "POST", "/parties", json=party_body(sent))
        assert (answer.status_code, answer.json()["code"]) == (422, "party.bad_uscc")
        assert answer.json()["params"]["wrong"] == wrong


async def test_a_party_is_registered_once_and_amended(scene: Scene) -> None:
    """The second registration conflicts; an amendment makes a revision and keeps the former one."""
    assert await scene.refused(scene.bidder, "POST", "/parties", json=party_body(BIDDER)) == (409, "party.known")
    body = party_body(BIDDER)
    body["profile"]["name"] = "改名后"
    changed = await scene.ok(scene.bidder, "PUT", f"/parties/{BIDDER}", json=body)
    assert (changed["name"], changed["revision"]) == ("改名后", 2)
    history = await scene.ok(scene.bidder, "GET", f"/parties/{BIDDER}/history")
    assert [one["profile"]["name"] for one in history] == [f"单位{BIDDER[-4:]}", "改名后"]
    assert await scene.refused(None, "GET", f"/parties/{BIDDER}") == (404, "party.not_found")
    assert await scene.refused(scene.bidder, "PUT", f"/parties/{PURCHASER}", json=body) == (422, "party.other_uscc")


async def test_the_same_key_registers_one_tender(scene: Scene) -> None:
    """A repeated write under one idempotency key answers the same and does nothing more."""
    headers = scene.purchaser.headers | {"Idempotency-Key": "one"}
    body = tender_body()
    first, second = [await scene.client.post(f"{API}/tenders", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len((await scene.ok(scene.purchaser, "GET", "/tenders"))["items"]) == 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"extra": 1}, (400, "request.invalid")),
        ({"method": "auction"}, (400, "request.invalid")),
        ({"lots": []}, (400, "request.invalid")),
        ({"site": "999999"}, (422, "site.unknown")),
        ({"agency": PURCHASER}, (422, "tender.own_agency")),
        ({"title": "a\u0000b"}, (400, "request.invalid")),
        ({"method": "invited"}, (422, "tender.bad_invitees")),
        ({"agency": code(99)}, (422, "party.unknown")),
    ],
)
async def test_bad_drafts_are_refused(scene: Scene, change: dict[str, Any], refusal: tuple[int, str]) -> None:
    """What is wrong with a draft is named by its code, and nothing is kept."""
    assert await scene.refused(scene.purchaser, "POST", "/tenders", json=tender_body(**change)) == refusal
    assert (await scene.ok(scene.purchaser, "GET", "/tenders"))["items"] == []


async def test_pages_have_a_cursor(scene: Scene) -> None:
    """Following `next` gives every tender once; a cursor of another form is refused."""
    made = [(await scene.ok(scene.purchaser, "POST", "/tenders", json=tender_body()))["id"] for _ in range(3)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"before": cursor} if cursor else {})
        page = await scene.ok(scene.purchaser, "GET", "/tenders", params=params)
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert await scene.refused(None, "GET", "/tenders", params={"before": "x"}) == (422, "page.bad_cursor")


async def test_steps_of_bidding_are_not_taken_here(scene: Scene) -> None:
    """Opening, evaluation, award and archive have commands of their own; the bare step is no request."""
    tender = await scene.announce()
    for step in ("begin_opening", "finish_opening", "finish_evaluation", "award", "archive"):
        status, _ = await scene.refused(
            scene.purchaser, "POST", f"/lots/{tender['lots'][0]['id']}/steps", json={"step": step}
        )
        assert status == 400


async def test_candidates_come_from_the_evaluation_report(scene: Scene) -> None:
    """Nobody names candidates by hand: without a final report there is nothing to publish, and no award."""
    lot = (await scene.announce())["lots"][0]["id"]
    ends = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    path, told = f"/lots/{lot}/publicity", {"text": "公示", "ends_at": ends}
    assert (await scene.refused(scene.purchaser, "POST", path, json=told))[0] == 404
    by_hand = told | {"candidates": [{"rank": 1, "bidder": BIDDER, "price": "1.00"}]}
    assert await scene.refused(scene.purchaser, "POST", path, json=by_hand) == (400, "request.invalid")
    award = {"winner": BIDDER, "text": "中标"}
    assert await scene.refused(scene.purchaser, "POST", f"/lots/{lot}/award", json=award) == (409, "lot.wrong_state")


async def test_the_documentation_describes_these_routes(client: httpx.AsyncClient) -> None:
    """Every route is in the OpenAPI document with its body; patterns are such that other languages read them too."""
    document = (await client.get("/openapi.json")).json()
    for path in ("/tenders", "/tenders/{tender_id}/steps", "/files/{sha256}", "/notices", "/parties", "/sites"):
        assert f"{API}{path}" in document["paths"], path
    assert "\\Z" not in str(document)


async def test_a_clarification_too_late_must_move_the_deadline(scene: Scene, someone: Make) -> None:
    """Within 15 days of the deadline a clarification is refused with the earliest deadline; moved, it is published."""
    tender = await scene.announce()
    lot, path = tender["lots"][0], f"/tenders/{tender['id']}/clarifications"
    tenderer, admin = scene.purchaser, await someone(Grant(Role.SYSTEM_ADMIN, "*"))
    later = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    await scene.ok(admin, "POST", "/sandbox/clock", json={"advance_to": later})
    body: dict[str, Any] = {"title": "澄清一", "text": "图纸改版", "lots": [1]}
    assert await scene.refused(tenderer, "POST", path, json=body) == (409, "deadline.must_move")
    deadline = (datetime.now(UTC) + timedelta(days=40)).isoformat()
    told = await scene.ok(tenderer, "POST", path, json=body | {"deadline": deadline})
    assert told[0]["data"]["old_deadline"] < told[0]["data"]["new_deadline"]
    assert (await scene.ok(None, "GET", f"/lots/{lot['id']}"))["deadline"] > lot["deadline"]
