"""The whole journey as people walk it: one citizen, three tiers, from the message to the receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page

from tests.journey.album import Album
from tests.journey.desk import LINK, PRESSED, SCREEN, Desk
from tests.journey.measures import Ear, doubled
from tests.journey.phone import LYING, PATIENCE, PHONE, Phone
from tests.scenarios.browsers import TONE_AND_END, Devices, chromium, collect_errors, diagnostics, until
from tests.scenarios.service import Service, running_service
from web.setting_groups import ReceptionSettings

CITIZEN = "王秀兰"
CODE, LETTER = "验证码是", "/j/"
TIERS = {"district": "chengguan", "city": "lanzhou", "province": "gansu"}
DEVICES = {
    "citizen": Devices((46, 92, 138), 440),
    "district": Devices((120, 60, 50), 700),
    "city": Devices((60, 110, 80), 1000),
    "province": Devices((110, 80, 140), 1400),
}


# A person drawn small and slowly: four browsers encode and decode on the machine that takes the pictures.
DRAWN = (
    """
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const rear = Boolean(wanted.video && wanted.video.facingMode && wanted.video.facingMode.exact);
  const tracks = [];
  if (wanted.video) {
    const canvas = Object.assign(document.createElement("canvas"), {width: 320, height: 180});
    const pen = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => {
      const sway = 4 * Math.sin(turn += 0.3);
      pen.fillStyle = rear ? "#b9a06a" : "rgb(%(colour)s)";
      pen.fillRect(0, 0, 320, 180);
      if (rear) {
        pen.fillStyle = "#f7f3e8";
        pen.fillRect(90, 12, 140, 160);
        pen.fillStyle = "#444";
        for (let y = 30; y < 150; y += 14) pen.fillRect(104, y, 80 + (y * 7) %% 32, 5);
        return;
      }
      pen.fillStyle = "#2d3440";
      pen.beginPath();
      pen.ellipse(160 + sway, 190, 74, 72, 0, 0, 7);
      pen.fill();
      pen.fillStyle = "#d9ab86";
      pen.beginPath();
      pen.ellipse(160 + sway, 84, 32, 40, 0, 0, 7);
      pen.fill();
    }, 200);
    tracks.push(...canvas.captureStream(5).getTracks());
  }
