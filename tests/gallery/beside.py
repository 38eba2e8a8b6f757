"""What citizens read without a reception: mediation, the court's door, their matter, the public pages."""

from __future__ import annotations

import re

from playwright.async_api import Page

from cases.mediation.court_door import issue_court_link
from cases.policy import SYSTEM
from scheduling.arrival.visiting_place import set_place
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.cases.documents.papers import deliver_step
from tests.factories import make_slots
from tests.gallery.house import Street
from tests.gallery.links import every_screen
from tests.mediations import KEEPER
from tests.web.test_court import agreed
from tests.web.test_mediation_video import make_sitting, phone_of
from tests.web.test_posters import made
from tests.web.test_progress import HANDLED, HANDLER, Matter
from tests.web.test_slot_proposals import OWN, Wish
from web.http.access import LINK_COOKIE

MESSAGE = "楼道漏水三个月没有人修，打了很多次电话也没有人来看，请帮帮忙。"


async def mediation(them: Street) -> None:
    """Asked on the telephone: one agrees, the other calls it off; then one that came to its end."""
    for key, answer in (("agree", "李德福"), ("decline", "赵六"), ("helper", "马调解")):
        session_id, _ = await make_sitting(them.house)
        client, base = await phone_of(them.house, session_id, answer)
        page = await them.phone()
        cookie = {"name": LINK_COOKIE, "value": client.cookie(LINK_COOKIE), "url": them.base + base}
        await page.context.add_cookies([cookie])  # type: ignore[list-item]
        await them.go(page, base, f"mediation-{key}-door", f"调解邀请：{answer}")
        await them.go(page, f"{base}/mediation", f"mediation-{key}-ask", f"调解同意：{answer}")
        button = page.locator(f"button[value={key}]")
        if not await button.count():
            continue
        await button.click()
        await page.wait_for_timeout(800)
        await them.hang(page, f"mediation-{key}-done", f"调解同意：{answer}答了以后")
        if key == "agree":
            await every_screen(them, page, "mediation-screen")
            await them.go(page, f"{base}/declined", "mediation-declined", "调解：换一种方式")
            async with them.house.database.session() as db:
                for state in (SessionState.LIVE, SessionState.CLOSED):
                    await move_session(db, them.house.clock, SYSTEM, session_id, state)
            await them.go(page, f"{base}/receipt", "mediation-over", "调解结束以后")
            await them.go(page, base, "mediation-over-door", "调解结束以后再打开链接")


async def court(them: Street) -> None:
    """The door, a wrong key, the agreement."""
    mediation_id, house = await agreed(them.house), them.house
    async with house.database.session() as db:
        given = {"court": "城关区人民法院", "days": "7", "asked": "yes"}
        link, secret = await issue_court_link(db, house.clock, house.world.actor(KEEPER), mediation_id, given)
    page = await them.phone()
    await them.go(page, f"/court/{link.id}", "court-door", "法院查阅：门口")
    await page.locator("main input:not([type=hidden])").first.fill("wrong")
    await page.locator("main form button").first.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "court-wrong", "法院查阅：查阅码不对")
    await page.goto("about:blank")
    await page.goto(f"{them.base}/court/{link.id}#{secret}")
    await page.locator("main form button").first.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "court-open", "法院查阅：协议")


