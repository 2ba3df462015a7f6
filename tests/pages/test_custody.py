"""The custodians' pages over ASGI: what each person sees of key makings, openings and draws, and what is refused."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from sqlalchemy import select, update

from api.broadcast import Boards
from api.live import Hub
from api.wiring import Installation
from bidding.keymaking_tables import CeremonyRow, CustodianRow
from experts import draws
from experts.draws import Conditions
from kernel import actor as actors
from kernel.actor import Grant, Role
from tests.bidding import scene as scenes
from tests.bidding.ceremonies import draft_lot, place
from tests.bidding.stage import PURCHASER, SITE
from tests.conftest import Someone
from tests.experts import scene as draw_scenes
from tests.pages.conftest import SignIn, Visitor, text_of
from trading.tables import LotRow

Make = Callable[..., Awaitable[Someone]]
SIDES = (
    Grant(Role.WITNESS, actors.site(SITE)),
    Grant(Role.PURCHASER, actors.party(PURCHASER)),
    Grant(Role.SUPERVISOR, actors.site(SITE)),
)


@pytest.fixture
async def people(installation: Installation, someone: Make) -> tuple[Someone, ...]:
    """One custodian of each side."""
    async with installation.sessions.begin() as session:
        await place(session)
    return tuple([await someone(side, name=f"保管{at}") for at, side in enumerate(SIDES, 1)])


def asked(custodians: tuple[Someone, ...], **changed: object) -> dict[str, object]:
    """Return the fields of the form that begins a key making."""
    pairs = zip(custodians, SIDES, strict=True)
    named = [f"{side.role}:{one.actor.user_id}" for one, side in pairs]
    told = {"site": SITE, "purchaser": PURCHASER, "people": named, "threshold": "2", "count": "3", "hours": "72"}
    return told | changed


async def begin(visitor: Visitor, people: tuple[Someone, ...]) -> str:
    """Begin a key making by the form and return where it is."""
    answer = await visitor.send_form("/custody/ceremonies/new", **asked(people))
    assert answer.status_code == 303
    return str(answer.headers["location"]).split("?")[0]


async def test_the_witness_begins_a_key_making(
    people: tuple[Someone, ...], signed_in: SignIn, installation: Installation
) -> None:
    """The form offers who has the roles and a device, tells what is needed, and leads to the key making."""
    async with installation.sessions.begin() as session:
        await draft_lot(session)
    witness = await signed_in(people[0])
    chosen = text_of(await witness.get("/custody/ceremonies/new"))
    assert "尚无密钥的标段" in chosen
    form = text_of(await witness.get("/custody/ceremonies/new", params={"site": SITE, "purchaser": PURCHASER}))
    assert all(f"保管{at}（{role}）" in form for at, role in ((1, "见证"), (2, "招标人"), (3, "监管")))
    where = await begin(witness, people)
    shown = text_of(await witness.get(where))
    assert "开标密钥 3 把（3 人中 2 人开启）" in shown
    assert "第一轮：提交承诺" in shown


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"people": []}, "人数或数量不合要求"),
        ({"threshold": "3"}, "人数或数量不合要求"),
        ({"count": "many"}, "人数或数量不合要求"),
        ({"hours": "0"}, "有效时间须在"),
        ({"purchaser": "911525027401234566"}, "911525027401234566"),
        ({"people": [f"witness:{uuid4()}"]}, ""),
    ],
)
async def test_wrong_terms_come_back_with_what_was_typed(
    people: tuple[Someone, ...], signed_in: SignIn, changed: dict[str, object], words: str
) -> None:
    """422 with the refusal on top; nothing is begun."""
    witness = await signed_in(people[0])
    answer = await witness.send_form("/custody/ceremonies/new", **asked(people, **changed))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "还没有您参加的密钥制作" in text_of(await witness.get("/custody"))


async def test_two_of_one_side_could_not_open_alone(
    people: tuple[Someone, ...], someone: Make, signed_in: SignIn
) -> None:
    """A side with as many custodians as open is refused in words."""
    second = await someone(SIDES[0], name="另一见证")
    named = [*asked(people)["people"], f"witness:{second.actor.user_id}"]  # type: ignore[misc]
    answer = await (await signed_in(people[0])).send_form("/custody/ceremonies/new", **asked(people, people=named))
    assert answer.status_code == 422
    assert "可以单独开启" in text_of(answer)


async def test_only_witnesses_begin(people: tuple[Someone, ...], signed_in: SignIn, visitor: Visitor) -> None:
    """Others are told so; who is not signed in is led to sign in first."""
    supervisor = await signed_in(people[2])
    answer = await supervisor.get("/custody/ceremonies/new")
    assert answer.status_code == 403
    assert "只有该站点的见证人员可以发起密钥制作" in text_of(answer)
    assert (await supervisor.send_form("/custody/ceremonies/new", **asked(people))).status_code == 403
    witness = await signed_in(people[0])
    elsewhere = await witness.get("/custody/ceremonies/new", params={"site": "152527", "purchaser": PURCHASER})
    assert elsewhere.status_code == 403
    unknown = await witness.get("/custody/ceremonies/new", params={"purchaser": "91152502MA0N7E8T0X"})
    assert unknown.status_code == 422
    answer = await visitor.get("/custody")
    assert answer.status_code == 303
    assert str(answer.headers["location"]).startswith("/sign-in?next=")


async def test_who_sees_a_key_making(
    people: tuple[Someone, ...], someone: Make, signed_in: SignIn, app: Litestar
) -> None:
    """Its custodians take part on their device, overseers look on, for others it does not exist."""
    where = await begin(await signed_in(people[0]), people)
    for one in people:
        page = await (await signed_in(one)).get(where)
        assert f'data-device="{one.actor.device_key.hex()}"' in page.text if one.actor.device_key else False
        assert "wasm-unsafe-eval" not in page.headers["content-security-policy"]
    overseer = await signed_in(await someone(SIDES[2], name="旁观"))
    page = await overseer.get(where)
    assert page.status_code == 200
    assert "data-device" not in page.text
    stranger = await signed_in(await someone(Grant(Role.BIDDER, actors.party("91152502MA0N7E8T0X"))))
    assert (await stranger.get(where)).status_code == 404
    app.state.boards = Boards(Hub(""))
    for part in ("progress", "events"):
        assert (await stranger.get(f"{where}/{part}")).status_code == 404
    assert (await stranger.get(f"/custody/ceremonies/{uuid4()}")).status_code == 404


async def test_the_progress_stands_alone_and_stops_asking_at_the_end(
    people: tuple[Someone, ...], signed_in: SignIn
) -> None:
    """The fragment renews itself while the key making is open, and not once it was ended with a reason."""
    purchaser = await signed_in(people[1])
    where = await begin(await signed_in(people[0]), people)
    assert f'data-live="{where}/events"' in (await purchaser.get(f"{where}/progress")).text
    refused = await purchaser.send_form(f"{where}/abort", reason="  ")
    assert refused.status_code == 422
    ended = await purchaser.send_form(f"{where}/abort", reason="设备指纹不一致")
    assert ended.status_code == 303
    progress = await purchaser.get(f"{where}/progress")
    assert "data-live" not in progress.text
    assert "设备指纹不一致" in text_of(progress)
    assert "<html" not in progress.text
    again = await purchaser.send_form(f"{where}/abort", reason="再一次")
    assert again.status_code == 422


async def test_what_waits_is_on_the_desk(
    people: tuple[Someone, ...], signed_in: SignIn, installation: Installation
) -> None:
    """A key making waits for each custodian, and for nobody else."""
    where = await begin(await signed_in(people[0]), people)
    for one in people:
        desk = await (await signed_in(one)).get("/desk")
        assert where in desk.text
        assert "参加密钥制作（3 把）" in text_of(desk)


async def test_an_opening_asks_its_custodians(
    installation: Installation, tmp_path: Path, someone: Make, signed_in: SignIn
) -> None:
    """Who holds a share is asked on the desk and on the page; the lot's purchaser looks on; strangers find nothing."""
    scene = await scenes.prepare(installation, tmp_path)
    for number in range(3):
        await scene.hand_in(number)
    await scene.pass_deadline()
    await scene.begin()
    holder = await someone(SIDES[0], name="持有人")
    async with installation.sessions.begin() as session:
        ceremony = (await session.scalars(select(CeremonyRow.id))).one()
        own = {"user_id": holder.actor.user_id, "device_key": holder.actor.device_key}
        session.add(CustodianRow(ceremony_id=ceremony, number=1, role="witness", **own))
    place = f"/custody/openings/{scene.lot_id}/1"
    visitor = await signed_in(holder)
    assert "为开标给出份额：工程" in text_of(await visitor.get("/desk"))
    assert place in (await visitor.get("/custody")).text
    page = await visitor.get(place)
    assert "已有 0 份，需要 2 份" in text_of(page)
    assert "技术、报价" in text_of(page)
    onlooker = await signed_in(await someone(SIDES[1], name="招标人"))
    assert "您不是这把密钥的保管人" in text_of(await onlooker.get(place))
    stranger = await signed_in(await someone(Grant(Role.BIDDER, actors.party("91152502MA0N7E8T0X"))))
    assert (await stranger.get(place)).status_code == 404
    assert (await visitor.get(f"/custody/openings/{scene.lot_id}/2")).status_code == 404
    assert "开标进行中" not in text_of(await visitor.get("/desk")), "one task for one opening"
    stamped = await scene.request()
    for index in (2, 3):
        await scene.give(scene.answer(stamped, index), index)
    assert "为开标给出份额" not in text_of(await visitor.get("/desk"))
    assert "无需给出" in text_of(await visitor.get("/custody"))
    async with installation.sessions.begin() as session:
        await session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(state="terminated"))
    assert place not in (await visitor.get("/custody")).text


