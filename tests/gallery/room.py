"""The room in every state that people meet: who comes, who is gone, what is shown, how it ends."""

from __future__ import annotations

from playwright.async_api import Page

from cases.roles import InvitationRole
from tests.gallery.people import Cast, in_room
from tests.gallery.wall import PHONES, SIZES
from tests.journey.run import CITIZEN
from tests.scenarios.browsers import diagnostics, until
from tests.scenarios.parties import act, admit_everybody, confirm
from tests.scenarios.troubles import bring_in

ONWARDS = ("start", "switch_on", "picture_yes", "voice_yes", "sound_yes")
GUESTS = (
    (InvitationRole.THIRD_PARTY, "周律师"),
    (InvitationRole.MEDIATOR, "马调解员"),
    (InvitationRole.THIRD_PARTY, "沈心理咨询师"),
)


async def before(them: Cast) -> None:
    """From the message to the waiting room, as the citizen sees it."""
    page = await them.page("citizen", phone=True)
    hang = them.wall.hang
    await page.goto(them.service.links["citizen"])
    await page.locator("[data-part=facts]").wait_for()
    await hang(page, "link", "打开短信里的链接", whole=True, large=True)
    await act(page, "start")
    agree = page.get_by_role("button", name="同意并继续")
    await agree.wait_for()
    await hang(page, "consent", "告知与同意", whole=True, large=True)
    await agree.click()
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await page.locator(f'[data-action="{name}"]:visible').first.wait_for()
        await page.wait_for_timeout(700)
        await hang(page, f"check-{name.split('_')[0]}", "设备检查", whole=True, large=True)
        await act(page, name)
    await page.locator('[data-screen="waiting"]').wait_for(state="visible")
    await page.wait_for_timeout(600)
    await hang(page, "waiting", "等候室", whole=True, large=True)
    await them.wall.lay(page, "waiting", "等候室")


async def meeting(them: Cast) -> None:
    """One, two, four people; the host opens the sitting."""
    citizen, wall = them.pages["citizen"], them.wall
    host = await them.into_room("district", "chengguan")
    await host.wait_for_timeout(1500)
    await wall.hang(host, "room-1", "接访室：一方，有人在等候")
    await sheets(them, host, "room-1")
    await admit_everybody(host)
    await citizen.locator('[data-screen="session"]').wait_for(state="visible")
    await host.wait_for_timeout(2000)
    await wall.hang(host, "room-2", "接访室：两方，还没有开始")
    await act(host, "open")
    await wall.hang(host, "ask-open", "开始前的确认")
    await confirm(host)
    for name, username in (("city", "lanzhou"), ("province", "gansu")):
        await them.into_room(name, username)
    await until(lambda: recording_is(host, "active"), 30, "the recording runs")
    await host.wait_for_timeout(2500)
    await wall.hang(host, "room-4", "接访室：四方，正在录音录像")
    await wall.hang(citizen, "citizen-4", "信访人：四方", large=True)
    await wall.lay(citizen, "citizen-4", "信访人：四方")
    await sheets(them, host, "room-4")


async def sheets(them: Cast, host: Page, name: str) -> None:
    """What opens on a telephone, one after the other."""
    for action, words in (("more", "更多操作"), ("panel", "人员和笔录")):
        await host.set_viewport_size({"width": 390, "height": 844})
        await act(host, action)
        await them.wall.hang(host, f"{name}-{action}", f"接访室：{words}", sizes=PHONES)
        await act(host, action)
        await host.set_viewport_size({"width": 1280, "height": 720})


