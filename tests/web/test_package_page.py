"""The page of an exported package in real Chromium, opened from disk: it plays, seeks and fetches nothing."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from recordings.evidence.manifest import canonical, moment_text
from recordings.evidence.signing import load_signer
from recordings.packages.export import PageContent, build_package
from recordings.packages.package import write_folder
from tests.recordings.exports import TWO, make_export, write_recording
from tests.recordings.synthetic import START
from tests.scenarios.browsers import needs_chromium
from tests.web.shown import paper
from tests.web.test_axe import CITIZEN, DESK, OFFICIAL, Looker
from tests.web.test_english import chinese_of
from web.language import CHINESE, ENGLISH, speak
from web.package_page import package_pages

PAPER = "a" * 32
FILM = "document.getElementById('film')"


async def until(page: Page, condition: str) -> None:
    """Wait for a condition; asked from here, because the page's own policy forbids code from text."""
    async with asyncio.timeout(60):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - the page has no event of ours.
            await asyncio.sleep(0.02)


async def near(page: Page, seconds: float) -> None:
    """Wait until the film stands, or has just gone on, there."""
    await until(page, f"Math.abs({FILM}.currentTime - {seconds}) < 0.6 && !{FILM}.seeking")


LINE = [1000, 1000, 9000, 9000]
SHEET = """() => {
  const figure = document.getElementById('exhibit');
  if (figure.hidden) return null;
  const [image, svg] = [figure.querySelector('img'), figure.querySelector('#sheet svg')];
  if (!image) return [document.getElementById('exhibit-missing').textContent];
  const [page, lines] = [image, svg].map((each) => each.getBoundingClientRect());
  const over = ['left', 'top', 'width', 'height'].every((side) => Math.abs(page[side] - lines[side]) < 1);
  return [image.naturalWidth, svg.childElementCount, over];
}"""


def show_papers(folder: Path, keys: Path) -> None:
    """Page 1 from second 1, a line on it from second 2; from second 5 page 2, which is missing."""
    content = paper("#fff8e0", "one")
    (folder / f"exhibits/{PAPER}").mkdir(parents=True)
    (folder / f"exhibits/{PAPER}/page-1.jpg").write_bytes(content)
    page = {"material_id": PAPER, "name": "合同 <b>", "pages": 2}
    told = (
        (1.0, "shown", page | {"page": 1}), (2.0, "drawn", page | {"page": 1, "points": LINE}),
        (5.0, "turned", page | {"page": 2}), (6.0, "ended", page | {"page": 2, "cause": "stopped"}),
    )  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_bytes())
    who = manifest["participants"][0]["participant_id"]
    manifest["session_events"] += [
        {
            "sequence": 100 + number, "at": moment_text(START + timedelta(seconds=at)), "monotonic_ms": 0,
            "kind": f"material.{kind}", "actor_name": "王芳", "participant_id": who, "data": data,
        }
        for number, (at, kind, data) in enumerate(told)
    ]  # fmt: skip
    entry = {"material_id": PAPER, "name": "合同 <b>", "media_type": "image/jpeg", "sm3": "0" * 64}
    sealed = {"page": 1, "path": f"exhibits/{PAPER}/page-1.jpg", "size": len(content), "sha256": "0" * 64}
    missing = {"page": 2, "path": f"exhibits/{PAPER}/page-2.jpg", "size": 0, "missing": "damaged"}
    manifest["exhibits"] = [entry | sealed, entry | missing]
    data = canonical(manifest)
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sig").write_bytes(canonical(load_signer(keys).sign(data)))