async def test_a_draw_asks_its_three_parties(installation: Installation, someone: Make, signed_in: SignIn) -> None:
    """Each party is asked for its own side's nonce; strangers find nothing."""
    async with installation.sessions.begin() as session:
        scene = await draw_scenes.build(session)
    people = [await someone(side) for side in SIDES]
    async with installation.sessions.begin() as session:
        witness = people[0].actor
        made = await draws.prepare(
            session, witness, scene.lot_id, Conditions(draw_scenes.QUOTAS), entropy=installation.entropy
        )
    place = f"/custody/draws/{made.id}"
    for one, side in zip(people, ("中心（见证）", "招标人", "监管"), strict=True):
        visitor = await signed_in(one)
        assert "提交随机数的承诺" in text_of(await visitor.get("/desk"))
        page = await visitor.get(place)
        assert "等待三方承诺" in text_of(page)
        assert side in text_of(page)
        assert "<html" not in (await visitor.get(f"{place}/progress")).text
    stranger = await signed_in(await someone(Grant(Role.BIDDER, actors.party("91152502MA0N7E8T0X"))))
    assert (await stranger.get(place)).status_code == 404
    assert (await stranger.get(f"/custody/draws/{UUID(int=1)}")).status_code == 404


async def test_what_an_opening_key_is_is_explained_to_everybody(visitor: Visitor) -> None:
    """Without signing in: what “2 of 3” means, and what to do when a key is lost."""
    told = text_of(await visitor.get("/custody/about"))
    assert "任意两份合在一起可以开启" in told
    assert "丢失的份额无法找回" in told


async def test_a_page_that_is_up_to_date_is_not_sent_again(people: tuple[Someone, ...], signed_in: SignIn) -> None:
    """The fragment names the state that it shows; asked for the same one, it answers nothing: none is read twice."""
    purchaser = await signed_in(people[1])
    where = await begin(await signed_in(people[0]), people)
    link = re.search(r'hx-get="([^"]+)"', (await purchaser.get(where)).text)
    assert link is not None
    assert (await purchaser.get(link[1])).status_code == 204
    assert (await purchaser.get(f"{where}/progress?seen=other")).status_code == 200