async def conduct(them: Cast) -> None:
    """A raised hand, a silenced official, a citizen in the waiting room again."""
    host, city, citizen = them.pages["district"], them.pages["city"], them.pages["citizen"]
    wall = them.wall
    await act(city, "hand")
    await host.locator("[data-part=hands]").wait_for(state="attached")
    await host.wait_for_timeout(800)
    await wall.hang(host, "hand", "有人举手")
    await wall.hang(city, "hand-own", "自己举了手")
    await act(city, "hand")
    row = host.locator('[data-part="people"] .seat', has_text="周敏").first
    await row.get_by_role("button", name="操作").click()
    await wall.hang(host, "acts", "一个人的操作", sizes=(1280,))
    await row.locator('[data-command="mute"]').click()
    await host.wait_for_timeout(800)
    await wall.hang(city, "muted", "被主持人静音")
    await wall.hang(host, "muted-host", "主持人静音了一方")
    await row.locator('[data-command="mute"]').click()
    row = host.locator('[data-part="people"] .seat', has_text=CITIZEN)
    await row.get_by_role("button", name="操作").click()
    await row.get_by_role("button", name="移至等候室").click()
    await wall.hang(host, "ask-lobby", "移至等候室前的确认")
    await confirm(host)
    await host.locator('[data-part="lobby"] li').first.wait_for()
    await citizen.wait_for_timeout(800)
    await wall.hang(citizen, "moved", "信访人被请回等候室", whole=True, large=True)
    await wall.hang(host, "moved-host", "接访室：信访人在等候室", sizes=(1280, 390))
    await admit_everybody(host)
    await citizen.locator('[data-screen="session"]').wait_for(state="visible")


async def shown(them: Cast) -> None:
    """A paper before the camera, a screen."""
    host, city, citizen = them.pages["district"], them.pages["city"], them.pages["citizen"]
    await act(citizen, "show")
    await citizen.get_by_role("button", name="把纸放到镜头前").click()
    await until(lambda: document_shown(host), 30, "the paper is on the host's page")
    await host.wait_for_timeout(1200)
    await them.wall.hang(host, "paper", "信访人出示材料")
    await them.wall.hang(citizen, "paper-citizen", "信访人：正在出示", large=True)
    await act(citizen, "show")
    await host.locator(".document").wait_for(state="detached")
    await act(city, "show")
    await city.wait_for_timeout(800)
    await them.wall.hang(city, "show-choice", "出示什么")
    screen = city.get_by_role("button", name="共享屏幕")
    if await screen.count():
        await screen.first.click()
        await until(lambda: document_shown(host), 30, "the screen is on the host's page")
        await host.wait_for_timeout(1200)
        await them.wall.hang(host, "screen", "工作人员共享屏幕")
        await act(city, "show")


async def troubles(them: Cast) -> None:
    """A picture that stands still, a lost connection, a dead worker, a full disk."""
    host, citizen, wall = them.pages["district"], them.pages["citizen"], them.wall
    city = them.pages["city"]
    await city.evaluate("fallSilent()")
    await host.get_by_text("画面中断").first.wait_for()
    await wall.hang(host, "frozen", "一方的画面中断")
    await city.reload()
    for page, name in ((citizen, "citizen"), (host, "host")):
        await page.evaluate("phone.cut = true; phone.socket.onclose({ code: 1006 })")
        await page.wait_for_timeout(3000)
        await wall.hang(page, f"reconnecting-{name}", "正在重新连接", large=page is citizen)
        await wall.hang(host if page is citizen else citizen, f"sees-{name}-gone", "别人看到的")
        await page.evaluate("phone.cut = false")
        await until(lambda page=page: connected(page), 60, f"the {name} is back")
    old = await them.service.kill("media-worker")
    await host.wait_for_timeout(700)
    await wall.hang(host, "worker-killed", "媒体进程没有了", sizes=(1280, 390))
    await them.service.healed("media-worker", old, 30)
    await host.locator("[data-part=connection]").wait_for(state="hidden", timeout=60_000)
    await host.wait_for_timeout(2500)
    await wall.hang(host, "worker-back", "媒体进程恢复", sizes=(1280, 390))
    await conduct_again(host)


