"""Officials at their pages and citizens at theirs: all by links, forms and buttons of a real browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page

from tests.factories import PASSWORD
from tests.life.papers import Paper
from tests.life.stage import Stage

CLOCKS = """() => [
  ...document.querySelectorAll('[aria-labelledby=clocks-title] .person')].map((row) => ({
  title: row.querySelector('.person-name').textContent.trim(),
  told: (row.querySelector('p.person-note') || {textContent: ''}).textContent.trim(),
  why: [...row.querySelectorAll('details p')].map((each) => each.textContent.trim()),
}))"""
PROGRESS = """() => {
  const text = (node) => node.innerText.trim();
  const all = (what) => [...document.querySelectorAll(what)].map(text);
  const facts = [...document.querySelectorAll('dl.facts > div')].map((row) =>
    [row.querySelector('dt').innerText.trim(), row.querySelector('dd').innerText.trim()]);
  const h2 = [...document.querySelectorAll('h2')].find((each) => each.innerText.includes('办到哪一步'));
  const rows = [];  // Of a long history the first steps are folded.
  for (let part = h2.nextElementSibling; part && part.tagName !== 'H2'; part = part.nextElementSibling) {
    rows.push(...part.querySelectorAll('ol.steps > li, :scope > li'));
  }
  const steps = rows.map((row) => row.lastChild.textContent.trim());
  return {facts: Object.fromEntries(facts), steps, papers: all('.own-document h3'),
    why: [...document.querySelectorAll('dl.facts + details p')].map((each) => each.textContent.trim())};
}"""
# What is written into the fields of papers that begin empty.
TEXTS = {
    "facts": "经现场查看和调取资料，反映的情况基本属实。",
    "reasons": "依照有关规定，属于本单位职责，应当在期限内解决。",
    "demand": "请求依法解决。",
    "opinion": "责成有关单位按期整改，并把结果书面告知信访人。",
    "requirement": "请依法按政策办理，按期书面答复信访人。",
    "procedure": "由本单位按信访程序办理。",
    "response": "信访人表示知晓。",
    "matter": "争议的事实由谁举证、责任由谁承担。",
    "hearing_at": "2026年9月10日9时",
    "hearing_place": "兰州市信访局二楼听证室",
    "contact": "信访科 0931-0000000",
}


@dataclass(frozen=True)
class Told:
    """The citizen's page of the progress."""

    facts: Mapping[str, str]
    steps: list[str]
    papers: list[str]
    why: list[str]


class Desk:
    """An official; whoever was signed out by the night signs in again."""

    def __init__(self, stage: Stage, who: str, page: Page) -> None:
        self.stage, self.who, self.page = stage, who, page

    @classmethod
    async def of(cls, stage: Stage, who: str) -> Desk:
        return cls(stage, who, await stage.page_of(who))

    async def to_case(self, case: str) -> None:
        """The page of the case, as it is now."""
        now = (case, self.stage.happened)
        if self.stage.fresh.get(self.who) != now:
            await self.open(f"/cases/{case}")
            self.stage.fresh[self.who] = now

    async def open(self, path: str) -> int:
        """Returns the status of the page."""
        self.stage.fresh.pop(self.who, None)
        answer = await self.page.goto(self.stage.base + path)
        if "/signin" in self.page.url:
            await self.page.fill("[name=username]", self.stage.world.officials[self.who].username)
            await self.page.fill("[name=password]", PASSWORD)
            await self.page.click("main form button[type=submit]")
            await self.page.wait_for_url(lambda url: "/signin" not in url)
            answer = await self.page.goto(self.stage.base + path)
        assert answer is not None
        return answer.status

    async def step(self, case: str, code: str, **typed: str) -> None:
        """Take a step of the case by its form."""
        await self.to_case(case)
        form = self.page.locator(f'form[action$="/steps/{code}"]')
        await self.page.locator("details", has=form).locator("summary").click()
        await fill(form, typed)
        await self.stage.look(self.page, f"step-{code}")
        await form.locator("button[type=submit]").click()
        await self.page.wait_for_url(lambda url: url.endswith("#handling"))
        alerts = self.page.locator("#handling [role=alert]")
        assert await alerts.count() == 0, await alerts.first.inner_text()
        self.stage.happened += 1
        self.stage.fresh[self.who] = (case, self.stage.happened)

    async def refused(self, case: str, code: str, **typed: str) -> str:
        """Try a step that is not to be taken; returns what the page says."""
        await self.open(f"/cases/{case}")
        form = self.page.locator(f'form[action$="/steps/{code}"]')
        await self.page.locator("details", has=form).locator("summary").click()
        await fill(form, typed)
        await form.locator("button[type=submit]").click()
        await self.page.wait_for_url(lambda url: url.endswith("#handling"))
        return await self.page.locator("#handling [role=alert]").first.inner_text()

    async def issue(self, case: str, kind: str, **typed: str) -> Paper:
        """From the button on the case's page over the preview to the paper."""
        page = self.page
        await self.to_case(case)
        self.stage.fresh.pop(self.who)
        await page.click(f'a[href$="/documents/new/{kind}"]')
        for field in await page.locator("main form [name]:is(input:not([type=hidden]), textarea)").all():
            name = str(await field.get_attribute("name"))
            if name in typed or not await field.input_value():
                await field.fill(typed.get(name, TEXTS.get(name, "")))
        if self.stage.folder is not None and self.stage.pictures:
            await page.click("button[value=preview]")
            await page.wait_for_selector(".letter")
            await self.stage.look(page, f"preview-{kind}")
        await page.click("button[value=issue]")
        await page.wait_for_selector("#delivery")
        self.stage.happened += 1
        await self.stage.look(page, f"paper-{kind}")
        answer = await page.request.get(page.url + "/pdf")
        assert answer.status == 200
        office = await page.locator(".letter-office").inner_text()
        recipient = await page.locator(".letter-to").inner_text()
        return Paper(
            kind, page.url.removeprefix(self.stage.base), await answer.body(), office,
            recipient=recipient.rstrip("："), day=self.stage.today,
        )  # fmt: skip

    async def deliver(self, paper: Paper, service: str, proof: str, **typed: str) -> None:
        """Note the delivery on the page of the paper."""
        if not self.page.url.endswith(paper.path):
            await self.open(paper.path)
        form = self.page.locator('form[action$="/deliveries"]:has([name=service])')
        refused = typed.pop("refused", "")
        await fill(form, {"service": service, "proof": proof, **typed})
        if refused:
            await form.locator("[name=refused]").check()
        await form.locator("button[type=submit]").click()
        await self.page.wait_for_selector("#delivery dl")
        self.stage.happened += 1
        await self.stage.look(self.page, f"delivered-{paper.kind}")

    async def clocks(self, case: str) -> list[dict[str, Any]]:
        """The card 期限 of the case's page."""
        await self.to_case(case)
        found: list[dict[str, Any]] = await self.page.evaluate(CLOCKS)
        return found

    async def finds(self, number: str) -> bool:
        """Whether the register shows this number when it is looked for."""
        await self.open(f"/cases?search={number}")
        return await self.page.locator("main tbody a", has_text=number).count() > 0


