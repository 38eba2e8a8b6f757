"""Forms with every field wrong, text that stays text, and what officials do on the pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from scheduling.booking.slots import list_free_slots
from tests.factories import make_petition, make_session, make_slots
from tests.web.conftest import House
from web.http.forms import Form

EVIL = '<img src=x onerror="alert(1)">'


async def petition_of(house: House, subject: str = "楼道漏水三个月无人修") -> str:
    async with house.database.session() as db:
        return (await make_petition(db, house.clock, house.world.chengguan, subject)).id


async def session_of(house: House) -> str:
    async with house.database.session() as db:
        return (await make_session(db, house.clock, house.world)).id


async def test_registering_with_every_field_wrong_keeps_what_was_typed(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    answer = await browser.send(
        "/cases/new",
        "/cases/new",
        name="\u200b\u202e",
        phone="+86 138; DROP TABLE",
        id_number="620102199001011234",
        address="长" * 500,
        subject="一",
        description="字" * 6000,
        channel="telepathy",
        custodian="nobody",
    )
    text = await answer.text()
    assert answer.status == 422
    assert "有 8 处需要修改" in text
    for name in ("name", "phone", "id_number", "address", "subject", "description", "channel", "custodian"):
        assert f'href="#{name}"' in text, name
        assert f'id="{name}-error"' in text, name
    assert "+86 138; DROP TABLE" in text


async def test_registering_shows_the_query_code_once(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    answer = await browser.send(
        "/cases/new",
        "/cases/new",
        name="李德福",
        phone="+86 138-0013-8000",
        subject="楼道漏水",
        description="",
        channel="visit",
        custodian=house.world.chengguan.id,
    )
    assert answer.status == 303
    where = answer.headers["Location"]
    assert "只显示这一次" in await (await browser.get(where)).text()
    again = await (await browser.get(where)).text()
    assert "只显示这一次" not in again
    assert "138****8000" in again


async def test_markup_in_names_and_subjects_stays_text(house: House) -> None:
    petition_id = await petition_of(house, EVIL)
    browser = await house.official("chengguan.receptionist")
    for path in (f"/cases/{petition_id}", "/cases", f"/cases/{petition_id}/book", f"/cases?search={EVIL}"):
        text = await (await browser.get(path)).text()
        assert "<img" not in text, path
        assert "&lt;img" in text, path


async def test_boot_data_cannot_leave_its_element(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan, "</script><script>alert(1)")
        session = await make_session(db, house.clock, house.world, petition)
    browser = await house.official("chengguan.receptionist")
    text = await (await browser.get(f"/sessions/{session.id}/room")).text()
    assert "</script><script>alert" not in text
    assert "\\u003c/script" in text


async def test_booking_by_an_official_arranges_the_session(house: House) -> None:
    petition_id = await petition_of(house)
    async with house.database.session() as db:
        slot = (await make_slots(db, house.clock, house.world.chengguan))[0]
    browser = await house.official("chengguan.receptionist")
    page = f"/cases/{petition_id}/book"
    given = {"host": house.world.chengguan.id, "slot": slot.id, "joint": house.world.city.id}
    answer = await browser.send(page, page, **given)
    assert answer.status == 303
    text = await (await browser.get(answer.headers["Location"])).text()
    assert "兰州市信访局" in text
    assert "李德福" in text
    again = await browser.send(page, page, **given)
    assert again.status == 422
    assert "刚刚被约走" in await again.text()


@pytest.mark.parametrize(
    ("day", "time", "field"),
    [
        ("2026-02-30", "09:00", "day"),
        ("1970-01-01", "09:00", "day"),
        ("9999-12-31", "09:00", "day"),
        ("2026-07-23", "25:00", "time"),
        ("", "09:00", "day"),
        ("2026-07-23", "", "time"),
    ],
)
async def test_impossible_times_are_told_at_the_field(house: House, day: str, time: str, field: str) -> None:
    page = f"/cases/{await petition_of(house)}/book"
    browser = await house.official("chengguan.receptionist")
    answer = await browser.send(page, page, host=house.world.chengguan.id, day=day, time=time)
    assert answer.status == 422
    assert f'id="{field}-error"' in await answer.text()


async def test_public_booking_without_a_choice_of_office_says_so(house: House) -> None:
    browser = house.browser()
    assert "需要修改" not in await (await browser.get("/book")).text()
    text = await (await browser.get("/book?step=office")).text()
    assert "有 1 处需要修改" in text
    assert "请选择一个区县" in text


async def test_public_booking_tells_number_and_code_once(house: House) -> None:
    async with house.database.session() as db:
        slots = await make_slots(db, house.clock, house.world.chengguan, 28)
    browser, organisation = house.browser(), house.world.chengguan.id
    page = f"/book?organisation={organisation}"
    wrong = await browser.send(page, page, organisation=organisation, name="", phone="123", subject="")
    text = await wrong.text()
    assert wrong.status == 422
    assert "有 4 处需要修改" in text
    assert wrong.headers["Cache-Control"] == "private, no-cache", "back shows the page, not an error"
    assert text.count('name="slot"') == 28, "next week is not hidden behind the first days"
    assert "请填写要反映的事，至少两个字。" in text and text.count('class="times-day" open') == 1
    given = {"slot": slots[0].id, "name": "王秀兰", "phone": "13893100001", "subject": "路灯不亮"}
    answer = await browser.send(page, page, organisation=organisation, **given)
    assert (answer.status, answer.headers["Location"]) == (303, "/book/done")
    done = await (await browser.get("/book/done")).text()
    assert re.search(r"LZ2026-\d{6}", done)
    assert "LZ2026" in await (await browser.get("/book/done")).text(), "reloaded before it was copied"
    assert "LZ2026" not in await (await house.browser().get("/book/done")).text()
    async with house.database.session() as db:
        until = house.clock.now() + timedelta(days=1)
        free = await list_free_slots(db, house.clock, organisation, house.clock.now(), until)
        assert slots[0].id not in [slot.id for slot in free]
    board = await (await (await house.official("chengguan.receptionist")).get("/board")).text()
    assert "等待审核的预约" in board
    assert "路灯不亮" in board
    log = await (await (await house.official("city.auditor")).get("/administration/audit")).text()
    assert re.search(r"没有登录的人.{0,200}预约：建立", log, re.DOTALL), "nobody's name is not an empty cell"


async def test_a_link_is_issued_shown_once_and_taken_back(house: House) -> None:
    session_id = await session_of(house)
    browser, page = await house.official("chengguan.receptionist"), f"/sessions/{session_id}"
    invitation_id = re.search(rf'action="{page}/links/([0-9a-f]+)"', await (await browser.get(page)).text())
    assert invitation_id is not None
    where = f"{page}/links/{invitation_id.group(1)}"
    assert (await browser.send(page, where)).status == 303
    text = await (await browser.get(page)).text()
    assert re.search(r"/j/[a-z2-9]{10}#[\w-]{43}", text)
    assert "<svg" in text
    assert not re.search(r"/j/[a-z2-9]{10}#", await (await browser.get(page)).text())
    assert (await browser.send(page, f"{where}/revoke")).status == 303
    text = await (await browser.get(page)).text()
    name = re.search(r'class="person-name">([^<]+)<', text)
    assert name and f"撤回链接 {name[1]} · " in text, "whose link it was"


async def test_an_invitation_of_another_session_is_not_found(house: House) -> None:
    first, second = await session_of(house), await session_of(house)
    browser = await house.official("chengguan.receptionist")
    text = await (await browser.get(f"/sessions/{first}")).text()
    found = re.search(r"/links/([0-9a-f]+)", text)
    assert found is not None
    answer = await browser.send("/board", f"/sessions/{second}/links/{found.group(1)}")
    assert answer.status == 404


async def test_inviting_and_cancelling_need_their_fields(house: House) -> None:
    page = f"/sessions/{await session_of(house)}"
    browser = await house.official("chengguan.receptionist")
    text = await (await browser.send(page, f"{page}/invitations", role="king", name="", phone="1")).text()
    assert "有 3 处需要修改" in text
    given = {"role": "companion", "name": "王强", "phone": ""}
    assert (await browser.send(page, f"{page}/invitations", **given)).status == 303
    assert "王强" in await (await browser.get(page)).text()
    assert (await browser.send(page, f"{page}/cancel", reason="")).status == 422
    assert (await browser.send(page, f"{page}/cancel", reason="信访人请求改日")).status == 303
    assert "已取消" in await (await browser.get(page)).text()
    assert (await browser.get(f"{page}/room")).status == 303  # Nobody enters a cancelled session.


async def test_lists_turn_pages_and_survive_odd_queries(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    for query in (
        "offset=-1",
        "offset=99999999999999999999",
        "offset=x",
        "search=%00%ff",
        "search=" + "a" * 3000,
    ):
        assert (await browser.get(f"/cases?{query}")).status == 200, query
    for day in ("2026-02-30", "9999-12-31", "x", ""):
        assert (await browser.get(f"/board?day={day}")).status == 200


def test_a_form_reads_only_what_is_on_offer() -> None:
    form = Form({"colour": "red"})
    assert form.choice("colour", {"blue": 1}, "请选择") == ""
    assert form.errors == {"colour": "请选择"}
