"""Pictures of every page and state, in normal and large type, what was found on them, one page with all."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page

from tests.axe import violations
from tests.journey.measures import LARGE, Told, announcers, measure

STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2rem}"
    "figure{display:inline-block;vertical-align:top;margin:0 1rem 2rem 0}"
    "img{display:block;border:1px solid #999;max-width:360px}.wide img{max-width:960px}"
    "figcaption{max-width:360px}li{margin:.2rem 0}"
)


@dataclass
class Album:
    """Without a folder nothing is kept, and pages are only measured. `faults` is what they fail in."""

    folder: Path | None
    measured: bool = True
    faults: list[str] = field(default_factory=list)
    heard: dict[str, list[Told]] = field(default_factory=dict)
    _shots: list[tuple[str, str, list[str]]] = field(default_factory=list)

    async def citizen(self, page: Page, name: str, words: str, measured: bool = True) -> None:
        """A page of the citizen: in normal and in large type, whole; then measured."""
        if self.folder:
            files = [await self._shot(page, f"{name}-normal")]
            await page.evaluate(LARGE % "true")
            files.append(await self._shot(page, f"{name}-large"))
            await page.evaluate(LARGE % "false")
            self._shots.append((words, "phone", files))
        if self.measured and measured:
            with_axe = not await page.locator("video").count()
            self.faults += [f"{name}: {each}" for each in await measure(page, with_axe)]

    async def official(self, page: Page, name: str, words: str, whole: bool = False) -> None:
        """A page of an official, as much as the screen shows or whole."""
        if self.folder:
            self._shots.append((words, "wide", [await self._shot(page, name, whole)]))
        # Pages with pictures of people in them are held to axe elsewhere, where nothing else runs.
        if self.measured and not await page.locator("video").count():
            self.faults += [f"{name}: {each}" for each in await violations(page)]
        if self.measured:
            self.faults += [f"{name}: {each}" for each in await announcers(page, fewest=0)]

    async def moment(self, page: Page, name: str, words: str) -> None:
        """A state that passes by itself: the picture only."""
        if self.folder:
            self._shots.append((words, "phone", [await self._shot(page, name)]))

    def bind(self) -> Path | None:
        """Write the index page; returns where it is."""
        if not self.folder:
            return None
        parts = ["<!doctype html><meta charset=utf-8><title>视频接访</title>", f"<style>{STYLE}</style>"]
        for words, kind, files in self._shots:
            images = "".join(f'<a href="{each}"><img src="{each}" alt=""></a>' for each in files)
            caption = f"<figcaption>{html.escape(words)}</figcaption>"
            parts.append(f'<figure class="{kind}">{caption}{images}</figure>')
        parts += ["<h2>没有达到的</h2>", *(f"<p>{html.escape(each)}</p>" for each in self.faults)]
        for name, told in self.heard.items():
            parts.append(f"<h2>说出来的：{name}</h2><ol>")
            parts += [f"<li>{one.at / 1000:.1f} {one.region}：{html.escape(one.words)}</li>" for one in told]
            parts.append("</ol>")
        index = self.folder / "index.html"
        index.write_text("\n".join(parts), "utf-8")
        return index

    async def _shot(self, page: Page, name: str, whole: bool = True) -> str:
        assert self.folder is not None
        # A page over the page fills the screen; more of it is seen only by scrolling.
        whole = whole and not await page.locator("dialog[open]").count()
        file = f"{len(self._shots):02}-{name}.png"
        await page.screenshot(path=self.folder / file, full_page=whole, animations="disabled")
        return file
