"""C6 over HTTP: checked days before without binding the link, told to the desk, and never a dead end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.arrival.device_check import DeviceCheck
from scheduling.arrival.line_score import LineFigures, LineScore
from scheduling.arrival.visiting_place import set_place
from scheduling.incidents.incidents import list_incidents
from scheduling.links import find_link, issue_link
from scheduling.reach import load_session
from scheduling.sessions.invitations import revoke_invitation
from signaling.line_test import LineTest
from tests.factories import find_invitation, make_session
from tests.web.conftest import Browser, House
from tests.web.test_links import Given, make_link
from web.http.check_access import CHECK_COOKIE
from web.keys import REGISTRY
from web.views.device_kind import device_kind

GOOD = {"picture": "good", "voice": "good", "sound": "good"}
WECHAT = (
    "Mozilla/5.0 (Linux; Android 12; V2054A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20231002 MicroMessenger/8.0.43"
)


async def days_before(house: House) -> Given:
    """A link to a session in three days."""
    starts_at = house.clock.now() + timedelta(days=3)
    async with house.database.session() as db:
        session = await make_session(
            db, house.clock, house.world, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30)
        )
        citizen = await find_invitation(db, session, InvitationRole.PETITIONER)
        secret = await issue_link(db, house.clock, SYSTEM, citizen.id)
        return Given(session.id, citizen.id, citizen.code, secret)


async def begin(phone: Browser, given: Given, secret: str = "") -> tuple[int, dict[str, Any]]:
    answer = await phone.post(f"/j/{given.code}/check/begin", json={"secret": secret or given.secret})
    return answer.status, await answer.json()


async def say(phone: Browser, given: Given, **answers: str) -> tuple[int, dict[str, Any]]:
    headers = {"User-Agent": WECHAT}
    answer = await phone.post(f"/j/{given.code}/check", json=answers, headers=headers)
    return answer.status, await answer.json()


def measured(house: House, given: Given, score: LineScore, figures: LineFigures) -> str:
    """As if the line of this person had been measured."""
    tests = house.server.app[REGISTRY].line_tests  # type: ignore[union-attr]
    test = LineTest("line-1", given.invitation_id, tests, 0.0)  # type: ignore[arg-type]
    test.score, test.figures = score, figures
    test.enough.set()
    test.over.set()
    tests._tests[test.id] = test
    return test.id


async def rows_of(house: House, given: Given) -> list[DeviceCheck]:
    async with house.database.session() as db:
        query = select(DeviceCheck).where(DeviceCheck.invitation_id == given.invitation_id)
        return list(await db.scalars(query.order_by(DeviceCheck.number)))


async def test_days_before_by_the_same_link_which_stays_unbound(house: House) -> None:
    given, phone = await days_before(house), house.browser()
    assert (await phone.get(f"/j/{given.code}/check")).status == 403
    status, body = await begin(phone, given)
    assert (status, body["next"]) == (200, f"/j/{given.code}/check")
    text = await (await phone.get(f"/j/{given.code}/check")).text()
    assert "开始检测" in text and "李德福" not in text
    figures = LineFigures(60, 0, 5, 610, 590, "udp")
    test = measured(house, given, LineScore.GOOD, figures)
    status, body = await say(phone, given, **GOOD, test=test)
    assert (status, body["verdict"], body["next"]) == (200, "ok", f"/j/{given.code}/check/result")
    (row,) = await rows_of(house, given)
    assert (row.device, row.line, row.path, row.round_trip) == ("手机·微信", LineScore.GOOD, "udp", 60)
    result = await (await phone.get(f"/j/{given.code}/check/result")).text()
    assert "设备正常，可以接访" in result and "138****1234" in result and "/room" not in result
    # The cookie opens nothing else, and another device is still free to be the one of the link.
    assert (await phone.get(f"/j/{given.code}/notice")).status == 403
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 403
    async with house.database.session() as db:
        link = await find_link(db, given.invitation_id)
        assert link is not None and link.bound_at is None


async def test_who_may_not_check(house: House) -> None:
    given, phone = await days_before(house), house.browser()
    other = await make_link(house)
    for secret in ("x" * 43, "", "x" * 5000):
        answer = await phone.post(f"/j/{given.code}/check/begin", json={"secret": secret})
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "link_invalid")
    await begin(phone, given)
    cookie = phone.cookie(CHECK_COOKIE)
    where = {"Cookie": f"{CHECK_COOKIE}={cookie}"}
    stranger = house.browser()
    assert (await stranger.get(f"/j/{given.code}/check", headers=where)).status == 200
    assert (await stranger.get(f"/j/{other.code}/check", headers=where)).status == 403
    forged = {"Cookie": f"{CHECK_COOKIE}={cookie[:-1]}{'0' if cookie[-1] != '0' else '1'}"}
    assert (await stranger.get(f"/j/{given.code}/check", headers=forged)).status == 403
    assert (
        await stranger.get(f"/j/{given.code}/check", headers={"Cookie": f"{CHECK_COOKIE}=x"})
    ).status == 403
    house.clock.advance(hours=3)
    assert (await stranger.get(f"/j/{given.code}/check", headers=where)).status == 403
    await begin(phone, given)
    async with house.database.session() as db:
        await revoke_invitation(db, house.clock, SYSTEM, given.invitation_id)
    assert (await phone.get(f"/j/{given.code}/check")).status == 403
    assert await begin(phone, given) == (
        403,
        {
            "error": {
                "code": "link_revoked",
                "message": "这个链接已经停用。如仍需参加，请联系接访单位重新发送。",
            }
        },
    )


@pytest.mark.parametrize(
    "body", [{}, {"picture": "yes"}, GOOD | {"voice": 1}, GOOD | {"trouble": "<b>"}, GOOD | {"sound": None}]
)
async def test_answers_that_are_none_are_refused_in_words(house: House, body: dict[str, Any]) -> None:
    given, phone = await days_before(house), house.browser()
    await begin(phone, given)
    answer = await phone.post(f"/j/{given.code}/check", json=body)
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_device_check")
    assert await rows_of(house, given) == []


async def test_a_page_cannot_score_itself_or_take_anothers_score(house: House) -> None:
    given, phone = await days_before(house), house.browser()
    await begin(phone, given)
    other = await make_link(house)
    foreign = measured(house, other, LineScore.GOOD, LineFigures(1, 0, 0, 999, 999, "udp"))
    for claim in ({"line": "good", "kbps_up": "9999"}, {"test": foreign}, {"test": "line-none"}):
        assert (await say(phone, given, **GOOD, **claim))[0] == 200
    assert {row.line for row in await rows_of(house, given)} == {LineScore.UNMEASURED}
    base = f"/j/{given.code}/check/line"
    for path, body in (
        (base, {}),
        (f"{base}/{foreign}", {"sdp": "v=0"}),
        (f"{base}/x", {"sdp": "y" * 60_000}),
    ):
        answer = await phone.post(path, json=body)  # No media worker here, no test of one's own.
        assert answer.status in (404, 422), (path, answer.status)
    assert (await house.browser().post(base, json={})).status == 422


async def test_blocked_devices_become_a_task_and_a_call_that_the_clerk_records(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    async with house.database.session() as db:
        await set_place(db, "620102001", "酒泉路 8 号一楼", "周一至周五 8:30–12:00", "0931-2222")
    clerk, page = await house.official("chengguan.receptionist"), f"/sessions/{given.session_id}"
    assert "设备未检测" in await (await clerk.get("/board")).text()
    await given.exchange(phone)  # The slot is near: the device that holds the link needs no other cookie.
    none = dict.fromkeys(GOOD, "none")
    status, body = await say(phone, given, **none, trouble="in_use")
    assert (status, body["verdict"]) == (200, "blocked")
    for path in ("/board", page, f"{page}/arrivals"):
        assert "设备受阻" in await (await clerk.get(path)).text(), path
    assert "被别的应用占用" in await (await clerk.get(page)).text()
    async with house.database.session() as db:
        (task,) = await list_incidents(db, given.session_id)
        assert (task.incident.cause, task.open) == ("device_blocked", True)
        assert "被别的应用占用" in task.words
    result = await (await phone.get(f"/j/{given.code}/check/result")).text()
    assert "酒泉路 8 号一楼" in result and "8:30–12:00" in result and "0931-2222" in result
    to = f"/j/{given.code}/check/call"
    assert (await phone.send(f"/j/{given.code}/check/result", to)).status == 303
    door = f"{page}/arrivals"
    assert "请打电话给我" in await (await clerk.get("/requests")).text()
    text = await (await clerk.get(door)).text()
    (call,) = [part.split('"')[0] for part in text.split(f"{page}/requests/")[1:]]
    assert call.endswith("/call") and "不再打" not in text.split("</form>")[0].rsplit("<button", 1)[1]
    to = f"{page}/requests/{call}"
    wrong = await clerk.send(door, to, state="reached")
    assert wrong.status == 422 and "请选择电话里商定的办法" in await wrong.text()
    assert (await clerk.send(door, to, state="unanswered", words="无人接听")).status == 303
    waits = await (await phone.get(f"/j/{given.code}/check/result")).text()
    assert "没有接通，还会再打" in waits
    assert (await clerk.send(door, to, state="reached", result="sound_only", words="会用免提")).status == 303
    told = await (await clerk.get(door)).text()
    assert "无人接听" in told and "只用声音参加接访" in told and "会用免提" in told
    assert (await clerk.send(door, to, state="unanswered")).status == 422
    on_session = await (await clerk.get(page)).text()
    assert "回电：没有接通" in on_session and "回电：已通话" in on_session
    async with house.database.session() as db:
        case = (await load_session(db, given.session_id)).petition_id
    assert "回电：已通话" in await (await clerk.get(f"/cases/{case}")).text()
    assert "已经和您通过电话" in await (await phone.get(f"/j/{given.code}/check/result")).text()
    status, body = await say(phone, given, **GOOD | {"picture": "none"})
    assert body["verdict"] == "sound_only"
    assert "只能通语音" in await (await clerk.get("/board")).text()
    async with house.database.session() as db:
        tasks = {str(one.incident.cause): one.open for one in await list_incidents(db, given.session_id)}
    # A later check was better, and the call was made.
    assert tasks == {"device_blocked": False, "help_asked": False}


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (WECHAT, "手机·微信"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 Safari/604.1", "手机"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) MicroMessenger/8.0.40", "平板·微信"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X200) Chrome/118.0 Safari/537.36", "平板"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/118.0 Safari/537.36", "电脑"),
        ("", "电脑"),
    ],
)
def test_kinds_of_devices_in_words(agent: str, kind: str) -> None:
    assert device_kind(agent) == kind
