"""The officials of three tiers: signed in, on screens of 1920 × 1080."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page

from tests.journey.album import Album
from tests.scenarios.browsers import diagnostics, until
from tests.scenarios.parties import confirm
from web.demo.people import PASSWORD

SCREEN = {"width": 1920, "height": 1080}
PATIENCE = 60_000
LINK = re.compile(r"https?://\S+/j/\w+#[\w-]+")
# When the button was pressed, by the clock that pages on this machine share.
PRESSED = """document.addEventListener('click', (event) => {
  if (event.target.closest('[data-command=admit]')) window.admittedAt = Date.now();
}, true);"""


@dataclass
class Desk:
    """One official's page; a second one beside the console is opened with `beside`."""

    page: Page
    base: str
    session: str
    album: Album

    @property
    def minutes(self) -> str:
        return f"{self.base}/sessions/{self.session}/minutes"

    async def sign_in(self, username: str) -> None:
        await self.page.goto(self.base + "/signin")
        await self.page.fill("[name=username]", username)
        await self.page.fill("[name=password]", PASSWORD)
        await self.page.click("main form button[type=submit]")
        await self.page.wait_for_url("**/board")

    async def look(self, name: str, words: str, whole: bool = False) -> None:
        await self.album.official(self.page, name, words, whole)

    async def open(self, path: str) -> None:
        answer = await self.page.goto(self.base + path)
        assert answer is not None and answer.status == 200, (path, answer and answer.status)

    async def act(self, name: str) -> None:
        await self.page.locator(f'[data-action="{name}"]:visible').first.click(timeout=PATIENCE)

    def button(self, words: str) -> Locator:
        return self.page.get_by_role("button", name=words)

    async def tab(self, name: str) -> None:
        await self.page.locator(f"#tab-{name}").click(timeout=PATIENCE)

    async def confirm(self) -> None:
        await confirm(self.page)

    # Before the session

    async def send_link(self, name: str) -> None:
        """A personal link for that person, sent by message."""
        await self.open(f"/sessions/{self.session}")
        await self.page.get_by_role("button", name=re.compile(f"链接.*{name}")).click(timeout=PATIENCE)
        await self.page.get_by_text("已经用短信发给本人").wait_for(timeout=PATIENCE)

    async def newest_message(self, having: str) -> str:
        """The text of the last message of the outbox with these words in it."""

        async def read() -> str:
            await self.open("/outbox")
            texts = self.page.locator(".outbox-text", has_text=having)
            return await texts.first.inner_text() if await texts.count() else ""

        return str(await until(read, 15, f"a message with {having}", every=0.3))

    # In the room

    async def enter(self) -> None:
        await self.open(f"/sessions/{self.session}/room")
        await until(lambda: self._in_room(), 60, "the official is in the room")

    async def admit(self, name: str) -> float:
        """Call somebody in; returns Date.now() of the press."""
        row = self.page.locator('[data-part="lobby"] li', has_text=name).first
        await row.get_by_role("button", name="准入").click(timeout=PATIENCE)
        return float(await self.page.evaluate("window.admittedAt"))

    async def begin(self) -> None:
        await self.act("open")
        await self.confirm()
        await until(lambda: self._state_is("live"), 60, "the session is live")

    async def close(self) -> None:
        await self.act("close")
        await self.confirm()
        await until(lambda: self._state_is("closed"), 60, "the session is closed")

    async def layout(self, value: str) -> None:
        await self.page.locator("#layout").select_option(value)
        await self.page.locator("h1").first.evaluate("() => document.activeElement.blur()")
        await self.page.wait_for_timeout(900)

    async def write(self, kind: str, text: str) -> None:
        """A paragraph of the minutes, as a clerk types it."""
        await self.page.locator(f'[data-insert="{kind}"]').click(timeout=PATIENCE)
        await self.page.keyboard.type(text)
        await self.page.locator(".minutes-state", has_text="已保存").wait_for(timeout=PATIENCE)

    async def conducts(self) -> bool:
        """Whether the host's part is here."""
        return await self.page.locator('[data-action="close"]').is_visible()

    async def _in_room(self) -> bool:
        return await diagnostics(self.page, "place") == "room"

    async def _state_is(self, state: str) -> bool:
        return await diagnostics(self.page, "sessionState") == state
