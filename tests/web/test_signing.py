"""From reading back to the final PDF: the citizen's page, the officials' page, what is found afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import docx
import pypdf
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect
from sqlalchemy import text

from cases.database import new_id
from cases.roles import InvitationRole
from scheduling.minutes.editing import InsertParagraph, change_minutes
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.minutes.reading import read_back
from scheduling.minutes.record import MinutesState, begin_minutes, move_minutes
from scheduling.session import SessionState
from scheduling.sessions.invitations import Invitee, invite
from scheduling.sessions.sessions import move_session
from tests.scenarios.browsers import needs_chromium
from tests.scheduling.test_minutes_signing import handwriting
from tests.web.conftest import Browser, House
from tests.web.test_axe import LARGE_TYPE, Looker
from tests.web.test_links import Given, make_link
from web.http.access import LINK_COOKIE

HOST = "chengguan.receptionist"
SAID = "楼道自三月起漏水，䶮㙍先生没有修理。"


@dataclass
class Case:
    """A session whose minutes are being read back, the citizen's phone and the host's browser."""

    house: House
    given: Given
    phone: Browser
    host: Browser

    @property
    def mine(self) -> str:
        return f"/j/{self.given.code}/minutes"

    @property
    def theirs(self) -> str:
        return f"/sessions/{self.given.session_id}/minutes/signing"

    async def digest(self) -> str:
        async with self.house.database.session() as db:
            return (await read_back(db, self.house.world.actor(HOST), self.given.session_id)).digest

    async def cite(self, status: int, **fields: str) -> str:
        # Of another page: once there is nothing left to do here, there is no form either.
        answer = await self.phone.send(f"/j/{self.given.code}/companions", self.mine, **fields)
        assert answer.status == status, await answer.text()
        return await answer.text()

    async def act(self, status: int, **fields: str) -> str:
        answer = await self.host.send(self.theirs, self.theirs, **fields)
        assert answer.status == status, await answer.text()
        return await answer.text()


async def arrange(house: House, *states: MinutesState) -> Case:
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    async with house.database.session() as db:
        actor = house.world.actor(HOST)
        await begin_minutes(db, house.clock, actor, given.session_id)
        change = InsertParagraph(
            edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.ANSWER,
            speaker_id=given.invitation_id, text=SAID,
        )  # fmt: skip
        await change_minutes(db, house.clock, actor, given.session_id, change)
        for state in states:
            await move_minutes(db, house.clock, actor, given.session_id, state)
    return Case(house, given, phone, await house.official(HOST))


async def test_from_reading_back_to_the_final_document(house: House) -> None:
    case = await arrange(house)
    assert "笔录还在整理" in await (await case.phone.get(case.mine)).text()
    assert (await case.phone.get(f"{case.mine}.pdf")).status == 403
    base = f"/sessions/{case.given.session_id}/minutes"
    assert (await case.host.send(base, f"{base}/state", state="read_back")).status == 303
    page = await (await case.phone.get(case.mine)).text()
    assert SAID in page and "这里不对" in page and 'name="strokes"' not in page
    assert "请写明哪里不对" in await case.cite(422, act="object", words=" \u202e")
    assert "最多 1000 个字" in await case.cite(422, act="object", words="好" * 1001)
    await case.cite(303, act="object", words="<b>是四月</b>")
    assert "&lt;b&gt;是四月&lt;/b&gt;" in await (await case.phone.get(case.mine)).text()
    assert "还有意见没有答复" in await case.act(422, act="begin")
    found = await (await case.host.get(case.theirs)).text()
    objection = found.split('name="objection_id" value="')[1][:32]
    assert "请写明理由" in await case.act(
        422, act="answer", objection_id=objection, outcome="logged", words=""
    )
    await case.act(303, act="answer", objection_id=objection, outcome="logged", words="以录像为准")
    await case.act(303, act="begin")
    digest = await case.digest()
    assert "最后签字定稿" in await case.act(422, act="sign", digest=digest, strokes=handwriting())
    dot = '{"width": 800, "height": 360, "strokes": [[[5, 5, 0]]]}'
    assert "签名太小" in await case.cite(422, act="sign", digest=digest, strokes=dot)
    assert "请重新看一遍再签" in await case.cite(422, act="sign", digest="0" * 64, strokes=handwriting())
    await case.cite(303, act="sign", digest=digest, strokes=handwriting())
    assert "您已提交" in await (await case.phone.get(case.mine)).text()
    assert "已经签过字" in await case.cite(422, act="sign", digest=digest, strokes=handwriting())
    await case.act(303, act="sign", digest=digest, strokes=handwriting(2))
    final = await (await case.host.get(case.theirs)).text()
    assert "已定稿" in final and "与定稿时一致" in final
    for browser, path in ((case.host, f"{base}.pdf"), (case.phone, f"{case.mine}.pdf")):
        answer = await browser.get(path)
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/pdf"
        document = pypdf.PdfReader(BytesIO(await answer.read()))
        words = "".join(each.extract_text() for each in document.pages).replace("\x00", "")
        assert SAID in words.replace("\n", "") and digest in words and "以录像为准" in words
        assert sum(len(each.images) for each in document.pages) == 2
        fonts = [str(f) for each in document.pages for f in each["/Resources"]["/Font"].values()]
        assert fonts and all("FontDescriptor" in f or "DescendantFonts" in f for f in fonts)
    answer = await case.host.get(f"{base}.docx")
    told = docx.Document(BytesIO(await answer.read()))
    assert any(SAID in each.text for each in told.paragraphs) and len(told.inline_shapes) == 2
    async with house.database.session() as db:
        await db.execute(text("UPDATE minutes_paragraphs SET text = replace(text, '三月', '四月')"))
        await db.commit()
    assert "正文与定稿时不一致" in await (await case.host.get(case.theirs)).text()


async def test_refused_and_agreed_aloud_end_in_a_final_text_too(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    digest = await case.digest()
    assert "还没有签" in await (await case.host.get(case.theirs)).text()
    assert "请写明原因" in await case.cite(422, act="refuse", digest=digest, reason="")
    noted = {"act": "agreed_aloud", "digest": digest, "signer_id": case.given.invitation_id}
    assert "请写明原因" in await case.act(422, **noted, reason="")
    assert "没有找到" in await case.act(422, **(noted | {"signer_id": "0" * 32}), reason="口头说了确认")
    await case.act(303, **noted, reason="口头说了确认")
    assert "口头确认" in await (await case.phone.get(case.mine)).text()
    assert "已经签过字" in await case.cite(422, act="refuse", digest=digest, reason="又不想签了")
    await case.act(303, act="sign", digest=digest, strokes=handwriting())
    final = await (await case.host.get(case.theirs)).text()
    assert "已定稿" in final and "还没有签" not in final and "没有签字" in final
    assert "请选择要做的事" in await case.act(422, act="shred")


async def test_what_was_not_signed_in_the_sitting_is_signed_after_it_by_the_same_link(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    async with house.database.session() as db:
        for state in (SessionState.LIVE, SessionState.CLOSED):
            await move_session(db, house.clock, house.world.actor(HOST), case.given.session_id, state)
    house.clock.advance(hours=20)
    digest = await case.digest()
    await case.cite(303, act="sign", digest=digest, strokes=handwriting())
    host = await house.official(HOST)
    signed = await host.send(case.theirs, case.theirs, act="sign", digest=digest, strokes=handwriting(2))
    assert signed.status == 303 and "已定稿" in await (await host.get(case.theirs)).text()


async def test_the_host_reads_whom_the_last_signature_leaves_out(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    async with house.database.session() as db:
        city = house.world.actor("city.receptionist")
        invitee = Invitee(InvitationRole.JOINT_RECEPTIONIST, official_id=city.official_id)
        await invite(db, house.clock, house.world.actor(HOST), case.given.session_id, invitee)
    colleague = await house.official("city.receptionist")
    assert city.name in _left_out(await (await case.host.get(case.theirs)).text())
    theirs = await (await colleague.get(case.theirs)).text()
    assert 'name="strokes"' in theirs and not _left_out(theirs)
    digest = await case.digest()
    signed = await colleague.send(case.theirs, case.theirs, act="sign", digest=digest, strokes=handwriting())
    assert signed.status == 303
    assert 'name="strokes"' not in await (await colleague.get(case.theirs)).text()
    host = await (await case.host.get(case.theirs)).text()
    assert 'name="strokes"' in host and city.name not in _left_out(host)


def _left_out(page: str) -> str:
    """Of the sentence before the host's own pad."""
    return page.partition("还没有签字的")[2].partition("以后不能再签")[0]


