"""The window for the hall in real Chromium: a document as large as it goes, two people beside it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from scheduling.materials.material import MaterialKind
from scheduling.materials.rendering import Rendered
from scheduling.materials.uploading import Draft, keep_material
from scheduling.session import Session
from signaling.exhibit import Exhibit
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.shown import NAME, paper
from tests.web.test_axe import Looker, database_system  # noqa: F401
from tests.web.test_minutes import arrange
from tests.web.test_minutes_page import citizen_in_room, signed_in
from web.keys import REGISTRY
from web.pages.materials import STORE

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
# Share of the stage's area that the document has, and the roles of the tiles that are seen.
LOOK = """() => {
  const area = (node) => { const box = node.getBoundingClientRect(); return box.width * box.height; };
  const seen = [...document.querySelectorAll(".tile")].filter((tile) => area(tile) > 0);
  return {
    share: area(document.querySelector(".document")) / area(document.querySelector(".stage")),
    tiles: seen.map((tile) => tile.querySelector(".tile-name").textContent).sort(),
    tall: Math.min(...seen.map((tile) => tile.getBoundingClientRect().height)) / innerHeight,
  };
}"""


async def show_paper(house: House, session: Session) -> None:
    """The host has the first page of a paper up."""
    live, actor = house.server.app[REGISTRY].rooms[session.id], house.world.actor("chengguan.receptionist")
    async with house.database.session() as db:
        draft = Draft(actor, session.id, NAME, b"pdf", "1" * 64)
        rendered = Rendered(MaterialKind.PDF, [paper("#fff8e0", "one")])
        material = await keep_material(db, house.clock, house.server.app[STORE], draft, rendered)
    host = next(each for each in live.room.in_room() if each.role == "host")
    live.room.exhibit = Exhibit(material.id, NAME, 1, host.id)
    live.changed()


async def layout_of(hall: Page, layout: str) -> None:
    await hall.locator("[data-part=layout]").select_option(layout)
    await expect(hall.locator("[data-part=stage]")).to_have_attribute("data-layout", layout or "auto")


async def test_a_document_fills_the_hall_with_two_people_beside_it(house: House, chrome: Browser) -> None:
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    await host.page.goto(f"{host.base}/sessions/{session.id}/room")
    citizen = await citizen_in_room(house, chrome, session)
    await host.page.get_by_role("button", name="准入").click(timeout=30_000)
    await citizen.page.get_by_role("button", name="回到接访").click(timeout=30_000)
    city = await signed_in(house, chrome, "city.receptionist")
    await city.page.goto(f"{city.base}/sessions/{session.id}/room")
    await expect(host.page.locator("[data-part=people] .seat")).to_have_count(3, timeout=30_000)
    async with host.page.expect_popup() as opened:
        await host.page.locator("[data-action=hall]").click()
    hall = Looker(await opened.value, host.base)
    await hall.page.set_viewport_size({"width": 1920, "height": 1080})
    await expect(hall.page.locator(".tile")).to_have_count(3, timeout=30_000)
    await layout_of(hall.page, "")
    await show_paper(house, session)
    await expect(hall.page.locator(".exhibit-page")).to_be_visible(timeout=30_000)
    before = await hall.page.evaluate(LOOK)
    assert len(before["tiles"]) == 3
    await layout_of(hall.page, "evidence")
    await hall.look("hall, evidence")
    seen = await hall.page.evaluate(LOOK)
    assert seen["share"] > 0.7 and seen["tall"] > 0.3 > before["tall"], (before, seen)
    assert len(seen["tiles"]) == 2 and "李德福" in seen["tiles"], seen
    await hall.page.set_viewport_size({"width": 1280, "height": 720})
    await hall.look("hall, evidence")
    assert (await hall.page.evaluate(LOOK))["share"] > 0.65
    assert not hall.faults, "\n".join(hall.faults)
