"""A citizen hands in a matter in three steps; a clerk enters one told by telephone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from cases.casefile import Channel, PetitionCase
from cases.people import Person
from cases.petitions import find_by_query_code
from tests.web.conftest import Browser, House

FIRST = {"step": "1", "go": "on", "class": "claim"}
SECOND = {"subject": "楼道漏水三个月无人修", "description": "没人修。"}
THIRD = {"name": "李德福", "phone": "138 0013 8000", "reply_by": "sms"}


async def count(house: House) -> int:
    async with house.database.session() as db:
        return await db.scalar(select(func.count()).select_from(PetitionCase)) or 0


async def hand_in(browser: Browser, house: House, to: str = "/petition", **more: Any) -> Any:
    office = {"office": house.world.chengguan.id}
    return await browser.send(to, to, **FIRST | office | SECOND | THIRD | {"step": "3"} | more)


async def test_three_steps_carry_what_was_typed_and_end_in_a_receipt(house: House) -> None:
    browser = house.browser()
    office = house.world.chengguan.id
    page = await (await browser.send("/petition", "/petition", **FIRST, office=office)).text()
    assert "第 2 步，共 3 步" in page and f'name="office" value="{office}"' in page
    page = await (
        await browser.send("/petition", "/petition", **FIRST | SECOND | {"step": "2", "office": office})
    ).text()
    assert "第 3 步，共 3 步" in page and 'name="subject" value="楼道漏水三个月无人修"' in page
    answer = await hand_in(browser, house)
    assert answer.status == 303 and answer.headers["Location"] == "/petition/done"
    receipt = await (await browser.get("/petition/done")).text()
    number, code = (part.split("<")[0] for part in receipt.split('class="code">')[1:3])
    async with house.database.session() as db:
        found = await find_by_query_code(db, number, code)
        assert found is not None and found.channel is Channel.WEB
    assert "最迟" in receipt and "短信答复" in receipt
    assert code in await (await browser.get("/petition/done")).text(), "reloaded before it was copied"
    assert code not in await (await house.browser().get("/petition/done")).text(), "nobody else's"


async def test_each_step_says_what_is_missing_at_its_field(house: House) -> None:
    browser = house.browser()
    answer = await browser.send("/petition", "/petition", step="1", go="on")
    assert answer.status == 422 and 'href="#office"' in await answer.text()
    answer = await hand_in(browser, house, subject="一")
    page = await answer.text()
    assert answer.status == 422 and "第 2 步" in page and 'id="subject-error"' in page
    answer = await hand_in(
        browser, house, phone="123", id_number="620102199001011234", headcount="很多", mandate="有"
    )
    page = await answer.text()
    for name in ("phone", "id_number", "headcount", "proxy_name", "proxy_phone"):
        assert f'id="{name}-error"' in page, name
    assert "代理人：请填写" in page  # Told apart from the own number above it.
    assert await count(house) == 0


async def test_six_representatives_are_refused_in_words(house: House) -> None:
    lines = "\n".join(f"邻居{n} 1390000000{n}" for n in range(5))
    page = await (await hand_in(house.browser(), house, headcount="20", representatives=lines)).text()
    assert "代表连同您本人最多 5 人" in page and "邻居4 13900000004" in page
    assert await count(house) == 0


async def test_back_keeps_what_was_typed_and_complains_of_nothing(house: House) -> None:
    page = await (await hand_in(house.browser(), house, go="back", phone="不对")).text()
    assert "第 2 步" in page and "需要修改" not in page and 'value="不对"' in page


async def test_a_form_sent_twice_is_one_matter(house: House) -> None:
    browser = house.browser()
    for _ in range(2):
        assert (await hand_in(browser, house, form_id="a" * 32)).status == 303
    assert await count(house) == 1


async def test_too_many_matters_from_one_address_are_refused(house: House) -> None:
    browser = house.browser()
    answers = [(await hand_in(browser, house)).status for _ in range(12)]
    assert answers[:10] == [303] * 10 and 429 in answers[10:]


async def test_no_form_without_its_token(house: House) -> None:
    answer = await house.browser().post("/petition", FIRST | SECOND | THIRD | {"step": "3"})
    assert answer.status == 403 and await count(house) == 0


async def test_an_accusation_warns_and_stays_hidden(house: House) -> None:
    browser = house.browser()
    about = {"class": "accusation", "accused": house.world.chengguan.id}
    office = house.world.chengguan.id
    page = await (await browser.send("/petition", "/petition", **FIRST | about | {"office": office})).text()
    assert "检举控告的内容保密" in page
    assert (await hand_in(browser, house, **about)).status == 303
    receipt = await (await browser.get("/petition/done")).text()
    assert "这件事保密" in receipt and "兰州市信访局" in receipt
    assert "LZ20" not in await (await browser.get("/petition/done")).text(), "shown once"
    assert "有权处理的机关依照规定处理" in receipt and "书面告诉您是否受理" not in receipt
    accused = await house.official("chengguan.leader")
    assert "楼道漏水" not in await (await accused.get("/cases")).text()
    keeper = await house.official("city.leader")
    assert "楼道漏水" in await (await keeper.get("/cases")).text()


async def test_a_letter_to_a_leader_is_routed_by_his_office(house: House) -> None:
    browser = house.browser()
    post = house.world.officials["city.leader"].posts[0]
    answer = await hand_in(browser, house, "/mailbox", post=post.id)
    assert answer.status == 303
    async with house.database.session() as db:
        petition = (await db.scalars(select(PetitionCase))).one()
    assert petition.channel is Channel.LEADER_MAILBOX and petition.custodian_id == house.world.city.id
    assert (await hand_in(browser, house, "/mailbox", post="nobody")).status == 422


@pytest.mark.parametrize("channel", ["phone", "letter", "visit"])
async def test_a_clerk_enters_a_matter(house: House, channel: str) -> None:
    browser = await house.official("station.station_clerk")
    fields = SECOND | THIRD | {"channel": channel, "custodian": house.world.chengguan.id}
    fields |= {"id_number": "11010519491231002X", "headcount": "3", "representatives": "王五 13900000000"}
    if channel == "letter":
        fields |= {"phone": ""}
    answer = await browser.send("/cases/new", "/cases/new", **fields)
    assert answer.status == 303, await answer.text()
    page = await (await browser.get(answer.headers["Location"])).text()
    assert "3 人联名" in page and "王五" in page and "只显示这一次" in page
    async with house.database.session() as db:
        person = (await db.scalars(select(Person).where(Person.name == "李德福"))).one()
        assert person.id_mark and len(person.id_mark) == 64 and "1949" not in person.id_mark


async def test_a_telephone_note_needs_a_phone(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    fields = SECOND | THIRD | {"channel": "phone", "phone": "", "custodian": house.world.chengguan.id}
    page = await (await browser.send("/cases/new", "/cases/new", **fields)).text()
    assert 'id="phone-error"' in page
    shown = await (await browser.get("/cases/new?channel=phone")).text()
    assert 'value="phone" checked' in shown