async def test_others_see_nothing_and_change_nothing(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    stranger, other = house.browser(), await house.official("xigu.receptionist")
    answer = await stranger.get(case.mine)
    assert SAID not in await answer.text()
    for path in (case.theirs, f"/sessions/{case.given.session_id}/minutes.pdf"):
        assert (await other.get(path)).status == 404
        assert (await stranger.get(path)).status in (302, 303, 401)
    city = await house.official("city.receptionist")
    assert (await city.get(case.theirs)).status == 200
    refused = await city.send(
        case.theirs, case.theirs, act="sign", digest=await case.digest(), strokes=handwriting()
    )
    assert refused.status in (403, 422)
    assert (await case.phone.post(case.mine, {"csrf_token": "x", "act": "refuse"})).status == 403
    async with house.database.session() as db:
        reading = await read_back(db, house.world.actor(HOST), case.given.session_id)
        assert reading.sheet.minutes.signature_count == 0


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_finger_signs_on_a_phone(house: House, chrome: Chromium) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    cookies = {each.key: each.value for each in case.phone.http.cookie_jar}
    context = await chrome.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    cookie = {"name": LINK_COOKIE, "value": cookies[LINK_COOKIE], "url": case.phone.base + case.mine}
    await context.add_cookies([cookie])
    page = await context.new_page()
    looker = Looker(page, case.phone.base)
    await looker.open(case.mine)
    await page.set_viewport_size({"width": 320, "height": 740})
    await page.evaluate(LARGE_TYPE)
    await looker.open(case.mine)
    await page.evaluate("localStorage.clear()")
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(case.phone.base + case.mine)
    pad = page.locator("canvas")
    await pad.scroll_into_view_if_needed()
    await page.get_by_role("button", name="确认签字").click()
    await expect(page.locator("main")).to_contain_text("签名太小", use_inner_text=True)
    await pad.scroll_into_view_if_needed()
    box = await pad.bounding_box()
    assert box is not None and box["height"] >= 130
    await page.mouse.move(box["x"] + 40, box["y"] + 30)
    await page.mouse.down()
    for step in range(30):
        await page.mouse.move(box["x"] + 40 + step * 7, box["y"] + 30 + (step % 5) * 20)
    await page.mouse.up()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("button", name="确认签字").click()
    await page.get_by_role("heading", name="您已提交").wait_for()
    await looker.look("minutes signed")
    desk = await chrome.new_context(viewport={"width": 1280, "height": 800})
    await desk.add_cookies(
        [{"name": each.key, "value": each.value, "url": case.host.base} for each in case.host.http.cookie_jar]
    )
    official = Looker(await desk.new_page(), case.host.base)
    await official.open(case.theirs)
    await official.page.set_viewport_size({"width": 360, "height": 800})
    await official.open(case.theirs)
    assert looker.faults + official.faults == []
