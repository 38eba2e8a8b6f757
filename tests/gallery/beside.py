"""What citizens read without a reception: mediation, the court's door, the public pages."""

from __future__ import annotations

from playwright.async_api import Locator, Page

from cases.mediation.court_door import issue_court_link
from cases.policy import SYSTEM
from scheduling.arrival.visiting_place import set_place
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.factories import make_slots
from tests.gallery.house import UNFOLD, Street
from tests.gallery.links import every_screen
from tests.mediations import KEEPER
from tests.web.test_court import agreed
from tests.web.test_identity import CODE
from tests.web.test_mediation_video import make_sitting, phone_of
from tests.web.test_posters import made
from tests.web.test_slot_proposals import OWN
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
    for name in ("privacy", "accessibility", "mailbox"):
        await them.go(page, f"/{name}", name, name)
    await them.go(page, "/demo", "demo-none", "演示：没有准备")
    station = await them.phone()
    await them.go(station, "/terminal/620102001", "terminal", "接访点终端")
    await station.fill("[name=link]", "123")
    await station.keyboard.press("Enter")
    await station.wait_for_timeout(600)
    await them.hang(station, "terminal-wrong", "接访点终端：不是链接")


async def signing_in(them: Street) -> None:
    """Officials at their door: nothing typed, a wrong password, locked."""
    page, someone = await them.phone(), them.house.world.officials[OWN].username
    await them.go(page, "/signin", "signin", "登录")
    await page.locator("main form button").click()
    await page.locator(".error-summary").wait_for()
    await them.hang(page, "signin-wrong", "登录：没有填")
    for turn in range(6):
        await page.fill("#username", someone)
        await page.fill("#password", "wrong")
        async with page.expect_navigation():
            await page.locator("main form button").click()
        if turn in (0, 5):
            await them.hang(page, f"signin-{'locked' if turn else 'refused'}", f"登录：错了 {turn + 1} 次")


# Within a minute no second code goes to one number.
PHONES = {"claim": "13893100001", "accusation": "13893100002"}


async def written(them: Street) -> None:
    """A matter and an accusation written on the telephone, to the receipt."""
    page = await them.phone()
    await petition(them, page, "claim")
    await petition(them, await them.phone(), "accusation")


async def petition(them: Street, page: Page, kind: str) -> None:
    """Step by step, each first without an answer; the code wrong and right."""
    steps: tuple[dict[str, str], ...] = (
        {"office": them.house.world.chengguan.id, "class": kind},
        {"subject": "加装电梯后采光受影响", "description": "二层白天要开灯，请求补救。"},
        {"name": "王秀兰", "phone": PHONES[kind], "reply_by": "sms"},
    )
    form = page.locator("main form[action='/petition']")
    onwards = form.locator("button[value=on].is-primary")
    if kind == "accusation":
        steps[1]["accused"] = them.house.world.housing.id
    await page.goto(them.base + "/petition")
    for place, typed in enumerate(steps, 1):
        await form.locator(f"[name=step][value='{place}']").wait_for(state="attached")
        await them.hang(page, f"{kind}-{place}", f"网上反映：第 {place} 步")
        await onwards.click()
        await page.locator(".error-summary").wait_for()
        await them.hang(page, f"{kind}-{place}-wrong", f"网上反映：第 {place} 步，没有填")
        for name, value in typed.items():
            await fill(form, name, value)
        if place == len(steps):
            await page.evaluate(UNFOLD)
            await them.hang(page, f"{kind}-{place}-open", f"网上反映：第 {place} 步，都展开")
        await onwards.click()
    await form.locator("#code").wait_for()
    await them.hang(page, f"{kind}-code", "网上反映：验证码")
    await form.locator("#code").fill("000000")
    await onwards.click()
    await form.locator(".field-error").wait_for()
    await them.hang(page, f"{kind}-code-wrong", "网上反映：验证码不对")
    await form.locator("#code").fill(CODE)
    await onwards.click()
    await page.wait_for_url("**/petition/done")
    await them.hang(page, f"{kind}-done", "网上反映：交了")
    if kind == "accusation":
        await page.reload()
        await them.hang(page, f"{kind}-done-again", "网上反映：回执刷新以后")


async def fill(form: Locator, name: str, value: str) -> None:
    """Whatever kind of field it is."""
    if await form.locator(f"[name={name}][type=radio]").count():
        await form.locator(f"label[for='{name}-{value}']").click()
    elif await form.locator(f"select[name={name}]").count():
        await form.locator(f"select[name={name}]").select_option(value)
    else:
        await form.locator(f"[name={name}]").fill(value)


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
