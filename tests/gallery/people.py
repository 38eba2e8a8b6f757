"""Who stands before the camera: browsers with a drawn person each, citizens, officials and guests."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, Page

from tests.gallery.wall import SIZES, Wall
from tests.journey.run import DRAWN
from tests.scenarios.browsers import until
from tests.scenarios.parties import PATIENCE, diagnostics
from tests.scenarios.service import Service
from tests.scenarios.troubles import PHONE_SCRIPT
from web.demo.people import PASSWORD

# What sends pictures and voices, to be stopped.
PEERS = """window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); peers.push(this); }
};
window.fallSilent = () => {
  for (const each of peers.flatMap((peer) => peer.getSenders())) each.replaceTrack(null);
};
"""
COLOURS = ("46, 92, 138", "120, 60, 50", "60, 110, 80", "110, 80, 140", "130, 100, 40", "40, 110, 120")


@dataclass
class Cast:
    """Given: a running service and a browser. Owned: a context for each person, by name."""

    service: Service
    browser: Browser
    wall: Wall
    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)

    async def page(self, name: str, phone: bool = False) -> Page:
        """The page of that person, made when it is first asked for."""
        if name in self.pages:
            return self.pages[name]
        context = await self.browser.new_context(
            viewport=SIZES[390 if phone else 1280],  # type: ignore[arg-type]
            has_touch=phone, locale="zh-CN", timezone_id="Asia/Shanghai",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        number = len(self.pages)
        colour = COLOURS[number % len(COLOURS)]
        await context.add_init_script(DRAWN % {"colour": colour, "tone": 300 + 90 * number})
        await context.add_init_script(PHONE_SCRIPT + PEERS)
        self.contexts[name], self.pages[name] = context, await context.new_page()
        return self.pages[name]

    async def signed_in(self, name: str, username: str) -> Page:
        """An official of the demonstration, on the board."""
        if name in self.pages:
            await self.pages[name].goto(self.service.base + "/board")
            return self.pages[name]
        page = await self.page(name)
        await page.goto(self.service.base + "/signin")
        await page.fill("[name=username]", username)
        await page.fill("[name=password]", PASSWORD)
        await page.click("main form button[type=submit]")
        await page.wait_for_url("**/board")
        return page

    async def into_room(self, name: str, username: str) -> Page:
        """A signed-in official in the room of the demonstration's session."""
        page = await self.signed_in(name, username)
        await page.goto(f"{self.service.base}/sessions/{self.service.session_id}/room")
        await until(lambda: in_room(page), 60, f"{name} is in the room")
        return page

    async def leave(self, name: str) -> None:
        await self.contexts.pop(name).close()
        del self.pages[name]


async def in_room(page: Page) -> bool:
    return await diagnostics(page, "place") == "room"
