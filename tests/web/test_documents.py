"""Papers on their pages: a whole case in a real browser, each paper read out of its PDF, and who may what."""

from __future__ import annotations

import os
import re
from pathlib import Path

import aiohttp
import pypdfium2
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page
from sqlalchemy import select

from cases.documents.delivering import MOST_PROOF
from cases.documents.letter import Letter
from cases.documents.template import Paragraph
from cases.handling.taking import take_step
from cases.people import PersonDetails
from cases.petitions import Channel, PetitionCase, RegisterPetition, register_petition
from cases.policy import SYSTEM
from scheduling.notices.notice import Notice
from tests.axe import violations
from tests.clock import FixedClock
from tests.factories import make_petition
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import TOKEN, Browser, House
from tests.web.papers import make_papers
from tests.web.test_axe import WIDER
from tests.web.test_threads import Pocket
from web.letters.pdf import letter_pdf
from web.tending.messages import MESSENGER

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
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

    official: Browser

    def __init__(self, house: House, page: Page, petition: PetitionCase) -> None:
        self.house, self.page, self.petition = house, page, petition
        self.seen: set[str] = set()
        self.base = f"http://127.0.0.1:{house.server.port}"

    async def sign_in(self, key: str) -> None:
        await self.page.context.clear_cookies()
        self.official = await self.house.seat(self.page.context, key)

    async def step(self, code: str, **typed: str) -> None:
        """By the form on the page of the case, each of its fields; a browser fills it in in tests/life."""
        here = f"/cases/{self.petition.id}"
        form = (await (await self.official.get(here)).text()).partition(f'action="{here}/steps/{code}"')[2]
        assert form, f"{code} is not offered"
        assert all(f'name="{name}"' in form.partition("</form>")[0] for name in typed), code
        answer = await self.official.send(here, f"{here}/steps/{code}", **typed)
        assert answer.status == 303, await answer.text()
        assert answer.headers["Location"].endswith("#handling")

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
    assert "最迟2026年8月21日。" in await desk.issue("review_receipt")
    await desk.step("decide_review", result="uphold", words="维持处理意见。")
    review = await desk.issue("review_opinion", **TEXTS)
    assert "维持。" in review and "书面向兰州市信访局请求复核" in review
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


def letter(paragraphs: int, text: str = "一段话。") -> Letter:
    told = tuple(Paragraph(f"第{number}段{text}") for number in range(paragraphs))
    return Letter("城关区住建局", "处理意见书", "信处〔2026〕1号", "李德福", told, "2026年7月22日")


def test_no_heading_stays_behind_alone() -> None:
    told = [Paragraph(f"第{number}段。") for number in range(10)]
    told += [Paragraph("四、依据", heading=True), Paragraph("第三十四条。"), Paragraph("联系方式：信访科")]
    made = Letter("城关区住建局", "受理告知书", "信受〔2026〕1号", "李德福", tuple(told), "2026年7月22日")
    pages = list(pypdfium2.PdfDocument(letter_pdf(made, FixedClock().now())))
    first, last = (page.get_textpage().get_text_range() for page in pages)
    assert "第9段" in first and "四、依据" not in first and "四、依据" in last


@pytest.mark.parametrize("before", range(9, 15))
def test_no_last_line_of_a_paragraph_goes_over_to_the_next_page_alone(before: int) -> None:
    told = [Paragraph(f"第{number}段。") for number in range(before)]
    told += [Paragraph("一、依据", heading=True), Paragraph("请您在法定期限内向上述机关提出。" * 2 + "尾")]
    told += [Paragraph("联系方式：信访科")]
    made = Letter("城关区住建局", "告知书", "信导〔2026〕1号", "李德福", tuple(told), "2026年7月22日")
    pages = list(pypdfium2.PdfDocument(letter_pdf(made, FixedClock().now())))
    texts = [page.get_textpage().get_text_range() for page in pages]
    where = [next(n for n, text in enumerate(texts) if part in text) for part in ("一、依据", "请您在", "尾")]
    assert len(set(where)) == 1, texts


@pytest.mark.parametrize("paragraphs", [8, 11, 12, 13, 14, 16])
def test_no_signature_stands_alone_on_a_page(paragraphs: int) -> None:
    body = letter_pdf(letter(paragraphs), FixedClock().now())
    last = list(pypdfium2.PdfDocument(body))[-1].get_textpage()
    words = last.get_text_range()
    assert "2026年7月22日" in words and "段" in words
    below = last.get_charbox(words.index("（印章）"))[1]
    assert below > 90, "within the body of the page: 35 mm are 99 points"


