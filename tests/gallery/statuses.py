"""Every status that a page of trouble has, forced: some of them hardly anybody ever meets."""

from __future__ import annotations

import tempfile
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser

from cases.database import Database
from tests.databases import DatabaseServer
from tests.factories import PASSWORD
from tests.gallery.wall import Wall
from tests.life.stage import set_up
from web.http.errors import PAGES, bare_page, trouble
from web.pages import home

OFFICIAL = "chengguan.receptionist"
BARE = 0


def refused(request: web.Request, *given: object, **more: object) -> web.Response:
    """In place of the first page: the trouble that the query names."""
    status = int(request.query["status"])
    return bare_page(request, 500, *PAGES[500][:2]) if status == BARE else trouble(request, status)


async def statuses(wall: Wall, browser: Browser) -> None:
    """At desk and phone width, for citizens in large type too."""
    shown = home.page
    with tempfile.TemporaryDirectory(prefix="lxgallery") as folder:
        server = DatabaseServer(Path(folder))
        database = Database(server.create("sqlite"))
        try:
            async with set_up(database, browser, Path(folder) / "var") as stage:
                home.page = refused  # type: ignore[assignment]
                for who in ("王秀兰", OFFICIAL):
                    page, kind = await stage.page_of(who), "official" if who == OFFICIAL else "citizen"
                    if who == OFFICIAL:
                        await page.goto(stage.base + "/signin")
                        await page.fill("[name=username]", stage.world.officials[OFFICIAL].username)
                        await page.fill("[name=password]", PASSWORD)
                        await page.click("main form button[type=submit]")
                        await page.wait_for_url("**/board")
                    for status in (*PAGES, BARE):
                        await page.goto(f"{stage.base}/?status={status}")
                        large, name = kind == "citizen", f"status-{status}-{kind}"
                        await wall.hang(page, name, name, whole=True, large=large, sizes=(1280, 390))
        finally:
            home.page = shown
            await database.close()
