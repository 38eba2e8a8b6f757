"""What a personal link leads to before, beside and after the reception, without a camera."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import revoke_link
from scheduling.minutes.record import MinutesState, move_minutes
from scheduling.reach import load_session
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.gallery.house import Street
from tests.journey.test_pages import FILL, SCREENS, SHOW
from tests.scheduling.papers import photo
from tests.scheduling.test_minutes_signing import handwriting
from tests.web.test_links import Given
from tests.web.test_oidc import NUMBER
from tests.web.test_signing import HOST, arrange
from web.http.access import LINK_COOKIE

# With whom a reception is held besides officials: the name, and as what.
GUESTS = (
    ("lawyer", InvitationRole.THIRD_PARTY, "钱律师"),
    ("psychologist", InvitationRole.THIRD_PARTY, "沈心理咨询师"),
    ("delegate", InvitationRole.PROXY, "李小军"),
    ("interpreter", InvitationRole.INTERPRETER, "马翻译"),
    ("companion", InvitationRole.COMPANION, "李小红"),
)


async def problems(them: Street) -> None:
    """No secret, opened elsewhere, taken back, too late, too early."""
    given = await them.link()
    path = f"/j/{given.code}"
    page = await them.phone()
    await them.go(page, path, "link-bare", "链接不完整")
    await them.go(page, f"/j/{'0' * 32}#x", "link-unknown-door", "没有这个链接：门口")
    await press(them, page, "link-unknown", "没有这个链接")
    await them.holder(given)
    other = await them.phone()
    await other.goto(f"{them.base}{path}#{given.secret}")
    await other.locator("[data-action=start]").wait_for()
    await press(them, other, "link-second", "同一个链接，另一部手机")
    await other.locator("[data-problem=link_in_use] [data-help]").click()
    await other.locator("[data-help-asked]:visible").wait_for()
    await them.hang(other, "link-second-asked", "另一部手机：已求助")
    them.house.clock.advance(days=-2)
    early = await them.phone()
    await them.go(early, f"{path}#{given.secret}", "link-early", "来早了")
    them.house.clock.advance(days=2, hours=5)
    late = await them.phone()
    await late.goto(f"{them.base}{path}#{given.secret}")
    await press(them, late, "link-expired", "链接过期")
    them.house.clock.advance(hours=-5)
    given = await them.link()
    async with them.house.database.session() as db:
        await revoke_link(db, them.house.clock, SYSTEM, given.invitation_id)
    gone = await them.phone()
    await gone.goto(f"{them.base}/j/{given.code}#{given.secret}")
    await press(them, gone, "link-revoked", "链接已收回")


async def press(them: Street, page: Page, name: str, words: str) -> None:
    """The one button of the door, where there is one still."""
    start = page.locator("[data-action=start]:visible")
    if await start.count():
        await start.click()
    await page.wait_for_timeout(600)
    await them.hang(page, name, words)


async def identity(them: Street) -> None:
    """Who it is: a code, an account elsewhere, a number; who came along; what is agreed to."""
    given = await them.link()
    page, path = await them.holder(given), f"/j/{given.code}"
    await them.go(page, f"{path}/identity", "identity", "身份核验")
    await page.fill("#code", "000000")
    await page.locator("button[value=confirm]").click()
    await page.locator(".error-summary").wait_for()
    await them.hang(page, "identity-wrong", "验证码不对")
    await page.context.route("https://id.example.gov.cn/**", lambda route: route.abort())
    await them.go(page, f"{path}/identity/proof", "identity-proof", "账号核验：没有完成")
    await them.go(page, "/identity/back?error=access_denied&state=x", "identity-back", "账号核验：没有同意")
    async with them.house.database.session() as db:
        (await load_session(db, given.session_id)).id_number_needed = True
        await db.commit()
    await page.goto(f"{them.base}{path}/identity")
    await page.fill("#code", "482913")
    await page.locator("button[value=confirm]").click()
    await page.wait_for_url("**/idnumber")
    await them.hang(page, "idnumber", "身份证号")
    for typed, key, words in (("", "empty", "没有填"), ("110105194912310021", "wrong", "不对")):
        await page.fill("#id_number", typed)
        await page.locator("main form button").click()
        await page.locator(".error-summary").wait_for()
        await them.hang(page, f"idnumber-{key}", f"身份证号：{words}")
    await page.fill("#id_number", NUMBER)
    await page.locator("main form button").click()
    await page.wait_for_url("**/notice")
    await them.hang(page, "notice", "告知与同意")
    await them.go(page, f"{path}/companions", "companions", "同来的人")
    await page.fill("#people", "0")
    await page.locator("main form button").first.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "companions-wrong", "同来的人：写错")
    await them.go(page, f"{path}/declined", "declined", "不同意录音录像")


async def agree(them: Street, page: Page, given: Given) -> None:
    await page.goto(f"{them.base}/j/{given.code}/notice")
    await page.locator("button[value=agree]").click()
    await page.wait_for_url("**/room")


async def screens(them: Street) -> None:
    """Every screen of the room's page, forced; the check at home; papers to be sent."""
    given = await them.link()
    page = await them.holder(given)
    await agree(them, page, given)
    await every_screen(them, page, "screen")
    await page.goto(f"{them.base}/j/{given.code}/check")
    for name in ("trouble", "picture", "voice", "sound", "line"):
        await page.evaluate(SHOW, name)
        await them.hang(page, f"check-{name}", f"在家检查：{name}")
    await them.go(page, f"/j/{given.code}/check/result", "check-result", "在家检查：结果")
    await them.go(page, f"/j/{given.code}/materials", "materials", "上传材料")
    await page.locator("input[type=file]").first.set_input_files(
        [{"name": "楼道漏水的照片，2026年7月.jpg", "mimeType": "image/jpeg", "buffer": photo()}]
    )
    await page.locator("main img").first.wait_for()
    await them.hang(page, "materials-sent", "上传材料：已收到")
    await page.locator("input[type=file]").first.set_input_files(
        [{"name": "说明.txt", "mimeType": "text/plain", "buffer": b"no picture"}]
    )
    await page.wait_for_timeout(1000)
    await them.hang(page, "materials-refused", "上传材料：不能收")


