"""The eight doors of the hall, each by its own pages; behind each one gets a number and a query code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.life.people import Citizen, Desk, fill
from tests.life.stage import Stage

NUMBER = re.compile(r"LZ\d{4}-\d{6}")
CLERK = "chengguan.receptionist"


@dataclass(frozen=True)
class Handed:
    """A matter as it came in. `keeper`: the official who has it first; `case`: its id in addresses."""

    channel: str
    number: str
    code: str
    case: str
    keeper: str
    name: str
    subject: str
    steps: tuple[str, ...] = ("登记",)
    recipient: str = ""


async def by_letter(stage: Stage) -> Handed:
    typed = {"name": "李德福", "address": "城关区酒泉路 12 号", "reply_by": "letter"}
    return await _by_clerk(stage, "letter", "楼道漏水三个月无人修", typed)


async def by_telephone(stage: Stage) -> Handed:
    typed = {"name": "刘淑珍", "phone": "13893100003"}
    return await _by_clerk(stage, "phone", "被拖欠两个月工资", typed)


async def by_visit(stage: Stage) -> Handed:
    """Twelve people with three who speak."""
    typed = {"name": "陈永强", "phone": "13893100004", "headcount": "12"}
    typed["representatives"] = "杨玉梅 13893100005\n吴国平"
    found = await _by_clerk(stage, "visit", "小区门前道路积水", typed)
    return Handed(**(vars(found) | {"recipient": "陈永强等12人"}))


async def by_web(stage: Stage) -> Handed:
    told = {"subject": "加装电梯后采光受影响", "description": "二层白天要开灯，请求补救。"}
    return await _on_the_web(stage, "claim", told)


async def by_advice(stage: Stage) -> Handed:
    """Somebody who asks nothing for himself: a suggestion (建议意见)."""
    told = {"subject": "建议老旧小区加装扶手", "description": "老人多，楼道台阶陡，建议装扶手。"}
    return await _on_the_web(stage, "suggestion", told)


async def _on_the_web(stage: Stage, class_: str, told: dict[str, str]) -> Handed:
    first = {"office": stage.world.chengguan.id, "class": class_}
    third = {"name": "王秀兰", "phone": "13893100001", "reply_by": "sms"}
    return await _by_form(stage, "web", "/petition", (first, told, third))


async def by_mailbox(stage: Stage) -> Handed:
    """An accusation, written to the district's leader, of the housing department."""
    page = (citizen := await Citizen.of(stage)).page
    await page.goto(stage.base + "/mailbox")
    label = page.locator("label", has_text="城关区信访局")
    first = {"post": str(await label.get_attribute("for")).removeprefix("post-"), "class": "accusation"}
    second = {
        "subject": "住建局工作人员收受红包",
        "description": "验收时向施工队索要红包，请求查处。",
        "accused": stage.world.housing.id,
    }
    third = {"name": "何秀英", "phone": "13893100007", "reply_by": "phone"}
    del citizen
    found = await _by_form(stage, "leader_mailbox", "/mailbox", (first, second, third))
    return Handed(**(vars(found) | {"keeper": "chengguan.leader"}))


async def by_sms(stage: Stage) -> Handed:
    return await _by_message(stage, "sms", "13893100006", "夜间施工噪声影响学生休息", "吴国平", "")


async def by_wechat(stage: Stage) -> Handed:
    return await _by_message(stage, "wechat", "wx_mxl2026", "公交站台离小区太远", "马小兰", "13893100008")


async def by_video(stage: Stage) -> Handed:
    """A booking on the public page, reviewed and arranged by the office when all three tiers are free."""
    citizen = await Citizen.of(stage)
    page, subject = citizen.page, "拆迁安置房迟迟未交付"
    await page.goto(stage.base + "/book")
    await page.locator("label", has_text="城关区").click()
    await page.get_by_role("button", name="继续").click()
    await page.locator("[name=slot]").first.wait_for(state="attached")
    await stage.look(page, "book")
    await page.locator("label[for^=slot-]").first.click()
    typed = {"name": "张桂芳", "phone": "13900001111", "subject": subject, "description": "没有通知。"}
    await fill(page.locator("main form"), typed)
    await page.get_by_role("button", name="提交预约").click()
    await page.wait_for_url("**/book/done")
    await stage.look(page, "book-done")
    number, code = await page.locator("dd.code").all_inner_texts()
    desk = await Desk.of(stage, CLERK)
    await desk.open("/bookings")
    await stage.look(desk.page, "bookings")
    await desk.page.get_by_role("link", name=subject).click()
    await fill(desk.page.locator("form:has([name=decision])"), {"decision": "approved"})
    await stage.look(desk.page, "booking")
    await desk.page.get_by_role("button", name="提交审核").click()
    await desk.page.wait_for_url("**/book?booking=*")
    tiers = [stage.world.officials[f"{office}.receptionist"] for office in ("chengguan", "city", "province")]
    for official in tiers:
        await desk.page.locator(f"[name=officials][value='{official.id}']").check()
    await desk.page.locator("[name=rooms]").first.check()
    await desk.page.get_by_role("button", name="找共同的空闲时间").click()
    await desk.page.locator("[name=span]").first.check()
    await stage.look(desk.page, "arrange")
    await desk.page.get_by_role("button", name="排定并通知群众").click()
    await desk.page.wait_for_url("**/sessions/*")
    people = await desk.page.inner_text("main")
    assert all(official.name in people for official in tiers), people
    await stage.look(desk.page, "session")
    await desk.open(f"/cases?search={number}")
    await desk.page.locator("main tbody a", has_text=number).click()
    await desk.page.locator("#handling").wait_for()
    told = ["登记", "预约接访", "预约已同意，正在安排时间", "预约已确认", "安排视频接访"]
    return Handed("video", number, code, _case(desk.page.url), CLERK, "张桂芳", subject, tuple(told))