async def joined(them: Cast) -> None:
    """Six and seven parties: who helps from outside, with what they may know."""
    host, wall = them.pages["district"], them.wall
    for number, (role, name) in enumerate(GUESTS):
        link = await bring_in(them.service, them.service.session_id, role, name)
        page = await them.page(f"guest-{number}", phone=True)
        await page.goto(link)
        if number == 0:
            await page.locator("[data-part=facts]").wait_for()
            await wall.hang(page, "guest-link", "律师打开链接", whole=True)
        await come_in(page, host, number)
        if number == 1:
            await host.wait_for_timeout(2500)
            await wall.hang(host, "room-6", "接访室：六方")
            await wall.hang(them.pages["citizen"], "citizen-6", "信访人：六方")
    await host.wait_for_timeout(2000)
    await wall.hang(host, "room-7", "接访室：七方")
    await wall.hang(them.pages["guest-0"], "guest", "律师在接访室里", large=True)
    await act(host, "panel") if await host.locator('[data-action="panel"]:visible').count() else None
    await wall.hang(host, "room-7-people", "七方的名单", sizes=(1280,))


async def come_in(page: Page, host: Page, number: int) -> None:
    """Press whatever brings a guest on, until the room."""
    on = page.locator(",".join(f'[data-action="{name}"]' for name in ONWARDS)).locator("visible=true").first
    agree = page.get_by_role("button", name="同意并继续")
    for _ in range(12):
        if await in_room(page):
            return
        if await host.locator('[data-part="lobby"] li').count():
            await admit_everybody(host)
        button = agree.or_(on).first
        if await button.count():
            await button.click()
        await page.wait_for_timeout(1500)
    raise AssertionError(f"guest {number} is not in the room: {page.url}")


async def minutes(them: Cast) -> None:
    """The minutes beside the stage, or beneath it."""
    host, wall = them.pages["district"], them.wall
    await host.locator("#tab-minutes").click()
    await host.get_by_role("button", name="开始记录").click()
    await host.locator("[data-insert=question]").wait_for()
    for kind, text in (
        ("question", "请说说您的情况。"),
        ("answer", "我家白天也要开灯。"),
    ):
        await host.locator(f'[data-insert="{kind}"]').click()
        await host.keyboard.type(text)
    await host.locator(".minutes-state", has_text="已保存").wait_for()
    await wall.hang(host, "minutes", "接访室：笔录", sizes=(1280,))
    await host.set_viewport_size(SIZES[390])  # type: ignore[arg-type]
    await act(host, "panel")
    await wall.hang(host, "minutes-panel", "接访室：笔录", sizes=PHONES)
    await act(host, "panel")
    await host.set_viewport_size(SIZES[1280])  # type: ignore[arg-type]


async def end(them: Cast) -> None:
    """As everybody sees it."""
    host, citizen, wall = them.pages["district"], them.pages["citizen"], them.wall
    for page in (host, citizen):
        if await page.locator("dialog.sheet[open]").count():
            await page.get_by_role("button", name="回到接访").click()
    await conduct_again(host)
    await act(host, "close")
    await wall.hang(host, "ask-close", "结束前的确认")
    reason = host.locator("#dialog-reason")
    if await reason.count():
        await reason.fill("改日核对签字")
    await confirm(host)
    await host.locator("[data-part=farewell]").wait_for()
    await wall.hang(host, "end-host", "工作人员：已结束")
    await citizen.locator('[data-screen="done"]').wait_for(state="visible")
    await wall.hang(citizen, "end-citizen", "信访人：已结束", whole=True, large=True)


async def conduct_again(host: Page) -> None:
    """Who was cut off for a while was stood in for."""
    if await host.locator('[data-action="take_back"]:visible').count():
        await act(host, "take_back")
        await confirm(host)
        await host.locator('[data-action="close"]').wait_for(state="visible")


async def recording_is(page: Page, state: str) -> bool:
    return await diagnostics(page, "recording") == state


async def connected(page: Page) -> bool:
    return await diagnostics(page, "signaling") == "connected"


async def document_shown(page: Page) -> bool:
    return bool(await page.locator(".document video").count())
