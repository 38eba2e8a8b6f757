"""C11 to C13 over HTTP: rating once and unseen, the receipt, and progress by number and query code."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from cases.errors import Forbidden
from cases.people import PersonDetails
from cases.petitions import Channel, RegisterPetition, register_petition
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.recording import start_recording, stop_recording
from scheduling.afterwards.ratings import FEWEST, Question, Rating, rate
from scheduling.links import exchange_link
from scheduling.reach import load_session
from scheduling.session import SessionState
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import move_session
from tests.disk import AMPLE
from tests.factories import find_invitation, make_link_actor, make_session
from tests.web.conftest import Browser, House
from tests.web.test_links import Given, make_link
from web.http.access import LINK_COOKIE


async def held(house: House, digest: str = "") -> tuple[Given, Browser]:
    """A reception that is over, on the phone that was there."""
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    async with house.database.session() as db:
        await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.LIVE)
        if digest:
            root = house.settings.recordings_root
            made = await start_recording(db, house.clock, SYSTEM, given.session_id, root, AMPLE)
            recording = await stop_recording(db, house.clock, SYSTEM, made.id, "session_closed")
            recording.manifest_sha256 = digest
            await db.commit()
        await move_session(db, house.clock, SYSTEM, given.session_id, SessionState.CLOSED)
    return given, phone


async def rows_of(house: House) -> dict[str, tuple[int | None, str, str]]:
    async with house.database.session() as db:
        rows = (await db.scalars(select(Rating))).all()
    return {str(row.question): (row.score, row.words, row.organisation_id) for row in rows}


async def test_three_questions_once_each_and_none_by_force(house: House) -> None:
    early, before = await make_link(house), house.browser()
    await early.exchange(before)
    asked = await before.get(f"/j/{early.code}/rate/timely")
    assert asked.headers["Location"] == f"/j/{early.code}/notice"  # Nothing to rate yet.
    given, phone = await held(house)
    base = f"/j/{given.code}"
    assert (await phone.get(f"{base}/rate")).headers["Location"] == f"{base}/rate/timely"
    page = f"{base}/rate/timely"
    for wrong in ({}, {"score": "6"}, {"score": "很满意"}, {"score": "-1"}):
        refused = await phone.send(page, page, decision="rate", **wrong)
        assert refused.status == 422 and "请选一项" in await refused.text()
    long = await phone.send(page, page, decision="rate", score="4", words="好" * 501)
    assert long.status == 422 and "最多 500 个字" in await long.text()
    marked = "<b>很快</b>\u202e" + "\u0301" * 3
    answer = await phone.send(page, page, decision="rate", score="4", words=marked)
    assert answer.headers["Location"] == f"{base}/rate/manner"
    again = await phone.get(page)
    assert "您已提交" in await again.text()
    assert (await phone.post(page, {"csrf_token": "x", "score": "1"})).status == 403
    refused = await phone.send(f"{base}/rate/manner", f"{base}/rate/manner", decision="refuse", score="1")
    assert refused.headers["Location"] == f"{base}/rate/outcome"
    token_page = f"{base}/rate/outcome"
    last = await phone.send(token_page, token_page, decision="rate", score="2")
    assert last.headers["Location"] == f"{base}/receipt"
    twice = await phone.send(f"{base}/receipt", token_page, decision="rate", score="5")
    assert twice.status == 200 and "您已提交" in await twice.text()
    found = await rows_of(house)
    assert {name: row[0] for name, row in found.items()} == {"timely": 4, "manner": None, "outcome": 2}
    assert found["timely"][1] == "<b>很快</b>" + "\u0301" * 3
    assert found["outcome"][2] == house.world.chengguan.id


async def test_words_stay_in_the_form_when_a_score_is_missing_and_go_with_a_refusal(house: House) -> None:
    given, phone = await held(house)
    page = f"/j/{given.code}/rate/timely"
    refused = await phone.send(page, page, decision="rate", words="等了四十分钟 <i>")
    text = await refused.text()
    assert refused.status == 422 and "等了四十分钟 &lt;i&gt;</textarea>" in text, "nobody types it twice"
    assert await rows_of(house) == {}
    declined = await phone.send(page, page, decision="refuse", words="等了四十分钟")
    assert declined.headers["Location"] == f"/j/{given.code}/rate/manner"
    (row,) = (await rows_of(house)).values()
    assert row[:2] == (None, ""), "who does not want to rate has said nothing"


async def test_who_only_came_along_does_not_rate(house: House) -> None:
    async with house.database.session() as db:
        companion = Invitee(InvitationRole.COMPANION, "李小妹")
        session = await make_session(db, house.clock, house.world, invitees=(companion,))
        guest = await find_invitation(db, session, InvitationRole.COMPANION)
        actor = await make_link_actor(db, house.clock, guest)
        for state in (SessionState.LIVE, SessionState.CLOSED):
            await move_session(db, house.clock, SYSTEM, session.id, state)
        with pytest.raises(Forbidden, match="not_petitioner"):
            await rate(db, house.clock, actor, Question.TIMELY, 5, "很好")
        petitioner = await find_invitation(db, session, InvitationRole.PETITIONER)
        await rate(db, house.clock, await make_link_actor(db, house.clock, petitioner), Question.TIMELY, 2)
    assert {score for score, _, _ in (await rows_of(house)).values()} == {2}


async def test_the_rated_see_sums_and_never_whose_they_are(house: House) -> None:
    given, phone = await held(house)
    page = f"/j/{given.code}/rate/timely"
    await phone.send(page, page, decision="rate", score="1", words="太慢了")
    clerk = await house.official("chengguan.receptionist")
    assert "份数太少" not in await (await clerk.get("/ratings")).text(), "not on its day"
    house.clock.advance(days=1)
    clerk = await house.official("chengguan.receptionist")
    text = await (await clerk.get("/ratings")).text()
    assert "份数太少" in text and "李德福" not in text and "太慢了" not in text
    assert "太慢了" not in await (await clerk.get(f"/sessions/{given.session_id}")).text()
    async with house.database.session() as db:
        row = (await db.scalars(select(Rating))).one()
        for number in range(FEWEST):
            other = await make_link(house)
            copy = Rating(
                invitation_id=other.invitation_id, session_id=other.session_id, question=row.question,
                organisation_id=row.organisation_id, score=3 if number else 5, words="", at=row.at,
            )  # fmt: skip
            db.add(copy)
        await db.commit()
    assert "份数太少" in await (await clerk.get("/ratings")).text(), "what was before today is summed up once"
    house.clock.advance(days=1)
    clerk = await house.official("chengguan.receptionist")
    text = await (await clerk.get("/ratings")).text()
    assert "截至昨天，您单位可看范围内结束了 1 场接访" in text
    assert re.search(r"83\.3% <span[^>]*>（5／6）", text)
    stranger = await (await house.official("xigu.receptionist")).get("/ratings")
    assert "83.3%" not in await stranger.text()


async def test_the_receipt_and_how_to_see_the_recording(house: House) -> None:
    given, phone = await held(house, "ab" * 32)
    base = f"/j/{given.code}"
    assert (await phone.get(f"{base}/room")).headers["Location"] == f"{base}/receipt"
    house.clock.advance(days=20)  # The same device, or the link again.
    over = await (await phone.get(base)).text()
    assert "<h1>接访已经结束</h1>" in over and "查看回执" in over and "邀请" not in over
    text = await (await phone.get(f"{base}/receipt")).text()
    assert "ab" * 32 in text and "LZ2026-" in text and "2026年9月20日" in text
    # That Sunday is worked (holidays of 2026).
    assert "2026年9月20日到期：登记的日子是2026年7月22日" in text
    assert "视频接访已进行" in text
    saved = await phone.get(f"{base}/receipt.txt")
    assert "attachment" in saved.headers["Content-Disposition"] and "ab" * 32 in await saved.text()
    for _ in range(2):
        assert (await phone.send(f"{base}/rate/timely", f"{base}/replay")).status == 303
    assert "工作人员会打电话答复您" in await (await phone.get(f"{base}/receipt")).text()
    clerk = await house.official("chengguan.receptionist")
    assert (await (await clerk.get("/requests")).text()).count("申请查看录像") == 1
    door = f"/sessions/{given.session_id}/arrivals"
    request_id = (await (await clerk.get(door)).text()).split("/requests/")[1].split('"')[0]
    words = {"decision": "grant", "answer": "周三上午来局里看"}
    assert (
        await clerk.send(door, f"/sessions/{given.session_id}/requests/{request_id}", **words)
    ).status == 303
    assert "周三上午来局里看" in await (await phone.get(f"{base}/receipt")).text()
    house.clock.advance(days=11)
    assert (await phone.get(f"{base}/receipt")).status == 403


async def test_the_same_link_opens_it_again_weeks_later(house: House) -> None:
    given, phone = await held(house)
    house.clock.advance(days=29)
    device = phone.cookie(LINK_COOKIE)
    async with house.database.session() as db:
        grant = await exchange_link(db, house.clock, given.code, given.secret, device)
        session = await load_session(db, given.session_id)
    assert grant.device_secret == device and session.ends_at + timedelta(days=28) < house.clock.now()
    status, body = await given.exchange(phone)
    assert (status, body["next"]) == (200, f"/j/{given.code}/receipt")


async def test_progress_tells_the_petitioner_the_disclosed_dates_only(house: House) -> None:
    async with house.database.session() as db:
        person = PersonDetails("李德福", "13800001234")
        command = RegisterPetition(Channel.WEB, "楼道漏水", "没有结果。", person, house.world.chengguan.id)
        petition, code = await register_petition(db, house.clock, SYSTEM, command)
    browser = house.browser()
    for number, typed in ((petition.number, "aaaaaaaaaa"), ("LZ2026-999999", code), ("' OR 1=1", "\u202e")):
        answer = await browser.send("/progress", "/progress", number=number, query_code=typed)
        assert answer.status == 422 and "编号或查询码不对" in await answer.text()
    answer = await browser.send("/progress", "/progress", number=petition.number.lower(), query_code=code)
    text = await answer.text()
    assert answer.status == 200 and "登记" in text and "2026年9月20日" in text
    assert "李德福" not in text and "没有结果" not in text, "who it is and what was told stay in the office"
    statuses = {
        (await browser.send("/progress", "/progress", number="x", query_code="y")).status for _ in range(18)
    }
    assert statuses == {422, 429}
