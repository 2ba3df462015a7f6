"""The way from a sketch to the announcement by forms alone, and what the tenderer does afterwards."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from api.accounts import credentials
from api.wiring import Installation
from kernel.clock import CHINA
from kernel.database import now
from tests.conftest import Someone
from tests.pages import entry
from tests.pages.conftest import HOST, Maker, SignIn, Visitor, text_of
from tests.pages.entry import AMOUNTS, BIDDERS, PROJECT, TERMS, People
from trading import documents, file_parts
from trading.party import COMMITMENT_VERSION


@pytest.fixture
async def people(installation: Installation, someone: Maker) -> People:
    """The parties are registered and the staff employed."""
    return await entry.people(installation, someone)


async def written(visitor: Visitor, deadline: str, **changes: str) -> str:
    """Write a sketch by its steps and return its address."""
    begun = await visitor.send_form("/purchase/new", **PROJECT | changes)
    assert begun.status_code == 303, text_of(begun)
    place = begun.headers["location"].removesuffix("/lots/1")
    kept = await visitor.send_form(f"{place}/lots/1", **AMOUNTS)
    assert kept.headers["location"] == f"{place}/lots/1/terms"
    done = await visitor.send_form(f"{place}/lots/1/terms", **TERMS | {"deadline": deadline})
    assert done.status_code == 303, text_of(done)
    return place


async def in_days(installation: Installation, days: int) -> str:
    """Return a deadline so many days ahead as its field shows it."""
    async with installation.sessions() as session:
        return (await now(session) + timedelta(days=days)).astimezone(CHINA).strftime("%Y-%m-%dT09:00")


async def registered(visitor: Visitor, installation: Installation, days: int = 40) -> str:
    """Register a tender by steps and return the address of its page."""
    place = await written(visitor, await in_days(installation, days))
    answer = await visitor.send_form(f"{place}/registration")
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["location"].partition("?")[0])


async def upload(visitor: Visitor, place: str, kind: str = "tender_documents", **fields: str) -> Any:
    """Attach a small file with the form itself, as without JavaScript."""
    file = {"file": ("招标文件.pdf", b"%PDF-1.7 " + kind.encode(), "application/pdf")}
    data = {"csrf": credentials.csrf(visitor.secret), "kind": kind, "lot": "", "title": "", "sha256": "", **fields}
    return await visitor.post(f"{place}/documents", data=data, files=file, headers={"Origin": HOST})


async def announced(signed_in: SignIn, installation: Installation, people: People, days: int = 40) -> str:
    """Bring a tender to its announcement by forms and return the address of its page."""
    agency, clerk = await signed_in(people.agency), await signed_in(people.acceptance)
    place = await registered(agency, installation, days)
    centre = place.replace("/purchase/", "/centre/")
    assert (await upload(agency, place)).status_code == 303
    assert (await agency.send_form(f"{place}/entry", commitment=COMMITMENT_VERSION)).status_code == 303
    assert (await clerk.send_form(f"{centre}/acceptance")).status_code == 303
    await entry.free_keys(installation)
    lot = re.search(r"/lots/([\w-]+)/opening-key", (await clerk.get(centre)).text).group(1)
    assert (await clerk.send_form(f"{centre}/lots/{lot}/opening-key")).status_code == 303
    answer = await agency.send_form(f"{place}/announcement", text="招标公告正文")
    assert answer.headers["location"] == f"{place}?done=tender_announced", text_of(answer)
    return place


async def lot_of(visitor: Visitor, place: str) -> str:
    """Return the address of a tender's first lot."""
    return re.search(r'href="(/purchase/lots/[\w-]+)"', (await visitor.get(place)).text).group(1)


async def take(installation: Installation, who: Someone, lot: str, bidder: str) -> None:
    """Let a bidder take the documents."""
    async with installation.sessions.begin() as session:
        await documents.take(session, who.actor, lot.rpartition("/")[2], bidder, entropy=installation.entropy)


