"""A house of its own for each scene: a server on a fresh database, telephones in either language."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from cases.database import Database
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import issue_link
from scheduling.sessions.invitations import Invitee
from tests.clock import FixedClock
from tests.databases import DatabaseServer
from tests.factories import find_invitation, make_session, make_world
from tests.gallery.wall import SIZES, Wall
from tests.web.conftest import House
from tests.web.test_identity import CODE, Phone
from tests.web.test_links import Given
from web.app import create_app
from web.http.access import LINK_COOKIE
from web.keys import SETTINGS
from web.language import COOKIE
from web.setting_groups import DatabaseSettings, OidcSettings, ReceptionSettings, RecordingsSettings
from web.settings import Settings
from web.tending.messages import MESSENGER

PROVIDER = OidcSettings(
    "https://id.example.gov.cn/authorize", "https://id.example.gov.cn/token", "x", "x", "x"
)
ENGLISH = "en"
UNFOLD = "for (const each of document.querySelectorAll('main details')) each.open = true;"


@dataclass
class Street:
    """Given: a house, a browser, a wall, the language. Owned: the telephones that were opened."""

    house: House
    browser: Chromium
    wall: Wall
    language: str
    phones: list[Page] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.house.server.port}"

    async def phone(self) -> Page:
        """Nobody's telephone yet."""
        context = await self.browser.new_context(
            viewport=SIZES[390], has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai",  # type: ignore[arg-type]
        )  # fmt: skip
        context.set_default_timeout(15_000)
        if self.language:
            cookie = {"name": COOKIE, "value": self.language, "url": self.base}
            await context.add_cookies([cookie])  # type: ignore[list-item]
        self.phones.append(await context.new_page())
        return self.phones[-1]

    async def holder(self, given: Given) -> Page:
        """A telephone that has opened this link already."""
        client, page = self.house.browser(), await self.phone()
        status, _ = await given.exchange(client)
        assert status == 200, status
        cookie = {
            "name": LINK_COOKIE,
            "value": client.cookie(LINK_COOKIE),
            "url": f"{self.base}/j/{given.code}",
        }
        await page.context.add_cookies([cookie])  # type: ignore[list-item]
        return page

    async def official(self, key: str) -> Page:
        """Signed in, on no page yet."""
        page = await self.phone()
        await self.house.seat(page.context, key)
        return page

    async def link(self, role: InvitationRole = InvitationRole.PETITIONER, name: str = "") -> Given:
        """A link to a session that begins now; of somebody else than the petitioner by `role` and `name`."""
        house = self.house
        async with house.database.session() as db:
            invitees = [Invitee(InvitationRole.HOST, name="王芳", organisation_id=house.world.chengguan.id)]
            if name:
                invitees.append(Invitee(role, name=name))
            session = await make_session(db, house.clock, house.world, invitees=tuple(invitees))
            invitation = await find_invitation(db, session, role)
            secret = await issue_link(db, house.clock, SYSTEM, invitation.id)
            return Given(session.id, invitation.id, invitation.code, secret)

    async def hang(self, page: Page, name: str, words: str, sizes: tuple[int, ...] = tuple(SIZES)) -> None:
        """The whole page, in large type too."""
        tail = f"-{self.language}" if self.language else ""
        await self.wall.hang(page, name + tail, words + tail, whole=True, large=True, sizes=sizes)

    async def go(self, page: Page, path: str, name: str, words: str) -> None:
        await page.goto(self.base + path)
        await page.wait_for_timeout(300)
        await self.hang(page, name, words)


@asynccontextmanager
async def street(browser: Chromium, wall: Wall, language: str, strict: bool = False) -> AsyncIterator[Street]:
    """Build, hand over, pull down; `strict`: who people are is asked, codes are known beforehand."""
    with tempfile.TemporaryDirectory(prefix="lxgallery") as folder:
        database, clock = Database(DatabaseServer(Path(folder)).create("sqlite")), FixedClock()
        async with database.session() as db:
            world = await make_world(db, clock)
        url = database.url.render_as_string(hide_password=False)
        state = Path(folder) / "var"
        state.mkdir(mode=0o700)
        settings = Settings(
            state=state, demo=True, database=DatabaseSettings(url),
            reception=ReceptionSettings(identity=False),
            recordings=RecordingsSettings(least_free_share=0),
        )  # fmt: skip
        app = create_app(settings, clock)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        if strict:
            reception = ReceptionSettings(identity=True, unrecorded=True)
            app._state[SETTINGS] = replace(settings, reception=reception, oidc=PROVIDER)
            messenger = app[MESSENGER]
            messenger.gateway = Phone()
            messenger.secrets = replace(messenger.secrets, make_code=lambda: CODE)
        made = Street(House(server, settings, database, clock, world), browser, wall, language)
        try:
            yield made
        finally:
            for page in made.phones:
                await page.context.close()
            for client in made.house.browsers:
                await client.http.close()
            await server.close()
            await database.close()