async def _opened(chrome: Browser, width: int, package: Path, trouble: list[str]) -> Page:
    """The page of a package without any network; what it complains of is added to `trouble`."""
    context = await chrome.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
    await context.set_offline(True)
    page = await context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    await page.goto((package / "index.html").as_uri())
    await until(page, f"{FILM}.readyState >= 1")
    return page


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_the_page_shows_documents_at_their_seconds(tmp_path: Path, chrome: Browser) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys")
    show_papers(tmp_path / "rec", tmp_path / "keys")
    (tmp_path / "room").mkdir()
    export, signer = make_export(tmp_path / "rec"), load_signer(tmp_path / "keys")
    write_folder(build_package(export, signer, package_pages(), tmp_path / "room"), tmp_path / "out")
    trouble: list[str] = []
    for width in (CITIZEN, DESK):
        page = await _opened(chrome, width, tmp_path / "out", trouble)
        for second, wanted in (
            (0.5, "null"), (1.5, "[565,0,true]"), (2.5, "[565,1,true]"),
            (5.5, '["没有保存下来：文件损坏"]'), (7, "null"), (2.5, "[565,1,true]"),
        ):  # fmt: skip
            await page.evaluate(f"{FILM}.currentTime = {second}")
            await until(page, f"JSON.stringify(({SHEET})()) === {json.dumps(wanted)}")
        assert await page.inner_text("#exhibit-words") == "李建国 · 合同 <b>，第 1 页，共 2 页"
        await page.click("#exhibit-close")
        assert await page.evaluate("(([, , over]) => over)((" + SHEET + ")())")
        await page.focus("#exhibit-view")
        await page.keyboard.press("ArrowRight")
        await until(page, "document.getElementById('exhibit-view').scrollLeft > 0")
        assert await page.evaluate(f"{FILM}.currentTime") == 2.5, "the key scrolled and did nothing else"
        assert not trouble, trouble
        eyes = Looker(page, "")
        await eyes.look("package with documents")
        assert not eyes.faults, "\n".join(eyes.faults)
        trouble.clear()
        await page.click("[data-list=exhibits] li:nth-child(2) a")
        await until(page, f"JSON.stringify(({SHEET})()).includes('文件损坏')")
        await page.context.close()


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_a_clip_shows_the_documents_that_lie_in_it(tmp_path: Path, chrome: Browser) -> None:
    """From second 4 on: the page that was up then, with its line, on the clip's own time."""
    write_recording(tmp_path / "rec", tmp_path / "keys")
    show_papers(tmp_path / "rec", tmp_path / "keys")
    (tmp_path / "room").mkdir()
    export, signer = make_export(tmp_path / "rec", (4.1, 5.9)), load_signer(tmp_path / "keys")
    write_folder(build_package(export, signer, package_pages(), tmp_path / "room"), tmp_path / "out")
    trouble: list[str] = []
    for width in (CITIZEN, DESK):
        page = await _opened(chrome, width, tmp_path / "out", trouble)
        for second, wanted in ((0.5, "[565,1,true]"), (1.5, '["没有保存下来：文件损坏"]')):
            await page.evaluate(f"{FILM}.currentTime = {second}")
            await until(page, f"JSON.stringify(({SHEET})()) === {json.dumps(wanted)}")
        assert await page.locator("[data-list=exhibits] li").count() == 2
        assert not trouble, trouble
        await page.evaluate(f"{FILM}.currentTime = 0.5")
        await until(page, f"JSON.stringify(({SHEET})()) === '[565,1,true]'")
        await page.screenshot(path=tmp_path / f"clip-{width}.png", full_page=True)
        await page.context.close()


SCREENED = "马秀英"


