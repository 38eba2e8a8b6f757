"""Papers on their pages: a whole case in a real browser, each paper read out of its PDF, and who may what."""

from __future__ import annotations

import os
from pathlib import Path

import pypdfium2
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from cases.people import PersonDetails
from cases.petitions import Channel, PetitionCase, RegisterPetition, register_petition
from cases.policy import SYSTEM
from tests.axe import violations
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import WIDER
from tests.web.test_officials_pages import enter

SHOTS = os.environ.get("LIANXIN_SHOTS")
KEEPER, HANDLER, HEAD = "chengguan.receptionist", "housing.handler", "housing.unit_head"
REVIEWER, RECHECKER, ADMIN = "chengguan.reviewer", "province.reviewer", "city.sysadmin"
FACTS, REASONS = "经现场查看，三单元楼道顶部渗水。", "屋面防水层老化，属于保修范围。"
TEXTS = {"facts": FACTS, "reasons": REASONS, "demand": "请求修理漏水的楼道。", "opinion": "九月底前修好。"}


async def register(house: House) -> tuple[PetitionCase, str]:
    person = PersonDetails("李德福", "13800001234", address="城关区酒泉路 12 号")
    subject, told = "楼道漏水三个月无人修", "请求修理漏水的楼道，赔偿墙面损失 1200 元。"
    command = RegisterPetition(Channel.VISIT, subject, told, person, house.world.chengguan.id)
    async with house.database.session() as db:
        return await register_petition(db, house.clock, SYSTEM, command)


def words_of(body: bytes) -> str:
    """The text of a PDF without line ends: a search finds words across them."""
    assert body.startswith(b"%PDF-")
    pages = pypdfium2.PdfDocument(body)
    return "".join(page.get_textpage().get_text_range() for page in pages).replace("\r\n", "")


