"""Where lives are played: the server on a database of its own, people at browsers, a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page

from cases.clock import BEIJING
from cases.database import Database, new_id
from cases.organisations import Organisation, OrganisationKind, Tier
from cases.policy import SYSTEM
from cases.roles import Role
from scheduling.booking.slots import OpenSlots, create_room, open_slots
from tests.axe import violations
from tests.clock import FixedClock
from tests.factories import PASSWORD, World, add_post, make_official, make_world
from tests.life.papers import Paper
from tests.web.test_axe import WIDER
from web.app import create_app
from web.http.limits import RateLimits
from web.keys import LIMITS
from web.setting_groups import DatabaseSettings, InboundSettings, ReceptionSettings
from web.settings import Settings

WIDTHS = (390, 1280)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SECOND = ("social", "城关区人力资源和社会保障局", "城关区人社局")


@dataclass
class Stage:
    """`folder`: where papers are kept, None: nowhere; with `pictures` also every page.

    `faults`: what was found wrong.
    """

    base: str
    clock: FixedClock
    world: World
    browser: Browser
    folder: Path | None
    pictures: bool = True
    faults: list[str] = field(default_factory=list)
    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    shots: int = 0
    # How much has happened, and how much had when a page was loaded: what is fresh is not loaded again.
    happened: int = 0
    fresh: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(BEIJING).date()

    async def page_of(self, who: str) -> Page:
        """The browser of an official, or of a citizen for any other name."""
        if who not in self.pages:
            citizen = "." not in who
            self.contexts[who] = await self.browser.new_context(
                viewport=PHONE if citizen else DESK,  # type: ignore[arg-type]
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
            )
            self.pages[who] = await self.contexts[who].new_page()
        return self.pages[who]

    async def look(self, page: Page, name: str) -> None:
        """A picture at both widths, with what axe and the width say; nothing where no folder is named."""
        if self.folder is None or not self.pictures:
            return
        self.shots += 1
        before = page.viewport_size
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 844})
            file = self.folder / f"{self.shots:03}-{name}-{width}.png"
            await page.screenshot(path=file, full_page=True)
            found = await violations(page) + await page.evaluate(WIDER)
            self.faults += [f"{self.shots:03}-{name} @{width}: {each}" for each in found]
        if before:
            await page.set_viewport_size(before)

    def keep(self, paper: Paper, number: str) -> None:
        if self.folder is not None:
            (self.folder / f"{number}-{paper.kind}.pdf").write_bytes(paper.content)


@asynccontextmanager
async def set_up(
    database: Database, browser: Browser, state: Path, folder: Path | None = None, pictures: bool = True
) -> AsyncIterator[Stage]:
    """Offices and officials, a second unit, times to book; then the server, until the end."""
    clock = FixedClock()
    async with database.session() as db:
        world = await make_world(db, clock)
        key, name, short = SECOND
        district, department = world.chengguan, OrganisationKind.DEPARTMENT
        unit = Organisation(
            id=new_id(), region_code=district.region_code, name=name, short_name=short,
            tier=Tier.DISTRICT, kind=department, parent_id=district.id,
        )  # fmt: skip
        world.organisations[key] = unit
        db.add(unit)
        for role, official in ((Role.HANDLER, "马晓芸"), (Role.UNIT_HEAD, "韩卫东")):
            world.officials[f"{key}.{role}"] = made = make_official(clock, f"{key}-{role}", official)
            add_post(clock, made, unit, role)
            db.add(made)
        # A recheck is asked of the office above the reviewer's (Art. 36).
        world.officials["city.reviewer"] = above = make_official(clock, "city-reviewer", "曹建平")
        add_post(clock, above, world.city, Role.REVIEWER)
        db.add(above)
        await db.commit()
        room = await create_room(db, clock, SYSTEM, district.id, "第一视频接访室")
        start = clock.now() + timedelta(days=1)
        await open_slots(db, clock, SYSTEM, OpenSlots(room.id, start, start + timedelta(hours=2)))
    url = database.url.render_as_string(hide_password=False)
    settings = Settings(
        state=state, database=DatabaseSettings(url), reception=ReceptionSettings(identity=False), demo=True,
        inbound=InboundSettings("", "", district.region_code),
    )  # fmt: skip
    app = create_app(settings, clock)
    app[LIMITS] = RateLimits(now=lambda: clock.now().timestamp())
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    stage = Stage(f"http://127.0.0.1:{server.port}", clock, world, browser, folder, pictures)
    try:
        yield stage
    finally:
        for context in stage.contexts.values():
            await context.close()
        await server.close()


__all__ = ["PASSWORD", "Stage", "set_up"]
