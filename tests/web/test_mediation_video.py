"""Mediation without a case by video on pages: arranged, each party's consent on the telephone, called off."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect
from sqlalchemy import select

from cases.policy import SYSTEM
from scheduling.links import issue_link
from scheduling.reach import load_session
from scheduling.session import Session, SessionState
from scheduling.sessions.invitations import list_invitations
from scheduling.sessions.mediation_video import arrange_video
from scheduling.sessions.sessions import move_session
from tests.mediations import KEEPER, make_ready, make_third_party
from tests.scenarios.browsers import needs_chromium
from tests.scheduling.test_mediation_video import command_for
from tests.web.conftest import Browser, House
from tests.web.test_minutes_page import signed_in
from web.notice import mediation_notice
from web.sentences import WEB, of_module

ROOM_MODULES = ("room", "citizen", "media", "materials", "minutes", "signaling")
SAID = """async (sentences) => {
  const console = document.querySelector("script[type=module][src*='room/console']").src;
  const { t } = await import(console.replace("room/console.js", "translate.js"));
  return sentences.map((sentence) => t(sentence));
}"""


async def make_sitting(house: House) -> tuple[str, str]:
    """Session id and mediation id of a sitting that begins in five minutes."""
    async with house.database.session() as db:
        mediation = await make_ready(db, house.clock, house.world)
        actor = house.world.actor(KEEPER)
        session = await arrange_video(db, house.clock, actor, command_for(house.clock, mediation.id))
        return session.id, mediation.id


async def phone_of(house: House, session_id: str, name: str) -> tuple[Browser, str]:
    """A telephone that has opened the personal link of this guest, and the link's address."""
    async with house.database.session() as db:
        rows = await list_invitations(db, session_id)
        found = next(each for each in rows if each.display_name.startswith(name))
        secret = await issue_link(db, house.clock, SYSTEM, found.id)
    phone = house.browser()
    assert (await phone.post(f"/j/{found.code}/exchange", json={"secret": secret})).status == 200
    return phone, f"/j/{found.code}"


async def test_a_sitting_by_video_is_arranged_from_the_mediation(house: House) -> None:
    async with house.database.session() as db:
        lawyer = await make_third_party(db, house.clock, house.world, kind="lawyer", name="钱律师")
        mediation = await make_ready(db, house.clock, house.world)
    keeper, path = await house.official(KEEPER), f"/mediation/{mediation.id}"
    page = await (await keeper.get(path)).text()
    assert "安排视频调解" in page and "不录音录像" in page and "钱律师（律师，" in page
    booked = {"day": "2026-07-23", "time": "", "length": "60", "helper": lawyer.id}
    await keeper.send(path, f"{path}/video", **booked)
    page = await (await keeper.get(path)).text()
    assert "还没有安排调解" in page and 'role="alert"' in page and "checked" in page
    assert (await keeper.send(path, f"{path}/video", **(booked | {"time": "10:00"}))).status == 303
    page = await (await keeper.get(path)).text()
    assert "2026年7月23日 10:00" in page and "进入调解室" in page
    async with house.database.session() as db:
        session_id = (await db.scalars(select(Session.id))).one()
    sitting = await (await keeper.get(f"/sessions/{session_id}")).text()
    assert "安排调解" in sitting and "安排接访" not in sitting  # Its history, too.
    assert "调解不录音录像" in sitting and mediation.number in sitting and "当事人" in sitting
    assert mediation.subject in await (await keeper.get("/board?day=2026-07-23")).text()
    for key in ("city.receptionist", "chengguan.reviewer"):
        other = await house.official(key)
        assert (await other.get(f"/sessions/{session_id}")).status == 404, key
    sent = await (await keeper.get("/outbox")).text()
    assert "视频调解" in sent and "全程录音录像" not in sent