def test_no_line_begins_with_what_belongs_before_it_and_no_number_is_broken() -> None:
    text = "请在（LZ2026-000123，2026-07-22）" * 30
    pages = pypdfium2.PdfDocument(letter_pdf(letter(1, text), FixedClock().now()))
    lines = [line for page in pages for line in page.get_textpage().get_text_range().split("\r\n")]
    body = [line for line in lines if "请在" in line or "LZ2026" in line]
    assert len(body) > 15
    assert not [line for line in body if line[0] in "），。" or line[-1] == "（"]
    assert "".join(body).count("LZ2026-000123") == sum(line.count("LZ2026-000123") for line in body) == 30


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_an_administrator_writes_a_template_and_nobody_else_sees_them(house: House) -> None:
    admin, keeper = await house.official(ADMIN), await house.official(KEEPER)
    assert (await keeper.get("/templates")).status == 403
    assert "信访事项处理意见书" in await (await admin.get("/templates")).text()
    here = "/templates/handling_opinion"
    assert (await admin.get("/templates/love_letter")).status == 404
    typed = {"title": "信访处理意见书", "body": "{gossip}", "since": ""}
    refused = await admin.send(here, here, **typed, act="save")
    assert refused.status == 422 and "没有这些空格：gossip。" in await refused.text()
    refused = await admin.send(here, here, **(typed | {"body": "{number}"}), act="save")
    assert "法规要求写明：信访诉求、查明的事实" in await refused.text()
    places = ("number", "demand", "facts", "reasons", "opinion", "basis", "remedies")
    body = "\n".join(["# <b>小标题</b>", *(f"{{{name}}}" for name in places)])
    shown = await admin.send(here, here, **(typed | {"body": body}), act="preview")
    text = await shown.text()
    assert shown.status == 200 and "<h4>&lt;b&gt;小标题&lt;/b&gt;</h4>" in text and "还没有自己的版本" in text
    kept = await admin.send(here, here, **(typed | {"body": body}), act="save")
    assert kept.status == 303
    assert "第 1 版" in await (await admin.get(here)).text()
    assert "本单位模板" in await (await admin.get("/templates")).text()


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_proof_is_uploaded_and_opened_by_who_may(house: House) -> None:
    petition, document = await make_papers(house)
    keeper, other = await house.official(KEEPER), await house.official("xigu.receptionist")
    here = f"/cases/{petition}/documents/{document}"
    assert (await other.get(here)).status == (await other.get(f"{here}/pdf")).status == 404
    wrong = await deliver(keeper, here, b"MZ not a picture", "virus.png")
    assert wrong.status == 422 and "凭证请用 JPEG、PNG 或者 PDF 文件。" in await wrong.text()
    assert (await deliver(keeper, here, bytes(MOST_PROOF * 2), "big.png")).status == 413
    assert (await deliver(keeper, here, PNG, "../../凭证.png")).status == 303
    page = await (await keeper.get(here)).text()
    found = re.search(rf'href="({here}/deliveries/[0-9a-f]+)"', page)
    assert found and "已送达" in page
    answer = await keeper.get(found[1])
    assert answer.content_type == "image/png" and await answer.read() == PNG
    assert answer.headers["Content-Disposition"] == 'inline; filename="proof.png"'
    assert (await other.get(found[1])).status == 404
    assert (await deliver(keeper, here, PNG, "again.png")).status == 422


async def deliver(official: Browser, here: str, content: bytes, name: str) -> aiohttp.ClientResponse:
    token = TOKEN.search(await (await official.get(here)).text())
    assert token
    form = aiohttp.FormData({"csrf_token": token[1], "service": "post", "recipient": "城关区住建局"})
    form.add_field("file", content, filename=name, content_type="image/png")
    return await official.post(f"{here}/deliveries", form)


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_who_has_no_code_gets_no_paper_and_internal_ones_are_nobodys(house: House) -> None:
    petition, code = await register(house)
    _, internal = await make_papers(house)
    citizen = house.browser()
    for path in (f"/progress/documents/{internal}", f"/progress/documents/{'0' * 32}"):
        for typed in (code, "wrong"):
            answer = await citizen.send("/progress", path, number=petition.number, query_code=typed)
            assert answer.status == 404, path
            received = f"{path}/received"
            answer = await citizen.send("/progress", received, number=petition.number, query_code=typed)
            assert answer.status == (404 if typed == code else 422)


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_long_opinion_is_no_larger_than_its_form_may_be(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        steps: list[tuple[str, str, dict[str, str]]] = [
            (KEEPER, "classify", {"class": "claim", "way": "handle", "words": "修屋顶"}),
            (KEEPER, "forward", {"unit": house.world.housing.id, "words": "请办理"}),
            (HANDLER, "accept", {"words": "受理"}),
            (HANDLER, "conclude", {"conclusion": "support", "words": "修好。"}),
        ]
        for who, step, given in steps:
            await take_step(db, house.clock, house.world.actor(who), petition.id, step, given)
    house.server.app[MESSENGER].gateway = Pocket()
    handler = await house.official(HANDLER)
    here = f"/cases/{petition.id}/documents/new/handling_opinion"
    bare = await handler.send(
        here, here, act="issue", demand="", facts="", reasons="", opinion="", basis="规定"
    )
    text = await bare.text()
    assert bare.status == 422 and "请填写查明的事实。" in text and 'href="#reasons"' in text
    assert "请写明依据的名称和条款" in text
    long = dict.fromkeys(("demand", "facts", "reasons", "opinion"), "长" * 2900)
    basis = "《信访工作条例》第三十二条"
    assert (await handler.send(here, here, act="issue", basis=basis, **long)).status == 303
    again = await handler.send(here, here, act="issue", basis=basis, **long)
    assert again.status == 422 and "这份文书刚刚已经出具" in await again.text()
    async with house.database.session() as db:
        assert list(await db.scalars(select(Notice.template))) == ["document_ready"], "told with the paper"
