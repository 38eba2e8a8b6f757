"""请人加入: by link from the console, with the words of who comes, their role's rights and a message."""

from __future__ import annotations

import re

import pytest

from scheduling.sessions.invitations import list_invitations
from signaling.rights import Right, rights_of
from tests.web.conftest import House
from tests.web.test_pages import EVIL, session_of

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def test_a_lawyer_is_brought_in_by_link_and_message(house: House) -> None:
    session_id = await session_of(house)
    browser, page = await house.official("chengguan.receptionist"), f"/sessions/{session_id}/guests"
    given = {"kind": "lawyer", "name": "张敏", "office": "正大律师事务所", "phone": "13800138000"}
    assert (await browser.send(page, page, **given)).status == 303
    text = await (await browser.get(page)).text()
    assert re.search(r"/j/[a-z2-9]{10}#[\w-]{43}", text) and "<svg" in text
    assert "张敏（律师，正大律师事务所）" in text and "已经用短信发给本人" in text
    assert not re.search(r"/j/[a-z2-9]{10}#", await (await browser.get(page)).text())
    async with house.database.session() as db:
        guest = next(i for i in await list_invitations(db, session_id) if i.role == "third_party")
    assert guest.display_name == "张敏（律师，正大律师事务所）"
    # Waits until the host admits; reads no minutes, sees no waiting room, writes nothing to the officials.
    assert Right.WAIT in rights_of("third_party")
    assert not rights_of("third_party") & {
        Right.READ_MINUTES, Right.FOLLOW_MINUTES, Right.SEE_LOBBY, Right.CHAT, Right.MARK
    }  # fmt: skip


async def test_a_department_needs_its_office_and_an_interpreter_none(house: House) -> None:
    session_id = await session_of(house)
    browser, page = await house.official("chengguan.receptionist"), f"/sessions/{session_id}/guests"
    answer = await browser.send(page, page, kind="department", name="赵刚", office="", phone="")
    text = await answer.text()
    assert answer.status == 422 and 'id="organisation-error"' in text and "赵刚" in text
    given = {"kind": "department", "name": "赵刚", "office": "", "phone": ""}
    assert (await browser.send(page, page, **given, organisation=house.world.xigu.id)).status == 303
    assert "短信没有发" in await (await browser.get(page)).text()
    assert (await browser.send(page, page, kind="interpreter", name="阿依古丽")).status == 303
    async with house.database.session() as db:
        found = {
            i.display_name: (str(i.role), i.organisation_id) for i in await list_invitations(db, session_id)
        }
    assert found["赵刚"] == ("department", house.world.xigu.id)
    assert found["阿依古丽（翻译）"] == ("interpreter", None)


async def test_wrong_fields_and_wrong_people_are_refused_in_words(house: House) -> None:
    session_id = await session_of(house)
    browser, page = await house.official("chengguan.receptionist"), f"/sessions/{session_id}/guests"
    answer = await browser.send(page, page, kind="king", name="", office="长" * 31, phone="12")
    text = await answer.text()
    assert answer.status == 422 and "有 4 处需要修改" in text
    await browser.send(page, page, kind="mediator", name=EVIL, office="", phone="")
    text = await (await browser.get(page)).text()
    assert EVIL not in text and "&lt;img" in text
    city = await house.official("city.receptionist")
    assert "只有主持单位能请人加入" in await (await city.get(page)).text()
    assert (await city.send(page, page, kind="lawyer", name="张敏")).status == 403