async def test_a_party_agrees_on_the_telephone_and_enters(house: House) -> None:
    session_id, _ = await make_sitting(house)
    phone, base = await phone_of(house, session_id, "李德福")
    own, notice = f"{base}/mediation", mediation_notice()
    assert (await phone.get(f"{base}/room")).headers["Location"] == own
    assert (await phone.post(f"{base}/ticket", json={})).status == 422
    page = await (await phone.get(own)).text()
    assert "马调解" in page and "不录音录像" in page and "赵六" not in page
    agreed = {"decision": "agree", "version": notice.version, "digest": notice.digest}
    assert (await phone.send(own, own, **(agreed | {"digest": "0" * 64}))).status == 422
    assert (await phone.send(own, own, **(agreed | {"decision": ""}))).status == 422
    answer = await phone.send(own, own, **agreed)
    assert (answer.status, answer.headers["Location"]) == (303, f"{base}/room")
    assert (await phone.post(f"{base}/ticket", json={})).status == 200
    otherwise = await (await phone.get(f"{base}/declined")).text()
    assert "视频调解从不录音录像" in otherwise and "同意了您的请求" not in otherwise  # Nobody had asked.
    room = await (await phone.get(f"{base}/room")).text()
    assert "调解不录音录像" in room
    assert "接访" not in re.sub(r"<script.*?</script>", "", room, flags=re.S)  # It is no reception.
    lawyer, other = await phone_of(house, session_id, "马调解")
    assert (await lawyer.get(f"{other}/room")).status == 200  # Who helps is asked for nothing.
    async with house.database.session() as db:
        for state in (SessionState.LIVE, SessionState.CLOSED):
            await move_session(db, house.clock, SYSTEM, session_id, state)
    page = await (await phone.get(f"{base}/receipt")).text()
    assert "调解已结束" in page and "没有录音录像" in page
    assert (await phone.get(f"{base}/receipt.txt")).headers["Location"] == f"{base}/receipt"
    assert (await phone.get(f"{base}/rate")).headers["Location"] == f"{base}/receipt"


async def test_a_party_that_refuses_calls_it_off_and_both_are_told(house: House) -> None:
    session_id, mediation_id = await make_sitting(house)
    phone, base = await phone_of(house, session_id, "赵六")
    own = f"{base}/mediation"
    answer = await phone.send(own, own, decision="decline")
    assert (answer.status, answer.headers["Location"]) == (303, own)
    async with house.database.session() as db:
        assert (await load_session(db, session_id)).state is SessionState.CANCELLED
    told = await (await phone.get(own)).text()
    assert "视频调解不进行了" in told and "链接打不开" not in told, "who said no is told what follows from it"
    keeper = await house.official(KEEPER)
    page = await (await keeper.get(f"/mediation/{mediation_id}")).text()
    assert "本人在手机上确认" in page and "取消调解" in page
    sent = await (await keeper.get("/outbox")).text()
    assert "视频调解取消了" in sent and "。。" not in sent


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_room_of_a_mediation_has_no_word_of_a_reception(house: House, chrome: Chromium) -> None:
    """Every sentence that a module of a room can say, and the page as it stands but for the board's name."""
    session_id, _ = await make_sitting(house)
    host = await signed_in(house, chrome, KEEPER)
    await host.page.goto(f"{host.base}/sessions/{session_id}/room")
    await expect(host.page.locator("[data-action=open]")).to_have_text("开始调解")
    modules = [path for part in ROOM_MODULES for path in (WEB / "static/js" / part).rglob("*.js")]
    sentences = sorted({text for path in modules for text in of_module(path)[0]})
    assert len(sentences) > 300
    told = await host.page.evaluate(SAID, sentences)
    page = await host.page.evaluate("document.documentElement.outerHTML")
    page = re.sub(r"<script.*?</script>", "", page, flags=re.S).replace("今日接访", "")
    assert [words for words in (*told, *re.findall(r".{0,20}接访.{0,20}", page)) if "接访" in words] == []