class Citizen:
    """Somebody with a telephone, a number and a query code."""

    def __init__(self, stage: Stage, page: Page) -> None:
        self.stage, self.page = stage, page

    @classmethod
    async def of(cls, stage: Stage, who: str = "citizen") -> Citizen:
        return cls(stage, await stage.page_of(who))

    async def ask(self, number: str, code: str, look: str = "") -> Told:
        """The page of the progress, asked for by number and code."""
        page = self.page
        await page.goto(self.stage.base + "/progress")
        await page.fill("[name=number]", number)
        await page.fill("[name=query_code]", code)
        await page.click("main form button[type=submit]")
        await page.wait_for_selector("h1:has-text('LZ')")
        if look:
            for each in await page.locator("details > summary").all():
                await each.click()
            await self.stage.look(page, look)
        return Told(**await page.evaluate(PROGRESS))

    async def keep(self, title: str) -> bytes:
        """Save a paper; the page is that of `ask`."""
        paper = self.page.locator(".own-document", has=self.page.locator("h3", has_text=title))
        async with self.page.expect_download() as waiting:
            await paper.locator("button", has_text="保存这份文书").click()
        path = await (await waiting.value).path()
        return path.read_bytes()

    async def confirm(self, title: str) -> None:
        """Say that it was received."""
        paper = self.page.locator(".own-document", has=self.page.locator("h3", has_text=title))
        await paper.locator("button", has_text="我已收到").click()
        self.stage.happened += 1
        await self.page.wait_for_selector("[role=status]:not(:empty)")

    async def rate(self, rated: str, score: str, words: str) -> None:
        """Rate or change a rating; the page is that of `ask`."""
        card = self.page.locator(f"section[aria-labelledby=rating-{rated}]")
        if not await card.locator("[name=words]").is_visible():
            await card.locator("summary").click()
        await card.locator(f"label[for={rated}-{score}]").click()
        await card.locator("[name=words]").fill(words)
        await card.locator("button[type=submit]").click()
        await self.page.locator(".banner.is-good").wait_for()

    async def given(self, rated: str) -> list[str]:
        """All ratings of one, oldest first, with their words."""
        rows = self.page.locator(f"section[aria-labelledby=rating-{rated}] ol li")
        return [text.partition("\n")[2] for text in await rows.all_inner_texts()]


async def fill(form: Locator, typed: Mapping[str, str]) -> None:
    """Each field by what it is."""
    for name, value in typed.items():
        field = form.locator(f"[name={name}]")
        kind = await field.first.evaluate("node => node.tagName === 'SELECT' ? 'select' : node.type")
        if kind == "select":
            await field.select_option(value)
        elif kind == "radio":
            await form.locator(f'[name={name}][value="{value}"]').check()
        else:
            await field.fill(value)