async def progress(them: Street) -> None:
    """A matter that was concluded: rated, rated anew, a review asked for."""
    house, matter = them.house, Matter(them.house)
    await matter.register()
    page = await them.phone()
    await them.go(page, "/progress", "progress-door", "查进度")
    await page.locator("main form button").first.click()
    await page.wait_for_timeout(400)
    await them.hang(page, "progress-wrong", "查进度：没有填")
    await ask(them, page, matter.petition.number, matter.code)
    await them.hang(page, "progress-new", "查进度：刚登记")
    await matter.take(OWN, "classify", **HANDLED)
    await matter.take(OWN, "forward", unit=house.world.housing.id, words="请办理")
    await matter.take(HANDLER, "accept", on="", words="受理。")
    await matter.take(HANDLER, "conclude", conclusion="not_support", words="不支持。")
    async with house.database.session() as db:
        await deliver_step(db, house.clock, house.world.actor(HANDLER), matter.petition.id, "deliver")
    await ask(them, page, matter.petition.number, matter.code)
    await them.hang(page, "progress", "查进度：办结")
    for summary in await page.locator("main details:not([open]) > summary").all():
        await summary.click()
    await them.hang(page, "progress-open", "查进度：都展开")
    card = page.locator("section[aria-labelledby=rating-unit]")
    await card.locator("button[type=submit]").click()
    await page.wait_for_timeout(500)
    await them.hang(page, "progress-rating-wrong", "评价办理：没有选")
    await page.locator("label[for=unit-2]").click()
    await page.locator("section[aria-labelledby=rating-unit] [name=words]").fill("太慢，催了三次。")
    await page.locator("section[aria-labelledby=rating-unit] button[type=submit]").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "progress-rated", "评价办理：记下了")
    await page.locator("section[aria-labelledby=rating-unit] summary").click()
    await page.locator("label[for=unit-4]").click()
    await them.hang(page, "progress-rating-change", "评价办理：修改")
    await page.locator("section[aria-labelledby=rating-unit] button[type=submit]").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "progress-rerated", "评价办理：改过了")
    form = page.locator("form[action^='/progress/review']")
    await page.locator("details:has(form[action^='/progress/review']) > summary").click()
    await form.locator("button[type=submit], button").last.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "review-wrong", "请求复查：没写理由")
    await page.locator("#reason").fill("没有到现场看，请再查一次。")
    await page.locator("form[action^='/progress/review'] button").last.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "review-asked", "请求复查：已收到")


async def ask(them: Street, page: Page, number: str, code: str) -> None:
    await page.goto(them.base + "/progress")
    await page.fill("#number", number)
    await page.fill("#query_code", code)
    await page.locator("main form button").first.click()
    await page.locator("main dl.facts").first.wait_for()


async def times(them: Street) -> None:
    """Another time is proposed."""
    house = them.house
    async with house.database.session() as db:
        slots = list(await make_slots(db, house.clock, house.world.chengguan))
        booked = await book_publicly(
            db, house.clock, BookPublicly(slots[0].id, "张桂芳", "13900001111", "供暖不热", "")
        )
    wish = Wish(house, booked, slots)
    await wish.propose(await house.official(OWN), other_reason="上午区里开会，接访室占用")
    page = await them.phone()
    await ask(them, page, booked.petition.number, booked.query_code)
    await them.hang(page, "times", "改时间：提议")
    for summary in await page.locator("main details:not([open]) > summary").all():
        await summary.click()
    await them.hang(page, "times-open", "改时间：这个时间不行")
    await page.locator("main button[value=accepted]:visible").first.click()
    await page.wait_for_timeout(500)
    await them.hang(page, "times-accepted", "改时间：同意了")