class Desk:
    """One official at a real browser, on the page of one case."""

    def __init__(self, house: House, page: Page, petition: PetitionCase) -> None:
        self.house, self.page, self.petition = house, page, petition
        self.seen: set[str] = set()
        self.base = f"http://127.0.0.1:{house.server.port}"

    async def sign_in(self, key: str) -> None:
        await self.page.context.clear_cookies()
        await enter(self.page, self.house, key)

    async def step(self, code: str, **typed: str) -> None:
        page = self.page
        await page.goto(f"{self.base}/cases/{self.petition.id}")
        form = page.locator(f'form[action$="/steps/{code}"]')
        await page.locator("details", has=form).locator("summary").click()
        for name, value in typed.items():
            field = form.locator(f"[name={name}]")
            if await field.evaluate("node => node.tagName") == "SELECT":
                await field.select_option(value)
            else:
                await field.fill(value)
        await form.locator("button[type=submit]").click()
        await page.wait_for_url(lambda url: url.endswith("#handling"))
        assert await page.locator("[role=alert]").count() == 0, await page.inner_text("[role=alert]")

    async def issue(self, kind: str, **typed: str) -> str:
        """From the button on the case's page over the preview to the paper; its text out of the PDF."""
        page = self.page
        await page.goto(f"{self.base}/cases/{self.petition.id}")
        await page.click(f'a[href$="/documents/new/{kind}"]')
        for name, value in typed.items():
            await page.fill(f"[name={name}]", value)
        await page.click("button[value=preview]")
        await page.wait_for_selector(".letter")
        await self.shot(f"preview-{kind}")
        await page.click("button[value=issue]")
        await page.wait_for_selector("#delivery")
        answer = await page.request.get(page.url + "/pdf")
        if SHOTS:
            Path(SHOTS, f"{kind}.pdf").write_bytes(await answer.body())
        return words_of(await answer.body())

    async def deliver(self, way: str, proof: str, **typed: str) -> None:
        page = self.page
        await page.select_option("[name=service]", way)
        await page.fill("[name=proof]", proof)
        for name, value in typed.items():
            await page.fill(f"[name={name}]", value)
        await page.click("#delivery button[type=submit]")
        await page.wait_for_selector("#delivery dl")
        await self.shot("delivered")

    async def shot(self, name: str) -> None:
        """One look at each kind of page is enough."""
        kind = name.partition("-")[0]
        if kind in self.seen and not SHOTS:
            return
        self.seen.add(kind)
        for width in (360, 1280):
            await self.page.set_viewport_size({"width": width, "height": 900})
            assert not await violations(self.page), name
            assert not await self.page.evaluate(WIDER), (name, width)
            if SHOTS:
                await self.page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_whole_case_with_its_papers(house: House, chrome: Chromium) -> None:
    petition, code = await register(house)
    page = await (await chrome.new_context(viewport={"width": 1280, "height": 900})).new_page()
    desk = Desk(house, page, petition)
    await desk.sign_in(KEEPER)
    await desk.step("classify", **{"class": "claim", "way": "handle", "words": "楼道漏水。"})
    await desk.step("assign", unit=house.world.housing.id, days="45", words="请依法办理。")
    sheet = await desk.issue("assignment_sheet")
    assert "城关区信访局信交〔2026〕1号" in sheet and "请于2026年9月7日前反馈办理结果" in sheet
    await desk.deliver("in_person", "收文簿第 12 号")
    await desk.sign_in(HANDLER)
    await desk.step("accept", words="决定受理。")
    accepted = await desk.issue("acceptance_notice")
    assert "信访事项受理告知书" in accepted and "最迟2026年9月20日" in accepted
    await desk.deliver("post", "EMS 1090")
    await desk.sign_in(HEAD)
    await desk.step("extend", days="20", words="要做房屋鉴定。")
    extended = await desk.issue("extension_notice")
    assert "延长办理期限20日" in extended and "2026年10月10日为止" in extended
    await desk.deliver("sms", "短信 7781")
    await desk.sign_in(HANDLER)
    await desk.step("conclude", conclusion="support", words="九月底前修好。")
    opinion = await desk.issue("handling_opinion", **TEXTS)
    for words in (FACTS, REASONS, "《信访工作条例》第三十二条", "30日内", "李德福：", "（印章）"):
        assert words in opinion, words
    await desk.deliver("left", "照片一张", witness="社区干部张梅")
    report = await desk.issue("closing_report", facts=FACTS)
    assert "办结报告" in report
    assert "楼道漏水" in await ask(desk, petition.number, code)
    await desk.sign_in(KEEPER)
    await desk.step("request_review", reviewer=house.world.chengguan.id, words="不服。")
    await desk.sign_in(REVIEWER)
    assert "即2026年8月21日前" in await desk.issue("review_receipt")
    await desk.step("decide_review", result="uphold", words="维持处理意见。")
    review = await desk.issue("review_opinion", **TEXTS)
    assert "维持。" in review and "书面向兰州市信访局或者甘肃省信访局请求复核" in review
    await desk.deliver("in_person", "签收单")
    await desk.sign_in(KEEPER)
    await desk.step("request_recheck", reviewer=house.world.province.id, words="仍不服。")
    await desk.sign_in(RECHECKER)
    at = {"hearing_at": "2026年8月10日9时", "hearing_place": "省信访局二楼听证室", "matter": "由谁维修。"}
    assert "省信访局二楼听证室" in await desk.issue("hearing_notice", **at)
    await desk.step("decide_recheck", result="uphold", words="维持复查意见。")
    assert "本意见为信访终结意见" in await desk.issue("recheck_opinion", **TEXTS)
    await desk.deliver("in_person", "签收单")
    await desk.sign_in(KEEPER)
    await desk.step("terminate", ground="rechecked", words="复核意见已经送达。")
    assert "复核意见已送达。" in await desk.issue("termination_notice")
    await desk.deliver("in_person", "签收单")
    await desk.step("close", words="归档。")
    await page.goto(f"{desk.base}/cases/{petition.id}")
    await desk.shot("case")
    assert await page.locator("#documents .person").count() == 10
    await page.context.close()


async def ask(desk: Desk, number: str, code: str) -> str:
    """As the petitioner: the progress, one paper kept, its receipt confirmed."""
    page = desk.page
    await page.context.clear_cookies()
    await page.goto(f"{desk.base}/progress")
    await page.fill("[name=number]", number)
    await page.fill("[name=query_code]", code)
    await page.click("main form button[type=submit]")
    await page.wait_for_selector(".own-document")
    titles = await page.locator(".own-document h3").all_inner_texts()
    assert titles == ["信访事项受理告知书", "信访事项延长办理期限告知书", "信访事项处理意见书"]
    await desk.shot("own")
    async with page.expect_download() as waiting:
        await page.locator(".own-document").nth(2).locator("button").first.click()
    download = await waiting.value
    assert download.suggested_filename == "handling_opinion-2026-1.pdf"
    kept = words_of(Path(await download.path()).read_bytes())
    await page.locator(".own-document").nth(2).locator("button", has_text="我已收到").click()
    await page.wait_for_selector("[role=status]:not(:empty)")
    assert await page.locator("button", has_text="我已收到").count() == 2
    return kept