async def test_from_sketch_to_announcement_by_forms(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """Every step is a form; each page says what comes next; the public finds the notice at the end."""
    agency = await signed_in(people.agency)
    place = await announced(signed_in, installation, people)
    page = await agency.get(place)
    assert "正在接收投标" in text_of(page)
    notices = (await agency.get("/api/v1/notices")).json()["items"]
    assert [(one["kind"], one["text"]) for one in notices] == [("tender", "招标公告正文")]
    assert "锡林浩特市道路工程" in text_of(await agency.get("/purchase"))


async def test_a_step_tells_everything_wrong_at_its_fields(signed_in: SignIn, people: People) -> None:
    """Wrong codes, amounts and weights come back at their fields with what was typed."""
    agency = await signed_in(people.agency)
    wrong = await agency.send_form("/purchase/new", **PROJECT | {"title": "", "region": "15", "method": ""})
    assert wrong.status_code == 422
    assert re.findall(r'<li><a href="#(\w+)"', wrong.text) == ["title", "region", "method"]
    place = (await agency.send_form("/purchase/new", **PROJECT)).headers["location"].removesuffix("/lots/1")
    amounts = await agency.send_form(f"{place}/lots/1", **AMOUNTS | {"estimate": "一千万"})
    assert 'id="estimate-wrong"' in amounts.text
    await agency.send_form(f"{place}/lots/1", **AMOUNTS | {"bond": "300000"})
    terms = await agency.send_form(f"{place}/lots/1/terms", **TERMS | {"deadline": "2030-01-01T09:00"})
    assert "200000.00" in text_of(terms)
    await agency.send_form(f"{place}/lots/1", **AMOUNTS)
    for changed, where in (
        ({"weight_price": "50"}, "weight_price"),
        ({"threshold": "3"}, "threshold"),
        ({"price": "0"}, "price"),
        ({"technical_item-1": "施工方案", "technical_points-1": "10"}, "technical_item"),
        ({"technical_item-1": "施工方案", "technical_points-1": "很多"}, "technical_points-1"),
        ({"technical_item-1": "方案 甲", "technical_points-1": "60"}, "technical_item-1"),
        ({"deviation_item-1": "工期", "deviation_points-1": "50000"}, "deviation_item"),
        ({"deadline": "morgen"}, "deadline"),
    ):
        answer = await agency.send_form(f"{place}/lots/1/terms", **TERMS | {"deadline": "2030-01-01T09:00"} | changed)
        assert answer.status_code == 422
        assert f'href="#{where}"' in answer.text


async def test_rows_are_added_and_removed_without_scripts(signed_in: SignIn, people: People) -> None:
    """A button shows the form again with a row more or less and everything else as typed; two of a name are told."""
    agency = await signed_in(people.agency)
    place = (await agency.send_form("/purchase/new", **PROJECT)).headers["location"].removesuffix("/lots/1")
    await agency.send_form(f"{place}/lots/1", **AMOUNTS)
    typed = TERMS | {"threshold": "zwei", "technical_item-1": "施工方案", "technical_points-1": "40.5"}
    more = await agency.send_form(f"{place}/lots/1/terms", **typed, rows="add:technical_item")
    assert more.status_code == 200
    assert re.findall(r'name="(technical_\w+-\d+)"', more.text) == [
        f"technical_{column}-{number}" for number in (1, 2) for column in ("item", "points")
    ]
    assert all(f'value="{text}"' in more.text for text in ("施工方案", "40.5", "zwei"))
    assert "合计 40.50 分，应为 60 分" in text_of(more)
    second = typed | {"technical_item-2": "施工方案", "technical_points-2": "19.5", "threshold": "2"}
    twice = await agency.send_form(f"{place}/lots/1/terms", **second)
    assert 'href="#technical_item-2"' in twice.text
    less = await agency.send_form(f"{place}/lots/1/terms", **second, rows="remove:technical_item-1")
    assert re.findall(r'name="technical_points-\d+" value="([^"]+)"', less.text) == ["19.5"]
    invited = await agency.send_form("/purchase/new", **PROJECT | {"invitee-1": BIDDERS[0]}, rows="add:invitee")
    assert re.findall(r'name="invitee-\d+" value="(\w*)"', invited.text) == [BIDDERS[0], ""]
    wrong = await agency.send_form("/purchase/new", **PROJECT | {"invitee-1": BIDDERS[0], "invitee-2": "42"})
    assert 'href="#invitee-2"' in wrong.text


async def test_the_rules_behind_the_numbers_are_shown(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """The page of a lot's terms names the article of each period and proposes a deadline that keeps it."""
    agency = await signed_in(people.agency)
    place = (await agency.send_form("/purchase/new", **PROJECT)).headers["location"].removesuffix("/lots/1")
    await agency.send_form(f"{place}/lots/1", **AMOUNTS)
    page = await agency.get(f"{place}/lots/1/terms")
    assert "招标投标法 第二十四条" in text_of(page)
    proposed = re.search(r'name="deadline"[^>]*value="([^"]+)"', page.text).group(1)
    assert proposed >= await in_days(installation, 20)
    assert proposed.endswith("T09:00")


async def test_a_sketch_is_its_writers_alone(signed_in: SignIn, installation: Installation, people: People) -> None:
    """Even the purchaser of the same tender does not see what the agency is still writing."""
    agency, purchaser = await signed_in(people.agency), await signed_in(people.purchaser)
    place = await written(agency, await in_days(installation, 40))
    assert (await agency.get(place)).status_code == 200
    assert (await purchaser.get(place)).status_code == 404
    assert (await purchaser.send_form(f"{place}/registration")).status_code == 404
    assert (await agency.send_form(f"{place}/discarding")).headers["location"] == "/purchase?done=sketch_discarded"
    assert (await agency.get(place)).status_code == 404


async def test_bidders_write_no_tenders(signed_in: SignIn, people: People) -> None:
    """The service refuses, the page shows its words."""
    bidder = await signed_in(people.bidder)
    assert (await bidder.send_form("/purchase/new", **PROJECT)).status_code == 403


async def test_a_returned_tender_is_amended_and_entered_again(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """What is missing stands on the tenderer's page and desk; the draft goes back into steps with its values."""
    agency, clerk = await signed_in(people.agency), await signed_in(people.acceptance)
    place = await registered(agency, installation)
    await upload(agency, place)
    refused = await agency.send_form(f"{place}/entry")
    assert refused.status_code == 422
    await agency.send_form(f"{place}/entry", commitment=COMMITMENT_VERSION)
    centre = place.replace("/purchase/", "/centre/")
    empty = await clerk.send_form(f"{centre}/return", missing="  ")
    assert "一次性" in text_of(empty)
    await clerk.send_form(f"{centre}/return", missing="立项批复\n资金证明")
    assert "资金证明" in text_of(await agency.get(place))
    assert "已退回" in text_of(await agency.get("/desk"))
    back = await agency.send_form(f"{place}/sketch")
    sketch = back.headers["location"]
    shown = await agency.get(f"{sketch}/lots/1/terms")
    assert 'value="60"' in shown.text
    await agency.send_form(f"{sketch}/lots/1", **AMOUNTS | {"title": "一标段（修改）"})
    await agency.send_form(f"{sketch}/lots/1/terms", **TERMS | {"deadline": await in_days(installation, 45)})
    lowest = {
        "evaluation": "lowest_evaluated",
        "deviation_item-1": "工期延后",
        "deviation_points-1": "50000",
        "technical_item-2": "施工方案",
        "technical_points-2": "60",
    }
    await agency.send_form(f"{sketch}/lots/1/terms", **TERMS | {"deadline": await in_days(installation, 45)} | lowest)
    assert (await agency.send_form(f"{sketch}/registration")).headers["location"].startswith(place)
    again = (await agency.send_form(f"{place}/sketch")).headers["location"]
    kept = await agency.get(f"{again}/lots/1/terms")
    assert all(f'value="{text}"' in kept.text for text in ("工期延后", "50000", "施工方案", "60"))
    assert "第 1 标段 （修改）" in text_of(await agency.get(place))


async def test_an_early_deadline_is_refused_with_its_article(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """The guard's words stand on the page of the announcement, and nothing is published."""
    agency, clerk = await signed_in(people.agency), await signed_in(people.acceptance)
    place = await registered(agency, installation, days=10)
    await upload(agency, place)
    await agency.send_form(f"{place}/entry", commitment=COMMITMENT_VERSION)
    await clerk.send_form(f"{place.replace('/purchase/', '/centre/')}/acceptance")
    without_key = await agency.send_form(f"{place}/announcement", text="公告")
    assert "开标密钥" in text_of(without_key)
    await entry.free_keys(installation)
    centre = place.replace("/purchase/", "/centre/")
    lot = re.search(r"/lots/([\w-]+)/opening-key", (await clerk.get(centre)).text).group(1)
    await clerk.send_form(f"{centre}/lots/{lot}/opening-key")
    early = await agency.send_form(f"{place}/announcement", text="公告")
    assert early.status_code == 422
    assert "第二十四条" in text_of(early)
    assert (await agency.get("/api/v1/notices")).json()["items"] == []


async def test_documents_get_versions_and_wrong_kinds_are_refused(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """The same kind and title again is the next version; without a file the form says so."""
    agency = await signed_in(people.agency)
    place = await registered(agency, installation)
    for _ in range(2):
        assert (await upload(agency, place)).status_code == 303
    assert "第 2 版" in text_of(await agency.get(f"{place}/documents"))
    assert (await upload(agency, place, kind="no such")).status_code == 422
    empty = await agency.send_form(f"{place}/documents", kind="other", title="x", lot="")
    assert "请选择文件" in text_of(empty)


async def test_a_clarification_within_the_legal_days_moves_the_deadline(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """Refused at the deadline's field until it moves far enough; then old and new are shown as a difference."""
    place = await announced(signed_in, installation, people, days=21)
    agency = await signed_in(people.agency)
    form = {"lots": "1", "title": "澄清一", "text": "图纸更正", "material": "yes", "deadline": ""}
    await entry.advance(installation, timedelta(days=8))
    refused = await agency.send_form(f"{place}/clarification", **form)
    assert 'href="#deadline"' in refused.text
    later = await in_days(installation, 30)
    file = {"file-1": ("招标文件.pdf", b"%PDF-1.7 second", "application/pdf")}
    rows = {
        "kind-1": "tender_documents",
        "lot-1": "",
        "title-1": "招标文件.pdf",
        "csrf": credentials.csrf(agency.secret),
    }
    whole = form | {"deadline": later} | rows
    done = await agency.post(f"{place}/clarification", data=whole, files=file, headers={"Origin": HOST})
    assert done.status_code == 303, text_of(done)
    assert "第 2 版" in text_of(await agency.get(f"{place}/documents"))
    page = await agency.get(await lot_of(agency, place))
    assert re.search(r"<del>[\d: -]+</del> <ins>[\d: -]+</ins>", page.text)


async def test_a_deadline_moves_with_its_reason_only_to_a_later_time(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """An earlier one is refused at its field."""
    place = await announced(signed_in, installation, people)
    agency = await signed_in(people.agency)
    lot = await lot_of(agency, place)
    earlier = await agency.send_form(f"{lot}/deadline", deadline=await in_days(installation, 39), reason="早一点")
    assert 'href="#deadline"' in earlier.text
    later = await agency.send_form(f"{lot}/deadline", deadline=await in_days(installation, 50), reason="延长")
    assert later.headers["location"] == f"{lot}?done=deadline_moved"


async def test_suspending_resuming_terminating(signed_in: SignIn, installation: Installation, people: People) -> None:
    """Each needs its reason, each is published; what the state does not offer is not shown."""
    place = await announced(signed_in, installation, people)
    agency = await signed_in(people.agency)
    lot = await lot_of(agency, place)
    assert (await agency.send_form(f"{lot}/steps/suspend", reason="")).status_code == 422
    assert (await agency.send_form(f"{lot}/steps/suspend", reason="核查")).status_code == 303
    page = await agency.get(lot)
    assert "/steps/resume" in page.text
    assert "/steps/suspend" not in page.text
    assert (await agency.send_form(f"{lot}/steps/resume", reason="")).status_code == 303
    early = await agency.send_form(f"{lot}/steps/fail", reason="无人投标")
    assert early.status_code == 422
    assert (await agency.send_form(f"{lot}/steps/terminate", reason="取消")).status_code == 303
    assert "终止" in text_of(await agency.get(lot))
    assert (await agency.get(f"{lot}/steps/award")).status_code == 404


async def test_questions_and_answers_by_forms(signed_in: SignIn, installation: Installation, people: People) -> None:
    """A bidder asks, the purchaser sees no name, answers once, and the rival reads the answer without the asker."""
    place = await announced(signed_in, installation, people)
    agency, bidder, rival = [await signed_in(who) for who in (people.agency, people.bidder, people.rival)]
    lot = await lot_of(agency, place)
    questions = f"/bid/lots/{lot.rpartition('/')[2]}/questions"
    assert "领取" in text_of(await bidder.get(questions))
    refused = await bidder.send_form(questions, text="工期？")
    assert refused.status_code == 422
    for who, number in ((people.bidder, 0), (people.rival, 1)):
        await take(installation, who, lot, BIDDERS[number])
    assert (await bidder.send_form(questions, text="工期可否顺延？")).status_code == 303
    assert "工期可否顺延" not in text_of(await rival.get(questions))
    seen = await agency.get(f"{lot}/questions")
    assert "工期可否顺延" in text_of(seen)
    assert not any(name in seen.text for name in (BIDDERS[0], f"单位{BIDDERS[0][-4:]}"))
    assert "答复 1 个问题" in text_of(await agency.get("/desk"))
    number = re.search(r'name="answer-([\w-]+)"', seen.text).group(1)
    form = {"title": "答疑", "material": "yes", "deadline": "", f"wording-{number}": "工期可否顺延？"}
    assert (await agency.send_form(f"{lot}/questions", **form)).status_code == 422
    named = form | {f"answer-{number}": f"单位{BIDDERS[0][-4:]}所问，可以"}
    assert "不得提及" in text_of(await agency.send_form(f"{lot}/questions", **named))
    done = await agency.send_form(f"{lot}/questions", **form | {f"answer-{number}": "不可以。"})
    assert done.status_code == 303, text_of(done)
    assert "不可以。" in text_of(await rival.get(questions))


async def test_who_took_the_documents_is_on_no_page_before_the_opening(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """The page does not exist and no link leads there (法22)."""
    place = await announced(signed_in, installation, people)
    agency = await signed_in(people.agency)
    lot = await lot_of(agency, place)
    await take(installation, people.bidder, lot, BIDDERS[0])
    assert (await agency.get(f"{lot}/issues")).status_code == 404
    own = (await agency.get(lot)).text
    assert "/issues" not in own
    assert f"{lot}/steps/terminate" in own
    assert f"{lot}/steps/fail" not in own  # its opening decides that, with the bids before it


async def test_result_pages_show_their_guards(signed_in: SignIn, installation: Installation, people: People) -> None:
    """Before the report there is nobody to publish, award or contract; the pages say why."""
    place = await announced(signed_in, installation, people)
    agency = await signed_in(people.agency)
    lot = await lot_of(agency, place)
    publicity = await agency.send_form(f"{lot}/publicity", text="公示", ends_at=await in_days(installation, 9))
    assert publicity.status_code == 422
    award = await agency.send_form(f"{lot}/award", text="定标", winner=BIDDERS[0], reason="")
    assert award.status_code == 422
    assert (await agency.send_form(f"{lot}/contract")).status_code == 422
    for name in ("publicity", "award", "contract", "deadline", "questions"):
        assert (await agency.get(f"{lot}/{name}")).status_code == 200


async def test_strangers_find_no_desk(signed_in: SignIn, installation: Installation, people: People) -> None:
    """What is public is on the public pages; the tenderer's pages exist for the tenderer alone."""
    place = await announced(signed_in, installation, people)
    agency, rival = await signed_in(people.agency), await signed_in(people.rival)
    lot = await lot_of(agency, place)
    for address in (place, lot, f"{lot}/questions", f"{lot}/award", f"{place}/documents", f"{place}/clarification"):
        assert (await rival.get(address)).status_code == 404
    assert (await rival.send_form(f"{lot}/steps/suspend", reason="x")).status_code in (403, 404, 422)
    assert (await rival.get(f"{lot}/questions")).status_code == 404


async def test_a_document_comes_in_parts_and_is_attached_by_its_digest(
    signed_in: SignIn, installation: Installation, people: People
) -> None:
    """What the upload script asks for: the parts that are there, more of them, the file of them; the form names it."""
    agency = await signed_in(people.agency)
    place = await registered(agency, installation)
    content = b"%PDF-1.7" + bytes(file_parts.PART_SIZE)
    path = f"/api/v1/files/{hashlib.sha256(content).hexdigest()}"
    agency.headers["X-CSRF-Token"] = credentials.csrf(agency.secret)
    assert (await agency.get(f"{path}/parts")).json() == []
    assert (await agency.put(f"{path}/parts/1", content=content[file_parts.PART_SIZE :])).status_code == 204
    early = await agency.post(path, json={"parts": 2})
    assert early.json()["code"] == "file.parts_missing"
    assert (await agency.put(f"{path}/parts/0", content=content[: file_parts.PART_SIZE])).status_code == 204
    assert (await agency.get(f"{path}/parts")).json() == [0, 1]
    joined = await agency.post(path, json={"parts": 2})
    assert joined.json()["size"] == len(content)
    assert (await agency.get(f"{path}/parts")).json() == []
    named = {"kind": "drawings", "title": "图纸", "lot": "", "sha256": joined.json()["sha256"]}
    assert (await agency.send_form(f"{place}/documents", **named)).status_code == 303
    assert (await agency.put(f"{path}/parts/0", content=content)).json()["code"] == "file.bad_part"
    bidder = await signed_in(people.bidder)
    bidder.headers["X-CSRF-Token"] = credentials.csrf(bidder.secret)
    assert (await bidder.put(f"{path}/parts/0", content=b"x")).status_code == 403