DOORS = {
    "letter": by_letter,
    "visit": by_visit,
    "web": by_web,
    "phone": by_telephone,
    "leader_mailbox": by_mailbox,
    "sms": by_sms,
    "wechat": by_wechat,
    "video": by_video,
}


async def _by_clerk(stage: Stage, channel: str, subject: str, typed: dict[str, str]) -> Handed:
    """A clerk's own form, and the query code that he tells once."""
    desk = await Desk.of(stage, CLERK)
    await desk.open(f"/cases/new?channel={channel}")
    form = desk.page.locator("form[action='/cases/new']")
    if typed.keys() & {"headcount", "representatives"}:
        await form.locator("summary").click()
    told = {"channel": channel, "subject": subject, "description": f"{subject}，多次反映，请求尽快解决。"}
    await fill(form, told | {"class": "claim"} | typed)
    await stage.look(desk.page, f"new-{channel}")
    await form.get_by_role("button", name="登记", exact=True).click()
    return await _told_to_clerk(desk, channel, typed["name"], subject)


async def _told_to_clerk(desk: Desk, channel: str, name: str, subject: str) -> Handed:
    await desk.page.locator(".message-good .code").wait_for()
    code = await desk.page.locator(".message-good .code").inner_text()
    number = await desk.page.locator(".head .code").inner_text()
    await desk.stage.look(desk.page, f"registered-{channel}")
    return Handed(channel, number, code, _case(desk.page.url), CLERK, name, subject)


async def _by_form(stage: Stage, channel: str, path: str, steps: tuple[dict[str, str], ...]) -> Handed:
    """The citizen's own form in its steps; the case is found by its number."""
    page = (await Citizen.of(stage)).page
    await page.goto(stage.base + path)
    for place, typed in enumerate(steps, 1):
        form = page.locator(f"main form[action='{path}']")
        await form.locator(f"[name=step][value='{place}']").wait_for(state="attached")
        for name, value in typed.items():
            if await form.locator(f"[name={name}][type=radio]").count():
                await form.locator(f"label[for='{name}-{value}']").click()
            else:
                await fill(form, {name: value})
        await stage.look(page, f"{channel}-{place}")
        await form.locator("button[value=on].is-primary").click()
    banner = await page.locator("main .banner", has_text="验证码是").inner_text()
    await page.locator("#code").fill(banner.partition("验证码是 ")[2][:6])
    await stage.look(page, f"{channel}-code")
    await page.locator(f"main form[action='{path}'] button[value=on].is-primary").click()
    await page.wait_for_url("**/petition/done")
    await stage.look(page, f"{channel}-done")
    number, code = await page.locator("dd.code").all_inner_texts()
    keeper = "chengguan.leader" if channel == "leader_mailbox" else CLERK
    desk = await Desk.of(stage, keeper)
    await desk.open(f"/cases?search={number}")
    await desk.page.locator("main tbody a", has_text=number).click()
    await desk.page.locator("#handling").wait_for()
    name, subject = steps[2]["name"], steps[1]["subject"]
    return Handed(channel, number, code, _case(desk.page.url), keeper, name, subject)


async def _by_message(stage: Stage, channel: str, sender: str, text: str, name: str, phone: str) -> Handed:
    """The operator's network hands a message in, and a clerk makes a matter of it."""
    desk = await Desk.of(stage, CLERK)
    await send(stage, channel, sender, text)
    await desk.open("/messages")
    await stage.look(desk.page, f"messages-{channel}")
    await desk.page.get_by_role("link", name=text).click()
    form = desk.page.locator("form[action$='/register']")
    await fill(form, {"name": name} | ({"phone": phone} if phone else {}))
    await stage.look(desk.page, f"thread-{channel}")
    await form.get_by_role("button", name="登记", exact=True).click()
    return await _told_to_clerk(desk, channel, name, text)


async def send(stage: Stage, channel: str, sender: str, text: str) -> None:
    """One signed message as a network would bring it."""
    page = (await Citizen.of(stage, "network")).page
    await page.goto(stage.base + "/demo/messages")
    await fill(page.locator("main form"), {"channel": channel, "sender": sender, "text": text})
    await page.get_by_role("button", name="发送").click()
    await page.locator(".message-good").wait_for()


def _case(url: str) -> str:
    return re.split(r"[/#?]", url.partition("/cases/")[2])[0]
