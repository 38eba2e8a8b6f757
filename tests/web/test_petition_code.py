"""The code before a matter is sent, the way past it for who gets none, and the files that come with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from cases.casefile import PetitionCase
from cases.intake.matter import PartyKind, PetitionIntake, PetitionParty
from scheduling.intake.enclosure import Enclosure
from scheduling.notices.gateway import Message
from tests.scheduling.papers import digest, photo
from tests.web.conftest import TOKEN, Browser, House
from tests.web.test_petition import FIRST, SECOND, THIRD
from web.tending.messages import MESSENGER

CODE = "482916"
FORM_ID = re.compile(r'name="form_id" value="(\w{32})"')
BOOT = re.compile(r'id="boot">(.*?)</script>', re.S)


class Pocket:
    """A gateway that keeps what it was given."""

    keeps_text = False

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def send(self, message: Message) -> None:
        self.got.append(message)


@pytest.fixture
def pocket(house: House) -> Pocket:
    app, made = house.server.app, Pocket()
    assert app is not None
    app[MESSENGER].gateway = made
    app[MESSENGER].secrets = replace(app[MESSENGER].secrets, make_code=lambda: CODE)
    return made


async def step(browser: Browser, house: House, number: int, **more: str) -> tuple[int, str]:
    fields = FIRST | {"office": house.world.chengguan.id} | SECOND | THIRD
    answer = await browser.send("/petition", "/petition", **fields | {"step": str(number)} | more)
    return answer.status, await answer.text()


async def intakes(house: House) -> list[PetitionIntake]:
    async with house.database.session() as db:
        return list(await db.scalars(select(PetitionIntake)))


async def test_the_matter_is_sent_with_the_code_and_not_before(
    house: House, pocket: Pocket, caplog: pytest.LogCaptureFixture
) -> None:
    browser = house.browser()
    status, page = await step(browser, house, 3, form_id="a" * 32)
    assert status == 200 and "第 4 步，共 4 步" in page and "138****8000" in page
    assert CODE not in page and await intakes(house) == []
    status, page = await step(browser, house, 4, form_id="a" * 32, code="000000")
    assert status == 422 and "还可以试 4 次" in page and await intakes(house) == []
    status, page = await step(browser, house, 4, form_id="a" * 32, go="again")
    assert status == 422 and "请等 1 分钟" in page
    status, page = await step(browser, house, 3, form_id="a" * 32)  # Back and on again: the same code.
    assert status == 200 and "第 4 步" in page and "需要修改" not in page
    # Another number after the code was sent is another number.
    status, page = await step(browser, house, 4, form_id="a" * 32, code=CODE, phone="13900139000")
    assert status == 422 and await intakes(house) == []
    status, _ = await step(browser, house, 4, form_id="a" * 32, code=CODE)
    assert status == 303
    (intake,) = await intakes(house)
    assert intake.phone_confirmed_at == house.clock.now()
    clerk = await house.official("chengguan.receptionist")
    assert "已用短信验证码核实" in await (await clerk.get(f"/cases/{intake.petition_id}")).text()
    assert [message.recipient for message in pocket.got] == ["13800138000"] and CODE in pocket.got[0].text
    assert CODE not in caplog.text


async def test_no_code_is_said_to_be_sent_that_was_not(house: House, pocket: Pocket) -> None:
    """A second matter within the minute: whoever read that its code was on the way waited for nothing."""
    browser = house.browser()
    status, page = await step(browser, house, 3, form_id="a" * 32)
    assert status == 200 and "验证码发到了" in page
    status, page = await step(browser, house, 3, form_id="b" * 32)
    assert status == 422 and "请等 1 分钟" in page and len(pocket.got) == 1
    assert "验证码发到了" not in page and "还没有发到" in page


async def test_who_gets_no_message_is_taken_in_and_called(house: House, pocket: Pocket) -> None:
    browser = house.browser()
    for number in range(4):
        status, page = await step(browser, house, 4, form_id=f"{number:032d}", go="call")
        assert status == (303 if number < 3 else 422), page
    assert all(each.phone_confirmed_at is None for each in await intakes(house))
    assert (await step(browser, house, 3, form_id="c" * 32, phone="0931-8888888"))[0] == 303
    assert len(await intakes(house)) == 4 and pocket.got == []
    clerk = await house.official("chengguan.receptionist")
    one = (await intakes(house))[0].petition_id
    assert "没有用验证码核实" in await (await clerk.get(f"/cases/{one}")).text()


async def test_what_is_wrong_is_told_before_a_code_is_sent(house: House, pocket: Pocket) -> None:
    lines = "\n".join(f"邻居{n} 1390000000{n}" for n in range(5))
    status, page = await step(house.browser(), house, 3, headcount="20", representatives=lines)
    assert status == 422 and "最多 5 人" in page and "第 3 步" in page
    assert pocket.got == []
    status, page = await step(house.browser(), house, 3, headcount="1", representatives="邻居 13900000000")
    assert status == 422 and 'id="headcount-error"' in page and await intakes(house) == []


async def enclose(browser: Browser, page: str, content: bytes, name: str) -> dict[str, Any]:
    boot, token = BOOT.search(page), TOKEN.search(page)
    assert boot and token
    where, about = (
        json.loads(boot[1])["address"],
        {"digest": digest(content), "size": len(content), "name": name},
    )
    headers = {"X-CSRF-Token": token[1], "Accept": "application/json"}
    assert (await browser.post(where, json=about, headers=headers)).status == 200
    path = f"{where}/{about['digest']}/parts?size={len(content)}&offset=0"
    assert (await browser.post(path, data=content, headers=headers)).status == 200
    answer = await browser.post(where, json=about | {"done": True}, headers=headers)
    told: dict[str, Any] = await answer.json()
    return told


async def test_photos_and_a_mandate_come_with_the_matter(house: House) -> None:
    browser = house.browser()
    _, page = await step(browser, house, 1)
    found = FORM_ID.search(page)
    assert found
    form = {"form_id": found[1]}
    wrong = await enclose(browser, page, b"<svg onload=x>", "x.svg")
    assert wrong["error"]["code"].startswith("material_")
    first = await enclose(browser, page, photo(), "<b>漏水.jpg")
    second = await enclose(browser, page, photo((1, 2, 3)), "不要.jpg")
    _, page = await step(browser, house, 2, go=f"drop:{second['material']['id']}", **form)
    assert "&lt;b&gt;漏水.jpg" in page and "不要.jpg" not in page and "第 2 步" in page
    _, page = await step(browser, house, 2, **form)
    proxy = {"proxy_name": "李小红", "proxy_phone": "13700137000"}
    status, wanting = await step(browser, house, 3, **form, **proxy)
    assert status == 422 and 'id="mandate-error"' in wanting
    await enclose(browser, page, photo((4, 5, 6)), "委托书.jpg")
    status, _ = await step(browser, house, 3, **form, **proxy)
    assert status == 303
    async with house.database.session() as db:
        petition = (await db.scalars(select(PetitionCase))).one()
        party = (await db.scalars(select(PetitionParty))).one()
        assert party.kind is PartyKind.PROXY and party.mandate == "授权委托书随表上传"
        assert await db.scalar(select(func.count()).select_from(Enclosure)) == 2
    clerk = await house.official("chengguan.receptionist")
    page = await (await clerk.get(f"/cases/{petition.id}")).text()
    assert "随表材料" in page and "授权委托书" in page
    picture = f"/cases/{petition.id}/enclosures/{first['material']['id']}/pages/"
    answer = await clerk.get(picture + "1")
    assert answer.status == 200 and (await answer.read()).startswith(b"\xff\xd8\xff")
    assert answer.headers["Cache-Control"] == "no-store" and (await clerk.get(picture + "2")).status == 404
    for key, status in (("xigu.receptionist", 404), ("city.sysadmin", 403)):
        assert (await (await house.official(key)).get(picture + "1")).status == status


async def test_files_need_the_forms_token(house: House) -> None:
    browser = house.browser()
    _, page = await step(browser, house, 1)
    boot = BOOT.search(page)
    assert boot
    where = json.loads(boot[1])["address"]
    about = {"digest": "0" * 64, "size": 5, "name": "x"}
    assert (await browser.post(where, json=about, headers={"Origin": "https://evil.example"})).status == 403
    assert (await browser.post(where, json=about, headers={"X-CSRF-Token": "x"})).status == 403
    token = TOKEN.search(page)
    headers = {"X-CSRF-Token": token[1] if token else "", "Accept": "application/json"}
    for wrong in ("/petition/files/short/matter", where.replace("matter", "other")):
        assert (await browser.post(wrong, json=about, headers=headers)).status in (404, 422)