async def every_screen(them: Street, page: Page, name: str) -> None:
    found = await page.evaluate(SCREENS)
    await page.evaluate(FILL)
    for screen in found:
        await page.evaluate(SHOW, screen)
        await them.hang(page, f"{name}-{screen}", f"接访室各屏：{screen}")


async def minutes(them: Street) -> None:
    """Not there yet, read back, objected, signed, final."""
    case = await arrange(them.house)
    page, house = await them.phone(), them.house
    cookie = {"name": LINK_COOKIE, "value": case.phone.cookie(LINK_COOKIE), "url": them.base + case.mine}
    cookie["url"] = f"{them.base}/j/{case.given.code}"
    await page.context.add_cookies([cookie])  # type: ignore[list-item]
    await them.go(page, case.mine, "minutes-early", "笔录：还在整理")
    actor = house.world.actor(HOST)
    async with house.database.session() as db:
        await move_minutes(db, house.clock, actor, case.given.session_id, MinutesState.READ_BACK)
    await them.go(page, case.mine, "minutes-read", "笔录：核对")
    await page.locator("summary").first.click()
    await them.hang(page, "minutes-object", "笔录：这里不对")
    await case.cite(303, act="object", words="是四月开始漏的，不是三月。")
    await them.go(page, case.mine, "minutes-objected", "笔录：提了意见")
    text = await (await case.host.get(case.theirs)).text()
    objection = text.split('name="objection_id" value="')[1][:32]
    await case.act(303, act="answer", objection_id=objection, outcome="logged", words="以录像为准")
    await case.act(303, act="begin")
    await them.go(page, case.mine, "minutes-sign", "笔录：签字")
    await page.locator("details summary").last.click()
    await them.hang(page, "minutes-refuse", "笔录：不签字")
    await page.locator("details[open] button").last.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "minutes-refuse-wrong", "笔录：不签字，没写理由")
    digest = await case.digest()
    await case.cite(303, act="sign", digest=digest, strokes=handwriting())
    await them.go(page, case.mine, "minutes-signed", "笔录：签过了")
    await case.act(303, act="sign", digest=digest, strokes=handwriting(2))
    await them.go(page, case.mine, "minutes-final", "笔录：定稿")


async def afterwards(them: Street) -> None:
    """Three questions, the receipt, the recording asked for."""
    given = await them.link()
    page, path = await them.holder(given), f"/j/{given.code}"
    await agree(them, page, given)
    async with them.house.database.session() as db:
        for state in (SessionState.LIVE, SessionState.CLOSED):
            await move_session(db, them.house.clock, SYSTEM, given.session_id, state)
    await page.goto(f"{them.base}{path}/rate")
    for name in ("timely", "manner", "outcome"):
        await page.wait_for_url(f"**/rate/{name}")
        await them.hang(page, f"rate-{name}", f"评价：{name}")
        if name == "timely":
            await page.locator("button[value=rate]").click()
            await page.wait_for_timeout(500)
            await them.hang(page, "rate-wrong", "评价：没有选")
        await page.locator("label[for=score-4]").click()
        await page.locator("button[value=rate]").click()
    await page.wait_for_url("**/receipt")
    await them.hang(page, "receipt", "回执")
    await them.go(page, f"{path}/rate/timely", "rate-again", "评价：再打开")
    await page.goto(f"{them.base}{path}/receipt")
    form = page.locator("form[action$='/replay']")
    if await form.count():
        summary = page.locator("details:has(form[action$='/replay']) summary")
        if await summary.count():
            await summary.click()
            await them.hang(page, "receipt-replay", "回执：想看录像")
        await form.locator("button").first.click()
        await page.wait_for_timeout(500)
        await them.hang(page, "receipt-asked", "回执：已申请看录像")
    them.house.clock.advance(days=20)
    await them.go(page, path, "link-after", "接访结束以后再打开链接")


async def guests(them: Street) -> None:
    """Whoever helps or comes along: the door, what is asked, the first page of the room."""
    for key, role, name in GUESTS:
        given = await them.link(role, name)
        page = await them.phone()
        await page.goto(f"{them.base}/j/{given.code}#{given.secret}")
        await page.locator("[data-part=facts]").wait_for()
        await them.hang(page, f"{key}-door", f"{name}：链接")
        await page.locator("[data-action=start]").click()
        await asyncio.sleep(1)
        await them.hang(page, f"{key}-next", f"{name}：下一步")
        if await page.locator("button[value=agree]").count():
            await page.locator("button[value=agree]").click()
            await page.wait_for_url("**/room")
            await page.wait_for_timeout(500)
            await them.hang(page, f"{key}-room", f"{name}：进门")
