"""Pages of trouble, as citizens and as officials read them."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

from cases.clock import SystemClock
from cases.database import Database
from scheduling.notices.notice import Notice, NoticeChannel
from scheduling.session import Session
from tests.gallery.people import Cast
from tests.gallery.wall import PHONES

BOTH = (1280, 390)
NOWHERE = "0" * 32
TOLD = "您预约的视频接访定在明天上午 9:00，请带身份证到酒泉路街道便民服务中心一楼，工作人员帮您进入。"
# A form of the page's own kind, posted by the page itself: what the answer looks like is what is pictured.
POST = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""

# The form of the page, sent as often as nobody types it.
OFTEN = """async () => {
  const body = new URLSearchParams(new FormData(document.querySelector("main form")));
  for (let turn = 0; turn < 40; turn += 1) await fetch("/progress", { method: "POST", body });
}"""


async def refusals(them: Cast) -> None:
    """403, 404, 405, 409, 413, 429 and the last page of all, for both."""
    citizen = await them.page("citizen", phone=True)
    official = await them.signed_in("district", "chengguan")
    for page, who in ((citizen, "citizen"), (official, "official")):
        for name, path in (("404", "/nowhere"), ("405", "/signout"), ("link", f"/j/{NOWHERE}#x")):
            await page.goto(them.service.base + path)
            await look(them, page, f"{name}-{who}", who)
        await post(page, them.service.base, "/signin", {"username": "a"})
        await look(them, page, f"403-{who}", who)
        token = await page.evaluate("document.querySelector('[name=csrf_token]')?.value || ''")
        await post(page, them.service.base, "/signin", {"username": "a" * 70_000, "csrf_token": token})
        await look(them, page, f"413-{who}", who)
    await official.goto(f"{them.service.base}/administration")
    await look(them, official, "403-right-official", "official")
    await citizen.goto(them.service.base + "/progress")
    await citizen.evaluate(OFTEN)
    async with citizen.expect_navigation():
        await citizen.evaluate("document.querySelector('main form').submit()")
    await look(them, citizen, "429-citizen", "citizen")


async def post(page: Page, base: str, path: str, fields: dict[str, str]) -> None:
    await page.goto(base + "/progress")
    async with page.expect_navigation():
        await page.evaluate(POST, [path, fields])


async def look(them: Cast, page: Page, name: str, who: str) -> None:
    await page.wait_for_timeout(200)
    await them.wall.hang(page, name, f"{name}", sizes=BOTH, large=who == "citizen", whole=True)


async def papers(them: Cast) -> None:
    """The paper slip, on the screen and as a printer gets it."""
    official, base = await them.signed_in("district", "chengguan"), them.service.base
    database = Database(them.service.settings.database_url)
    try:
        async with database.session() as db:
            sitting = await db.get_one(Session, them.service.session_id)
            notice = Notice(
                channel=NoticeChannel.PAPER, template="booking_confirmed", template_version="1", text=TOLD,
                session_id=sitting.id, petition_id=sitting.petition_id,
                organisation_id=sitting.host_organisation_id, queued_at=SystemClock().now(),
            )  # fmt: skip
            db.add(notice)
            await db.commit()
    finally:
        await database.close()
    await official.goto(f"{base}/outbox/{notice.id}/slip")
    await them.wall.hang(official, "slip", "纸质通知单", whole=True)
    await official.emulate_media(media="print")
    await them.wall.hang(official, "slip-print", "纸质通知单，打印", sizes=(1280,), whole=True)
    await official.emulate_media(media="screen")


async def imported(them: Cast) -> None:
    """A sheet with forty rows that cannot be entered."""
    official, base = await them.signed_in("district", "chengguan"), them.service.base
    rows = [
        f"张某{n},{'楼道漏水' if n % 3 else ''},{'12' if n % 2 else '1380000' + str(1000 + n)}"
        for n in range(40)
    ]
    rows += [f"李某{n},路灯不亮三个月没有人修,1390000{2000 + n}" for n in range(5)]
    sheet = "\n".join(["姓名,事项,电话", *rows]).encode()
    await official.goto(base + "/imports")
    await them.wall.hang(official, "imports", "导入", whole=True)
    await official.locator("input[type=file]").set_input_files(
        [{"name": "旧系统.csv", "mimeType": "text/csv", "buffer": sheet}]
    )
    async with official.expect_navigation(url="**/imports/*"):
        await official.locator("main form button").first.click()
    await (
        official.get_by_text("没有导入").or_(official.get_by_text("不能导入")).first.wait_for(timeout=60_000)
    )
    await asyncio.sleep(1)
    await official.reload()
    await them.wall.hang(official, "import-report", "导入报告：四十行有错", whole=True)


async def stations(them: Cast) -> None:
    """The station's start page and the window for the hall."""
    page = await them.page("station")
    await page.goto(them.service.base + "/terminal/620102001")
    await page.wait_for_timeout(800)
    await them.wall.hang(page, "station", "接访点终端", large=True)
    official = await them.into_room("district", "chengguan")
    async with official.expect_popup() as popup:
        await official.locator('[data-action="hall"]').click()
    hall = await popup.value
    await hall.wait_for_timeout(2500)
    await them.wall.hang(hall, "hall", "大厅屏幕", sizes=(1280, *PHONES))
