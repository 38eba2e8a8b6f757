"""A matter that a citizen looks up: handled, rated, rated anew, a review asked for, another time proposed."""

from __future__ import annotations

from playwright.async_api import Page

from scheduling.booking.bookings import BookPublicly, book_publicly
from tests.cases.documents.papers import deliver_step
from tests.factories import make_slots
from tests.gallery.house import UNFOLD, Street
from tests.web.test_progress import HANDLED, HANDLER, Matter
from tests.web.test_slot_proposals import OWN, Wish

REVIEW = "form[action^='/progress/review']"
REASON = "上午区里开会，接访室占用"


async def concluded(them: Street) -> None:
    """A matter that was concluded: rated, rated anew, a review asked for."""
    house, matter = them.house, Matter(them.house)
    await matter.register()
    page = await them.phone()
    await them.go(page, "/progress", "progress-door", "查进度")
    await page.locator("main form button").first.click()
    await page.locator(".error-summary").wait_for()
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
    await page.evaluate(UNFOLD)
    await them.hang(page, "progress-open", "查进度：都展开")
    await rate(them, page)
    await review(them, page)


async def rate(them: Street, page: Page) -> None:
    """The unit's work, without an answer, with one, and with another."""
    card = page.locator("section[aria-labelledby=rating-unit]")
    await card.locator("button[type=submit]").click()
    await card.locator(".field-error").wait_for()
    await them.hang(page, "progress-rating-wrong", "评价办理：没有选")
    await page.locator("label[for=unit-2]").click()
    await card.locator("[name=words]").fill("太慢，催了三次。")
    await card.locator("button[type=submit]").click()
    await card.locator(".banner.is-good").wait_for()
    await them.hang(page, "progress-rated", "评价办理：记下了")
    await card.locator("summary").click()
    await page.locator("label[for=unit-3]").click()
    await them.hang(page, "progress-rating-change", "评价办理：修改")
    await card.locator("button[type=submit]").click()
    await card.locator(".steps li:nth-child(2)").wait_for()
    await them.hang(page, "progress-rerated", "评价办理：改过了")


async def review(them: Street, page: Page) -> None:
    """Opened, without a reason, asked for."""
    await page.locator(f"details:has({REVIEW}) > summary").click()
    await them.hang(page, "review-open", "请求复查：打开")
    await page.locator(f"{REVIEW} .button").click()
    await page.locator("#refused").wait_for()
    await them.hang(page, "review-wrong", "请求复查：没写理由")
    await page.locator("#reason").fill("没有到现场看，请再查一次。")
    await page.locator(f"{REVIEW} .button").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "review-asked", "请求复查：已收到")


async def ask(them: Street, page: Page, number: str, code: str) -> None:
    await page.goto(them.base + "/progress")
    await page.fill("#number", number)
    await page.fill("#query_code", code)
    await page.locator("main form button").first.click()
    await page.locator("main dl.facts").first.wait_for()


async def booked(them: Street, name: str, subject: str) -> Wish:
    """Somebody's reception for which the office proposes another time."""
    house = them.house
    async with house.database.session() as db:
        slots = list(await make_slots(db, house.clock, house.world.chengguan))
        command = BookPublicly(slots[0].id, name, "13900001111", subject, "")
        made = await book_publicly(db, house.clock, command)
    wish = Wish(house, made, slots)
    status, _ = await wish.propose(await house.official(OWN), other_reason=REASON)
    assert status == 303, status
    return wish


async def times(them: Street) -> None:
    """Another time: proposed, refused without and with a reason, proposed again, accepted."""
    wish = await booked(them, "张桂芳", "供暖不热")
    page = await them.phone()
    await ask(them, page, wish.booked.petition.number, wish.booked.query_code)
    await them.hang(page, "times", "改时间：提议")
    await page.locator("main details:has(#times_words) > summary").click()
    await them.hang(page, "times-open", "改时间：这个时间不行")
    await page.locator("button[value=asked_anew]").click()
    await page.locator("#times-refused").wait_for()
    await them.hang(page, "times-wrong", "改时间：没写为什么不行")
    await page.fill("#times_words", "上午要去医院，下午三点以后可以。")
    await page.locator("button[value=asked_anew]").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "times-asked", "改时间：请单位另提时间")
    status, _ = await wish.propose(await them.house.official(OWN), 2, other_reason=REASON)
    assert status == 303, status
    await ask(them, page, wish.booked.petition.number, wish.booked.query_code)
    await them.hang(page, "times-second", "改时间：又提议一次")
    await page.locator("button[value=accepted]").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "times-accepted", "改时间：同意了")


async def own_booking(them: Street) -> None:
    """A reception booked for a matter that is in the register; taken back again."""
    house, matter = them.house, Matter(them.house)
    await matter.register()
    page = await them.phone()
    await ask(them, page, matter.petition.number, matter.code)
    await page.locator("form[action='/progress/book'] button").click()
    await page.locator("h1").wait_for()
    await them.hang(page, "own-full", "再约：没有空闲的时间")
    async with house.database.session() as db:
        await make_slots(db, house.clock, house.world.chengguan)
    await ask(them, page, matter.petition.number, matter.code)
    await page.locator("form[action='/progress/book'] button").click()
    await page.locator("#slot").wait_for()
    await them.hang(page, "own-book", "再约：选时间")
    await page.locator("form[action='/progress/book/take'] button").click()
    await page.locator(".error-summary").wait_for()
    await them.hang(page, "own-wrong", "再约：没有选时间")
    await page.locator("label[for^=slot-]").first.click()
    await page.locator("form[action='/progress/book/take'] button").click()
    await page.locator(".banner.is-good").wait_for()
    await them.hang(page, "own-booked", "再约：提交了")
    await page.locator("details:has(form[action='/progress/cancel']) > summary").click()
    await them.hang(page, "own-cancel", "再约：要取消")
    await page.locator("form[action='/progress/cancel'] button").click()
    await page.locator("form[action='/progress/book']").wait_for()
    await them.hang(page, "own-cancelled", "再约：取消了")