async def public(them: Street) -> None:
    """The pages without a link, from the poster on the wall on."""
    house = them.house
    async with house.database.session() as db:
        await make_slots(db, house.clock, house.world.chengguan)
        await set_place(db, "620102", "庆阳路 1 号", "工作日 9:00 到 17:00", "0931-1234567")
        await set_place(db, "620102001", "酒泉路 8 号一楼", "周一至周五 8:30–12:00", "0931-2222")
    _, path = await made(house, house.world.chengguan.id)
    page = await them.phone()
    await them.go(page, "/", "home", "首页")
    await them.go(page, path, "home-poster", "扫了墙上的码")
    await them.go(page, "/book", "book", "预约：选单位")
    await page.locator("main button").last.click()
    await page.wait_for_timeout(400)
    await them.hang(page, "book-wrong", "预约：没有选单位")
    await them.go(page, f"/book?organisation={house.world.chengguan.id}", "book-slot", "预约：选时间")
    await page.locator("main form button").last.click()
    await page.wait_for_timeout(400)
    await them.hang(page, "book-slot-wrong", "预约：没有填")
    await page.goto(f"{them.base}/book?organisation={house.world.chengguan.id}")
    await page.locator("label[for^=slot-]").first.click()
    for name, value in (("name", "张桂芳"), ("phone", "13900001111"), ("subject", "拆迁安置房迟迟未交付")):
        await page.fill(f"[name={name}]", value)
    await page.locator("main form button").last.click()
    await page.wait_for_url("**/book/done")
    await them.hang(page, "book-done", "预约：提交了")
    await petition(them, page, "/petition")
    await them.go(page, "/mailbox", "mailbox", "领导信箱")
    for name in ("privacy", "accessibility", "signin"):
        await them.go(page, f"/{name}", name, name)
    await page.locator("main form button").first.click()
    await page.wait_for_timeout(400)
    await them.hang(page, "signin-wrong", "登录：没有填")
    station = await them.phone()
    await them.go(station, "/terminal/620102001", "terminal", "接访点终端")
    await station.fill("[name=link]", "123")
    await station.keyboard.press("Enter")
    await station.wait_for_timeout(600)
    await them.hang(station, "terminal-wrong", "接访点终端：不是链接")


async def petition(them: Street, page: Page, path: str) -> None:
    """A matter written on the telephone, step by step, each first without an answer."""
    steps = (
        {"office": them.house.world.chengguan.id, "class": "claim"},
        {"subject": "加装电梯后采光受影响", "description": "二层白天要开灯，请求补救。"},
        {"name": "王秀兰", "phone": "13893100001", "reply_by": "sms"},
    )
    await page.goto(them.base + path)
    for place, typed in enumerate(steps, 1):
        form = page.locator(f"main form[action='{path}']")
        await form.locator(f"[name=step][value='{place}']").wait_for(state="attached")
        await them.hang(page, f"petition-{place}", f"写信访件：第 {place} 步")
        await form.locator("button[value=on].is-primary").click()
        await page.locator(".error-summary").wait_for()
        await them.hang(page, f"petition-{place}-wrong", f"写信访件：第 {place} 步，没有填")
        for name, value in typed.items():
            if await form.locator(f"[name={name}][type=radio]").count():
                await form.locator(f"label[for='{name}-{value}']").click()
            else:
                await form.locator(f"[name={name}]").fill(value)
        await form.locator("button[value=on].is-primary").click()
        await page.wait_for_timeout(400)
    banner = await page.locator("main .banner").all_inner_texts()
    code = re.search(r"\b(\d{6})\b", " ".join(banner))
    await them.hang(page, "petition-code", "写信访件：验证码")
    if code:
        await page.locator("#code").fill(code.group(1))
        await page.locator(f"main form[action='{path}'] button[value=on].is-primary").click()
        await page.wait_for_url("**/petition/done")
        await them.hang(page, "petition-done", "写信访件：交了")


async def officials(them: Street) -> None:
    """What hangs on walls and lists places; topics, a new password, the simulated networks."""
    house = them.house
    async with house.database.session() as db:
        await set_place(db, "620102", "庆阳路 1 号", "工作日 9:00 到 17:00", "0931-1234567")
    sheet, _ = await made(house, house.world.chengguan.id)
    page = await them.official(OWN)
    for path, name in (
        (f"/posters/{sheet}", "poster"), ("/places", "places"), ("/mediation/places", "mediation-places"),
        ("/mediation/people", "mediation-people"), ("/password", "password"), ("/demo", "demo"),
    ):  # fmt: skip
        await them.go(page, path, f"official-{name}", name)
    leader = await them.official("city.leader")
    await them.go(leader, "/figures/topics", "official-topics", "信访事项分类统计")
    network = await them.phone()
    await them.go(network, "/demo/messages", "messages", "短信模拟")
    await network.fill("main form [name=text]", MESSAGE)
    await network.fill("main form [name=sender]", "13893100006")
    await network.locator("main form button").last.click()
    await network.wait_for_timeout(500)
    await them.hang(network, "messages-sent", "短信模拟：发了")