"""
    + TONE_AND_END
)


@dataclass
class Cast:
    """Everybody's pages; `aside` is the host's second window."""

    browser: Browser
    service: Service
    album: Album
    phone: Phone
    desks: dict[str, Desk]
    aside: Desk
    errors: list[str]
    ears: dict[str, Ear]

    @property
    def host(self) -> Desk:
        return self.desks["district"]


@asynccontextmanager
async def cast(state: Path, album: Album, tiers: tuple[str, ...] = tuple(TIERS)) -> AsyncIterator[Cast]:
    """A service of its own with demonstration data, a browser, the officials signed in."""
    reception = ReceptionSettings(identity=True, unrecorded=True)
    async with running_service(state, reception=reception) as service, chromium() as browser:
        errors: list[str] = []
        ears = {name: Ear() for name in ("citizen", *tiers)}
        phone = Phone(await page_of(browser, PHONE, "citizen", errors, ears["citizen"]), album)
        desks = {}
        for name in tiers:
            page = await page_of(browser, SCREEN, name, errors, ears[name])
            desks[name] = Desk(page, service.base, service.session_id, album)
            await desks[name].sign_in(TIERS[name])
        second = await desks["district"].page.context.new_page()
        aside = Desk(second, service.base, service.session_id, album)
        yield Cast(browser, service, album, phone, desks, aside, errors, ears)


async def page_of(browser: Browser, size: dict[str, int], name: str, errors: list[str], ear: Ear) -> Page:
    """A page in a browser of its own with cameras and microphones of that party."""
    phone = size is PHONE
    context = await browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        is_mobile=phone,
        has_touch=phone,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    devices = DEVICES[name]
    parts = {"colour": ", ".join(map(str, devices.colour)), "tone": devices.tone}
    await context.add_init_script(DRAWN % parts)
    await ear.listen(context)
    await context.add_init_script(PRESSED)
    context.set_default_timeout(PATIENCE)
    context.set_default_navigation_timeout(PATIENCE)
    page = await context.new_page()
    collect_errors(page, errors)
    return page


async def walk(them: Cast) -> None:
    """All of it, in order."""
    await before(them)
    await waiting(them)
    await meeting(them)
    await talking(them)
    await conferring(them)
    await reading_back(them)
    await afterwards(them)


async def before(them: Cast) -> None:
    """The link goes out; landing, identity, companions, notice and consents."""
    host, phone = them.host, them.phone
    await host.look("board", "今日接访")
    await host.send_link(CITIZEN)
    await host.look("link-sent", "接访安排：链接已发出")
    message = await host.newest_message(LETTER)
    await host.look("outbox", "发出的通知")
    found = LINK.search(message)
    assert found is not None, message
    await phone.open_link(found[0])
    await phone.look("landing", "打开短信里的链接：谁接待、什么时候")
    await phone.start()
    await phone.look("identity", "核验身份：短信验证码")
    await phone.page.locator("input[name=code]").fill("000000")
    await phone.press("继续")
    await phone.page.locator(".error-summary").wait_for()
    await phone.look("identity-wrong", "验证码不对")
    await phone.press("请工作人员打电话核验")
    await phone.page.get_by_text("已告诉工作人员").wait_for()
    await phone.look("identity-asked", "请工作人员打电话核验")
    await phone.type_code(await host.newest_message(CODE))
    await phone.look("notice", "告知与同意，其余目的各自选择")
    await phone.press("有家人、代理人或翻译")
    await phone.look("companions", "谁和您在一起")
    await phone.press("继续")
    await phone.page.locator(".error-summary").wait_for()
    await phone.look("companions-wrong", "同在的人：没有填")
    await phone.tap(phone.page.locator("label[for^=relation-]").first)
    await phone.page.locator("#people").fill("2")
    await phone.press("继续")
    await phone.page.locator("#purpose-messages").check()
    await phone.press("同意并继续")


async def waiting(them: Cast) -> None:
    """Devices, the waiting room, stepping away."""
    phone = them.phone
    await phone.check_devices(looking=True)
    await until(lambda: phone.page.locator("[data-part=queue_number]").inner_text(), 10, "a number")
    await phone.page.wait_for_timeout(500)
    await phone.look("waiting", "等候室")
    await phone.act("step_away")
    await phone.on("away")
    await phone.look("away", "暂时离开，位置保留")
    await phone.act("come_back")
    await phone.on("waiting")


async def meeting(them: Cast) -> None:
    """Three tiers enter, the host calls, the reception is opened."""
    host, phone = them.host, them.phone
    await host.open("/board")
    await host.look("board-waiting", "今日接访：有人候访")
    await host.open(f"/sessions/{host.session}/arrivals")
    await host.look("arrivals", "来访手续")
    for desk in them.desks.values():
        await desk.enter()
    await host.page.wait_for_timeout(1500)
    await host.look("console-waiting", "接访室：信访人在等候")
    await host.admit(CITIZEN)
    await phone.on("called")
    await them.album.moment(phone.page, "called", "轮到您了")
    await phone.on("session")
    await phone.page.wait_for_timeout(1500)
    await phone.look("session-before", "接访室：还没有开始")
    await host.act("open")
    await host.look("ask-open", "开始接访前的确认")
    await host.confirm()
    await until(lambda: _recorded(phone.page), 60, "the recording runs")


async def talking(them: Cast) -> None:
    """Layouts, phases, a muted microphone, a paper, the minutes as they are written, marks."""
    host, phone = them.host, them.phone
    await phone.page.wait_for_timeout(1500)
    await phone.look("session", "接访中：画面、录制标志、四个按钮")
    for value in ("tiers", "speaker", "grid", "evidence"):
        await host.layout(value)
        await host.look(f"console-{value}", f"接访室版式：{value}")
        if value in ("tiers", "grid"):
            await phone.look(f"session-{value}", f"接访中：主持人选了版式 {value}", measured=False)
    await host.layout("auto")
    await host.page.locator(".phase").nth(1).click()
    await phone.page.wait_for_timeout(1200)
    await phone.look("session-phase", "接访中：第一个环节")
    await host.look("console-phase", "接访室：第一个环节")
    await phone.act("microphone")
    await phone.look("session-muted", "接访中：自己静音了")
    await phone.act("microphone")
    await phone.act("show")
    await phone.look("session-materials", "接访中：要出示什么")
    await phone.press("把纸放到镜头前")
    await _wait_for_paper(them)
    await phone.look("session-showing", "接访中：正在出示材料", measured=False)
    await host.look("console-paper", "接访室：信访人出示材料")
    await _put_away(them)
    await phone.act("help")
    await phone.look("help", "求助")
    await phone.act("back")
    await phone.act("leave")
    await phone.look("leaving", "要离开吗")
    await phone.act("back")
    await _write_minutes(them)
    await host.tab("marks")
    await host.page.locator(".mark-button").nth(1).click()
    await host.page.locator("[data-mark=promise]").wait_for()
    await host.look("console-marks", "接访室：标记")
    await host.tab("people")
    await host.act("pause")
    await host.look("ask-pause", "暂停前的确认")
    await host.page.locator("#dialog-reason").fill("信访人需要休息")
    await host.confirm()
    await phone.page.wait_for_timeout(1200)
    await phone.look("session-paused", "接访中：暂停")
    await host.look("console-paused", "接访室：暂停")
    await host.act("pause")
    await until(lambda: _recorded(phone.page), 60, "the recording goes on")


async def _wait_for_paper(them: Cast) -> None:
    await them.host.page.locator(".document").wait_for(timeout=60_000)
    await them.host.page.wait_for_timeout(1200)


async def _put_away(them: Cast) -> None:
    await them.phone.act("show")
    await them.host.page.locator(".document").wait_for(state="detached", timeout=60_000)


async def _write_minutes(them: Cast) -> None:
    host, phone = them.host, them.phone
    await host.tab("minutes")
    await host.button("开始记录").click()
    await host.page.locator("[data-insert=question]").wait_for()
    await host.write("question", "请说说您要反映的情况。")
    await host.write("answer", "三号楼加装电梯以后，我家白天也要开灯，请派人来看一看。")
    await host.write("question", "您有什么要求？")
    await host.write("answer", "请施工单位给个补救的办法。")
    await host.look("console-minutes", "接访室：记笔录")
    await host.page.locator("summary", has_text="同步显示和授权").click()
    await host.page.get_by_label("信访人同步看到笔录").check()
    await phone.page.locator(".reading summary").click(timeout=60_000)
    await phone.page.wait_for_timeout(800)
    await phone.look("session-reading", "接访中：同步看笔录")


async def conferring(them: Cast) -> None:
    """The officials confer; the citizen sees a calm page."""
    host, phone = them.host, them.phone
    await host.act("deliberate")
    await host.look("ask-deliberate", "合议前选人")
    await host.confirm()
    await phone.on("held")
    await phone.look("held", "工作人员内部商议")
    await host.page.wait_for_timeout(800)
    await host.look("console-deliberating", "接访室：合议，不录制")
    await host.act("deliberate")
    await phone.page.locator("[data-part=held_back]").wait_for(state="visible")
    await phone.look("held-back", "马上回到接访", measured=False)
    await phone.on("session")


async def reading_back(them: Cast) -> None:
    """The minutes on the phone: read back, objected to, answered, signed by finger, locked by the host."""
    aside, phone = them.aside, them.phone
    await aside.open(f"/sessions/{aside.session}/minutes")
    await aside.look("minutes", "笔录和议定事项", whole=True)
    await aside.button("记录完毕，交信访人核对").click()
    await phone.press("核对笔录")
    sheet = phone.page.locator("dialog.sheet")
    await sheet.locator(".paragraph").first.wait_for()
    await phone.look("read-back", "在通话中核对笔录")
    await phone.tap(sheet.locator("summary", has_text="这里不对").first)
    await sheet.locator("textarea:visible").first.fill("是从四月开始的，不是三月。")
    await phone.look("object", "对一段提意见")
    await sheet.locator("button[value=object]:visible").first.scroll_into_view_if_needed()
    await phone.look("object-button", "对一段提意见：发出", measured=False)
    await phone.tap(sheet.locator("button[value=object]:visible").first)
    await sheet.get_by_text("工作人员正在处理").first.wait_for()
    await phone.look("objected", "意见已提出")
    await aside.open(f"/sessions/{aside.session}/minutes/signing")
    await aside.look("objection", "核对和签字：有一条意见", whole=True)
    await aside.page.locator("select[name=outcome]").select_option("logged")
    await aside.page.locator("textarea[name=words]").first.fill("以录像为准，已记下您的意见。")
    await aside.page.locator("button[value=answer]").click()
    await aside.page.locator("select[name=outcome]").wait_for(state="detached")
    await aside.button("核对完毕，开始签字").click()
    await aside.page.locator("button[value=sign]").wait_for()
    pad = sheet.locator("canvas")
    await pad.wait_for()  # It came by itself: the page over the call follows the minutes.
    await phone.look("signing", "核对笔录并签字")
    await pad.scroll_into_view_if_needed()
    await phone.look("signing-pad", "签名框", measured=False)
    await phone.tap(sheet.locator("summary", has_text="我不签字"))
    await sheet.locator("button[value=refuse]").scroll_into_view_if_needed()
    await phone.look("refusing", "不签字也可以")
    await phone.tap(sheet.locator("summary", has_text="我不签字"))
    await phone.page.set_viewport_size(LYING)  # type: ignore[arg-type]
    await phone.sign(pad)
    await them.album.moment(phone.page, "signing-landscape", "横过来签字")
    await phone.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await phone.tap(sheet.get_by_role("button", name="确认签字"))
    await sheet.get_by_role("heading", name="您已提交").wait_for()
    await phone.look("signed", "已签字")
    await phone.tap(sheet.get_by_role("button", name="回到接访"))
    await aside.open(f"/sessions/{aside.session}/minutes/signing")
    await Phone(aside.page, them.album).sign(aside.page.locator("canvas"))
    await aside.look("host-signing", "主持人最后签字", whole=True)
    await aside.page.locator("button[value=sign]").click()
    await aside.page.get_by_text("与定稿时一致").wait_for()
    await aside.look("minutes-final", "笔录定稿", whole=True)


async def afterwards(them: Cast) -> None:
    """Closed: what everybody sees then; three questions, the receipt, the progress page."""
    host, phone, aside = them.host, them.phone, them.aside
    await host.act("close")
    await host.look("ask-close", "结束前的确认")
    await host.confirm()
    await phone.on("done")
    await phone.look("done", "接访已结束")
    await host.page.locator("[data-part=farewell]").wait_for()
    await host.look("farewell", "接访室：已结束")
    await phone.press("评价并领取回执")
    await phone.page.locator("input[name=score]").first.wait_for()
    await phone.look("rating-1", "评价 1")
    await phone.press("提交")
    await phone.page.locator(".error-summary").wait_for()
    await phone.look("rating-wrong", "评价：没有选")
    for number in (1, 2, 3):
        await phone.page.locator("input[name=score]").first.wait_for()
        if number > 1:
            await phone.look(f"rating-{number}", f"评价 {number}")
        await phone.tap(phone.page.locator("label[for^=score-]").nth(number - 1))
        async with phone.page.expect_navigation():
            await phone.press("提交")
    await phone.page.get_by_role("heading", name="办到哪一步了").wait_for()
    await phone.look("receipt", "回执")
    await phone.press("申请查看录像")
    await phone.page.get_by_text("工作人员会打电话答复您").wait_for()
    await phone.look("receipt-replay", "回执：申请查看录像")
    await phone.page.goto(them.service.base + "/progress")
    await phone.look("progress", "查询进度")
    for path in ("accessibility", "privacy"):
        await phone.page.goto(f"{them.service.base}/{path}")
        await phone.look(path, path)
    await aside.open("/requests")
    await aside.look("requests", "群众的请求")
    await aside.open("/board")
    await aside.look("board-done", "今日接访：已完成")


def told_twice(them: Cast) -> list[str]:
    """Events that any page of the run told by two messages."""
    return [f"{name}: {each}" for name, ear in them.ears.items() for each in doubled(ear.told)]


async def _recorded(page: Page) -> bool:
    return await diagnostics(page, "recording") == "active"