def test_a_clip_names_nobody_who_is_screened_in_its_film(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys")
    show_papers(tmp_path / "rec", tmp_path / "keys")
    manifest = json.loads((tmp_path / "rec" / "manifest.json").read_bytes())
    person = manifest["participants"][0] | {"name": SCREENED}
    who = person["participant_id"]
    manifest["participants"][0] = person
    veil = {
        "sequence": 900, "at": moment_text(START + timedelta(seconds=7.9)), "monotonic_ms": 0,
        "kind": "veil.began", "actor_name": "王芳", "participant_id": who, "data": {},
    }  # fmt: skip
    raised = veil | {
        "sequence": 901,
        "at": moment_text(START + timedelta(seconds=2.2)),
        "kind": "hand.raised",
    }
    spoken = {"spans": [[who, round(START.timestamp() * 1000) + 2100, 900]]}
    noted = veil | {"sequence": 902, "kind": "speech.noted", "actor_name": None, "data": spoken}
    manifest["session_events"] += [veil, raised | {"actor_name": SCREENED}, noted]
    for event in manifest["session_events"]:
        if event["kind"] == "material.shown":
            event["data"]["name"] = f"{SCREENED}的合同"
    for entry in manifest["exhibits"]:
        entry["name"] = f"{SCREENED}的合同"
    data = canonical(manifest)
    (tmp_path / "rec" / "manifest.json").write_bytes(data)
    (tmp_path / "room").mkdir()
    for span, named in (((0.5, 3.5), False), (None, True)):
        export, signer = make_export(tmp_path / "rec", span), load_signer(tmp_path / "keys")
        package = build_package(export, signer, package_pages(), tmp_path / "room")
        write_folder(package, tmp_path / f"{named}")
        texts = [
            path.read_text(encoding="utf-8")
            for path in sorted((tmp_path / f"{named}").rglob("*"))
            if path.suffix in (".html", ".txt", ".json", ".sig")
        ]
        assert any(SCREENED in text for text in texts) is named
    page = (tmp_path / "False" / "index.html").read_text(encoding="utf-8")
    assert "举手" in page and page.count("已屏蔽") >= 4  # The hand, the speech, and twice who showed it.
    assert "出示的材料，第 1 页" in page


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_the_page_plays_from_disk_without_a_network(tmp_path: Path, chrome: Browser) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys", "城关区供暖问题联合接访 <b>")
    (tmp_path / "room").mkdir()
    package = build_package(
        make_export(tmp_path / "rec"), load_signer(tmp_path / "keys"), package_pages(), tmp_path / "room"
    )
    write_folder(package, tmp_path / "导出 #1")
    asked: list[str] = []
    trouble: list[str] = []
    for width in (OFFICIAL, DESK):
        context = await chrome.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
        await context.set_offline(True)
        page = await context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        await page.goto((tmp_path / "导出 #1" / "index.html").as_uri())
        await until(page, f"{FILM}.readyState >= 1")
        await page.evaluate(f"{FILM}.muted = true")
        await page.click("[data-list=speeches] a")
        await near(page, 4.0)
        assert await page.inner_text("#now") != ""
        await page.keyboard.press("Space")
        await until(page, f"{FILM}.paused")
        await page.keyboard.press("ArrowLeft")
        await near(page, 0.0)
        for wanted in (2.0, 3.0, 4.0):
            await page.keyboard.press("ArrowDown")
            await near(page, wanted)
        await page.keyboard.press("ArrowUp")
        await near(page, 3.0)
        assert "继续" in await page.inner_text("[data-list=events] [aria-current]")
        await page.keyboard.press("ArrowRight")
        await until(page, f"{FILM}.currentTime > 5")  # Further than any row: forward, not to the next one.
        await page.click("[data-speed='3']")
        assert await page.evaluate(f"{FILM}.playbackRate") == 3
        small = await page.evaluate(
            "[...document.querySelectorAll('button, .rows a')]"
            ".filter((e) => e.getBoundingClientRect().height < 44).length"
        )
        assert small == 0
        assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20
        assert not trouble, trouble
        eyes = Looker(page, "")
        await eyes.look("package")
        assert not eyes.faults, "\n".join(eyes.faults)
        await page.screenshot(path=tmp_path / f"package-{width}.png", full_page=True)
        trouble.clear()  # The policy of the page refused what axe wanted to fetch.
        await context.close()
    assert asked and all(url.startswith(("file:", "data:")) for url in asked), asked


def told_in(language: str, contents: list[PageContent]) -> list[dict[str, bytes]]:
    speak(language)
    try:
        return [package_pages()(content) for content in contents]
    finally:
        speak(CHINESE)


def test_the_page_is_in_the_language_of_who_exports_and_the_texts_stay_chinese(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys")
    contents: list[PageContent] = []

    def keep(content: PageContent) -> dict[str, bytes]:
        contents.append(content)
        return {}

    for span in (None, (2.0, 5.0)):
        (tmp_path / f"{span}").mkdir()
        export, signer = make_export(tmp_path / "rec", span), load_signer(tmp_path / "keys")
        build_package(export, signer, keep, tmp_path / f"{span}")
    people = [party.name for party in TWO] + ["王芳", "马秀英"]
    typed = ["核对材料", "城关区供暖问题联合接访", "城关区信访局", "市局复查调阅", "赵敏", *people]
    offices = [party.organisation or "" for party in TWO]
    chinese, english = told_in(CHINESE, contents), told_in(ENGLISH, contents)
    for before, after, words in zip(chinese, english, ("Exported by", "Asked for"), strict=True):
        page = after["index.html"].decode()
        assert 'lang="zh-CN"' in before["index.html"].decode() and 'lang="en"' in page and words in page
        assert chinese_of(page, sorted(filter(None, typed + offices), key=len, reverse=True)) == []
        for name in ("events.txt", "HOW-TO-VERIFY.txt"):
            assert before[name] == after[name], name
        paused = [line for line in before["events.txt"].decode().splitlines() if "暂停" in line]
        assert [line.endswith("王芳（原因：<b>核对材料</b>）") for line in paused] == [True]
        assert "&lt;b&gt;核对材料&lt;/b&gt;</q>" in before["index.html"].decode()
