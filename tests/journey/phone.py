"""The citizen: a phone of 360 × 740, from the message to the receipt. Every tap is counted."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from playwright.async_api import Locator, Page

from tests.journey.album import Album
from tests.scenarios.browsers import diagnostics, until

PHONE = {"width": 360, "height": 740}
LYING = {"width": 740, "height": 360}
PATIENCE = 60_000
CODE = re.compile(r"验证码是 (\d{6})")


@dataclass
class Phone:
    """One citizen's browser page; `taps` is how often the screen was touched."""

    page: Page
    album: Album
    taps: int = 0
    entered: float = field(default=0.0)

    async def tap(self, what: Locator) -> None:
        await what.click(timeout=PATIENCE)
        self.taps += 1

    async def press(self, words: str) -> None:
        """The button or link with these words."""
        both = self.page.get_by_role("button", name=words).or_(self.page.get_by_role("link", name=words))
        await self.tap(both.locator("visible=true").first)

    async def act(self, name: str) -> None:
        await self.tap(self.page.locator(f'[data-action="{name}"]:visible').first)

    async def on(self, screen: str, timeout: float = PATIENCE) -> None:
        """Until that screen of the room is shown."""
        await self.page.locator(f'[data-screen="{screen}"]').wait_for(state="visible", timeout=timeout)

    async def look(self, name: str, words: str, measured: bool = True) -> None:
        await self.album.citizen(self.page, name, words, measured)

    # The way to the waiting room

    async def open_link(self, link: str) -> None:
        self.taps = 0
        await self.page.goto(link)
        await self.page.locator("[data-part=facts]").wait_for(timeout=PATIENCE)

    async def start(self) -> None:
        await self.act("start")
        await self.page.locator("input[name=code]").wait_for(timeout=PATIENCE)

    async def type_code(self, text: str) -> None:
        """The code of the message goes into the field, which has the focus already."""
        found = CODE.search(text)
        assert found is not None, text
        field = self.page.locator("input[name=code]")
        if not await field.evaluate("(node) => node === document.activeElement"):
            await self.tap(field)
        await self.page.keyboard.type(found[1])
        await self.press("继续")
        await self.page.get_by_role("button", name="同意并继续").wait_for(timeout=PATIENCE)

    async def check_devices(self, looking: bool = False) -> None:
        """From the one button to the waiting room, whatever the check asks."""
        await self.on("switch_on")
        if looking:
            await self.look("switch-on", "打开摄像头和麦克风：只有一个按钮")
        await self.act("switch_on")
        for screen, yes in (
            ("check_picture", "picture_yes"),
            ("check_voice", "voice_yes"),
            ("check_sound", "sound_yes"),
        ):
            await self.on(screen)
            if looking:
                await self.page.wait_for_timeout(700)  # A picture and a level to look at.
                await self.look(screen.replace("_", "-"), "设备检查")
            await self.act(yes)
        await self.on("waiting")

    async def straight_to_waiting_room(self, link: str, code: object) -> int:
        """The shortest way; `code` is asked for the text of the message. Returns the taps it took."""
        await self.open_link(link)
        await self.start()
        await self.type_code(await code())  # type: ignore[operator]
        await self.press("同意并继续")
        await self.check_devices()
        return self.taps

    # In the room

    async def called_at(self) -> float:
        """Date.now() of the first remote picture."""
        await until(lambda: diagnostics(self.page, "firstFrameAt"), 20, "the first picture", every=0.05)
        return float(await diagnostics(self.page, "firstFrameAt"))

    async def sign(self, pad: Locator) -> None:
        """Three strokes by finger."""
        await pad.scroll_into_view_if_needed()
        box = await pad.bounding_box()
        assert box is not None
        for begin in (0.15, 0.4, 0.65):
            x, y = box["x"] + box["width"] * begin, box["y"] + box["height"] * 0.25
            await self.page.mouse.move(x, y)
            await self.page.mouse.down()
            for step in range(12):
                await self.page.mouse.move(
                    x + step * box["width"] * 0.015, y + (step % 5) * box["height"] * 0.1
                )
            await self.page.mouse.up()


def now_ms() -> float:
    """As Date.now() of a page on this machine."""
    return time.time() * 1000
