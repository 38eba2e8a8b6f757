"""Sittings of another kind, and what stands before one: a slow line, a mediation, the pad of a phone."""

from __future__ import annotations

from playwright.async_api import Page
from sqlalchemy import select

from cases.clock import SystemClock
from cases.database import Database
from cases.policy import Actor, ActorKind
from scheduling.invitation import Invitation
from scheduling.minutes.phone_signing import issue_phone_signing
from tests.gallery.people import Cast
from tests.gallery.wall import SIZES
from tests.scenarios.browsers import until
from tests.scenarios.parties import act, admit_everybody, confirm, official_into_room, until_live
from tests.scenarios.test_device_check import NO_WAY
from tests.scenarios.test_mediation_video import arrange, guest_to_waiting_room

PARTIES = ("马秀兰", "赵建军", "马调解")


async def line(them: Cast) -> None:
    """The check at home, on a line that lets pages through and no media, and what it says then."""
    page = await them.page("citizen", phone=True)
    await page.add_init_script(NO_WAY)
    address, secret = them.service.links["citizen"].split("#")
    await page.goto(address)
    begun = await page.request.post(
        f"{address}/check/begin", data={"secret": secret}, headers={"Origin": them.service.base}
    )
    await page.goto(them.service.base + (await begun.json())["next"])
    await them.wall.hang(page, "check-start", "在家先检查", whole=True, large=True)
    for name in ("switch_on", "picture_yes", "record", "play_back", "voice_yes", "sound_yes"):
        await act(page, name)
    await page.locator('[data-screen="line"]').wait_for(state="visible")
    await page.wait_for_timeout(800)
    await them.wall.hang(page, "line", "正在量网络", whole=True, large=True)
    await page.wait_for_url("**/result*", timeout=90_000)
    await them.wall.hang(page, "line-result", "网络不好的检查结果", whole=True, large=True)


async def mediation(them: Cast) -> None:
    """Two parties and a mediator: who helps reads names that are masked; nothing is recorded."""
    database = Database(them.service.settings.database_url)
    try:
        async with database.session() as db:
            _, links = await arrange(db, them.service)
    finally:
        await database.close()
    host = await them.page("主持")
    await official_into_room(host, links["主持"])
    for name in PARTIES:
        page = await them.page(name, phone=True)
        await guest_to_waiting_room(page, links[name], name != "马调解")
        await admit_everybody(host)
        await page.locator("[data-screen=session]").wait_for(state="visible")
    await act(host, "open")
    await them.wall.hang(host, "mediation-ask", "开始调解前的确认")
    await confirm(host)
    await until_live(host)
    await host.wait_for_timeout(2500)
    await them.wall.hang(host, "mediation-host", "视频调解：主持")
    await them.wall.hang(them.pages["马秀兰"], "mediation-party", "视频调解：当事人", large=True)
    await them.wall.hang(them.pages["马调解"], "mediation-helper", "视频调解：调解员，姓名隐去", large=True)
    await act(host, "close")
    await confirm(host)
    await host.locator("[data-part=farewell]").wait_for()
    await them.wall.hang(host, "mediation-end-host", "调解结束：主持", whole=True)
    await them.pages["马秀兰"].locator("[data-screen=done]").wait_for(state="visible")
    await them.wall.hang(them.pages["马秀兰"], "mediation-end", "调解结束：当事人", whole=True, large=True)


async def signing(them: Cast) -> None:
    """The minutes read back, signed on the page over the call, and on a phone beside a kiosk."""
    host, citizen, wall = them.pages["district"], them.pages["citizen"], them.wall
    aside = await them.contexts["district"].new_page()
    await aside.goto(f"{them.service.base}/sessions/{them.service.session_id}/minutes")
    await aside.get_by_role("button", name="记录完毕，交信访人核对").click()
    read = citizen.get_by_role("button", name="核对笔录").or_(citizen.get_by_role("link", name="核对笔录"))
    await read.locator("visible=true").first.click()
    sheet = citizen.locator("dialog.sheet")
    await sheet.locator(".paragraph").first.wait_for()
    await wall.hang(citizen, "read-back", "信访人核对笔录", large=True)
    await wall.hang(host, "read-back-host", "接访室：正在核对笔录", sizes=(1280,))
    await aside.goto(f"{them.service.base}/sessions/{them.service.session_id}/minutes/signing")
    await wall.hang(aside, "signing-host", "核对和签字", whole=True)
    await aside.get_by_role("button", name="核对完毕，开始签字").click()
    await sheet.locator("canvas").wait_for()
    await sheet.locator("canvas").scroll_into_view_if_needed()
    await wall.hang(citizen, "signing", "信访人签字", large=True)
    digest = await sheet.locator("input[name=digest]").first.get_attribute("value")
    pad = await them.page("pad", phone=True)
    await pad.goto(await pad_address(them, str(digest)))
    await wall.hang(pad, "pad-door", "手机签字：扫码以后", whole=True, large=True)
    await pad.get_by_role("button", name="开始签字").click()
    await pad.locator("canvas").wait_for()
    await wall.hang(pad, "pad", "手机签字", whole=True, large=True)
    await lying(pad, them)
    await aside.close()


async def lying(pad: Page, them: Cast) -> None:
    """The phone on its side, as people sign."""
    high = SIZES[390]
    await pad.set_viewport_size({"width": high["height"], "height": high["width"]})
    await pad.wait_for_timeout(400)
    await pad.screenshot(path=them.wall.folder / "pad-lying.png")
    await pad.set_viewport_size(high)  # type: ignore[arg-type]


async def pad_address(them: Cast, digest: str) -> str:
    """What the QR code at the kiosk says."""
    database = Database(them.service.settings.database_url)
    try:
        async with database.session() as db:
            wanted = (Invitation.session_id == them.service.session_id, Invitation.role == "petitioner")
            guest = (await db.scalars(select(Invitation).where(*wanted))).one()
            actor = Actor(
                ActorKind.INVITEE, guest.display_name, invitation_id=guest.id,
                session_id=them.service.session_id, invitation_role=guest.role,
            )  # fmt: skip
            issued = await issue_phone_signing(db, SystemClock(), actor, them.service.session_id, digest)
    finally:
        await database.close()
    return f"{them.service.base}/j/{guest.code}/phone/{issued.signing.id}#{issued.secret}"


async def hall(them: Cast) -> None:
    """The window for the hall with everybody who was called in."""
    host = them.pages["district"]
    async with host.expect_popup() as popup:
        await host.locator('[data-action="hall"]').click()
    window = await popup.value
    await until(lambda: window.locator(".tile").count(), 30, "people in the hall's window")
    await window.wait_for_timeout(2500)
    await them.wall.hang(window, "hall-4", "大厅屏幕：四方")
    await window.close()
