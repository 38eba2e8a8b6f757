"""Pictures of one state at every width, what is wrong with them, and one page on which they all hang."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page

from tests.journey.measures import LARGE, WIDER

# A desk, a telephone of today and a small one.
SIZES = {
    1280: {"width": 1280, "height": 720},
    390: {"width": 390, "height": 844},
    360: {"width": 360, "height": 740},
}
PHONES = (390, 360)
LYING = {"width": 740, "height": 360}  # A small telephone on its side.
SETTLED = 350  # Milliseconds until a page that got another size is drawn, videos included.
# Controls that fingers do not hit: officials have 44 px, citizens 64 px where measures.py asks for it.
SMALL = """() => [...document.querySelectorAll('button, select, summary, a.button')]
  .filter((e) => e.checkVisibility())
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.5 || box.width < 43.5))
  .map(([e, box]) => `small ${e.textContent.trim().slice(0, 12)} ${box.width | 0}x${box.height | 0}`)"""
# What stands upon what a finger looks for: the middle of each control belongs to the control.
COVERED = """() => [...document.querySelectorAll('button, a.button, select')]
  .filter((e) => e.checkVisibility() && !e.disabled)
  .filter((e) => {
    const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    if (!box.width || x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
    for (let box = e.parentElement; box; box = box.parentElement) {
      const edge = box.getBoundingClientRect();
      if (getComputedStyle(box).overflowY !== 'visible' && (y < edge.top || y > edge.bottom)) return false;
    }
    const top = document.elementFromPoint(x, y);
    const lies = document.querySelector('dialog[open]') && !e.closest('dialog');
    return !lies && top && !e.contains(top) && !top.contains(e) && !top.closest('.is-sticky, header, nav');
  })
  .map((e) => `covered ${e.textContent.trim().slice(0, 12)}`)"""
STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2rem}figure{margin:0 0 2.5rem}figcaption{font-weight:700}"
    "div{display:flex;gap:1rem;align-items:flex-start;overflow-x:auto}img{border:1px solid #999;height:480px}"
)


@dataclass
class Wall:
    """Where pictures hang. Given: a folder, at most which widths; kept: what each shows, what is wrong."""

    folder: Path
    sizes: tuple[int, ...] = tuple(SIZES)
    faults: list[str] = field(default_factory=list)
    _hung: list[tuple[str, list[str]]] = field(default_factory=list)

    async def hang(
        self, page: Page, name: str, words: str, *, whole: bool = False, large: bool = False,
        sizes: tuple[int, ...] = tuple(SIZES),
    ) -> None:  # fmt: skip
        """One state. `whole`: all of the page, not one screen of it; `large`: in citizens' large type too."""
        files, before = [], page.viewport_size
        for size in [each for each in sizes if each in self.sizes]:
            await page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
            await page.wait_for_timeout(SETTLED)
            files.append(await self._shot(page, f"{name}-{size}", whole))
            for script in (WIDER, COVERED, *((SMALL,) if size in PHONES else ())):
                self.faults += [f"{name} @{size}: {each}" for each in await page.evaluate(script)]
            if large:
                await page.evaluate(LARGE % "true")
                files.append(await self._shot(page, f"{name}-{size}-large", whole))
                self.faults += [f"{name} @{size} large: {each}" for each in await page.evaluate(WIDER)]
                await page.evaluate(LARGE % "false")
        if before:
            await page.set_viewport_size(before)
        self._hung.append((words, files))

    async def lay(self, page: Page, name: str, words: str) -> None:
        """The phone on its side: what is seen without scrolling, in large type too."""
        before, files = page.viewport_size, list[str]()
        await page.set_viewport_size(LYING)  # type: ignore[arg-type]
        for large in ("false", "true"):
            await page.evaluate(LARGE % large)
            await page.wait_for_timeout(SETTLED)
            files.append(await self._shot(page, f"{name}-lying{'-large' * (large == 'true')}", False))
            self.faults += [f"{name} lying: {each}" for each in await page.evaluate(WIDER)]
        await page.evaluate(LARGE % "false")
        if before:
            await page.set_viewport_size(before)
        self._hung.append((f"{words}，手机横放", files))

    def bind(self) -> Path:
        """Write the page with all pictures; returns where it is."""
        parts = [f"<!doctype html><meta charset=utf-8><title>画面</title><style>{STYLE}</style>"]
        for words, files in self._hung:
            images = "".join(f'<a href="{each}"><img src="{each}" alt=""></a>' for each in files)
            parts.append(f"<figure><figcaption>{html.escape(words)}</figcaption><div>{images}</div></figure>")
        parts += [f"<p>{html.escape(each)}</p>" for each in self.faults]
        index = self.folder / "index.html"
        index.write_text("\n".join(parts), "utf-8")
        return index

    async def _shot(self, page: Page, name: str, whole: bool) -> str:
        file = f"{name}.png"
        await page.screenshot(path=self.folder / file, full_page=whole, animations="disabled")
        return file
